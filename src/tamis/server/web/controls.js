/** The keyboard, the buttons and the options: what a person presses, and what then happens. */
import { brushTool } from './brush.js';
import * as dialogs from './dialogs.js';
import { any, button, byId, element, input, select } from './dom.js';
import { exporting } from './exporting.js';
import { find } from './finding.js';
import { nameOf } from './keys.js';
import * as operations from './operations.js';
import { listenToOptions } from './options.js';
import { people } from './people.js';
import { polygonTool } from './polygon.js';
import { review } from './review.js';
import { statistics } from './statistics.js';
import { boxTool, clickTool, commentTool, mergeTool, panTool, regionTool, selectTool } from './tools.js';
import { t } from './words.js';

/** @typedef {import('./types.js').ImageState} ImageState */
/**
 * @typedef {{
 *   editor: import('./editor.js').Editor, prompts: import('./prompts.js').Prompts, stage: import('./stage.js').Stage, layers: import('./layers.js').Layers,
 *   keys: import('./keys.js').Keys, list: import('./listing.js').ImageList, leases: import('./leases.js').Leases,
 *   outbox: import('./outbox.js').Outbox, about: import('./about.js').About, hints: import('./hints.js').Hints,
 *   cursor: import('./cursor.js').Cursor, assistant: import('./assistant.js').Assistant, opening: import('./opening.js').Opening,
 *   labels: () => Iterable<import('./types.js').Label>, project: () => import('./types.js').Project,
 *   settings: () => import('./settings.js').Settings, set: (change: Partial<import('./settings.js').Settings>) => void,
 *   useProject: (project: import('./types.js').Project) => void, useName: (name: string) => void, greet: () => void,
 *   known: Map<number, number>, go: (step: 1|-1) => void, goOn: () => void, editable: () => boolean, say: (text: string) => void, renderList: () => void,
 *   chooseLabel: (id: string) => void, changeLabels: (change: Record<string, any>) => void, level: (step: -1|1) => void, isSaved: () => boolean,
 * }} App
 */

/** Tools with a button, in their order. */
const BUTTONS = /** @type {const} */ (['click', 'box', 'brush', 'eraser', 'polygon', 'region', 'select', 'pan']);
const TOOLS = /** @type {const} */ ([...BUTTONS, 'comment', 'merge']);

/**
 * Listen to everything that can be pressed; the tool of the last time is at hand.
 * @param {App} app
 */
export function listen(app) {
  const { editor, prompts, stage, keys, list, say } = app;
  let before = 'click';
  /** @type {Record<typeof TOOLS[number], import('./tools.js').Tool>} */
  const tools = {
    click: clickTool(editor, prompts),
    box: boxTool(editor, prompts),
    brush: brushTool(editor, prompts, 1),
    eraser: brushTool(editor, prompts, 0),
    polygon: polygonTool(editor, prompts),
    region: regionTool(editor, prompts),
    select: selectTool(editor),
    pan: panTool(editor),
    comment: commentTool((place) => {
      useTool(before);
      app.about.comment(place, null);
    }),
    merge: mergeTool(editor, (x, y) => operations.mergeAt(editor, x, y), () => useTool(before)),
  };

  /** @param {string} name */
  function useTool(name) {
    const chosen = TOOLS.find((each) => each === name);
    if (!chosen) return;
    stage.use(tools[chosen]);
    for (const each of any('tools').children) each.setAttribute('aria-pressed', String(each.id === `tool-${name}`));
    if (chosen === 'merge' || chosen === 'comment') say(t(chosen === 'merge' ? 'now.merge' : 'say.comment'));
    else {
      before = name;
      app.set({ tool: name });
      say(t(`tool.${chosen}.how`));
    }
    if (name === 'region') void app.opening.readProposals();
    stage.hover();
  }

  /** Something is done to the selected masks, after all that was asked for. @param {(editor: import('./editor.js').Editor) => void} act */
  const change = (act) => () => void editor.inOrder(() => act(editor));

  /** @type {Record<string, () => unknown>} */
  const actions = {
    next: () => app.go(1),
    previous: () => app.go(-1),
    done: () => state('done'),
    skip: () => state('skipped'),
    finish: () => {
      // A shape that is complete is closed and stays at hand; otherwise the mask at hand is finished.
      if (stage.tool?.finish?.()) return;
      if (stage.tool === tools.polygon && stage.tool.now?.() && !editor.active) return say(t('say.corners'));
      if (!editor.active && app.assistant.mask) return app.assistant.accept();
      void editor.inOrder(() => editor.finish());
      stage.hover();
    },
    cancel: () => {
      if (stage.tool?.back?.()) return stage.hover();
      if (!editor.active && app.assistant.mask) app.assistant.dismiss();
      else void editor.inOrder(() => editor.back());
      stage.hover();
    },
    delete: change(() => editor.deleteSelected()),
    undo: () => {
      if (!stage.tool?.back?.()) void editor.inOrder(() => editor.undo());
    },
    redo: change(() => editor.do('redo')),
    sign: () => input('negative').click(),
    smaller: () => setBrush(editor.brush / 1.25),
    larger: () => setBrush(editor.brush * 1.25 + 1),
    finer: () => app.level(-1),
    coarser: () => app.level(1),
    merge: change(() => {
      if (operations.merge(editor)) useTool('merge');
    }),
    split: change(operations.split),
    fill: change(operations.fillHoles),
    islands: change(operations.removeIslands),
    clean: change(() => editor.clean()),
    front: change(() => operations.restack(editor, true)),
    'back-most': change(() => operations.restack(editor, false)),
    lock: change(operations.toggleLock),
    only: change(() => {
      editor.only = !editor.only;
      editor.refresh();
    }),
    all: change(() => editor.selectAll(editor.session?.content.masks.keys() ?? [])),
    duplicate: change(duplicate),
    find: change(() => void find(reviewing(editor.activeInstance?.label)).catch((error) => say(error.message))),
    comment: () => (editor.active ? app.about.comment(null, editor.active) : useTool('comment')),
    number: askNumber,
    fit: () => stage.fit(),
    'zoom.in': () => stage.zoomMiddle(1.25),
    'zoom.out': () => stage.zoomMiddle(0.8),
    hide: () => input('shown').click(),
    save: () => say(t(app.isSaved() ? 'say.saved' : 'say.not.saved')),
    search: () => input('search').focus(),
    help: () => dialogs.shortcuts(keys),
  };
  for (const name of TOOLS) actions[`tool.${name}`] = () => useTool(name);

  /** @param {ImageState} name */
  function state(name) {
    if (!app.editable()) return;
    stage.leave();
    void editor.inOrder(() => {
      editor.finish();
      if (editor.session?.content.state !== name) editor.do('image.state', { state: name });
    });
    app.goOn();
  }

  /** @param {number} size */
  function setBrush(size) {
    editor.brush = Math.round(Math.min(200, Math.max(1, size)));
    input('brush').value = String(editor.brush);
    app.set({ brush: editor.brush });
    stage.draw();
  }

  function duplicate() {
    const mask = editor.activeMask, label = editor.activeInstance?.label, from = list.current;
    if (!mask) return say(t('say.copy.none'));
    void copied(mask, label, from);
  }

  /**
   * @param {import('./rle.js').Mask} mask
   * @param {string | undefined} label
   * @param {number | null} from
   */
  async function copied(mask, label, from) {
    app.go(1);
    const arrived = () => editor.session && list.current !== from && editor.session.image === list.current;
    for (let tries = 0; tries < 200 && !arrived(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!arrived()) return;
    if (editor.width !== mask.width || editor.height !== mask.height) return say(t('say.copy.size'));
    void editor.inOrder(() => editor.addShape(mask, 'copy', {}, label));
  }

  function askNumber() {
    const number = /** @type {HTMLInputElement} */ (element('input', { type: 'number', min: 1, max: list.visible.length, 'aria-label': t('number') }));
    const jump = () => {
      const image = list.visible[Number(number.value) - 1];
      if (image) void app.opening.open(image.id);
    };
    dialogs.open(t('do.number'), [element('p', {}, t('number.how', { count: list.visible.length })), number], [{ text: t('cancel') }, { text: t('number.go'), primary: true, act: jump }]);
    number.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      byId('dialog', HTMLDialogElement).close();
      jump();
    });
    number.focus();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const target = event.target;
    const typing = target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && !['range', 'checkbox', 'radio', 'color'].includes(target.type));
    if (byId('dialog', HTMLDialogElement).open || event.isComposing || event.key === 'Tab') return;
    if (typing) {
      if (event.key === 'Escape') target.blur();
      return;
    }
    editor.session?.active();
    if (app.cursor.key(event)) return event.preventDefault();
    const control = target instanceof HTMLButtonElement || target instanceof HTMLSelectElement || target instanceof HTMLInputElement || (target instanceof HTMLElement && target.role === 'option');
    if (control && ['Enter', ' '].includes(event.key)) return;
    if ((target instanceof HTMLInputElement || target instanceof HTMLSelectElement) && event.key.startsWith('Arrow')) return;
    if (event.key === ' ') {
      event.preventDefault();
      return stage.space(true);
    }
    const name = nameOf(event);
    const label = /^[1-9]$/.test(name) ? [...app.labels()].find((each) => each.key === name) : undefined;
    const action = keys.action(event);
    if (label) app.chooseLabel(label.id);
    else if (action) actions[action]?.();
    else return;
    event.preventDefault();
  }

  /** What proposals of a label are decided on with. @param {string | null | undefined} label */
  function reviewing(label) {
    const labels = [...app.labels()];
    return { ...app, leases: app.leases, label: labels.find((each) => each.id === label), single: labels.length === 1 };
  }

  window.addEventListener('keydown', onKey);
  window.addEventListener('keyup', (event) => {
    if (event.key === ' ') stage.space(false);
  });
  for (const name of BUTTONS) {
    any('tools').append(element('button', {
      id: `tool-${name}`, 'aria-pressed': false, title: `${t(`tool.${name}.how`)} (${keys.hint(`tool.${name}`)})`, onclick: () => useTool(name),
    }, t(`tool.${name}`)));
  }
  for (const name of ['previous', 'next', 'undo', 'redo', 'done', 'help', 'merge', 'split', 'fill', 'islands', 'clean', 'front', 'back-most', 'lock', 'only', 'duplicate', 'find', 'delete', 'comment', 'finish', 'cancel']) {
    button(name).addEventListener('click', () => actions[name]?.());
    button(name).title = `${button(name).title || (button(name).ariaLabel ?? button(name).textContent)} (${keys.hint(name)})`;
  }
  button('statistics').addEventListener('click', () => void statistics().catch((error) => say(error.message)));
  button('review').addEventListener('click', () => void review(reviewing(editor.label)).catch((error) => say(error.message)));
  button('export').addEventListener('click', () => exporting(app.project().formats));
  button('user').addEventListener('click', () => people({
    project: app.project(), images: list.visible.map((image) => image.id), current: list.current, user: app.leases.user,
    done: app.useProject, say, rename: app.useName,
  }));
  for (const [id, side] of /** @type {const} */ ([['show-images', 'left'], ['show-masks', 'right']])) {
    button(id).addEventListener('click', () => button(id).setAttribute('aria-expanded', String(any(side).classList.toggle('open'))));
  }
  input('search').addEventListener('input', app.renderList);
  input('search').addEventListener('keydown', (event) => {
    const jump = /^#?(\d+)$/.exec(input('search').value);
    const image = jump && event.key === 'Enter' ? list.visible[Number(jump[1]) - 1] : null;
    if (image) void app.opening.open(image.id);
  });
  select('filter').addEventListener('change', app.renderList);
  any('images').addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      event.stopPropagation();
      app.go(event.key === 'ArrowDown' ? 1 : -1);
    }
  });
  byId('add-label', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const name = input('label-name').value.trim();
    if (name) app.changeLabels({ action: 'add', name });
    input('label-name').value = '';
  });
  button('close-greeting').addEventListener('click', () => {
    app.set({ greeted: true });
    app.greet();
  });
  window.addEventListener('beforeunload', (event) => {
    if (!app.isSaved()) event.preventDefault();
  });
  window.addEventListener('pagehide', () => app.leases.leave());
  listenToOptions(app, setBrush);
  useTool(app.settings().tool);
}
