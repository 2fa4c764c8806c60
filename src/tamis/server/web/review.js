/** Review in bulk: what the assistant proposes for images that wait, side by side, corrected by clicks and decided on by one key. */
import { percent, proposed, standing } from './assistant.js';
import { open } from './dialogs.js';
import { any, byId, element } from './dom.js';
import { get } from './http.js';
import { Session } from './session.js';
import { Parts, Picture } from './tiles.js';
import { t } from './words.js';

/** @typedef {import('./types.js').Label} Label */
/** @typedef {'loading'|'waiting'|'nothing'|'accepted'|'rejected'|'locked'|'changed'} Standing of a tile */
/** @typedef {{id: number, name: string, place: HTMLElement, picture: Picture, confidence: number, parts: Parts, ms: number, standing: Standing, who: string}} Tile `ms`: spent on correcting it */
/**
 * @typedef {{
 *   editor: import('./editor.js').Editor, list: import('./listing.js').ImageList, leases: import('./leases.js').Leases,
 *   outbox: import('./outbox.js').Outbox, assistant: import('./assistant.js').Assistant, opening: import('./opening.js').Opening,
 *   known: Map<number, number>, project: () => import('./types.js').Project, say: (text: string) => void,
 *   label: Label | undefined, single: boolean,
 * }} App
 */

/** How many are shown at once: as many as are looked at in one go. */
export const PAGE = 24;

/** Show the surest proposals of a label. @param {App} app @returns {Promise<void>} */
export async function review(app) {
  const { label } = app;
  if (!label) return;
  if (app.project().readonly) return app.say(t('say.readonly'));
  const told = await get(`api/assistant?label=${encodeURIComponent(label.id)}`);
  const entries = waiting(app, told.images ?? []);
  const title = t('review.title', { label: label.name });
  const again = () => void review(app).catch((error) => app.say(error.message));
  if (!entries.length) {
    const state = told.state === 'ready' ? t('review.none') : standing(told, label);
    return open(title, [element('p', {}, state)], [{ text: t('review.next'), act: again }, { text: t('close'), primary: true }]);
  }
  const ask = (/** @type {number} */ id) => get(`api/images/${id}/assistant?label=${encodeURIComponent(label.id)}`).then((each) => each.proposal);
  const grid = new Grid({ ...app, label }, title, entries.slice(0, PAGE), ask);
  const rated = told.state === 'learning' ? [element('p', { class: 'quiet' }, t('review.looking', { count: entries.length }))] : [];
  const sure = told.sure === null ? t('review.unsure') : t('review.sure', { percent: percent(told.sure) });
  open(title, [element('p', { class: 'quiet' }, `${standing(told, label)} ${sure} ${t('review.keys')}`), ...rated, grid.done, grid.place, grid.buttons], [
    { text: t('review.next'), act: again }, { text: t('close'), primary: true },
  ]);
  grid.start();
}

/**
 * Images that may be decided on here: not those that somebody else has open or that are somebody else's.
 * @param {App} app @param {import('./types.js').Rating[]} ratings
 */
function waiting(app, ratings) {
  return ratings.flatMap((rating) => {
    const image = app.list.images.get(rating.id);
    return image && !rating.empty && !rating.rejected && free(app, image) ? [{ id: rating.id, name: image.name, confidence: rating.confidence }] : [];
  }).sort((a, b) => b.confidence - a.confidence);
}

/** Whether an image has no mask yet, and may be given one here. @param {App} app @param {import('./types.js').ImageRow} image */
export function free({ list, leases, outbox }, image) {
  if (image.masks || outbox.counts.has(image.id) || (image.editor && image.id !== list.current)) return false;
  return !image.assigned || image.assigned === leases.user;
}

/** Proposals side by side, and the keys and buttons to decide on them. */
export class Grid {
  /** When the last decision was made: what lies between is the work on the next. */
  #since = performance.now();
  #at = 0;

  /**
   * @param {App & {label: Label}} app
   * @param {string} title
   * @param {{id: number, name: string, confidence: number}[]} entries
   * @param {(id: number) => Promise<{rle: import('./types.js').Rle, parts: import('./types.js').Rle[], confidence: number} | null>} ask for a proposal
   */
  constructor(app, title, entries, ask) {
    this.app = app;
    this.label = app.label;
    this.ask = ask;
    this.box = /** @type {HTMLInputElement} */ (element('input', { type: 'checkbox', checked: app.single }));
    this.done = element('label', { class: 'check' }, this.box, t('review.done'));
    this.tiles = entries.map((entry, i) => this.#tile(entry, i));
    this.place = element('div', { class: 'grid', role: 'listbox', tabIndex: 0, 'aria-label': title, onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) }, ...this.tiles.map((tile) => tile.place));
    this.buttons = element('div', { class: 'row' },
      element('button', { id: 'tile-accept', class: 'primary', onclick: () => this.#accept() }, t('review.accept')),
      element('button', { id: 'tile-reject', onclick: () => this.#reject() }, t('review.reject')),
      element('button', { id: 'tile-open', onclick: () => void this.#open() }, t('review.open')),
      element('button', { id: 'tile-undo', onclick: () => this.#undo() }, t('review.undo')),
      element('button', { id: 'tile-others', onclick: () => void this.#acceptOthers() }, t('review.others')));
  }

  start() {
    this.#select(0);
    this.place.focus({ preventScroll: true });
    void this.#load();
  }

  get #current() {
    return this.tiles[this.#at];
  }

  /** @param {{id: number, name: string, confidence: number}} entry @param {number} index @returns {Tile} */
  #tile({ id, name, confidence }, index) {
    const canvas = /** @type {HTMLCanvasElement} */ (element('canvas', { 'aria-hidden': true, onclick: (/** @type {MouseEvent} */ event) => void this.#correct(tile, event) }));
    const place = element('div', { class: 'tile', role: 'option', id: `tile-${id}`, onclick: () => this.#select(index) });
    /** @type {Tile} */
    const tile = { id, name, place, picture: new Picture(canvas, this.label.color), confidence, parts: new Parts([]), ms: 0, standing: 'loading', who: '' };
    this.#tell(tile);
    return tile;
  }

  /** @param {Tile} tile @param {Standing} [now] */
  #tell(tile, now = tile.standing) {
    tile.standing = now;
    const clicks = now === 'waiting' ? tile.parts.clicks : 0;
    const told = clicks ? t('tile.corrected', { clicks }) : t(`tile.${now}`, { name: tile.who }), share = percent(tile.confidence);
    tile.place.classList.toggle('decided', !['loading', 'waiting'].includes(now));
    tile.place.title = tile.name;
    tile.place.replaceChildren(tile.picture.canvas, element('div', { class: 'row' }, element('span', { class: 'name' }, tile.name), element('b', {}, `${share} %`)), element('div', { class: 'row told' }, told));
  }

  /** One after the other, as long as somebody looks. */
  async #load() {
    for (const tile of this.tiles) {
      if (!this.place.isConnected) return;
      try {
        const proposal = await this.ask(tile.id);
        if (!proposal) {
          this.#tell(tile, 'nothing');
          continue;
        }
        await tile.picture.load(tile.id);
        tile.parts = new Parts(proposal.parts.length ? proposal.parts : [proposal.rle]);
        this.#show(tile);
        tile.confidence = proposal.confidence;
        this.#tell(tile, 'waiting');
      } catch {
        this.#tell(tile, 'nothing'); // its file is gone, or the server is: the others may do
      }
    }
  }

  /** @param {Tile} tile */
  #show({ picture, parts }) {
    picture.show(parts.all.map((part) => part.mask));
  }

  /** A click on the picture says what is wrong there. @param {Tile} tile @param {MouseEvent} event */
  async #correct(tile, event) {
    const [first] = tile.parts.all, place = first && tile.standing === 'waiting' ? tile.picture.placeOf(event, first.mask) : null;
    if (!place) return;
    tile.place.classList.add('busy');
    try {
      if (await tile.parts.correct(tile.id, place.x, place.y)) this.#show(tile);
    } catch (error) {
      this.app.say(error instanceof Error ? error.message : String(error));
    }
    tile.place.classList.remove('busy');
    tile.ms += performance.now() - this.#since;
    this.#since = performance.now();
    this.#tell(tile);
  }

  #undo() {
    const tile = this.#current;
    if (tile?.standing !== 'waiting' || !tile.parts.undo()) return;
    this.#show(tile);
    this.#tell(tile);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const width = this.#columns();
    /** @type {Record<string, () => unknown>} */
    const keys = {
      ArrowRight: () => this.#select(this.#at + 1), ArrowLeft: () => this.#select(this.#at - 1),
      ArrowDown: () => this.#select(this.#at + width), ArrowUp: () => this.#select(this.#at - width),
      a: () => this.#accept(), Enter: () => this.#accept(), x: () => this.#reject(), o: () => void this.#open(), u: () => this.#undo(),
    };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = key === 'a' && event.shiftKey ? () => void this.#acceptOthers() : keys[key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #columns() {
    const top = this.tiles[0]?.place.offsetTop;
    return this.tiles.filter((tile) => tile.place.offsetTop === top).length;
  }

  /** @param {number} index */
  #select(index) {
    if (!this.tiles[index]) return;
    this.#at = index;
    this.tiles.forEach((tile, i) => tile.place.setAttribute('aria-selected', String(i === index)));
    this.place.setAttribute('aria-activedescendant', `tile-${this.#current?.id}`);
    this.#current?.place.scrollIntoView({ block: 'nearest' });
  }

  /** On to what is still to be decided. */
  #next() {
    const left = (/** @type {Tile} */ tile) => tile.standing === 'waiting' || tile.standing === 'loading';
    const after = this.tiles.findIndex((tile, i) => i > this.#at && left(tile));
    this.#select(after >= 0 ? after : this.tiles.findIndex(left));
  }

  #reject() {
    const tile = this.#current;
    if (tile && ['waiting', 'nothing'].includes(tile.standing)) void this.#decide(tile, 'rejected');
  }

  /** What clicks have corrected goes along, to be finished there. */
  async #open() {
    const tile = this.#current;
    if (!tile) return;
    if (tile.parts.clicks && tile.parts.all.length && tile.standing === 'waiting') await this.#decide(tile, 'opened');
    byId('dialog', HTMLDialogElement).close();
    void this.app.opening.open(tile.id).then(() => any('stage').focus());
  }

  #accept() {
    const tile = this.#current;
    if (tile?.parts.all.length && tile.standing === 'waiting') void this.#decide(tile, 'accepted');
  }

  /** Whoever has rejected or opened what is wrong accepts what is left by one key; the time of looking is shared out. */
  async #acceptOthers() {
    const others = this.tiles.filter((tile) => tile.parts.all.length && tile.standing === 'waiting');
    const each = (performance.now() - this.#since) / Math.max(1, others.length);
    for (const tile of others) {
      this.#since = performance.now() - each;
      await this.#decide(tile, 'accepted');
    }
  }

  /** @param {Tile} tile @param {'accepted'|'rejected'|'opened'} decision */
  async #decide(tile, decision) {
    const since = this.#since - tile.ms, before = tile.standing, events = this.#events(tile, decision);
    this.#since = performance.now();
    this.#tell(tile, decision === 'opened' ? 'accepted' : decision);
    if (decision !== 'opened') this.#next();
    try {
      if (tile.id === this.app.list.current) this.#doOpen(tile, events);
      else await this.#doElsewhere(tile, since, events);
    } catch (error) {
      this.#tell(tile, before);
      this.app.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {Tile} tile @param {'accepted'|'rejected'|'opened'} decision @returns {[string, Record<string, any>][]} kinds and bodies */
  #events({ parts }, decision) {
    if (decision === 'rejected') return [['proposal.reject', { label: this.label.id, rejected: true }]];
    const masks = parts.all.map(({ rle, clicks }) => ({ ...proposed(rle, this.label.id), ...(clicks.length ? { clicks } : {}) })), [first] = masks;
    /** @type {[string, Record<string, any>][]} */
    const events = [masks.length === 1 && first ? ['mask.set', first] : ['masks.set', { set: masks, deleted: [] }]];
    return this.box.checked && decision === 'accepted' ? [...events, ['image.state', { state: 'done' }]] : events;
  }

  /** @param {Tile} tile @param {[string, Record<string, any>][]} events */
  #doOpen(tile, events) {
    const { editor } = this.app;
    void editor.inOrder(() => {
      if (editor.session?.image !== tile.id || editor.session.content.masks.size || !editor.hooks.editable()) return this.#tell(tile, 'changed');
      editor.finish();
      for (let i = 0; i < tile.parts.clicks; i++) editor.session.countClick();
      for (const [kind, body] of events) editor.do(kind, body);
    });
  }

  /** An image that is not open: the same events, under a lease of its own that is given back once they are saved. @param {Tile} tile @param {number} since @param {[string, Record<string, any>][]} events */
  async #doElsewhere(tile, since, events) {
    const { leases, outbox, known } = this.app;
    if (!(await leases.take(tile.id))) {
      tile.who = leases.editor(tile.id) || t('somebody');
      return this.#tell(tile, 'locked');
    }
    const history = await get(`api/images/${tile.id}/events`);
    known.set(tile.id, history.seq);
    const session = new Session(tile.id, history.events, outbox.pending(tile.id), (event, base) => outbox.add(tile.id, event, base), since);
    if (session.content.masks.size || !['todo', 'progress'].includes(session.content.state)) {
      await leases.release(tile.id);
      return this.#tell(tile, 'changed');
    }
    for (let i = 0; i < tile.parts.clicks; i++) session.countClick();
    for (const [kind, body] of events) session.do(kind, body);
  }
}
