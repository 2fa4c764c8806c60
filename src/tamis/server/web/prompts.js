/** What clicks and boxes on an image would make, and what they make: answers of the page's own table or of the server. */
import { ask, isLeaving } from './asked.js';
import { asksServer, begunFor, drawsFirst, questionOf, roughly } from './corrections.js';
import { HttpError, post } from './http.js';
import { BEST, levelsOf, placeOfBest } from './levels.js';
import { Regions } from './regions.js';
import { contains, decode, subtract } from './rle.js';
import { t } from './words.js';

/** @typedef {import('./types.js').Click} Click */
/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./answers.js').AnswerTable} AnswerTable */
/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./levels.js').Level} Level */

/** So long after a question was cut off the page knows whether that is because it is left. */
const LEAVES_WITHIN_MS = 150;

export class Prompts {
  /** @type {AnswerTable | null} */
  table = null;
  /** @type {Regions | null} all proposals, once they are asked for */
  regions = null;
  #previewed = '';
  /** @type {number | null} the level that the active mask was taken to; without one, clicks are answered at their best */
  #chosen = null;
  /** @type {{x: number, y: number}} */
  #hovered = { x: 0, y: 0 };
  /** @type {AbortController | null} */
  #asking = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  /** @type {string | null} the mask that the level was chosen for */
  #levelOf = null;

  /** What the assistant proposes while no mask is at hand: a click corrects it. @type {{at: (x: number, y: number) => Mask | null, take: (x: number, y: number) => void} | null} */
  assistant = null;

  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.layers = editor.layers;
  }

  /** Another image is open, of which nothing is known yet. */
  forget() {
    this.table = null;
    this.regions = null;
    this.#chosen = null;
    this.clearPreview();
  }

  /** @param {AnswerTable | null} table */
  useTable(table) {
    this.table = table;
    this.#chosen = null;
    this.layers.useTable(table);
  }

  /** Another mask is chosen, or it has changed. */
  chosen() {
    if (this.editor.active !== this.#levelOf) this.#chosen = null;
    this.#levelOf = this.editor.active;
    this.clearPreview();
  }

  /** Where levels are told apart: the first click of the mask at hand, or the pointer. */
  get #origin() {
    return this.editor.activeClicks.find((click) => click.positive) ?? this.#hovered;
  }

  /** @returns {Level[]} the one with the smallest mask first */
  get levels() {
    const { x, y } = this.#origin;
    return levelsOf(this.table?.orderAt(x, y) ?? [1]);
  }

  /** Place in `levels`. */
  get level() {
    const { x, y } = this.#origin;
    return this.#chosen ?? placeOfBest(this.levels, this.table?.bestAt(x, y) ?? 1);
  }

  /** @returns {Level} */
  get #level() {
    return (this.#chosen === null ? null : this.levels[this.#chosen]) ?? BEST;
  }

  /** The mask that a click would correct. @param {number} x @param {number} y @returns {Mask | null} */
  #begunAt(x, y) {
    return this.editor.active ? this.editor.activeMask : (this.assistant?.at(x, y) ?? null);
  }

  // What would be made.

  /** @param {number} x @param {number} y @param {boolean} positive */
  previewClick(x, y, positive) {
    const mask = this.#begunAt(x, y);
    // Inside the mask at hand a positive click has nothing to add: what a negative one would remove is more to the point.
    if (mask && this.table?.corrects && contains(mask, x, y)) positive = false;
    const clicks = [...this.editor.activeClicks, { x, y, positive }];
    if (!this.editor.activeClicks.length) this.#hovered = { x, y };
    this.layers.previewAround(this.editor.claim ? this.editor.indexOf(this.editor.active) : null);
    if (!positive && clicks.length === 1 && !mask) return this.clearPreview();
    const begun = begunFor(this.table, clicks, mask);
    if (asksServer(this.table, clicks, begun)) this.#previewFromServer(clicks, begun);
    else this.#previewFromTable(clicks);
  }

  /** @param {Click[]} clicks at least one */
  #previewFromTable(clicks) {
    const { x, y, positive } = /** @type {Click} */ (clicks[clicks.length - 1]);
    if (this.table) {
      const key = `${this.table.regionAt(x, y)} ${positive} ${this.editor.active} ${this.editor.activeClicks.length} ${this.#chosen}`;
      if (key === this.#previewed) return;
      this.#previewed = key;
      const before = this.#begunAt(x, y);
      if (positive || !before) return this.layers.previewRegions(this.table.inside(clicks, this.#level.threshold, this.#level.granularity));
      const begun = begunFor(this.table, clicks, before);
      this.layers.previewMask(subtract(before, roughly(this.table, clicks, begun, this.#level)), 'remove');
    } else if (this.editor.session) this.#previewFromServer(clicks, null);
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
        const last = /** @type {Click} */ (clicks[clicks.length - 1]), before = this.#begunAt(last.x, last.y), removes = !last.positive;
        if (removes && before) this.layers.previewMask(subtract(before, mask), 'remove');
        else this.layers.previewMask(mask);
      } catch (error) {
        if (error instanceof HttpError && error.status === 0 && this.table) this.#previewFromTable(clicks);
        else if (!(error instanceof DOMException)) this.editor.hooks.say(error instanceof Error ? error.message : String(error));
      }
    }, 40);
  }

  /** What is being painted. @param {Uint8Array} dense @param {import('./rle.js').Box | null} touched */
  previewDense(dense, touched) {
    this.#previewed = '';
    this.layers.previewAround(this.editor.claim ? this.editor.indexOf(this.editor.active) : null);
    this.layers.previewDense(dense, touched);
  }

  /** What tidying up will remove of a mask when it is finished. @param {Mask} mask @param {Mask} made */
  previewRemoval(mask, made) {
    this.#previewed = '';
    this.layers.previewMask(subtract(mask, made), 'remove');
  }

  /** @param {Mask} mask */
  previewShape(mask) {
    this.#previewed = '';
    this.layers.previewMask(mask);
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
    return this.editor.inOrder(() => this.#click({ x, y, positive }));
  }

  /** @param {Click} click @returns {void | Promise<void>} */
  #click(click) {
    const editor = this.editor;
    if (!editor.session || !editor.hooks.editable()) return;
    if (!editor.active) this.assistant?.take(click.x, click.y);
    const { session, active, activeInstance: instance, activeMask: before } = editor;
    if (!click.positive && !instance) return editor.hooks.say(t('say.negative'));
    session.countClick();
    if (active && editor.locked.has(active)) return editor.hooks.say(t('say.locked'));
    const clicks = instance?.clicks?.length ? [...instance.clicks, click] : [click];
    const answered = ask({ ...click, image: session.image, mask: active });
    const going = this.#answered(clicks, begunFor(this.table, clicks, before), (mask) => {
      if (session !== editor.session || active !== editor.active) return;
      editor.setActive(mask, 'click', instance?.clicks?.length || !before ? { clicks } : {});
      if (editor.single) editor.finish();
    });
    return going instanceof Promise ? going.finally(answered) : answered();
  }

  /** Answer the clicks of the active mask at another level. @param {-1|1} step 1: coarser */
  changeLevel(step) {
    return this.useLevel(this.level + step);
  }

  /** @param {number} wanted place in `levels` */
  useLevel(wanted) {
    return this.editor.inOrder(() => {
      const level = Math.min(this.levels.length - 1, Math.max(0, wanted));
      if (level === this.level) return;
      this.#chosen = level;
      this.#levelOf = this.editor.active;
      this.#previewed = '';
      const clicks = this.editor.activeClicks;
      if (!clicks.length || !this.editor.hooks.editable()) return this.editor.hooks.changed();
      return this.#answered(clicks, null, (mask) => this.editor.setActive(mask, 'click', { clicks }));
    });
  }

  /** The mask whose box is most like this one. @param {{x: number, y: number}} from @param {{x: number, y: number}} to */
  box(from, to) {
    return this.editor.inOrder(() => this.#box(from, to));
  }

  /** @param {{x: number, y: number}} from @param {{x: number, y: number}} to @returns {void | Promise<void>} */
  #box(from, to) {
    const editor = this.editor;
    const left = Math.max(0, Math.min(from.x, to.x)), right = Math.min(editor.width, Math.max(from.x, to.x));
    const top = Math.max(0, Math.min(from.y, to.y)), bottom = Math.min(editor.height, Math.max(from.y, to.y));
    if (right <= left || bottom <= top || !editor.hooks.editable()) return;
    editor.finish();
    editor.session?.countClick();
    if (this.table) {
      const { mask, click, granularity } = this.table.maskInBox({ left, top, right, bottom }, this.#level.threshold);
      editor.setActive(mask, 'box', { clicks: [click] });
      const place = this.levels.findIndex((each) => each.granularity === granularity);
      if (place >= 0) [this.#chosen, this.#levelOf] = [place, editor.active];
      return;
    }
    return this.#ask({ clicks: [], box: [left, top, right, bottom], ...this.#level }).then((mask) => editor.setActive(mask, 'box'));
  }

  /**
   * What the page can answer is used at once, what the server is asked for when it comes; the answer to a first click is
   * shown meanwhile as the page knows it.
   * @param {Click[]} clicks
   * @param {Mask | null} begun the mask so far, which the last of them corrects
   * @param {(mask: Mask) => void} use
   * @returns {void | Promise<void>}
   */
  #answered(clicks, begun, use) {
    const table = this.table, level = this.#level;
    const draws = level === BEST && drawsFirst(table, clicks, begun);
    if (draws) this.#previewFromTable(clicks);
    else if (table && !asksServer(table, clicks, begun)) return use(roughly(table, clicks, begun, level));
    return this.#ask(questionOf(clicks, begun, level)).then(use, async (error) => {
      const away = error instanceof HttpError && error.status === 0;
      // A reload cuts questions off before the page hears that it is being left.
      if (away) await new Promise((resolve) => setTimeout(resolve, LEAVES_WITHIN_MS));
      if (isLeaving()) return new Promise(() => undefined);
      if (!away || !table) throw error;
      this.editor.hooks.say(t('say.rough'));
      use(roughly(table, clicks, begun, level));
    });
  }

  /** @param {Record<string, any>} question @param {AbortSignal} [signal] @returns {Promise<Mask>} */
  async #ask(question, signal) {
    const answer = await post(`api/images/${this.editor.session?.image}/mask`, question, signal);
    return decode(answer.rle);
  }

  // Regions.

  /** @param {import('./types.js').Rle[]} rles */
  useProposals(rles) {
    this.regions = new Regions(rles, this.editor.width, this.editor.height);
    this.editor.drawTools();
  }

  /** @param {Set<number>} taken */
  previewProposals(taken) {
    const key = `proposals ${[...taken].join()}`;
    if (key === this.#previewed) return;
    this.#previewed = key;
    const mask = this.regions?.together(taken) ?? null;
    this.layers.previewAround(this.editor.claim ? -1 : null);
    this.layers.previewMask(mask);
  }

  /** Proposals become masks. @param {Set<number>} taken @param {boolean} together as one mask */
  takeProposals(taken, together) {
    return this.editor.inOrder(() => {
      const masks = together ? [this.regions?.together(taken)] : [...taken].map((index) => this.regions?.mask(index));
      for (const mask of masks) {
        if (!mask) continue;
        this.editor.session?.countClick();
        this.editor.addShape(mask, 'region');
        this.editor.finish();
      }
    });
  }
}
