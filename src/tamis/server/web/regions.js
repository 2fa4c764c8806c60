/** All proposals of an image at once, to be taken by a click or by dragging; those that are masks already are marked. */
import { area, contains, decode, forRuns, iou, union } from './rle.js';

/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./view.js').View} View */
/** @typedef {{mask: Mask, area: number}} Proposal */

/** IoU with a mask from which a proposal counts as taken. */
const TAKEN = 0.8;

export class Regions {
  /** @type {Proposal[]} the smallest first */
  #proposals;
  /** @type {OffscreenCanvas | null} */
  #drawn = null;
  /** @type {Mask[]} what the taken ones were found for */
  #masks = [];
  /** @type {Set<number>} */
  #taken = new Set();
  /** @type {WeakMap<Mask, number[]>} */
  #alike = new WeakMap();

  /**
   * @param {import('./types.js').Rle[]} rles
   * @param {number} width of the image
   * @param {number} height
   */
  constructor(rles, width, height) {
    this.width = width;
    this.height = height;
    this.#proposals = rles
      .map(decode)
      .map((mask) => ({ mask, area: area(mask) }))
      .sort((a, b) => a.area - b.area);
  }

  /** The proposals at a place, the smallest first. @param {number} x @param {number} y @returns {number[]} */
  at(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return [];
    return this.#proposals.flatMap((each, i) => (contains(each.mask, x, y) ? [i] : []));
  }

  /** @param {number} index @returns {Mask | null} */
  mask(index) {
    return this.#proposals[index]?.mask ?? null;
  }

  /** @param {Set<number>} taken @returns {Mask | null} */
  together(taken) {
    const masks = [...taken].flatMap((index) => this.#proposals[index]?.mask ?? []);
    return masks.length ? masks.reduce(union) : null;
  }

  /** @param {CanvasRenderingContext2D} context @param {View} view @param {Mask[]} masks those of the image */
  draw(context, view, masks) {
    this.#find(masks);
    this.#drawn ??= outlines(this.#proposals, this.#taken, this.width, this.height);
    const { x, y } = view.toStage(0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(this.#drawn, x, y, this.width * view.scale, this.height * view.scale);
  }

  /** Which proposals are masks already. @param {Mask[]} masks */
  #find(masks) {
    if (masks.length === this.#masks.length && masks.every((mask, i) => mask === this.#masks[i])) return;
    this.#masks = masks;
    this.#taken = new Set(masks.flatMap((mask) => this.#like(mask)));
    this.#drawn = null;
  }

  /** The proposals that a mask is. @param {Mask} mask */
  #like(mask) {
    const known = this.#alike.get(mask);
    if (known) return known;
    const size = area(mask);
    const found = this.#proposals.flatMap((each, i) => {
      const close = Math.min(size, each.area) > TAKEN * Math.max(size, each.area);
      return close && iou(mask, each.mask) > TAKEN ? [i] : [];
    });
    this.#alike.set(mask, found);
    return found;
  }
}

/**
 * The outlines of proposals, large ones below, on a canvas of at most two megapixels; taken ones are hatched.
 * @param {Proposal[]} proposals the smallest first
 * @param {Set<number>} taken
 * @param {number} width
 * @param {number} height
 */
function outlines(proposals, taken, width, height) {
  const factor = Math.min(1, Math.sqrt(2e6 / (width * height)));
  const w = Math.max(1, Math.round(width * factor)), h = Math.max(1, Math.round(height * factor));
  const owner = new Uint16Array(w * h);
  for (let index = proposals.length - 1; index >= 0; index--) {
    const { mask } = /** @type {Proposal} */ (proposals[index]);
    forRuns(mask, (start, end) => {
      while (start < end) {
        const column = Math.floor(start / height), stop = Math.min(end, (column + 1) * height);
        const x = Math.floor((column + 0.5) * factor), seen = column > 0 && Math.floor((column - 0.5) * factor) === x;
        const y = Math.round((start - column * height) * factor);
        const bottom = Math.min(h, Math.max(y + 1, Math.round((stop - column * height) * factor)));
        for (let place = y * w + x, row = y; row < bottom && !seen; row++, place += w) owner[place] = index + 1;
        start = stop;
      }
    });
  }
  const canvas = new OffscreenCanvas(w, h);
  const context = canvas.getContext('2d');
  const pixels = new ImageData(w, h), out = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < out.length; i++) {
    const own = owner[i] ?? 0;
    const edge = own !== owner[i + 1] || own !== owner[i + w];
    const hue = (own * 2654435761) >>> 8, hatched = taken.has(own - 1) && ((i % w) + Math.floor(i / w)) % 8 < 3;
    out[i] = edge ? 0xe0ffffff : hatched ? 0xc0101010 : own && !taken.has(own - 1) ? (0x48000000 | (hue & 0xffffff)) >>> 0 : 0;
  }
  context?.putImageData(pixels, 0, 0);
  return canvas;
}
