/** What has changed, as the server tells it: by a stream while the page is seen, otherwise by a question a second. */
import { get } from './http.js';

/** Milliseconds without a word after which a stream is given up: the server says something every ten seconds. */
const SILENCE = 25_000;

export class News {
  /** @type {(told: any) => Promise<void>} */ #use;
  /** @type {EventSource | null} */ #stream = null;
  /** @type {number | null} */ #version = null;
  #heard = 0;

  /** @param {(told: any) => Promise<void>} use what has changed: version, labels, problem and images */
  constructor(use) {
    this.#use = use;
    // A browser keeps few connections to a server, for all of its tabs: those behind others do without.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#close();
    });
  }

  /** What has changed since the last answer; nothing is asked while a stream tells it. */
  async ask() {
    if (this.#stream && performance.now() - this.#heard < SILENCE) return;
    this.#close();
    await this.#take(await get(`api/images${this.#version === null ? '' : `?since=${this.#version}`}`));
    if (!document.hidden) this.#open();
  }

  #open() {
    const stream = new EventSource(`api/changes?since=${this.#version}`);
    this.#stream = stream;
    this.#heard = performance.now();
    stream.onmessage = (event) => {
      this.#heard = performance.now();
      if (stream === this.#stream) this.#take(JSON.parse(event.data)).catch(() => this.#close());
    };
    stream.onerror = () => {
      if (stream === this.#stream) this.#close();
    };
  }

  /** @param {any} told */
  async #take(told) {
    await this.#use(told);
    this.#version = told.version;
  }

  #close() {
    this.#stream?.close();
    this.#stream = null;
  }
}
