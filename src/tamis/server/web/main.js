/** The page put together: the project, the image at hand, the keyboard and the panels. */
import { readTable } from './answers.js';
import { Conflicts } from './conflicts.js';
import { listen } from './controls.js';
import * as dialogs from './dialogs.js';
import { Editor } from './editor.js';
import { get, HttpError, post, request } from './http.js';
import { Keys } from './keys.js';
import { Layers } from './layers.js';
import { Leases } from './leases.js';
import { Outbox } from './outbox.js';
import { byId, element, ImageList, input, InstanceList, renderLabels } from './panels.js';
import { Prompts } from './prompts.js';
import { told } from './saving.js';
import { randomId, Session } from './session.js';
import { Stage } from './stage.js';
import { View } from './view.js';

/** @typedef {import('./types.js').ImageRow} ImageRow */
/** @typedef {import('./types.js').Label} Label */
/** @typedef {import('./types.js').ImageState} ImageState */

const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
const any = (/** @type {string} */ id) => byId(id, HTMLElement);

const view = new View();
const layers = new Layers(byId('photo', HTMLCanvasElement), byId('masks', HTMLCanvasElement), view);
const keys = new Keys();
const leases = new Leases(sessionName(), (image, who) => conflicts.offerTakeover(image, who));
const conflicts = new Conflicts(leases, {
  outbox: () => outbox,
  nameOf: (image) => list.images.get(image)?.name ?? 'an image',
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
/** @type {Map<number, number>} how many events of each image the server has */
const known = new Map();
let opening = 0;
let listVersion = 0;
/** @type {number | null} */
let labelsVersion = null;

const stage = new Stage(any('stage'), byId('marks', HTMLCanvasElement), view, layers, {
  active: () => editor.session?.active(),
  placed: showPlace,
  level: changeLevel,
  left: () => prompts.clearPreview(),
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
});
const prompts = new Prompts(editor);
stage.editor = editor;
const list = new ImageList(any('images'), (id) => void openImage(id));
const instanceList = new InstanceList(any('instances'), {
  select: (id) => {
    editor.inOrder(() => {
      editor.select(id);
      editor.reveal(id);
    });
  },
  toggle: (id) => {
    if (!editor.hidden.delete(id)) editor.hidden.add(id);
    editor.refresh();
  },
});

// Images.

/** @param {number} id */
async function openImage(id) {
  const image = list.images.get(id);
  if (!image || list.current === id) return;
  const mine = ++opening;
  // A click belongs to the image that it was made on: its answer is waited for.
  if (editor.busy) wait('Waiting for the last click …');
  await editor.settled();
  if (mine !== opening) return;
  const before = list.current;
  list.current = id;
  renderList();
  list.showCurrent();
  conflicts.hide();
  if (before !== null) await outbox.send().then(() => leases.release(before));
  editor.open(null, 0, 0);
  prompts.forget();
  layers.show(null);
  wait(`Opening ${image.name} …`);
  try {
    if (!project.readonly) await leases.take(id);
    const [history, photo] = await Promise.all([get(`api/images/${id}/events`), readPhoto(id)]);
    if (mine !== opening) return;
    layers.show(photo);
    known.set(id, history.seq);
    const session = new Session(id, history.events, outbox.pending(id), (event) => outbox.add(id, event));
    editor.open(session, photo.width, photo.height);
    stage.fit();
    location.replace(`#${encodeURIComponent(image.name)}`);
    if (!project.readonly && !leases.has(id)) conflicts.offerTakeover(id, leases.editor);
    else if (image.changed) conflicts.offerAccept(id);
    outbox.release(id);
    showImage();
    await readAnswers(id, mine);
  } catch (error) {
    if (mine === opening) wait(error instanceof Error ? error.message : String(error));
  }
}

/** @param {number} id */
async function readPhoto(id) {
  const response = await request('GET', `api/images/${id}/pixels`);
  return createImageBitmap(await response.blob(), { imageOrientation: 'none', colorSpaceConversion: 'none' });
}

/** The table of answers, as soon as the server has it. @param {number} id @param {number} mine */
async function readAnswers(id, mine) {
  wait('Finding masks …');
  for (let tries = 0; mine === opening; tries++) {
    try {
      const response = await request('GET', `api/images/${id}/answers`);
      if (response.status === 200) {
        const table = await readTable(await response.arrayBuffer());
        if (mine !== opening) return;
        prompts.useTable(table);
        break;
      }
    } catch (error) {
      // Without a table the server is asked for every mask.
      if (error instanceof HttpError && error.status === 404) break;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000, 60 + 40 * tries)));
  }
  if (mine !== opening) return;
  wait('');
  stage.hover();
  if (any('tool-region').ariaPressed === 'true') void readProposals();
  showMasks();
}

async function readProposals() {
  const session = editor.session;
  if (!session || prompts.regions) return;
  wait('Finding masks …');
  try {
    const { proposals } = await get(`api/images/${session.image}/proposals`);
    if (session === editor.session) prompts.useProposals(proposals.map((/** @type {any} */ each) => each.rle));
    wait('');
  } catch (error) {
    wait(error instanceof Error ? error.message : String(error));
  }
}

/** @param {1|-1} step */
function go(step) {
  const visible = list.visible(input('search').value, byId('filter', HTMLSelectElement).value);
  const place = visible.findIndex((image) => image.id === list.current);
  const next = place < 0 ? visible[0] : visible[place + step];
  if (next) void openImage(next.id);
  else say(step > 0 ? 'This is the last image.' : 'This is the first image.');
}

/** @param {ImageState} state */
function setState(state) {
  if (editor.session?.content.state !== state) editor.do('image.state', { state });
}

async function pollImages() {
  try {
    const news = await get(`api/images${listVersion ? `?since=${listVersion}` : ''}`);
    if (news.labels !== labelsVersion) {
      if (labelsVersion !== null) useLabels((await get('api/project')).labels);
      labelsVersion = news.labels;
    }
    if (news.version !== listVersion) {
      for (const image of news.images) list.images.set(image.id, image);
      listVersion = news.version;
      renderList();
    }
  } catch (error) {
    if (error instanceof HttpError && error.status === 401) say(error.message);
  }
}

function renderList() {
  list.render(input('search').value, byId('filter', HTMLSelectElement).value);
  const all = [...list.images.values()];
  const ended = all.filter((image) => image.state === 'done' || image.state === 'reviewed' || image.state === 'skipped').length;
  const bar = byId('progress', HTMLProgressElement);
  bar.max = Math.max(1, all.length);
  bar.value = ended;
  any('count').textContent = `${ended} / ${all.length}`;
}

function editable() {
  const image = editor.session?.image;
  if (image === undefined) return false;
  if (project.readonly) say('This project is shown readonly.');
  else if (!leases.has(image)) say('Somebody else is editing this image.');
  return !project.readonly && leases.has(image);
}

/** @param {number} id */
function reopen(id) {
  list.current = null;
  void openImage(id);
}

// What is shown.

function showMasks() {
  const session = editor.session;
  const instances = session?.instances ?? [];
  any('mask-count').textContent = instances.length ? String(instances.length) : '';
  instanceList.render(instances, labels, editor.active, editor.hidden);
  showLabels();
  const chosen = editor.active !== null, write = !!session && !project.readonly && leases.has(session.image);
  for (const id of ['merge', 'split', 'fill', 'islands', 'duplicate', 'delete']) button(id).disabled = !chosen || !write;
  button('undo').disabled = !write || !session?.history.canUndo;
  button('redo').disabled = !write || !session?.history.canRedo;
  button('done').disabled = !write;
  const level = input('level');
  level.max = String(prompts.levels.length - 1);
  level.value = String(prompts.level);
  showImage();
}

function showImage() {
  const content = editor.session?.content;
  const state = byId('state', HTMLSelectElement), note = byId('note', HTMLTextAreaElement);
  if (content) state.value = content.state;
  if (content && document.activeElement !== note) note.value = content.note;
  state.disabled = note.disabled = !content || project.readonly;
}

function showLabels() {
  const shown = editor.activeInstance?.label ?? editor.label;
  renderLabels(any('labels'), [...labels.values()], shown, {
    editable: !project.readonly,
    choose: (id) => void editor.inOrder(() => editor.chooseLabel(id)),
    recolor: (id, color) => void changeLabels({ action: 'change', id, color }),
    rename: (label) => {
      const name = element('input', { value: label.name, 'aria-label': 'Name' });
      dialogs.open('Rename label', [name], [{ text: 'Cancel' }, {
        text: 'Rename', primary: true,
        act: () => void changeLabels({ action: 'change', id: label.id, name: /** @type {HTMLInputElement} */ (name).value }),
      }]);
    },
    remove: (label) => void changeLabels({ action: 'delete', id: label.id }),
  });
}

/** @param {Record<string, any>} change */
async function changeLabels(change) {
  try {
    useLabels((await post('api/labels', change)).labels);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

/** @param {Label[]} all */
function useLabels(all) {
  labels = new Map(all.map((label) => [label.id, label]));
  if (!labels.has(editor.label)) editor.label = all[0]?.id ?? '';
  editor.refresh();
}

/** Why events could not be sent; '' if they can. */
let why = '';

function isSaved() {
  return !editor.busy && !outbox.count;
}

function showSaving() {
  const { text, unsaved } = told({ waiting: outbox?.count ?? 0, open: editor.busy, why, disk: '' });
  const output = any('saving');
  if (output.textContent !== text) output.textContent = text;
  output.className = unsaved ? 'unsaved' : '';
}

/** @param {-1|1} step */
function changeLevel(step) {
  void Promise.resolve(prompts.changeLevel(step)).then(() => stage.hover());
}

/** @param {{x: number, y: number, inside: boolean}} place */
function showPlace(place) {
  any('place').textContent = place.inside ? `${Math.floor(place.x)}, ${Math.floor(place.y)} · ${Math.round(view.scale * 100)} %` : '';
  input('level').value = String(prompts.level);
  any('speed').textContent = prompts.table ? `preview ${layers.previewTime.toFixed(1)} ms` : '';
}

/** @param {string} text */
function say(text) {
  any('hint').textContent = text;
}

/** @param {string} text none: nothing is waited for */
function wait(text) {
  any('waiting').textContent = text;
  any('waiting').hidden = !text;
}

/** One name for each tab, kept over a reload. */
function sessionName() {
  const name = sessionStorage.getItem('tamis.client') ?? randomId();
  sessionStorage.setItem('tamis.client', name);
  return name;
}

async function start() {
  if (location.search.includes('token=')) history.replaceState(null, '', location.pathname + location.hash);
  project = await get('api/project');
  document.title = `${project.folder_name} – tamis`;
  any('project').textContent = project.folder_name;
  leases.user = project.user;
  outbox = new Outbox(project.id ?? project.folder_name, leases.client, {
    base: (image) => known.get(image) ?? 0,
    lease: (image) => leases.of(image),
    acknowledged: (image, seq) => known.set(image, seq),
    told: (reason) => {
      why = reason;
      showSaving();
    },
    refused: (image, error) => {
      void conflicts.refused(image, error);
    },
  });
  await outbox.open();
  useLabels(project.labels);
  listen({
    editor, prompts, stage, layers, keys, list, leases, project, outbox, go, setState, editable, say, renderList, isSaved,
    level: changeLevel,
    labels: () => labels.values(),
    readProposals: () => void readProposals(),
    changeLabels: (change) => void changeLabels(change),
  });
  await pollImages();
  const asked = decodeURIComponent(location.hash.slice(1));
  const all = list.visible('', '');
  const first = all.find((image) => image.name === asked) ?? all.find((image) => image.state === 'todo' || image.state === 'progress') ?? all[0];
  if (first) void openImage(first.id);
  else wait('There are no images in this folder.');
  setInterval(() => void pollImages(), 1000);
}

start().catch((error) => wait(error instanceof Error ? error.message : String(error)));
