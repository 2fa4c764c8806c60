/**
 * What the assistant proposes for the label at hand: the mask on the open image, and how sure it is of the images that
 * wait. A proposal is shown and nothing more: it becomes a mask when somebody accepts it, or corrects it by a click.
 */
import { any, select } from './dom.js';
import { ASSISTANT } from './editor.js';
import { get } from './http.js';
import { ASSISTED } from './listing.js';
import { contains, decode, encode } from './rle.js';
import { randomId } from './session.js';
import { t } from './words.js';

/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./types.js').Label} Label */

/** How often, and how many times, it is asked again while it is learning what was finished a moment ago. */
const AGAIN_MS = 400, TRIES = 6;

export class Assistant {
  /** What was asked for, as image and label. */
  #asked = '';
  /** With several objects also the mask of each. @type {{key: string, label: string, mask: Mask, parts: Mask[], confidence: number} | null} */
  #found = null;
  /** The mask that is drawn. @type {Mask | null} */
  #drawn = null;
  /** The label and the version that ratings are of. */
  #rated = { label: '', version: 0 };
  /** The last sentence on how it stands. */
  #told = '';

  /**
   * @param {import('./editor.js').Editor} editor
   * @param {import('./prompts.js').Prompts} prompts
   * @param {import('./listing.js').ImageList} list
   * @param {{label: () => Label | undefined, writable: (image: number) => boolean, say: (text: string) => void}} hooks
   */
  constructor(editor, prompts, list, hooks) {
    this.editor = editor;
    this.prompts = prompts;
    this.list = list;
    this.hooks = hooks;
  }

  // The open image.

  /** @param {number} image @param {string} label */
  static key(image, label) {
    return `${image} ${label}`;
  }

  /** The image and the label that a proposal would be for now; '' if nothing may be proposed. */
  get #wanted() {
    const session = this.editor.session, label = this.hooks.label();
    if (!session || !label || !this.prompts.table || session.content.masks.size || !this.hooks.writable(session.image)) return '';
    return ['todo', 'progress'].includes(session.content.state) && !session.content.rejected.includes(label.id) ? Assistant.key(session.image, label.id) : '';
  }

  /** Whether what is proposed for the open image was rejected. */
  get #rejected() {
    const session = this.editor.session, label = this.hooks.label();
    return !!session && !!label && !session.content.masks.size && session.content.rejected.includes(label.id) && this.hooks.writable(session.image);
  }

  /** The mask that is proposed now. */
  get mask() {
    return this.#shown?.mask ?? null;
  }

  get #shown() {
    return this.#found && this.#found.key === this.#wanted ? this.#found : null;
  }

  /** What of it a click at a place would correct: of several objects the one there. @param {number} x @param {number} y @returns {Mask | null} */
  at(x, y) {
    const shown = this.#shown;
    if (!shown?.parts.length) return shown?.mask ?? null;
    return shown.parts.find((part) => contains(part, x, y)) ?? null;
  }

  /** The image, its masks or the label have changed: ask, or show what is known. */
  follow() {
    const wanted = this.#wanted;
    // Masks come and go with undo: what was asked for stays known until the image or the label is another.
    if (wanted && wanted !== this.#asked) void this.#ask(wanted);
    this.#show();
  }

  /** @param {string} key */
  async #ask(key) {
    this.#asked = key;
    const [image = '', label = ''] = key.split(' ');
    for (let tries = 0; tries < TRIES && key === this.#asked; tries++) {
      const told = await get(`api/images/${image}/assistant?label=${encodeURIComponent(label)}`).catch(() => null);
      // Without an answer there is no proposal, and nothing else is the worse for it.
      if (!told || key !== this.#asked) return;
      const again = told.state === 'learning' || told.state === 'starting' || (told.state === 'untaught' && tries < 2);
      if (told.proposal && (!again || tries === TRIES - 1)) {
        this.#found = { key, label, mask: decode(told.proposal.rle), parts: told.proposal.parts.map(decode), confidence: told.proposal.confidence };
        this.editor.hooks.changed();
      }
      if (!again) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  #show() {
    const mask = this.mask, label = this.hooks.label();
    any('proposal').hidden = mask === null;
    any('proposal-again').hidden = !this.#rejected;
    if (mask === this.#drawn) return;
    this.#drawn = mask;
    const count = this.#found?.parts.length ?? 0;
    this.editor.layers.propose(mask, label?.color ?? '#888888');
    any('proposal').textContent = mask ? t(count ? 'proposal.several' : 'proposal.shown', { label: label?.name ?? '', count, percent: percent(this.#found?.confidence ?? 0) }) : '';
    if (mask) this.prompts.clearPreview();
  }

  /** It becomes a mask, and is finished. */
  accept() {
    void this.editor.inOrder(() => {
      if (!this.mask || !this.editor.hooks.editable()) return;
      this.take();
      this.editor.finish();
    });
  }

  /**
   * It becomes the mask at hand; several objects become masks, of which the one at the place is at hand, if there is one.
   * @param {number} [x] @param {number} [y]
   */
  take(x = -1, y = -1) {
    const shown = this.#shown, label = this.hooks.label();
    if (!shown || !label) return;
    this.editor.select(null);
    if (!shown.parts.length) return this.editor.setActive(shown.mask, ASSISTANT);
    const masks = shown.parts.map((part) => proposed(encode(part), label.id)), at = shown.parts.findIndex((part) => contains(part, x, y));
    this.editor.do('masks.set', { set: masks, deleted: [] });
    this.editor.select(masks[at]?.id ?? null);
  }

  /** It is not to be shown again, here or after a reload, unless somebody asks for it. */
  dismiss() {
    this.#remark(true);
  }

  again() {
    this.#remark(false);
  }

  /** @param {boolean} rejected */
  #remark(rejected) {
    void this.editor.inOrder(() => {
      const label = this.hooks.label();
      if (label) this.editor.do('proposal.reject', { label: label.id, rejected });
    });
  }

  // The images that wait.

  /** Somebody has chosen another order of the list. */
  sorted() {
    this.#told = '';
    this.#rated = { label: '', version: 0 };
  }

  /** Ask how sure it is of the images, where the list is sorted by that. @returns {Promise<boolean>} whether anything has changed */
  async rate() {
    const label = this.hooks.label();
    if (!label || !ASSISTED.includes(select('sort').value)) return false;
    if (label.id !== this.#rated.label) this.#rated = { label: label.id, version: 0 };
    const told = await get(`api/assistant?label=${encodeURIComponent(label.id)}&since=${this.#rated.version}`);
    const sentence = standing(told, label);
    if (sentence !== this.#told && told.state !== 'learning') this.hooks.say((this.#told = sentence));
    this.#rated.version = told.version;
    if (!told.images) return false;
    // The open image keeps its place until one moves on, though it waits no longer.
    const current = this.list.current, own = current === null ? undefined : this.list.ratings.get(current);
    const every = [...told.images, ...told.agreements];
    this.list.ratings = new Map(every.map((/** @type {import('./types.js').Rated & {id: number}} */ each) => [each.id, each]));
    if (current !== null && own && !this.list.ratings.has(current)) this.list.ratings.set(current, own);
    return true;
  }
}

/** How it stands, in a sentence. @param {{state: string, learned: number}} told @param {Label} label */
export function standing({ state, learned }, label) {
  return t(/** @type {'assistant.ready'} */ (`assistant.${state}`), { label: label.name, learned });
}

/** @param {number} share */
export const percent = (share) => Math.round(100 * share);

/** The mask of an object that the assistant proposes, as an event has it. @param {import('./types.js').Rle} rle @param {string} label */
export const proposed = (rle, label) => ({ id: randomId(), label, rle, tool: ASSISTANT });
