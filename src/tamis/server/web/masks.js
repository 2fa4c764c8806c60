/** The list of an image's masks: sorted, filtered, several selected at once. */
import { any, element, input, press, select } from './dom.js';
import { area } from './rle.js';
import { t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {import('./types.js').Label} Label */

/** @typedef {{instance: Instance, number: number, label: Label | undefined, pixels: number}} Entry */

/** Rows are kept as long as they show the same, so that a thousand stay quick. */
export class MaskList {
  /** @type {Map<string, {row: HTMLElement, shown: string}>} */
  #rows = new Map();
  /** @type {string | null} where a selection with Shift begins */
  #anchor = null;
  /** @type {string[]} ids as they are listed */
  #listed = [];

  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.list = any('instances');
    input('mask-search').addEventListener('input', () => this.editor.refresh());
    this.list.addEventListener('pointerleave', () => this.editor.highlight(null));
  }

  /** @param {Map<string, Label>} labels */
  render(labels) {
    const { session, selected, width, height } = this.editor, before = this.#rows;
    const words = input('mask-search').value.trim().toLowerCase();
    this.#rows = new Map();
    const entries = (session?.instances ?? []).map((instance, i) => {
      const mask = session?.mask(instance.id);
      return { instance, number: i + 1, label: labels.get(instance.label), pixels: mask ? area(mask) : 0 };
    });
    const shown = entries.filter(({ label, number, instance }) => !words || `${number} ${label?.name ?? ''} ${Object.values(instance.attributes ?? {}).join(' ')}`.toLowerCase().includes(words));
    shown.sort(ORDERS[select('mask-sort').value] ?? ((a, b) => b.number - a.number));
    this.#listed = shown.map(({ instance }) => instance.id);
    for (const entry of shown) {
      const { id } = entry.instance;
      const states = [selected.has(id), this.editor.hidden.has(id), this.editor.locked.has(id)];
      const text = JSON.stringify([entry.number, entry.label?.name, entry.label?.color, entry.pixels, entry.instance.attributes, states]);
      const kept = before.get(id);
      this.#rows.set(id, { shown: text, row: kept?.shown === text ? kept.row : this.#row(entry, width * height) });
    }
    const rows = [...this.#rows.values()].map((each) => each.row);
    // Only what differs is moved: most changes touch one row.
    rows.forEach((row, i) => {
      const now = this.list.children[i];
      if (now !== row) this.list.insertBefore(row, now ?? null);
    });
    while (this.list.children.length > rows.length) this.list.lastElementChild?.remove();
  }

  /** A mask is pointed at in the image. @param {string | null} id */
  highlight(id) {
    for (const [each, { row }] of this.#rows) row.classList.toggle('pointed', each === id);
  }

  /** @param {Entry} entry @param {number} all pixels of the image */
  #row({ instance, number, label, pixels }, all) {
    const { id } = instance, editor = this.editor;
    const name = `${number} ${label?.name ?? t('label.gone')}`;
    const off = editor.hidden.has(id), locked = editor.locked.has(id), chosen = editor.selected.has(id);
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = label?.color ?? '#888888';
    const share = (100 * pixels) / Math.max(1, all);
    const shown = share < 10 ? share.toFixed(1) : Math.round(share);
    const size = t('mask.size', { pixels: pixels.toLocaleString(), share: shown });
    const values = Object.entries(instance.attributes ?? {}).map(([key, value]) => `${key}: ${value}`).join(', ');
    return element('li', { 'aria-current': chosen, onpointerenter: () => editor.highlight(id) },
      element('button', {
        class: 'pick', 'aria-pressed': chosen, title: [name, size, values].filter(Boolean).join(', '),
        onclick: (/** @type {MouseEvent} */ event) => this.#choose(id, event),
      }, swatch, element('span', { class: 'name' }, name), element('span', { class: 'size' }, `${short(pixels)} · ${shown} %`)),
      element('button', { 'aria-label': t(locked ? 'mask.unlock' : 'mask.lock', { name }), 'aria-pressed': locked, title: t(locked ? 'mask.unlock' : 'mask.lock', { name }), onclick: (/** @type {Event} */ event) => press(event, () => this.#lock(id)) }, element('span', { class: 'padlock' })),
      element('button', { 'aria-label': t(off ? 'mask.show' : 'mask.hide', { name }), 'aria-pressed': off, title: t(off ? 'mask.show' : 'mask.hide', { name }), onclick: (/** @type {Event} */ event) => press(event, () => this.#hide(id)) }, off ? '◌' : '●'));
  }

  /** With Ctrl one more, with Shift all between. @param {string} id @param {MouseEvent} event */
  #choose(id, event) {
    const editor = this.editor;
    void editor.inOrder(() => {
      if (event.shiftKey && this.#anchor) {
        const [a, b] = [this.#listed.indexOf(this.#anchor), this.#listed.indexOf(id)].sort((p, q) => p - q);
        return editor.selectAll(this.#listed.slice(Math.max(0, a ?? 0), (b ?? 0) + 1));
      }
      this.#anchor = id;
      if (event.ctrlKey || event.metaKey) editor.toggle(id);
      else editor.select(id);
      editor.reveal(id);
    });
  }

  /** @param {string} id */
  #lock(id) {
    if (!this.editor.locked.delete(id)) this.editor.locked.add(id);
    this.editor.refresh();
  }

  /** @param {string} id */
  #hide(id) {
    if (!this.editor.hidden.delete(id)) this.editor.hidden.add(id);
    this.editor.refresh();
  }
}

/** An area in few characters. @param {number} pixels */
const short = (pixels) => (pixels < 10_000 ? String(pixels) : pixels < 999_500 ? `${Math.round(pixels / 1000)}k` : `${(pixels / 1e6).toFixed(1)}M`);

/** How masks are sorted besides from the newest to the oldest. @type {Record<string, (a: Entry, b: Entry) => number>} */
const ORDERS = {
  oldest: (a, b) => a.number - b.number,
  label: (a, b) => (a.label?.name ?? '').localeCompare(b.label?.name ?? '') || a.number - b.number,
  largest: (a, b) => b.pixels - a.pixels,
  smallest: (a, b) => a.pixels - b.pixels,
};
