/** What only a person can decide: somebody else has an image, or has changed it, or its file is another one. */
import { any, element } from './dom.js';
import { post } from './http.js';
import { t } from './words.js';

/** @typedef {import('./http.js').HttpError} HttpError */
/** @typedef {import('./leases.js').Leases} Leases */
/** @typedef {import('./outbox.js').Outbox} Outbox */
/** @typedef {{outbox: () => Outbox, nameOf: (image: number) => string, current: () => number | null,
 *   known: (image: number, seq: number) => void, reopen: (image: number) => void}} Hooks */

export class Conflicts {
  /** @param {Leases} leases @param {Hooks} hooks */
  constructor(leases, hooks) {
    this.leases = leases;
    this.hooks = hooks;
  }

  /** @param {number} image @param {string} who */
  offerTakeover(image, who) {
    if (image !== this.hooks.current()) return;
    this.#ask(t('conflict.editing', { name: who || t('somebody') }), [[t('conflict.takeover'), async () => {
      await this.leases.take(image, true);
      this.hooks.outbox().release(image);
      this.hooks.reopen(image);
    }]]);
  }

  /** @param {number} image */
  offerAccept(image) {
    this.#ask(t('conflict.file'), [[t('conflict.keep'), () => void post(`api/images/${image}/accept`, {})]]);
  }

  /** The server will not take what waits for an image. @param {number} image @param {HttpError} error */
  async refused(image, error) {
    const outbox = this.hooks.outbox(), name = this.hooks.nameOf(image);
    if (error.status === 423) {
      if (await this.leases.take(image)) return outbox.release(image);
      return this.offerTakeover(image, this.leases.editor(image));
    }
    const theirs = () => {
      outbox.drop(image);
      this.hooks.reopen(image);
    };
    if (error.status !== 409) {
      return this.#ask(t('conflict.refused', { name, why: error.message }), [[t('conflict.discard'), theirs]]);
    }
    const who = error.body?.events?.at(-1)?.user ?? t('somebody');
    const count = outbox.pending(image).length;
    this.#ask(t(count === 1 ? 'conflict.change' : 'conflict.changes', { who, name, count }), [
      [t('conflict.apply'), () => {
        this.hooks.known(image, error.body.seq);
        outbox.rebase(image, error.body.seq);
        this.hooks.reopen(image);
      }],
      [t('conflict.drop'), theirs],
    ]);
  }

  hide() {
    any('banner').hidden = true;
  }

  /** @param {string} text @param {[string, () => void][]} choices */
  #ask(text, choices) {
    const banner = any('banner'), asked = any('banner-text');
    asked.textContent = text;
    banner.replaceChildren(asked, ...choices.map(([name, act]) => element('button', {
      onclick: () => {
        this.hide();
        act();
      },
    }, name)));
    banner.hidden = false;
  }
}
