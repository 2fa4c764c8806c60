/**
 * Editing one image: which mask is active, what clicks and strokes make of it, and what would be made. Every change is an
 * event of the session; what is drawn follows from the session's content.
 */
import { asksServer, begunFor, questionOf, roughly } from './corrections.js';
import { HttpError, post } from './http.js';
import { BEST, levelsOf, placeOfBest } from './levels.js';
import { Regions } from './regions.js';
import { area, bounds, decode, empty, encode, fromDense, toDense, union } from './rle.js';
import { randomId } from './session.js';
import { separate, withoutHoles, withoutIslands } from './shapes.js';

/** @typedef {import('./types.js').Click} Click */
/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./answers.js').AnswerTable} AnswerTable */
/** @typedef {import('./layers.js').Layers} Layers */
/** @typedef {import('./view.js').View} View */
/** @typedef {import('./levels.js').Level} Level */

export class Editor {
  /** @type {Session | null} */
  session = null;
  /** @type {AnswerTable | null} */
  table = null;
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
  /** @type {Regions | null} all proposals, once they are asked for */
  regions = null;
  width = 0;
  height = 0;
  /** Whether the active mask was begun by the tool at work, so that Escape drops it. */
  #begun = false;
  /** @type {Promise<void>} clicks that wait for their answers */
  #clicks = Promise.resolve();
  /** How often something was selected or finished. */
  #turn = 0;
  #previewed = '';
  /** @type {number | null} the level that the active mask was taken to; without one, clicks are answered at their best */
  #chosen = null;
  /** @type {{x: number, y: number}} */
  #hovered = { x: 0, y: 0 };
  /** @type {AbortController | null} */
  #asking = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;

  /**
   * @param {Layers} layers
   * @param {View} view
   * @param {{color: (label: string) => string, changed: () => void, say: (text: string) => void,
   *   editable: () => boolean, drawTools: () => void, moved: () => void}} hooks
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
    this.table = null;
    this.active = null;
    this.hidden.clear();
    this.regions = null;
    this.clearPreview();
    this.refresh();
  }

  /** @param {AnswerTable | null} table */
  useTable(table) {
    this.table = table;
    this.#chosen = null;
    this.layers.useTable(table);
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
    this.clearPreview();
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

  /** @returns {Level[]} the finest first */
  get levels() {
    return levelsOf(this.table?.granularities ?? 1);
  }

  /** Place in `levels`. */
  get level() {
    const { x, y } = this.activeClicks.find((click) => click.positive) ?? this.#hovered;
    return this.#chosen ?? placeOfBest(this.table?.granularities ?? 1, this.table?.bestAt(x, y) ?? 1);
  }

  /** @returns {Level} */
  get #level() {
    return (this.#chosen === null ? null : this.levels[this.#chosen]) ?? BEST;
  }

  // What would be made.

  /** @param {number} x @param {number} y @param {boolean} positive */
  previewClick(x, y, positive) {
    const clicks = [...this.activeClicks, { x, y, positive }];
    this.#hovered = { x, y };
    if (!positive && clicks.length === 1 && !this.activeMask) return this.clearPreview();
    const begun = begunFor(this.table, clicks, this.activeMask);
    if (asksServer(this.table, clicks, begun)) this.#previewFromServer(clicks, begun);
    else this.#previewFromTable(clicks);
  }

  /** @param {Click[]} clicks at least one */
  #previewFromTable(clicks) {
    const { x, y, positive } = /** @type {Click} */ (clicks[clicks.length - 1]);
    if (this.table) {
      const key = `${this.table.regionAt(x, y)} ${positive} ${this.active} ${this.activeClicks.length} ${this.#chosen}`;
      if (key === this.#previewed) return;
      this.#previewed = key;
      this.layers.previewRegions(this.table.inside(clicks, this.#level.threshold, this.#level.granularity));
    } else if (this.session) this.#previewFromServer(clicks, null);
  }

  /** Only the latest question counts. @param {Click[]} clicks @param {Mask | null} begun the mask that they correct */
  #previewFromServer(clicks, begun) {
    clearTimeout(this.#later);
    this.#later = setTimeout(async () => {
      this.#asking?.abort();
      const asking = (this.#asking = new AbortController());
      try {
        const mask = await this.#ask(questionOf(clicks, begun, this.#level), asking.signal);
        if (asking !== this.#asking) return;
        this.#previewed = '';
        this.layers.previewMask(mask);
      } catch (error) {
        if (error instanceof HttpError && error.status === 0 && this.table) this.#previewFromTable(clicks);
        else if (!(error instanceof DOMException)) this.hooks.say(error instanceof Error ? error.message : String(error));
      }
    }, 40);
  }

  /** @param {Uint8Array} dense */
  previewDense(dense) {
    this.#previewed = '';
    this.layers.previewMask(fromDense(dense, this.height, this.width));
  }

  clearPreview() {
    clearTimeout(this.#later);
    this.#asking?.abort();
    this.#asking = null;
    if (this.#previewed !== 'none') this.layers.previewRegions(null);
    this.#previewed = 'none';
  }

  // What clicks make.

  /**
   * @param {number} x
   * @param {number} y
   * @param {boolean} positive
   */
  click(x, y, positive) {
    if (!this.session || !this.hooks.editable()) return;
    if (!positive && !this.activeInstance) return this.hooks.say('A negative click needs a mask: click on an object first, or select one.');
    this.session.countClick();
    const session = this.session, target = this.active, turn = this.#turn;
    // One after the other: each corrects what the one before has made, however fast they come.
    this.#clicks = this.#clicks.then(() => {
      const id = target ?? (turn === this.#turn ? this.active : null);
      return session === this.session ? this.#clickOn(id, { x, y, positive }) : undefined;
    });
    return this.#clicks;
  }

  /** @param {string | null} id of the mask, null for a new one @param {Click} click */
  async #clickOn(id, click) {
    const session = this.session, instance = id ? session?.content.masks.get(id) : null;
    if (!session || (id && !instance)) return;
    const before = id ? session.mask(id) : null;
    const clicks = instance?.clicks?.length ? [...instance.clicks, click] : [click];
    const mask = await this.#answer(clicks, begunFor(this.table, clicks, before));
    if (!mask || session !== this.session) return;
    const now = this.active;
    this.active = id;
    this.#set(mask, 'click', instance?.clicks?.length || !before ? clicks : undefined);
    if (this.single) this.finish();
    else if (id && now !== id) this.select(now); // somebody was quicker than the answer
  }

  /** Answer the clicks of the active mask at another level. @param {-1|1} step 1: coarser */
  async changeLevel(step) {
    const level = Math.min(this.levels.length - 1, Math.max(0, this.level + step));
    if (level === this.level) return;
    this.#chosen = level;
    const clicks = this.activeClicks;
    const mask = clicks.length && this.hooks.editable() ? await this.#answer(clicks, null) : null;
    if (mask) this.#set(mask, 'click', clicks);
    this.#previewed = '';
    this.hooks.changed();
  }

  /** The mask whose box is most like this one. @param {{x: number, y: number}} from @param {{x: number, y: number}} to */
  async box(from, to) {
    const left = Math.max(0, Math.min(from.x, to.x)), right = Math.min(this.width, Math.max(from.x, to.x));
    const top = Math.max(0, Math.min(from.y, to.y)), bottom = Math.min(this.height, Math.max(from.y, to.y));
    if (right <= left || bottom <= top || !this.hooks.editable()) return;
    this.finish();
    this.session?.countClick();
    if (this.table) {
      const { mask, click, granularity } = this.table.maskInBox({ left, top, right, bottom }, this.#level.threshold);
      if (this.table.granularities > 1) this.#chosen = granularity - 1;
      this.#set(mask, 'box', [click]);
      return;
    }
    try {
      this.#set(await this.#ask({ clicks: [], box: [left, top, right, bottom], ...this.#level }), 'box');
    } catch (error) {
      this.hooks.say(error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * @param {Click[]} clicks
   * @param {Mask | null} begun the mask so far, which the last of them corrects
   * @returns {Promise<Mask | null>} null if the server cannot tell
   */
  async #answer(clicks, begun) {
    if (this.table && !asksServer(this.table, clicks, begun)) return roughly(this.table, clicks, begun, this.#level);
    try {
      return await this.#ask(questionOf(clicks, begun, this.#level));
    } catch (error) {
      if (error instanceof HttpError && error.status === 0 && this.table) {
        this.hooks.say('The server does not answer: this correction is the rough one of the page alone.');
        return roughly(this.table, clicks, begun, this.#level);
      }
      this.hooks.say(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  /** @param {Record<string, any>} question @param {AbortSignal} [signal] @returns {Promise<Mask>} */
  async #ask(question, signal) {
    const answer = await post(`api/images/${this.session?.image}/mask`, question, signal);
    return decode(answer.rle);
  }

  // Masks.

  /**
   * The active mask becomes this one; a new one if none is active.
   * @param {Mask} mask
   * @param {string} tool
   * @param {Click[]} [clicks]
   */
  #set(mask, tool, clicks) {
    const instance = this.activeInstance;
    if (this.claim) mask = this.#unclaimed(mask, instance?.id ?? null);
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

  /** @param {Mask} mask @param {string} tool */
  setActive(mask, tool) {
    this.#set(mask, tool);
  }

  /** A new mask, whatever is active. @param {Mask} mask @param {string} tool @param {string} [label] */
  addShape(mask, tool, label) {
    this.finish();
    const before = this.label;
    if (label !== undefined) this.label = label;
    this.#set(mask, tool);
    this.label = before;
  }

  /** @param {Mask} mask @param {string | null} except */
  #unclaimed(mask, except) {
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
    this.#turn++;
    this.active = id;
    this.#begun = false;
    this.#chosen = null;
    this.#previewed = '';
    this.clearPreview();
    this.refresh();
  }

  /** @param {number} x @param {number} y */
  selectAt(x, y) {
    this.select(this.session?.instances[this.layers.ownerAt(x, y)]?.id ?? null);
  }

  deleteActive() {
    const id = this.active;
    this.active = this.#chosen = null;
    this.#begun = false;
    if (id) this.do('mask.delete', { id });
  }

  /** The active mask takes in the one at a place. @param {number} x @param {number} y */
  mergeAt(x, y) {
    const own = this.activeInstance, mask = this.activeMask;
    const other = this.session?.instances[this.layers.ownerAt(x, y)];
    const theirs = other ? this.session?.mask(other.id) : null;
    if (!own || !mask || !other || !theirs || other.id === own.id) return this.hooks.say('Select one mask and point at another to merge them.');
    this.do('masks.set', { set: [{ id: own.id, label: own.label, rle: encode(union(mask, theirs)), tool: 'merge' }], deleted: [other.id] });
  }

  /** Each connected part of the active mask becomes a mask. */
  split() {
    const own = this.activeInstance, mask = this.activeMask;
    const found = mask ? separate(mask) : [];
    if (!own || found.length < 2) return this.hooks.say('The selected mask has only one part.');
    const set = found.map((part, i) => ({ id: i ? randomId() : own.id, label: own.label, rle: encode(part.mask), tool: 'split' }));
    this.do('masks.set', { set, deleted: [] });
  }

  fillHoles() {
    if (this.activeMask) this.#set(withoutHoles(this.activeMask), 'fill');
  }

  removeIslands() {
    if (this.activeMask) this.#set(withoutIslands(this.activeMask), 'islands');
  }

  /** New masks get this label, and so does the active one. @param {string} label */
  chooseLabel(label) {
    this.label = label;
    if (this.active && this.activeInstance?.label !== label) this.do('mask.label', { id: this.active, label });
    else this.hooks.changed();
  }

  // Regions.

  /** @param {import('./types.js').Rle[]} rles */
  useProposals(rles) {
    this.regions = new Regions(rles, this.width, this.height);
    this.hooks.drawTools();
  }

  /** @param {Set<number>} taken */
  previewProposals(taken) {
    const key = `proposals ${[...taken].join()}`;
    if (key === this.#previewed) return;
    this.#previewed = key;
    const mask = this.regions?.together(taken) ?? null;
    if (mask) this.layers.previewMask(mask);
    else this.layers.previewRegions(null);
  }

  /** @param {Set<number>} taken */
  takeProposals(taken) {
    const mask = this.regions?.together(taken);
    if (!mask) return;
    this.session?.countClick();
    this.addShape(mask, 'region');
    this.finish();
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
