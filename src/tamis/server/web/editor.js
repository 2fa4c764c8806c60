/**
 * Editing one image: which masks are chosen, and what is done to them. Every change is an event of the session; what is
 * drawn follows from the session's content. What clicks make is in `prompts.js`, what changes finished masks in
 * `operations.js`.
 */
import { area, bounds, empty, encode, fromDense, toDense } from './rle.js';
import { randomId } from './session.js';

/** @typedef {import('./types.js').Click} Click */
/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./layers.js').Layers} Layers */
/** @typedef {import('./view.js').View} View */

export class Editor {
  /** @type {Session | null} */
  session = null;
  /** @type {string | null} the mask that clicks, strokes and keys change */
  active = null;
  /** The label of new masks. */
  label = '';
  /** Brush diameter in pixels of the image. */
  brush = 24;
  /** Finished masks are not covered again. */
  claim = false;
  /** Each click makes a mask of its own. */
  single = false;
  allHidden = false;
  /** @type {Set<string>} */
  hidden = new Set();
  width = 0;
  height = 0;
  /** Whether the active mask was begun by the tool at work, so that Escape drops it. */
  #begun = false;
  /** @type {Promise<void>} the end of all that was asked for */
  #queue = Promise.resolve();
  /** How much of it is still to come. */
  #open = 0;

  /**
   * @param {Layers} layers
   * @param {View} view
   * @param {{color: (label: string) => string, changed: () => void, say: (text: string) => void,
   *   editable: () => boolean, drawTools: () => void, moved: () => void, busy: () => void, chosen: () => void}} hooks
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
    this.active = null;
    this.hidden.clear();
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

  /** Draw what the session holds. */
  refresh() {
    const instances = this.session?.instances ?? [];
    if (this.active && !instances.some((each) => each.id === this.active)) this.active = null;
    this.layers.selected = instances.findIndex((each) => each.id === this.active);
    this.layers.paint(
      instances.map((each) => ({
        mask: this.session?.mask(each.id) ?? empty(this.height, this.width),
        color: this.hooks.color(each.label),
        hidden: this.allHidden || this.hidden.has(each.id),
      })),
    );
    this.hooks.drawTools();
    this.hooks.changed();
  }

  /** @param {string} kind @param {Record<string, any>} [body] */
  do(kind, body = {}) {
    if (!this.session || !this.hooks.editable()) return;
    this.session.do(kind, body);
    this.hooks.chosen();
    this.refresh();
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

  // Masks.

  /**
   * The active mask becomes this one; a new one if none is active.
   * @param {Mask} mask
   * @param {string} tool
   * @param {Click[]} [clicks]
   */
  setActive(mask, tool, clicks) {
    const instance = this.activeInstance;
    if (this.claim) mask = this.unclaimed(mask, instance?.id ?? null);
    if (!area(mask)) {
      if (instance) this.deleteActive();
      else this.hooks.say('That would be an empty mask.');
      return;
    }
    const id = instance?.id ?? randomId();
    this.#begun ||= !instance;
    this.active = id;
    const label = instance?.label ?? this.label;
    this.do('mask.set', { id, label, rle: encode(mask), tool, ...(clicks ? { clicks } : {}) });
  }

  /** A new mask, whatever is active. @param {Mask} mask @param {string} tool @param {string} [label] */
  addShape(mask, tool, label) {
    this.finish();
    const before = this.label;
    if (label !== undefined) this.label = label;
    this.setActive(mask, tool);
    this.label = before;
  }

  /** @param {Mask} mask @param {string | null} except */
  unclaimed(mask, except) {
    const index = this.session?.instances.findIndex((each) => each.id === except) ?? -1;
    const claimed = this.layers.claimed(index), dense = toDense(mask);
    for (let i = 0; i < dense.length; i++) if (claimed[i]) dense[i] = 0;
    return fromDense(dense, this.height, this.width);
  }

  finish() {
    this.#begun = false;
    this.select(null);
  }

  /** Drop what was begun, or select nothing. */
  cancel() {
    if (this.#begun && this.active) this.deleteActive();
    this.finish();
  }

  /** @param {string | null} id */
  select(id) {
    this.active = id;
    this.#begun = false;
    this.hooks.chosen();
    this.refresh();
  }

  /** @param {number} x @param {number} y */
  selectAt(x, y) {
    this.select(this.session?.instances[this.layers.ownerAt(x, y)]?.id ?? null);
  }

  deleteActive() {
    const id = this.active;
    this.active = null;
    this.#begun = false;
    if (id) this.do('mask.delete', { id });
  }

  /** New masks get this label, and so does the active one. @param {string} label */
  chooseLabel(label) {
    this.label = label;
    if (this.active && this.activeInstance?.label !== label) this.do('mask.label', { id: this.active, label });
    else this.hooks.changed();
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
