/** The page put together: the project, the image at hand, the keyboard and the panels. */
import { readTable } from './answers.js';
import * as dialogs from './dialogs.js';
import { Editor } from './editor.js';
import { get, HttpError, post, request } from './http.js';
import { Keys } from './keys.js';
import { Layers } from './layers.js';
import { Leases } from './leases.js';
import { Outbox } from './outbox.js';
import { byId, element, ImageList, renderInstances, renderLabels } from './panels.js';
import { randomId, Session } from './session.js';
import { Stage } from './stage.js';
import { boxTool, brushTool, clickTool, panTool, polygonTool, regionTool, selectTool } from './tools.js';
import { View } from './view.js';

/** @typedef {import('./types.js').ImageRow} ImageRow */
/** @typedef {import('./types.js').Label} Label */
/** @typedef {import('./types.js').ImageState} ImageState */

const input = (/** @type {string} */ id) => byId(id, HTMLInputElement);
const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
const any = (/** @type {string} */ id) => byId(id, HTMLElement);

const view = new View();
const layers = new Layers(byId('photo', HTMLCanvasElement), byId('masks', HTMLCanvasElement), view);
const keys = new Keys();
const leases = new Leases(sessionName(), lostLease);
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

const stage = new Stage(any('stage'), byId('marks', HTMLCanvasElement), view, layers, {
  active: () => editor.session?.active(),
  placed: showPlace,
  level: (step) => void editor.changeLevel(step).then(() => stage.hover()),
});
const editor = new Editor(layers, view, {
  color: (label) => labels.get(label)?.color ?? '#888888',
  changed: showMasks,
  say,
  editable,
  drawTools: () => stage.draw(),
  moved: () => stage.moved(),
});
stage.editor = editor;
const list = new ImageList(any('images'), (id) => void openImage(id));

/** @type {Record<string, {name: string, tool: import('./tools.js').Tool}>} */
const tools = {
  click: { name: 'Click', tool: clickTool(editor) },
  box: { name: 'Box', tool: boxTool(editor) },
  brush: { name: 'Brush', tool: brushTool(editor, 1) },
  eraser: { name: 'Eraser', tool: brushTool(editor, 0) },
  polygon: { name: 'Polygon', tool: polygonTool(editor) },
  region: { name: 'Regions', tool: regionTool(editor) },
  select: { name: 'Select', tool: selectTool(editor) },
  pan: { name: 'Move', tool: panTool(editor) },
};

// Images.

/** @param {number} id */
async function openImage(id) {
  const image = list.images.get(id);
  if (!image || list.current === id) return;
  const mine = ++opening;
  const before = list.current;
  list.current = id;
  renderList();
  list.showCurrent();
  hideBanner();
  if (before !== null) await outbox.send().then(() => leases.release(before));
  editor.open(null, 0, 0);
  layers.show(null);
  wait(`Opening ${image.name} …`);
  try {
    if (!project.readonly) await leases.take(id);
    const [history, photo] = await Promise.all([get(`/api/images/${id}/events`), readPhoto(id)]);
    if (mine !== opening) return;
    layers.show(photo);
    known.set(id, history.seq);
    const session = new Session(id, history.events, outbox.pending(id), (event) => outbox.add(id, event));
    editor.open(session, photo.width, photo.height);
    stage.fit();
    location.replace(`#${encodeURIComponent(image.name)}`);
    if (!project.readonly && !leases.has(id)) offerTakeover(id, leases.editor);
    else if (image.changed) offerAccept(id);
    outbox.release(id);
    showImage();
    await readAnswers(id, mine);
  } catch (error) {
    if (mine === opening) wait(error instanceof Error ? error.message : String(error));
  }
}

/** @param {number} id */
async function readPhoto(id) {
  const response = await request('GET', `/api/images/${id}/pixels`);
  return createImageBitmap(await response.blob(), { imageOrientation: 'none', colorSpaceConversion: 'none' });
}

/** The table of answers, as soon as the server has it. @param {number} id @param {number} mine */
async function readAnswers(id, mine) {
  wait('Finding masks …');
  for (let tries = 0; mine === opening; tries++) {
    try {
      const response = await request('GET', `/api/images/${id}/answers`);
      if (response.status === 200) {
        const table = await readTable(await response.arrayBuffer());
        if (mine !== opening) return;
        editor.useTable(table);
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
  if (stage.tool === tools.region?.tool) void readProposals();
  showMasks();
}

async function readProposals() {
  const session = editor.session;
  if (!session || editor.proposals.length) return;
  wait('Finding regions …');
  try {
    const { proposals } = await get(`/api/images/${session.image}/proposals`);
    if (session === editor.session) editor.useProposals(proposals.map((/** @type {any} */ each) => each.rle));
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
    const told = await get(`/api/images${listVersion ? `?since=${listVersion}` : ''}`);
    if (told.version !== listVersion) {
      for (const image of told.images) list.images.set(image.id, image);
      listVersion = told.version;
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

// Leases and conflicts.

function editable() {
  const image = editor.session?.image;
  if (image === undefined) return false;
  if (project.readonly) say('This project is shown readonly.');
  else if (!leases.has(image)) say('Somebody else is editing this image.');
  return !project.readonly && leases.has(image);
}

/** @param {number} id @param {string | null} who */
function offerTakeover(id, who) {
  banner(`${who ?? 'Somebody'} is editing this image. You can look at it.`, [['Take over', async () => {
    await leases.take(id, true);
    reopen(id);
  }]]);
}

/** @param {number} id */
function offerAccept(id) {
  banner('This file has changed since it was annotated. Its masks are kept, but may not fit any more.', [['They fit', async () => {
    await post(`/api/images/${id}/accept`, {});
    hideBanner();
  }]]);
}

/** @param {number} id @param {string | null} who */
function lostLease(id, who) {
  if (id === editor.session?.image) offerTakeover(id, who);
}

/** @param {number} id */
function reopen(id) {
  list.current = null;
  void openImage(id);
}

/** The server will not take what waits for an image. @param {number} id @param {HttpError} error */
async function refused(id, error) {
  showSaving('unsaved', error.message, outbox.count);
  const name = list.images.get(id)?.name ?? 'an image';
  if (error.status === 423) {
    if (await leases.take(id)) return outbox.release(id);
    return offerTakeover(id, error.body?.editor ?? null);
  }
  const theirs = () => {
    outbox.drop(id);
    reopen(id);
  };
  if (error.status !== 409) {
    return banner(`${name}: ${error.message}. The change is kept in this browser.`, [['Give it up', theirs]]);
  }
  const who = error.body?.events?.at(-1)?.user ?? 'Somebody';
  banner(`${who} changed ${name} meanwhile. Your ${outbox.pending(id).length} change(s) are not saved yet.`, [
    ['Put mine on top', () => {
      known.set(id, error.body.seq);
      outbox.release(id);
      reopen(id);
    }],
    ['Take theirs', theirs],
  ]);
}

/** @param {string} text @param {[string, () => void][]} choices */
function banner(text, choices) {
  any('banner-text').textContent = text;
  any('banner').replaceChildren(any('banner-text'), ...choices.map(([name, act]) => element('button', {
    onclick: () => {
      hideBanner();
      act();
    },
  }, name)));
  any('banner').hidden = false;
}

function hideBanner() {
  any('banner').hidden = true;
}

// What is shown.

function showMasks() {
  const session = editor.session;
  const instances = session?.instances ?? [];
  any('mask-count').textContent = instances.length ? String(instances.length) : '';
  renderInstances(any('instances'), instances, labels, editor.active, editor.hidden, {
    select: (id) => {
      editor.select(id);
      editor.reveal(id);
    },
    toggle: (id) => {
      if (!editor.hidden.delete(id)) editor.hidden.add(id);
      editor.refresh();
    },
  });
  showLabels();
  const chosen = editor.active !== null, write = !!session && !project.readonly && leases.has(session.image);
  for (const id of ['merge', 'split', 'fill', 'islands', 'duplicate', 'delete']) button(id).disabled = !chosen || !write;
  button('undo').disabled = !write || !session?.history.canUndo;
  button('redo').disabled = !write || !session?.history.canRedo;
  button('done').disabled = !write;
  const level = input('level');
  level.max = String(editor.levels.length - 1);
  level.value = String(editor.level);
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
    choose: (id) => editor.chooseLabel(id),
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
    useLabels((await post('/api/labels', change)).labels);
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

/** @param {import('./outbox.js').Saving} how @param {string} why @param {number} count */
function showSaving(how, why, count) {
  const output = any('saving');
  output.textContent = how === 'saved' ? 'saved' : how === 'saving' ? 'saving …' : `NOT SAVED (${count}): ${why}. Kept in this browser.`;
  output.className = how === 'saved' || how === 'saving' ? '' : 'unsaved';
}

/** @param {{x: number, y: number, inside: boolean}} place */
function showPlace(place) {
  any('place').textContent = place.inside ? `${Math.floor(place.x)}, ${Math.floor(place.y)} · ${Math.round(view.scale * 100)} %` : '';
  any('speed').textContent = editor.table ? `preview ${layers.previewTime.toFixed(1)} ms` : '';
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

// Keyboard, buttons, options.

/** @param {string} name */
function useTool(name) {
  const chosen = tools[name];
  if (!chosen) return;
  stage.use(chosen.tool);
  for (const each of any('tools').children) each.setAttribute('aria-pressed', String(each.id === `tool-${name}`));
  say(chosen.tool.title);
  if (name === 'region') void readProposals();
  stage.hover();
}

/** @type {Record<string, () => void>} */
const actions = {
  next: () => go(1),
  previous: () => go(-1),
  done: () => {
    if (!editable()) return;
    editor.finish();
    setState('done');
    go(1);
  },
  skip: () => {
    if (!editable()) return;
    setState('skipped');
    go(1);
  },
  finish: () => {
    if (stage.tool?.finish) stage.tool.finish();
    editor.finish();
    stage.hover();
  },
  cancel: () => {
    if (!stage.tool?.cancel?.()) editor.cancel();
    stage.hover();
  },
  delete: () => editor.deleteActive(),
  undo: () => editor.do('undo'),
  redo: () => editor.do('redo'),
  sign: () => {
    input('negative').click();
    stage.hover();
  },
  smaller: () => setBrush(editor.brush / 1.25),
  larger: () => setBrush(editor.brush * 1.25 + 1),
  finer: () => void editor.changeLevel(-1).then(() => stage.hover()),
  coarser: () => void editor.changeLevel(1).then(() => stage.hover()),
  merge: () => editor.mergeAt(stage.place.x, stage.place.y),
  split: () => editor.split(),
  fill: () => editor.fillHoles(),
  islands: () => editor.removeIslands(),
  duplicate: () => void duplicate(),
  fit: () => stage.fit(),
  'zoom.in': () => stage.zoomMiddle(1.25),
  'zoom.out': () => stage.zoomMiddle(0.8),
  hide: () => input('shown').click(),
  save: () => say(outbox.count ? 'Not everything is saved yet; see above.' : 'Everything is saved: every change is on the disk as soon as it is made.'),
  search: () => input('search').focus(),
  help: () => dialogs.shortcuts(keys),
};
for (const name of Object.keys(tools)) actions[`tool.${name}`] = () => useTool(name);

/** @param {number} size */
function setBrush(size) {
  editor.brush = Math.round(Math.min(200, Math.max(1, size)));
  input('brush').value = String(editor.brush);
  stage.draw();
}

async function duplicate() {
  const mask = editor.activeMask, label = editor.activeInstance?.label, before = list.current;
  if (!mask) return say('Select a mask to copy it to the next image.');
  go(1);
  const arrived = () => editor.session && list.current !== before && editor.session.image === list.current;
  for (let tries = 0; tries < 200 && !arrived(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  if (!arrived()) return;
  if (editor.width !== mask.width || editor.height !== mask.height) return say('The next image has another size: the mask was not copied.');
  editor.addShape(mask, 'copy', label);
}

function onKey(/** @type {KeyboardEvent} */ event) {
  const target = event.target;
  const typing = target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && !['range', 'checkbox', 'radio'].includes(target.type));
  if (byId('dialog', HTMLDialogElement).open || event.isComposing) return;
  if (typing) {
    if (event.key === 'Escape') target.blur();
    return;
  }
  editor.session?.active();
  const control = target instanceof HTMLButtonElement || target instanceof HTMLSelectElement || target instanceof HTMLInputElement || (target instanceof HTMLElement && target.role === 'option');
  if (control && ['Enter', ' ', 'Tab'].includes(event.key)) return;
  if ((target instanceof HTMLInputElement || target instanceof HTMLSelectElement) && event.key.startsWith('Arrow')) return;
  if (event.key === 'Tab' && target !== any('stage')) return;
  if (event.key === ' ') {
    event.preventDefault();
    return stage.space(true);
  }
  const label = /^[1-9]$/.test(event.key) && !event.ctrlKey ? [...labels.values()].find((each) => each.key === event.key) : undefined;
  const action = keys.action(event);
  if (label) editor.chooseLabel(label.id);
  else if (action) actions[action]?.();
  else return;
  event.preventDefault();
}

function listen() {
  window.addEventListener('keydown', onKey);
  window.addEventListener('keyup', (event) => {
    if (event.key === ' ') stage.space(false);
  });
  for (const [name, { name: text, tool }] of Object.entries(tools)) {
    any('tools').append(element('button', {
      id: `tool-${name}`, 'aria-pressed': false, title: `${tool.title} (${keys.hint(`tool.${name}`)})`, onclick: () => useTool(name),
    }, text));
  }
  for (const name of ['previous', 'next', 'undo', 'redo', 'done', 'help', 'merge', 'split', 'fill', 'islands', 'duplicate', 'delete']) {
    button(name).addEventListener('click', () => actions[name]?.());
    button(name).title = `${button(name).ariaLabel ?? button(name).textContent} (${keys.hint(name)})`;
  }
  // A mask under the pointer cannot be meant by a button.
  button('merge').title = `Point at another mask and press ${keys.hint('merge')}`;
  button('statistics').addEventListener('click', () => void dialogs.statistics().catch((error) => say(error.message)));
  button('export').addEventListener('click', () => dialogs.exporting(project.formats));
  for (const [id, side] of /** @type {const} */ ([['show-images', 'left'], ['show-masks', 'right']])) {
    button(id).addEventListener('click', () => button(id).setAttribute('aria-expanded', String(any(side).classList.toggle('open'))));
  }
  input('search').addEventListener('input', renderList);
  byId('filter', HTMLSelectElement).addEventListener('change', renderList);
  any('images').addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      event.stopPropagation();
      go(event.key === 'ArrowDown' ? 1 : -1);
    }
  });
  byId('state', HTMLSelectElement).addEventListener('change', (event) => setState(/** @type {any} */ (event.target).value));
  byId('note', HTMLTextAreaElement).addEventListener('change', (event) => editor.do('image.note', { text: /** @type {any} */ (event.target).value }));
  byId('add-label', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const name = input('label-name').value.trim();
    if (name) void changeLabels({ action: 'add', name });
    input('label-name').value = '';
  });
  input('level').addEventListener('input', () => void editor.changeLevel(Number(input('level').value) > editor.level ? 1 : -1));
  input('brush').addEventListener('input', () => setBrush(Number(input('brush').value)));
  input('opacity').addEventListener('input', () => {
    layers.opacity = Number(input('opacity').value) / 100;
    layers.draw();
  });
  const filter = () => (layers.photoCanvas.style.filter = `brightness(${input('brightness').value}%) contrast(${input('contrast').value}%)`);
  input('brightness').addEventListener('input', filter);
  input('contrast').addEventListener('input', filter);
  input('negative').addEventListener('change', () => (stage.negative = input('negative').checked));
  input('single').addEventListener('change', () => (editor.single = input('single').checked));
  input('claim').addEventListener('change', () => (editor.claim = input('claim').checked));
  input('shown').addEventListener('change', () => {
    editor.allHidden = !input('shown').checked;
    editor.refresh();
  });
  window.addEventListener('beforeunload', (event) => {
    if (outbox.count) event.preventDefault();
  });
  window.addEventListener('pagehide', () => leases.leave());
}

/** One name for each tab, kept over a reload. */
function sessionName() {
  const name = sessionStorage.getItem('tamis.client') ?? randomId();
  sessionStorage.setItem('tamis.client', name);
  return name;
}

async function start() {
  if (location.search.includes('token=')) history.replaceState(null, '', location.pathname + location.hash);
  project = await get('/api/project');
  document.title = `${project.folder_name} – tamis`;
  any('project').textContent = project.folder_name;
  leases.user = project.user;
  outbox = new Outbox(project.id ?? project.folder_name, leases.client, {
    base: (image) => known.get(image) ?? 0,
    lease: (image) => leases.of(image),
    acknowledged: (image, seq) => known.set(image, seq),
    told: showSaving,
    refused: (image, error) => void refused(image, error),
  });
  await outbox.open();
  listen();
  useLabels(project.labels);
  useTool('click');
  await pollImages();
  const asked = decodeURIComponent(location.hash.slice(1));
  const all = list.visible('', '');
  const first = all.find((image) => image.name === asked) ?? all.find((image) => image.state === 'todo' || image.state === 'progress') ?? all[0];
  if (first) void openImage(first.id);
  else wait('There are no images in this folder.');
  setInterval(() => void pollImages(), 1000);
}

start().catch((error) => wait(error instanceof Error ? error.message : String(error)));
