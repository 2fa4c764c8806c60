/**
 * Events on their way to the server. They are kept in the browser's database until the server has them on its disk, sent
 * in order, and sent again after an interruption, a reload or a crash of either side, whatever image is open then.
 */
import { HttpError, post } from './http.js';

/** @typedef {import('./types.js').Event} Event */
/**
 * @typedef {{image: number, event: Event, base?: number, key?: number, project: string}} Waiting
 *   base: how many events the image had before it
 */

const DATABASE = 'tamis';
const AGAIN_MS = 8000;

export class Outbox {
  /** @type {Waiting[]} in order */
  #waiting = [];
  /** @type {IDBDatabase | null} */
  #database = null;
  /** @type {Promise<void> | null} */
  #sending = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #delay = 500;
  /** @type {Map<number, string>} images whose events are held back until somebody decides, and why */
  #held = new Map();

  /**
   * @param {string} project whose events these are
   * @param {string} client
   * @param {{base: (image: number) => number | null, lease: (image: number) => Promise<string | null>,
   *   acknowledged: (image: number, seq: number) => void, emptied: (image: number) => void,
   *   told: (why: string) => void, refused: (image: number, error: HttpError) => void, locked: (image: number) => string,
   * }} hooks `lease` takes one where there is none, `locked` says who stands in the way
   */
  constructor(project, client, hooks) {
    this.project = project;
    this.client = client;
    this.hooks = hooks;
  }

  /** Read what an earlier visit could not send. */
  async open() {
    try {
      this.#database = await openDatabase();
      this.#waiting = await this.#kept();
    } catch {
      // Private windows may refuse a database: events are then kept in memory alone.
      this.#database = null;
    }
    if (this.count) void this.send();
  }

  /** Events of an image that the server may not have. @param {number} image */
  pending(image) {
    return this.#waiting.filter((each) => each.image === image).map((each) => each.event);
  }

  get count() {
    return this.#waiting.length;
  }

  /** How many events wait, by image. */
  get counts() {
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (const { image } of this.#waiting) counts.set(image, (counts.get(image) ?? 0) + 1);
    return counts;
  }

  /** @param {number} image @param {Event} event @param {number} base how many events the image has before it */
  add(image, event, base) {
    /** @type {Waiting} */
    const waiting = { image, event, base, project: this.project };
    this.#waiting.push(waiting);
    if (this.#database) {
      const asked = this.#store('readwrite').add(waiting);
      asked.onsuccess = () => {
        waiting.key = Number(asked.result);
        // It may have been sent meanwhile.
        if (!this.#waiting.includes(waiting)) this.#forget([waiting]);
      };
    }
    this.#report();
    void this.send();
  }

  /** Take back what waits for an image. @param {number} image */
  drop(image) {
    const dropped = this.#waiting.filter((each) => each.image === image);
    this.#waiting = this.#waiting.filter((each) => each.image !== image);
    this.#forget(dropped);
    this.#held.delete(image);
    this.#report();
  }

  /** What waits for an image comes after so many events of others now. @param {number} image @param {number} seq */
  rebase(image, seq) {
    this.#waiting.filter((each) => each.image === image).forEach((each, i) => (each.base = seq + i));
    this.release(image);
  }

  /** Go on with an image whose events were held back. @param {number} image */
  release(image) {
    this.#held.delete(image);
    void this.send();
  }

  /**
   * Send all that waits, one image at a time. While that goes on, whoever asks again waits for the same end: an image's
   * lease may be given back only when nothing of it waits any more.
   * @returns {Promise<void>}
   */
  send() {
    this.#sending ??= this.#sendAll();
    return this.#sending;
  }

  async #sendAll() {
    await null; // it must not end before it is known as the one that goes on
    clearTimeout(this.#timer);
    /** @type {string} */
    let failed = '';
    try {
      for (;;) {
        const next = this.#waiting.find((each) => !this.#held.has(each.image));
        if (!next) break;
        await this.#sendImage(next.image);
      }
      this.#delay = 500;
    } catch (error) {
      failed = error instanceof HttpError ? error.message : String(error);
      this.#later(this.#delay);
      this.#delay = Math.min(AGAIN_MS, this.#delay * 2);
    } finally {
      this.#sending = null;
    }
    this.#report(failed);
  }

  /** @param {number} milliseconds */
  #later(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.send(), milliseconds);
  }

  /** @param {number} image */
  async #sendImage(image) {
    const lease = await this.hooks.lease(image);
    if (lease === null) return this.#waitForLease(image);
    const batch = this.#waiting.filter((each) => each.image === image).slice(0, 100);
    const base = batch[0]?.base ?? this.hooks.base(image) ?? 0;
    try {
      const { seq } = await post(`api/images/${image}/events`, { client: this.client, lease, base, events: batch.map((each) => each.event) });
      const sent = new Set(batch);
      this.#waiting = this.#waiting.filter((each) => !sent.has(each));
      this.#forget(batch);
      this.hooks.acknowledged(image, seq);
      if (!this.#waiting.some((each) => each.image === image)) this.hooks.emptied(image);
    } catch (error) {
      // What the server refuses for good must be decided by a person; what it cannot do now is tried again.
      if (!(error instanceof HttpError) || ![403, 409, 413, 422, 423].includes(error.status)) throw error;
      this.#held.set(image, error.message);
      this.hooks.refused(image, error);
    }
  }

  /** Somebody else has the image: ask again in a while, unless another tab of this browser has sent all of it. @param {number} image */
  async #waitForLease(image) {
    this.#held.set(image, this.hooks.locked(image));
    if (this.#database) {
      const keys = new Set((await this.#kept()).map((each) => each.key));
      this.#waiting = this.#waiting.filter((each) => each.key === undefined || keys.has(each.key));
    }
    setTimeout(() => this.release(image), AGAIN_MS);
  }

  /** @param {string} [failed] why nothing could be sent at all */
  #report(failed) {
    const held = [...this.#held].find(([image]) => this.#waiting.some((each) => each.image === image));
    this.hooks.told(failed || held?.[1] || '');
  }

  /** @returns {Promise<Waiting[]>} what the browser's database holds of this project */
  async #kept() {
    const all = /** @type {Waiting[]} */ (await done(this.#store('readonly').getAll()));
    return all.filter((each) => each.project === this.project);
  }

  /** @param {Waiting[]} waiting */
  #forget(waiting) {
    if (!this.#database || !waiting.length) return;
    const store = this.#store('readwrite');
    for (const { key } of waiting) if (key !== undefined) store.delete(key);
  }

  /** @param {IDBTransactionMode} mode */
  #store(mode) {
    if (!this.#database) throw new Error('there is no database');
    return this.#database.transaction('events', mode).objectStore('events');
  }
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  const asked = indexedDB.open(DATABASE, 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore('events', { autoIncrement: true, keyPath: 'key' });
  return done(asked);
}

/**
 * @template T
 * @param {IDBRequest<T>} asked
 * @returns {Promise<T>}
 */
function done(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error('the browser keeps no database'));
  });
}
