/**
 * Events on their way to the server. They are kept in the browser's database until the server has them on its disk, sent
 * in order, and sent again after an interruption, a reload or a crash of either side.
 */
import { HttpError, post } from './http.js';

/** @typedef {import('./types.js').Event} Event */
/** @typedef {{image: number, event: Event, key?: number, project: string}} Waiting */

const DATABASE = 'tamis';

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
  /** @type {Set<number>} images whose events are held back until somebody decides */
  #held = new Set();
  /** Why the server will not take them. */
  #why = '';

  /**
   * @param {string} project whose events these are
   * @param {string} client
   * @param {{base: (image: number) => number, lease: (image: number) => string | null,
   *   acknowledged: (image: number, seq: number) => void, told: (why: string) => void,
   *   refused: (image: number, error: HttpError) => void}} hooks
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
      const all = /** @type {Waiting[]} */ (await done(this.#store('readonly').getAll()));
      this.#waiting = all.filter((each) => each.project === this.project);
    } catch {
      // Private windows may refuse a database: events are then kept in memory alone.
      this.#database = null;
    }
  }

  /** Events of an image that the server may not have. @param {number} image */
  pending(image) {
    return this.#waiting.filter((each) => each.image === image).map((each) => each.event);
  }

  get count() {
    return this.#waiting.length;
  }

  /** Images with events that wait. */
  get images() {
    return new Set(this.#waiting.map((each) => each.image));
  }

  /** @param {number} image @param {Event} event */
  add(image, event) {
    /** @type {Waiting} */
    const waiting = { image, event, project: this.project };
    this.#waiting.push(waiting);
    if (this.#database) {
      const asked = this.#store('readwrite').add(waiting);
      asked.onsuccess = () => {
        waiting.key = Number(asked.result);
        // It may have been sent meanwhile.
        if (!this.#waiting.includes(waiting)) this.#forget([waiting]);
      };
    }
    this.hooks.told('');
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
    try {
      for (;;) {
        const next = this.#waiting.find((each) => !this.#held.has(each.image) && this.hooks.lease(each.image));
        if (!next) break;
        await this.#sendImage(next.image);
      }
      this.#delay = 500;
      this.#report();
    } catch (error) {
      const why = error instanceof HttpError ? error.message : String(error);
      this.hooks.told(why);
      this.#timer = setTimeout(() => void this.send(), this.#delay);
      this.#delay = Math.min(8000, this.#delay * 2);
    } finally {
      this.#sending = null;
    }
  }

  /** @param {number} image */
  async #sendImage(image) {
    const batch = this.#waiting.filter((each) => each.image === image).slice(0, 100);
    const body = {
      client: this.client,
      lease: this.hooks.lease(image),
      base: this.hooks.base(image),
      events: batch.map((each) => each.event),
    };
    try {
      const { seq } = await post(`api/images/${image}/events`, body);
      const sent = new Set(batch);
      this.#waiting = this.#waiting.filter((each) => !sent.has(each));
      this.#forget(batch);
      this.hooks.acknowledged(image, seq);
    } catch (error) {
      // What the server refuses for good must be decided by a person; what it cannot do now is tried again.
      if (!(error instanceof HttpError) || ![403, 409, 413, 422, 423].includes(error.status)) throw error;
      this.#held.add(image);
      this.#why = error.message;
      this.hooks.refused(image, error);
    }
  }

  #report() {
    if (!this.#held.size) this.#why = '';
    this.hooks.told(this.#why);
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
