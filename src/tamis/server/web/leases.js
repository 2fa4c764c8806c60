/** Who may change an image: one tab at a time, for as long as it renews its lease. */
import { HttpError, post } from './http.js';

const RENEW_MS = 10_000;

export class Leases {
  /** @type {Map<number, string>} */
  #held = new Map();
  user = 'me';
  /** @type {Map<number, string>} who has the images that could not be leased */
  #editors = new Map();

  /**
   * @param {string} client the name of this tab
   * @param {(image: number, editor: string) => void} lost
   */
  constructor(client, lost) {
    this.client = client;
    this.lost = lost;
    setInterval(() => void this.#renew(), RENEW_MS);
  }

  /** @param {number} image */
  has(image) {
    return this.#held.has(image);
  }

  /** The lease of an image; one is taken if there is none. @param {number} image @returns {Promise<string | null>} */
  async of(image) {
    if (!this.#held.has(image)) await this.take(image);
    return this.#held.get(image) ?? null;
  }

  /** Who has an image that could not be leased; '' if nobody knows. @param {number} image */
  editor(image) {
    return this.#editors.get(image) ?? '';
  }

  /**
   * @param {number} image
   * @param {boolean} [takeover] from whoever has it
   * @returns {Promise<boolean>} whether it could be had
   */
  async take(image, takeover = false) {
    try {
      const { lease } = await post(`api/images/${image}/lease`, { client: this.client, user: this.user, takeover });
      this.#held.set(image, lease);
      this.#editors.delete(image);
      return true;
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 423) throw error;
      this.#held.delete(image);
      this.#editors.set(image, error.body?.editor ?? '');
      return false;
    }
  }

  /**
   * The first image that waits for this person and that nobody else is at work on, with its lease: of several people who
   * come at once each gets another one.
   * @returns {Promise<number | null>} null if there is none, or none can be had now
   */
  async first() {
    try {
      const { image, lease } = await post('api/next', { client: this.client, user: this.user });
      if (image !== null) this.#held.set(image, lease);
      return image;
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return null;
    }
  }

  /** @param {number} image */
  async release(image) {
    const lease = this.#held.get(image);
    this.#held.delete(image);
    // It runs out by itself if the server cannot be told.
    if (lease) await fetch(`api/images/${image}/lease?lease=${lease}`, { method: 'DELETE', keepalive: true }).catch(() => null);
  }

  /** The page is closed. */
  leave() {
    for (const image of [...this.#held.keys()]) void this.release(image);
  }

  async #renew() {
    for (const image of [...this.#held.keys()]) {
      try {
        if (!(await this.take(image))) this.lost(image, this.editor(image));
      } catch {
        // Out of reach: what is done meanwhile waits in the outbox, and so does the lease.
      }
    }
  }
}
