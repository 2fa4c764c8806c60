/** What only a person can decide: somebody else has an image, or has changed it, or its file is another one. */
import { post } from './http.js';
import { byId, element } from './panels.js';

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

  /** @param {number} image @param {string | null} who */
  offerTakeover(image, who) {
    if (image !== this.hooks.current()) return;
    this.#ask(`${who ?? 'Somebody'} is editing this image. You can look at it.`, [['Take over', async () => {
      await this.leases.take(image, true);
      this.hooks.reopen(image);
    }]]);
  }

  /** @param {number} image */
  offerAccept(image) {
    this.#ask('This file has changed since it was annotated. Its masks are kept, but may not fit any more.', [
      ['Keep the masks', () => void post(`api/images/${image}/accept`, {})],
    ]);
  }

  /** The server will not take what waits for an image. @param {number} image @param {HttpError} error */
  async refused(image, error) {
    const outbox = this.hooks.outbox(), name = this.hooks.nameOf(image);
    if (error.status === 423) {
      if (await this.leases.take(image)) return outbox.release(image);
      return this.offerTakeover(image, error.body?.editor ?? null);
    }
    const theirs = () => {
      outbox.drop(image);
      this.hooks.reopen(image);
    };
    if (error.status !== 409) {
      return this.#ask(`${name}: ${error.message}. The change is kept in this browser.`, [['Discard the change', theirs]]);
    }
    const who = error.body?.events?.at(-1)?.user ?? 'Somebody';
    const count = outbox.pending(image).length;
    this.#ask(`${who} changed ${name} meanwhile. Your ${count} change${count === 1 ? ' is' : 's are'} not saved yet.`, [
      ['Apply my changes', () => {
        this.hooks.known(image, error.body.seq);
        outbox.release(image);
        this.hooks.reopen(image);
      }],
      ['Discard my changes', theirs],
    ]);
  }

  hide() {
    byId('banner', HTMLElement).hidden = true;
  }

  /** @param {string} text @param {[string, () => void][]} choices */
  #ask(text, choices) {
    const banner = byId('banner', HTMLElement), told = byId('banner-text', HTMLElement);
    told.textContent = text;
    banner.replaceChildren(told, ...choices.map(([name, act]) => element('button', {
      onclick: () => {
        this.hide();
        act();
      },
    }, name)));
    banner.hidden = false;
  }
}
