/** Opening images: one at a time, when everything about the one before is done, and again and again until the server is there. */
import { readTable } from './answers.js';
import { leftOpen } from './asked.js';
import { get, HttpError, request } from './http.js';
import { Session } from './session.js';
import { t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */

const AGAIN_MS = 1000;

/**
 * @typedef {{
 *   editor: Editor, prompts: import('./prompts.js').Prompts, stage: import('./stage.js').Stage,
 *   layers: import('./layers.js').Layers, list: import('./listing.js').ImageList, leases: import('./leases.js').Leases,
 *   outbox: () => import('./outbox.js').Outbox, conflicts: import('./conflicts.js').Conflicts, readonly: () => boolean,
 *   known: Map<number, number>, wait: (text: string) => void, opened: () => void, wantsProposals: () => boolean,
 * }} Parts
 */

export class Opening {
  #count = 0;

  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** @param {number} id */
  async open(id) {
    const { editor, prompts, stage, layers, list, conflicts, wait } = this.parts;
    const image = list.images.get(id);
    if (!image || list.current === id) return;
    const mine = ++this.#count;
    // What is begun belongs to the image that it was begun on, and so does a click: its answer is waited for.
    stage.leave();
    wait(editor.busy ? t('wait.click') : t('wait.opening', { name: image.name }));
    await editor.settled();
    if (mine !== this.#count) return;
    const before = list.current;
    if (before !== null) void this.#leave(before);
    list.current = id;
    list.render();
    list.showCurrent();
    conflicts.hide();
    editor.open(null, 0, 0);
    prompts.forget();
    layers.show(null);
    wait(t('wait.opening', { name: image.name }));
    while (mine === this.#count) {
      try {
        return await this.#read(id, mine);
      } catch (error) {
        if (mine !== this.#count) return;
        if (!(error instanceof HttpError) || ![0, 503].includes(error.status)) return wait(error instanceof Error ? error.message : String(error));
        wait(t('wait.server', { name: image.name }));
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  /** Its lease is given back once all of it is saved. @param {number} before */
  async #leave(before) {
    await this.parts.outbox().send();
    if (this.parts.list.current !== before && !this.parts.outbox().counts.has(before)) await this.parts.leases.release(before);
  }

  /** @param {number} id @param {number} mine */
  async #read(id, mine) {
    const { editor, stage, layers, list, leases, conflicts, known, readonly } = this.parts;
    if (!readonly()) await leases.take(id);
    const photo = await readPhoto(id);
    let history = await get(`api/images/${id}/events`);
    // What waited in this browser may have arrived between the answer and now.
    while (mine === this.#count && history.seq < (known.get(id) ?? 0)) history = await get(`api/images/${id}/events`);
    if (mine !== this.#count) return;
    layers.show(photo);
    known.set(id, history.seq);
    editor.open(this.#session(id, history.events), photo.width, photo.height);
    stage.fit();
    const image = list.images.get(id);
    location.replace(`#${encodeURIComponent(image?.name ?? '')}`);
    if (!readonly() && !leases.has(id)) conflicts.offerTakeover(id, leases.editor(id));
    else if (image?.changed) conflicts.offerAccept(id);
    this.parts.outbox().release(id);
    this.parts.opened();
    await this.#readAnswers(id, mine);
  }

  /** @param {number} id @param {import('./types.js').Event[]} events */
  #session(id, events) {
    const outbox = this.parts.outbox();
    return new Session(id, events, outbox.pending(id), (event, base) => outbox.add(id, event, base));
  }

  /** An onlooker sees what others do. */
  async follow() {
    const { editor, leases, list, known } = this.parts;
    const id = editor.session?.image;
    if (id === undefined || leases.has(id) || (list.images.get(id)?.seq ?? 0) <= (known.get(id) ?? 0)) return;
    const history = await get(`api/images/${id}/events`);
    if (id !== editor.session?.image || leases.has(id)) return;
    known.set(id, history.seq);
    editor.session = this.#session(id, history.events);
    editor.refresh();
    this.parts.opened();
  }

  /** The table of answers, as soon as the server has it. @param {number} id @param {number} mine */
  async #readAnswers(id, mine) {
    const { editor, prompts, stage, wait } = this.parts;
    wait(t('wait.masks'));
    for (let tries = 0; mine === this.#count; tries++) {
      try {
        const response = await request('GET', `api/images/${id}/answers`);
        if (response.status === 200) {
          const table = await readTable(await response.arrayBuffer());
          if (mine !== this.#count) return;
          prompts.useTable(table);
          break;
        }
      } catch (error) {
        // Without a table the server is asked for every mask.
        if (error instanceof HttpError && error.status === 404) break;
        if (!(error instanceof HttpError) || ![0, 503].includes(error.status)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(AGAIN_MS, 60 + 40 * tries)));
    }
    if (mine !== this.#count) return;
    wait('');
    stage.hover();
    if (this.parts.wantsProposals()) void this.readProposals();
    for (const { x, y, positive, mask } of leftOpen(id)) {
      if (mask) editor.select(mask);
      void prompts.click(x, y, positive);
    }
    editor.hooks.changed();
  }

  async readProposals() {
    const { editor, prompts, wait } = this.parts, session = editor.session;
    if (!session || prompts.regions) return;
    wait(t('wait.masks'));
    try {
      const { proposals } = await get(`api/images/${session.image}/proposals`);
      if (session === editor.session) prompts.useProposals(proposals.map((/** @type {any} */ each) => each.rle));
      wait('');
    } catch (error) {
      wait(error instanceof Error ? error.message : String(error));
    }
  }
}

/** @param {number} id */
async function readPhoto(id) {
  const response = await request('GET', `api/images/${id}/pixels`);
  return createImageBitmap(await response.blob(), { imageOrientation: 'none', colorSpaceConversion: 'none' });
}
