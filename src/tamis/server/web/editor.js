/**
 * Editing one image: which masks are selected, and what is done to them. Every change is an event of the session; what is
 * drawn follows from the session's content. What clicks make is in `prompts.js`, what changes finished masks in
 * `operations.js`.
 */
import { colorOf } from './colors.js';
import { cleaned } from './components.js';
import { area, bounds, contains, empty, encode, fromDense, toDense } from './rle.js';
import { randomId } from './session.js';
import { t } from './words.js';

/** @typedef {import('./types.js').Click} Click */
/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./layers.js').Layers} Layers */
/** @typedef {import('./view.js').View} View */
/** @typedef {{clicks?: Click[], polygon?: [number, number][]}} Made what a mask was made of */

/** The tool of masks that began as a proposal of the assistant. */
export const ASSISTANT = 'assistant';

export class Editor {
  /** @type {Session | null} */
  session = null;
  /** @type {Set<string>} the masks that keys and buttons change */
  selected = new Set();
  /** The label of new masks. */
  label = '';
  /** Brush diameter in pixels of the image. */
  brush = 24;
  /** Finished masks are not covered again. */
  claim = false;
  /** Each click makes a mask of its own. */
  single = false;
  allHidden = false;
  /** Only the selected masks are shown. */
  only = false;
  /** @type {'label'|'instance'|'state'} what colours tell */
  coloring = 'label';
  /** @type {import('./components.js').Cleaning & {onFinish: boolean}} */
  cleaning = { smooth: 0, specks: 0, holes: 0, onFinish: false };
  /** @type {Set<string>} */
  hidden = new Set();
  /** @type {Set<string>} masks that nothing changes until they are unlocked */
  locked = new Set();
  width = 0;
  height = 0;
  /** How many steps of the mask at hand Escape takes back one by one; 0: it was only selected. */
  #steps = 0;
  /** @type {string | null} */
  #highlighted = null;
  /** @type {Promise<void>} the end of all that was asked for */
  #queue = Promise.resolve();
  /** How much of it is still to come. */
  #open = 0;

  /**
   * @param {Layers} layers
   * @param {View} view
   * @param {{color: (label: string) => string, changed: () => void, say: (text: string) => void,
   *   editable: () => boolean, drawTools: () => void, moved: () => void, busy: () => void, chosen: () => void,
   *   highlighted: (id: string | null) => void, tidies: (mask: Mask, made: Mask) => void}} hooks `tidies` shows what finishing will remove
   */
  constructor(layers, view, hooks) {
    this.layers = layers;
    this.view = view;
    this.hooks = hooks;
  }

  /** @param {Session | null} session @param {number} width @param {number} height */
  open(session, width, height) {
    this.session = session;
    this.width = width;
    this.height = height;
    this.selected.clear();
    this.hidden.clear();
    this.locked.clear();
    this.#steps = 0;
    this.#highlighted = null;
    this.hooks.chosen();
    this.refresh();
  }

  // One thing after the other.

  /** Whether something that was asked for is not done yet: an answer of the server is waited for. */
  get busy() {
    return this.#open > 0;
  }

  /** All that was asked for so far is done. */
  async settled() {
    while (this.busy) await this.#queue;
  }

  /**
   * Do something after all that was asked for before it, however long the answers to that take: what people do quickly
   * one after the other is done in that order, and to the image that they did it to.
   * @param {() => void | Promise<void>} act
   */
  inOrder(act) {
    if (this.#open) return this.#await(this.#queue.then(act));
    const going = act();
    return going instanceof Promise ? this.#await(going) : undefined;
  }

  /** @param {Promise<void>} going */
  #await(going) {
    this.#open++;
    this.hooks.busy();
    const ended = going.catch((error) => this.hooks.say(error instanceof Error ? error.message : String(error)));
    this.#queue = ended.then(() => {
      this.#open--;
      this.hooks.busy();
    });
    return this.#queue;
  }

  // What there is.

  /** Draw what the session holds. */
  refresh() {
    const instances = this.session?.instances ?? [];
    for (const id of this.selected) if (!this.session?.content.masks.has(id)) this.selected.delete(id);
    this.layers.paint(
      instances.map((each, i) => ({
        mask: this.session?.mask(each.id) ?? empty(this.height, this.width),
        color: colorOf(this.coloring, each, i, this.hooks.color(each.label), this.session?.content.comments ?? []),
        hidden: this.isHidden(each.id),
        selected: this.selected.has(each.id),
        highlighted: each.id === this.#highlighted,
      })),
    );
    this.hooks.drawTools();
    this.hooks.changed();
  }

  /** @param {string} id */
  isHidden(id) {
    return this.allHidden || this.hidden.has(id) || (this.only && this.selected.size > 0 && !this.selected.has(id));
  }

  /** The one mask that clicks and strokes change; null if none or several are selected. */
  get active() {
    const [first] = this.selected;
    return this.selected.size === 1 ? (first ?? null) : null;
  }

  get activeMask() {
    return this.active ? (this.session?.mask(this.active) ?? null) : null;
  }

  /** @returns {Instance | null} */
  get activeInstance() {
    return this.active ? (this.session?.content.masks.get(this.active) ?? null) : null;
  }

  /** @returns {Click[]} */
  get activeClicks() {
    return this.activeInstance?.clicks ?? [];
  }

  /** Whether the mask at hand is new: Escape takes back its last step. */
  get fresh() {
    return this.#steps > 0 && this.active !== null;
  }

  /** The place of a mask in the order of drawing, -1 for none. @param {string | null} id */
  indexOf(id) {
    return id ? [...(this.session?.content.masks.keys() ?? [])].indexOf(id) : -1;
  }

  /** All masks of the image. @returns {Mask[]} */
  get masks() {
    return (this.session?.instances ?? []).flatMap((each) => this.session?.mask(each.id) ?? []);
  }

  /** The ids of the masks at a place that are shown and not locked, the topmost first. @param {number} x @param {number} y */
  under(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return [];
    const ids = [...(this.session?.content.masks.keys() ?? [])].reverse();
    return ids.filter((id) => {
      const mask = this.session?.mask(id);
      return mask && !this.isHidden(id) && !this.locked.has(id) && contains(mask, x, y);
    });
  }

  // Changes.

  /** @param {string} kind @param {Record<string, any>} [body] */
  do(kind, body = {}) {
    if (!this.session || !this.hooks.editable()) return;
    this.session.do(kind, body);
    this.hooks.chosen();
    this.refresh();
  }

  undo() {
    this.#steps = Math.max(0, this.#steps - 1);
    this.do('undo');
  }

  /**
   * The active mask becomes this one; a new one if none is active.
   * @param {Mask} mask
   * @param {string} tool
   * @param {Made} [made]
   */
  setActive(mask, tool, made = {}) {
    const instance = this.activeInstance;
    if (instance && this.locked.has(instance.id)) return this.hooks.say(t('say.locked'));
    if (this.claim) mask = this.unclaimed(mask, instance?.id ?? null);
    if (!area(mask)) {
      if (instance) this.deleteSelected();
      else this.hooks.say(t('say.empty'));
      return;
    }
    const id = instance?.id ?? randomId();
    this.selected = new Set([id]);
    if (!instance || this.#steps) this.#steps++;
    const label = instance?.label ?? this.label;
    const attributes = instance?.attributes ? { attributes: instance.attributes } : {};
    // Where a mask came from is kept, whatever corrects it.
    const origin = instance?.tool === ASSISTANT ? ASSISTANT : tool;
    this.do('mask.set', { id, label, rle: encode(mask), tool: origin, ...made, ...attributes });
    if (this.cleaning.onFinish && !made.polygon) this.hooks.tidies(mask, cleaned(mask, this.cleaning));
  }

  /** A new mask, whatever is selected. @param {Mask} mask @param {string} tool @param {Made} [made] @param {string} [label] */
  addShape(mask, tool, made, label) {
    this.finish();
    const before = this.label;
    if (label !== undefined) this.label = label;
    this.setActive(mask, tool, made);
    this.label = before;
  }

  /** @param {Mask} mask @param {string | null} except */
  unclaimed(mask, except) {
    const claimed = this.layers.claimed(this.indexOf(except)), dense = toDense(mask);
    for (let i = 0; i < dense.length; i++) if (claimed[i]) dense[i] = 0;
    return fromDense(dense, this.height, this.width);
  }

  /** The next click begins another mask. */
  finish() {
    if (this.fresh && this.cleaning.onFinish) this.clean();
    this.select(null);
  }

  /** Tidy up the selected mask as the options say; a polygon keeps its straight edges. */
  clean() {
    const mask = this.activeMask, instance = this.activeInstance;
    if (!mask || !instance || instance.polygon) return;
    const made = cleaned(mask, this.cleaning);
    if (made.counts.join() !== mask.counts.join()) this.setActive(made, 'clean');
  }

  /** Escape: one step back of a mask that is being made; otherwise nothing is selected any more. */
  back() {
    if (this.fresh) this.undo();
    else this.select(null);
  }

  /** @param {string | null} id */
  select(id) {
    this.selectAll(id ? [id] : []);
  }

  /** @param {Iterable<string>} ids */
  selectAll(ids) {
    this.selected = new Set(ids);
    this.#steps = 0;
    this.hooks.chosen();
    this.refresh();
  }

  /** One more is selected, or one less. @param {string} id */
  toggle(id) {
    const ids = new Set(this.selected);
    if (!ids.delete(id)) ids.add(id);
    this.selectAll(ids);
  }

  /** Show where a mask is. @param {string | null} id */
  highlight(id) {
    if (id === this.#highlighted) return;
    this.#highlighted = id;
    this.hooks.highlighted(id);
    this.refresh();
  }

  deleteSelected() {
    const ids = [...this.selected].filter((id) => !this.locked.has(id));
    if (ids.length < this.selected.size) this.hooks.say(t('say.locked'));
    if (!ids.length) return;
    this.selected.clear();
    this.#steps = 0;
    if (ids.length === 1) this.do('mask.delete', { id: ids[0] });
    else this.do('masks.set', { set: [], deleted: ids });
  }

  /** New masks get this label, and so do the selected ones. @param {string} label */
  chooseLabel(label) {
    this.label = label;
    const ids = [...this.selected].filter((id) => !this.locked.has(id) && this.session?.content.masks.get(id)?.label !== label);
    if (!ids.length) return this.hooks.changed();
    if (this.#steps) this.#steps++;
    if (ids.length === 1) this.do('mask.label', { id: ids[0], label });
    else this.do('masks.label', { ids, label });
  }

  drawTools() {
    this.hooks.drawTools();
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.view.pan(dx, dy);
    this.hooks.moved();
  }

  /** Bring a mask into the middle. @param {string} id */
  reveal(id) {
    const mask = this.session?.mask(id), box = mask ? bounds(mask) : null;
    if (!box) return;
    const density = this.layers.density;
    const middle = this.view.toStage((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    const width = this.layers.width / density, height = this.layers.height / density;
    if (middle.x < 0 || middle.y < 0 || middle.x > width || middle.y > height) this.pan(width / 2 - middle.x, height / 2 - middle.y);
  }
}
