/** One image being annotated: its events, their fold, and the time spent. */
import { decode } from './rle.js';
import { History } from './fold.js';

/** @typedef {import('./types.js').Event} Event */
/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {import('./types.js').Content} Content */
/** @typedef {import('./rle.js').Mask} Mask */

/** Pauses longer than this are not work. */
const IDLE_MS = 15_000;

export class Session {
  /** @type {Content} */
  content;
  /** @type {Map<string, {rle: import('./types.js').Rle, mask: Mask}>} decoded once */
  #masks = new Map();
  #activeMs = 0;
  #lastSeen;
  #clicks = 0;
  /** How many events the image has, those included that the server does not know yet. */
  #count;

  /**
   * @param {number} image
   * @param {Event[]} events that the server has
   * @param {Event[]} pending that it may not have yet
   * @param {(event: Event, base: number) => void} send takes an event and how many there are before it
   * @param {number} [since] when the work on it has begun, as `performance.now()` tells it
   */
  constructor(image, events, pending, send, since = performance.now()) {
    this.image = image;
    this.#lastSeen = since;
    const known = new Set(events.map((event) => event.uuid));
    const all = [...events, ...pending.filter((event) => !known.has(event.uuid))];
    this.#count = all.length;
    this.history = new History(all);
    this.content = this.history.content();
    this.send = send;
    /** Whether masks were changed here. */
    this.drawn = pending.some((event) => event.kind.startsWith('mask'));
    /** Who had changed masks of this image when it was opened. */
    this.annotators = new Set(events.filter((event) => event.kind.startsWith('mask')).map((event) => event.user ?? ''));
  }

  /** Somebody moved or typed: the time since the last sign of life counts, unless it was a pause. */
  active() {
    const now = performance.now();
    if (now - this.#lastSeen < IDLE_MS) this.#activeMs += now - this.#lastSeen;
    this.#lastSeen = now;
  }

  countClick() {
    this.#clicks++;
  }

  /**
   * @param {string} kind
   * @param {Record<string, any>} [body]
   */
  do(kind, body = {}) {
    if ((kind === 'undo' && !this.history.canUndo) || (kind === 'redo' && !this.history.canRedo)) return;
    this.active();
    const event = {
      uuid: crypto.randomUUID?.() ?? randomId(),
      kind,
      body,
      at: new Date().toISOString(),
      active_ms: Math.round(this.#activeMs),
      clicks: this.#clicks,
    };
    this.#activeMs = 0;
    this.#clicks = 0;
    this.drawn ||= kind.startsWith('mask');
    this.history.add(event);
    this.content = this.history.content();
    this.send(event, this.#count++);
  }

  /** @returns {Instance[]} in the order in which they are drawn */
  get instances() {
    return [...this.content.masks.values()];
  }

  /** @param {string} id @returns {Mask | null} */
  mask(id) {
    const instance = this.content.masks.get(id);
    if (!instance) return null;
    const kept = this.#masks.get(id);
    if (kept?.rle === instance.rle) return kept.mask;
    const mask = decode(instance.rle);
    this.#masks.set(id, { rle: instance.rle, mask });
    return mask;
  }
}

/** A name for a mask or an event, where the page is not served from localhost. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
