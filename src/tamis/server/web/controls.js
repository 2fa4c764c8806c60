/** The keyboard, the buttons and the options: what a person presses, and what then happens. */
import * as dialogs from './dialogs.js';
import { nameOf } from './keys.js';
import * as operations from './operations.js';
import { byId, element, input } from './panels.js';
import { boxTool, brushTool, clickTool, panTool, polygonTool, regionTool, selectTool } from './tools.js';

/** @typedef {import('./types.js').ImageState} ImageState */
/**
 * @typedef {{
 *   editor: import('./editor.js').Editor, prompts: import('./prompts.js').Prompts, stage: import('./stage.js').Stage, layers: import('./layers.js').Layers,
 *   keys: import('./keys.js').Keys, list: import('./panels.js').ImageList, leases: import('./leases.js').Leases,
 *   project: import('./types.js').Project, outbox: import('./outbox.js').Outbox,
 *   labels: () => Iterable<import('./types.js').Label>,
 *   go: (step: 1|-1) => void, setState: (state: ImageState) => void, editable: () => boolean,
 *   say: (text: string) => void, renderList: () => void, readProposals: () => void,
 *   changeLabels: (change: Record<string, any>) => void, level: (step: -1|1) => void, isSaved: () => boolean,
 * }} App
 */

const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
const any = (/** @type {string} */ id) => byId(id, HTMLElement);

/**
 * Listen to everything that can be pressed; the click tool is at hand.
 * @param {App} app
 */
export function listen(app) {
  const { editor, prompts, stage, layers, keys, list, say } = app;
  /** @type {Record<string, {name: string, tool: import('./tools.js').Tool}>} */
  const tools = {
    click: { name: 'Click', tool: clickTool(editor, prompts) },
    box: { name: 'Box', tool: boxTool(editor, prompts) },
    brush: { name: 'Brush', tool: brushTool(editor, prompts, 1) },
    eraser: { name: 'Eraser', tool: brushTool(editor, prompts, 0) },
    polygon: { name: 'Polygon', tool: polygonTool(editor) },
    region: { name: 'Proposals', tool: regionTool(editor, prompts) },
    select: { name: 'Select', tool: selectTool(editor) },
    pan: { name: 'Move', tool: panTool(editor) },
  };

  /** @param {string} name */
  function useTool(name) {
    const chosen = tools[name];
    if (!chosen) return;
    stage.use(chosen.tool);
    for (const each of any('tools').children) each.setAttribute('aria-pressed', String(each.id === `tool-${name}`));
    say(chosen.tool.title);
    if (name === 'region') app.readProposals();
    stage.hover();
  }

  /** @type {Record<string, () => unknown>} */
  const actions = {
    next: () => app.go(1),
    previous: () => app.go(-1),
    done: () => {
      if (!app.editable()) return;
      editor.inOrder(() => {
        editor.finish();
        app.setState('done');
      });
      app.go(1);
    },
    skip: () => {
      if (!app.editable()) return;
      editor.inOrder(() => app.setState('skipped'));
      app.go(1);
    },
    finish: () => {
      stage.tool?.finish?.();
      editor.inOrder(() => editor.finish());
      stage.hover();
    },
    cancel: () => {
      if (!stage.tool?.cancel?.()) editor.inOrder(() => editor.cancel());
      stage.hover();
    },
    delete: () => editor.inOrder(() => editor.deleteActive()),
    undo: () => editor.inOrder(() => editor.do('undo')),
    redo: () => editor.inOrder(() => editor.do('redo')),
    sign: () => {
      input('negative').click();
      stage.hover();
    },
    smaller: () => setBrush(editor.brush / 1.25),
    larger: () => setBrush(editor.brush * 1.25 + 1),
    finer: () => app.level(-1),
    coarser: () => app.level(1),
    merge: () => editor.inOrder(() => operations.mergeAt(editor, stage.place.x, stage.place.y)),
    split: () => editor.inOrder(() => operations.split(editor)),
    fill: () => editor.inOrder(() => operations.fillHoles(editor)),
    islands: () => editor.inOrder(() => operations.removeIslands(editor)),
    duplicate: () => editor.inOrder(duplicate),
    fit: () => stage.fit(),
    'zoom.in': () => stage.zoomMiddle(1.25),
    'zoom.out': () => stage.zoomMiddle(0.8),
    hide: () => input('shown').click(),
    save: () => say(!app.isSaved() ? 'Not everything is saved yet; see above.' : 'Everything is saved: every change is on the disk as soon as it is made.'),
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

  function duplicate() {
    const mask = editor.activeMask, label = editor.activeInstance?.label, before = list.current;
    if (!mask) return say('Select a mask to copy it to the next image.');
    void copied(mask, label, before);
  }

  /**
   * @param {import('./rle.js').Mask} mask
   * @param {string | undefined} label
   * @param {number | null} before
   */
  async function copied(mask, label, before) {
    app.go(1);
    const arrived = () => editor.session && list.current !== before && editor.session.image === list.current;
    for (let tries = 0; tries < 200 && !arrived(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!arrived()) return;
    if (editor.width !== mask.width || editor.height !== mask.height) return say('The next image has another size: the mask was not copied.');
    editor.addShape(mask, 'copy', label);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
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
    const name = nameOf(event);
    const label = /^[1-9]$/.test(name) ? [...app.labels()].find((each) => each.key === name) : undefined;
    const action = keys.action(event);
    if (label) editor.inOrder(() => editor.chooseLabel(label.id));
    else if (action) actions[action]?.();
    else return;
    event.preventDefault();
  }

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
  button('export').addEventListener('click', () => dialogs.exporting(app.project.formats));
  for (const [id, side] of /** @type {const} */ ([['show-images', 'left'], ['show-masks', 'right']])) {
    button(id).addEventListener('click', () => button(id).setAttribute('aria-expanded', String(any(side).classList.toggle('open'))));
  }
  input('search').addEventListener('input', app.renderList);
  byId('filter', HTMLSelectElement).addEventListener('change', app.renderList);
  any('images').addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      event.stopPropagation();
      app.go(event.key === 'ArrowDown' ? 1 : -1);
    }
  });
  byId('state', HTMLSelectElement).addEventListener('change', (event) => app.setState(/** @type {any} */ (event.target).value));
  byId('note', HTMLTextAreaElement).addEventListener('change', (event) => editor.do('image.note', { text: /** @type {any} */ (event.target).value }));
  byId('add-label', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const name = input('label-name').value.trim();
    if (name) app.changeLabels({ action: 'add', name });
    input('label-name').value = '';
  });
  input('level').addEventListener('input', () => app.level(Number(input('level').value) > prompts.level ? 1 : -1));
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
    if (!app.isSaved()) event.preventDefault();
  });
  window.addEventListener('pagehide', () => app.leases.leave());
  useTool('click');
}
