/** The page put together: the project, the image at hand, the keyboard and the panels. */
import { About } from './about.js';
import { Assistant } from './assistant.js';
import { Attributes } from './attributes.js';
import { Conflicts } from './conflicts.js';
import { listen } from './controls.js';
import { Cursor } from './cursor.js';
import { any, byId, button, input } from './dom.js';
import { Editor } from './editor.js';
import { Hints } from './hints.js';
import { get, HttpError, post } from './http.js';
import { Keys } from './keys.js';
import { renderLabels } from './labels.js';
import { Layers } from './layers.js';
import { Leases } from './leases.js';
import { ImageList, renderFilters } from './listing.js';
import { MaskList } from './masks.js';
import { News } from './news.js';
import { Opening } from './opening.js';
import { Outbox } from './outbox.js';
import { askName } from './people.js';
import { Prompts } from './prompts.js';
import { told } from './saving.js';
import { randomId } from './session.js';
import { giveName, givenName, keepSettings, readSettings } from './settings.js';
import { Stage } from './stage.js';
import { View } from './view.js';
import { speak, t } from './words.js';

/** @typedef {import('./types.js').Label} Label */

speak(document.body);
const view = new View();
const layers = new Layers(byId('photo', HTMLCanvasElement), byId('masks', HTMLCanvasElement), view);
const keys = new Keys();
const leases = new Leases(sessionName(), (image, who) => conflicts.offerTakeover(image, who));
/** @type {Map<number, number>} how many events of each image the server has */
const known = new Map();
const conflicts = new Conflicts(leases, {
  outbox: () => outbox,
  nameOf,
  current: () => editor.session?.image ?? null,
  known: (image, seq) => known.set(image, seq),
  reopen,
});
/** @type {import('./types.js').Project} */
let project;
/** @type {Map<string, Label>} */
let labels = new Map();
/** @type {Outbox} */
let outbox;
const news = new News(useNews);
/** @type {number | null} */
let labelsVersion = null;
/** Why events could not be sent, and what is wrong with the disk under the server; '' if nothing is. */
let why = '', disk = '';
let reachable = true;

const stage = new Stage(any('stage'), byId('marks', HTMLCanvasElement), view, layers, {
  active: () => editor.session?.active(),
  placed: showPlace,
  level: changeLevel,
  left: () => prompts.clearPreview(),
  now: () => hints.show(),
});
const editor = new Editor(layers, view, {
  color: (label) => labels.get(label)?.color ?? '#888888',
  changed: showMasks,
  say,
  editable,
  drawTools: () => stage.draw(),
  moved: () => stage.moved(),
  busy: showSaving,
  chosen: () => prompts.chosen(),
  highlighted: (id) => maskList.highlight(id),
  tidies: (mask, made) => prompts.previewRemoval(mask, made),
});
const prompts = new Prompts(editor);
stage.editor = editor;
const cursor = new Cursor(stage);
const hints = new Hints(editor, stage, () => ({
  label: labels.get(editor.label)?.name ?? '',
  digits: [...labels.values()].some((label) => /^[0-9]$/.test(label.key)),
  proposal: assistant.mask !== null,
}));
const list = new ImageList(any('images'), (id) => void opening.open(id));
const assistant = new Assistant(editor, prompts, list, {
  label: () => labels.get(editor.label),
  writable: (image) => !project.readonly && leases.has(image),
  say,
});
prompts.assistant = assistant;
any('proposal-again').addEventListener('click', () => assistant.again());
const maskList = new MaskList(editor);
const attributes = new Attributes(editor);
const about = new About(editor, { user: () => leases.user, project: () => project, say });
stage.marks.push((context) => about.draw(context));
const opening = new Opening({
  editor, prompts, stage, layers, list, leases, conflicts, known, wait,
  outbox: () => outbox,
  readonly: () => project.readonly,
  opened: () => about.render(),
  wantsProposals: () => any('tool-region').ariaPressed === 'true',
});

// Images.

/** @param {1|-1} step */
function go(step) {
  const next = list.beside(step);
  if (next) void opening.open(next.id);
  else say(t(step > 0 ? 'say.last' : 'say.first'));
}

/** What comes after an image that is finished. */
function goOn() {
  const next = list.onward;
  if (next) void opening.open(next.id);
  else say(t('say.last'));
}

/** @param {number} image */
function nameOf(image) {
  return list.images.get(image)?.name ?? t('an image');
}

/** @param {any} fresh the images that have changed, and what stands in their way */
async function useNews(fresh) {
  disk = fresh.problem ?? '';
  if (!reachable && outbox.count) void outbox.send();
  reachable = true;
  if (fresh.labels !== labelsVersion) {
    if (labelsVersion !== null) useProject(await get('api/project'));
    labelsVersion = fresh.labels;
  }
  if (fresh.images.length) {
    for (const image of fresh.images) list.images.set(image.id, image);
    renderList();
  }
}

/** Once a second: the news where no stream brings them, and what else is asked for. */
async function look() {
  try {
    await news.ask();
    await opening.follow();
    if (await assistant.rate()) renderList();
  } catch (error) {
    if (error instanceof HttpError && error.status === 401) say(error.message);
    if (error instanceof HttpError && error.status === 503) disk = error.message;
    reachable = false;
  }
  showSaving();
}

function renderList() {
  list.waiting = outbox.counts;
  list.render();
  const all = [...list.images.values()];
  const ended = all.filter((image) => image.state === 'done' || image.state === 'reviewed' || image.state === 'skipped').length;
  const bar = byId('progress', HTMLProgressElement);
  bar.max = Math.max(1, all.length);
  bar.value = ended;
  any('count').textContent = `${ended} / ${all.length}`;
  greet();
}

function editable() {
  const image = editor.session?.image;
  if (image === undefined) return false;
  if (project.readonly) say(t('say.readonly'));
  else if (!leases.has(image)) say(t('say.editing'));
  return !project.readonly && leases.has(image);
}

/** @param {number} id */
function reopen(id) {
  if (list.current !== id) return;
  list.current = null;
  void opening.open(id);
}

// What is shown.

function showMasks() {
  const session = editor.session, count = session?.instances.length ?? 0;
  any('mask-count').textContent = count ? String(count) : '';
  maskList.render(labels);
  showLabels();
  attributes.render(labels);
  const write = !!session && !project.readonly && leases.has(session.image);
  for (const id of ['merge', 'delete', 'front', 'back-most', 'lock', 'only']) button(id).disabled = !editor.selected.size || !write;
  for (const id of ['split', 'fill', 'islands', 'clean', 'duplicate', 'find']) button(id).disabled = !editor.active || !write;
  button('only').ariaPressed = String(editor.only);
  button('undo').disabled = !write || !session?.history.canUndo;
  button('redo').disabled = !write || !session?.history.canRedo;
  button('done').disabled = !write;
  const level = input('level');
  level.max = String(prompts.levels.length - 1);
  level.value = String(prompts.level);
  about.render();
  assistant.follow();
  hints.show();
  greet();
}

function showLabels() {
  const shown = editor.activeInstance?.label ?? editor.label;
  renderLabels(any('labels'), [...labels.values()], shown, {
    editable: !project.readonly,
    choose: chooseLabel,
    change: (change) => void changeLabels(change),
  });
}

/** @param {string} id */
function chooseLabel(id) {
  set({ label: id });
  void editor.inOrder(() => editor.chooseLabel(id));
}

/** @param {Record<string, any>} change */
async function changeLabels(change) {
  try {
    useLabels((await post('api/labels', { user: leases.user, ...change })).labels);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

/** @param {Label[]} all */
function useLabels(all) {
  labels = new Map(all.map((label) => [label.id, label]));
  if (!labels.has(editor.label)) editor.label = all[0]?.id ?? '';
  renderFilters(all, project.tags, project.people);
  editor.refresh();
}

/** @param {import('./types.js').Project} now */
function useProject(now) {
  project = now;
  useLabels(now.labels);
}

function isSaved() {
  return !editor.busy && !outbox.count;
}

function showSaving() {
  const { text, unsaved } = told({ waiting: outbox?.count ?? 0, open: editor.busy, why, disk: project?.readonly ? '' : disk });
  const output = any('saving');
  if (output.textContent !== text) output.textContent = text;
  output.title = text;
  output.className = unsaved ? 'unsaved' : '';
}

/** @param {-1|1} step */
function changeLevel(step) {
  if (stage.tool?.level?.(step)) return;
  void Promise.resolve(prompts.changeLevel(step)).then(() => stage.hover());
}

/** @param {{x: number, y: number, inside: boolean}} place */
function showPlace(place) {
  any('place').textContent = place.inside ? `${Math.floor(place.x)}, ${Math.floor(place.y)} · ${Math.round(view.scale * 100)} %` : '';
  input('level').value = String(prompts.level);
  any('speed').textContent = prompts.table ? t('preview.time', { ms: layers.previewTime.toFixed(1) }) : '';
}

/** @param {string} text */
function say(text) {
  hints.say(text);
}

/** @param {string} text none: nothing is waited for */
function wait(text) {
  any('waiting').textContent = text;
  any('waiting').hidden = !text;
}

/** Three steps for whoever opens a project without a mask, until they are closed for good. */
function greet() {
  const empty = [...list.images.values()].every((image) => !image.masks) && !editor.session?.instances.length;
  any('greeting').hidden = !empty || !editor.session || project.readonly || settings.greeted;
}

/** One name for each tab, kept over a reload. */
function sessionName() {
  const name = sessionStorage.getItem('tamis.client') ?? randomId();
  sessionStorage.setItem('tamis.client', name);
  return name;
}

let settings = readSettings('');

/** @param {Partial<import('./settings.js').Settings>} change */
function set(change) {
  settings = { ...settings, ...change };
  keepSettings(leases.user, settings);
}

/** @param {string} name */
function useName(name) {
  giveName(name);
  leases.user = list.user = name;
  any('user').textContent = name;
  renderList();
}

/** Who is at work: told by the server, or by the person, once. */
async function findName() {
  const kept = givenName();
  const name = project.named ? project.user : (kept ?? (await askName(project.user)));
  leases.user = list.user = name;
  any('user').textContent = name;
  if (!project.named) giveName(name);
}

/** The project, as soon as the server is there. @returns {Promise<import('./types.js').Project>} */
async function readProject() {
  for (;;) {
    try {
      return await get('api/project');
    } catch (error) {
      if (!(error instanceof HttpError) || ![0, 503].includes(error.status)) throw error;
      wait(t('wait.project'));
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function start() {
  wait(t('wait.masks'));
  if (location.search.includes('token=')) history.replaceState(null, '', location.pathname + location.hash);
  project = await readProject();
  document.title = `${project.folder_name} – tamis`;
  any('project').textContent = project.folder_name;
  await findName();
  settings = readSettings(leases.user);
  outbox = new Outbox(project.id ?? project.folder_name, leases.client, {
    base: (image) => known.get(image) ?? null,
    lease: (image) => leases.of(image),
    locked: (image) => t('why.locked', { name: leases.editor(image) || t('somebody'), image: nameOf(image) }),
    acknowledged: (image, seq) => known.set(image, seq),
    emptied: (image) => {
      if (image !== list.current) void leases.release(image);
    },
    told: (reason) => {
      why = reason;
      showSaving();
      if (JSON.stringify([...list.waiting]) !== JSON.stringify([...outbox.counts])) renderList();
    },
    refused: (image, error) => void conflicts.refused(image, error),
  });
  editor.label = settings.label;
  useLabels(project.labels);
  listen({
    editor, prompts, stage, layers, keys, list, leases, outbox, about, hints, cursor, opening, assistant, known, go, goOn, editable, say, renderList, isSaved, set, greet, useName,
    settings: () => settings,
    project: () => project,
    useProject,
    level: changeLevel,
    labels: () => labels.values(),
    chooseLabel,
    changeLabels: (change) => void changeLabels(change),
  });
  await look();
  await outbox.open();
  renderList();
  const asked = decodeURIComponent(location.hash.slice(1));
  const all = list.all, named = all.find((image) => image.name === asked)?.id;
  const first = named ?? (project.readonly ? null : await leases.first()) ?? all[0]?.id;
  if (first !== undefined) void opening.open(first);
  else wait(t('wait.none'));
  setInterval(() => void look(), 1000);
}

start().catch((error) => wait(error instanceof Error ? error.message : String(error)));
