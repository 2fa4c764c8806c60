/** A proposal on a tile: its small picture, and its masks as clicks on it correct them. */
import { post } from './http.js';
import { area, contains, decode, toDense } from './rle.js';

/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./types.js').Click} Click */
/** @typedef {import('./types.js').Rle} Rle */
/** @typedef {{rle: Rle, mask: Mask, clicks: Click[]}} Part of what is proposed: the mask of an object */

/** Pixels of the long side of a tile's picture. */
const SIDE = 320;

/** The masks of a tile. A click says what is wrong there: it takes away where there is a mask, and adds where there is none. */
export class Parts {
  /** @type {Part[]} */
  all;
  /** What there was before each click. @type {Part[][]} */
  #before = [];
  /** Whether an answer is waited for: clicks count one after the other. */
  #busy = false;

  /** @param {Rle[]} rles */
  constructor(rles) {
    this.all = rles.map((rle) => ({ rle, mask: decode(rle), clicks: [] }));
  }

  /** How many clicks have corrected it. */
  get clicks() {
    return this.#before.length;
  }

  /**
   * One object is corrected wherever the click is; of several the one there, and a click beside them all begins another.
   * @param {number} image @param {number} x @param {number} y pixels of the image
   * @returns {Promise<boolean>} whether it has changed
   */
  async correct(image, x, y) {
    if (this.#busy) return false;
    const there = this.all.find((part) => contains(part.mask, x, y));
    const part = there ?? (this.all.length === 1 ? this.all[0] : undefined);
    const clicks = [...(part?.clicks ?? []), { x, y, positive: !there }];
    this.#busy = true;
    try {
      const { rle } = await post(`api/images/${image}/mask`, part ? { clicks, mask: part.rle } : { clicks });
      const made = { rle, mask: decode(rle), clicks };
      this.#before.push(this.all);
      this.all = (part ? this.all.map((each) => (each === part ? made : each)) : [...this.all, made]).filter((each) => area(each.mask));
      return true;
    } finally {
      this.#busy = false;
    }
  }

  /** The last click is taken back. @returns {boolean} whether there was one */
  undo() {
    const before = this.#busy ? undefined : this.#before.pop();
    if (before) this.all = before;
    return before !== undefined;
  }
}

/** The picture of a tile, the masks on it with dashed outlines. */
export class Picture {
  #image = new Image();

  /** @param {HTMLCanvasElement} canvas @param {string} color */
  constructor(canvas, color) {
    this.canvas = canvas;
    this.tint = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  }

  /** @param {number} id of the image */
  async load(id) {
    this.#image.src = `api/images/${id}/thumbnail?side=${SIDE}`;
    await this.#image.decode();
    const scale = SIDE / Math.max(this.#image.width, this.#image.height);
    this.canvas.width = Math.round(this.#image.width * scale);
    this.canvas.height = Math.round(this.#image.height * scale);
  }

  /** @param {Mask[]} masks of one size */
  show(masks) {
    const { width, height } = this.canvas, context = this.canvas.getContext('2d');
    if (!context) return;
    context.drawImage(this.#image, 0, 0, width, height);
    const pixels = context.getImageData(0, 0, width, height), inside = new Uint8Array((width + 4) * (height + 4)), row = width + 4;
    for (const mask of masks) {
      const dense = toDense(mask);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const at = Math.floor(((x + 0.5) * mask.width) / width) * mask.height + Math.floor(((y + 0.5) * mask.height) / height);
          if (dense[at]) inside[(y + 2) * row + x + 2] = 1;
        }
      }
    }
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const here = (y + 2) * row + x + 2;
        if (!inside[here]) continue;
        const border = !inside[here - 2] || !inside[here + 2] || !inside[here - 2 * row] || !inside[here + 2 * row];
        const dash = Math.floor((x + y) / 6) % 2 ? 255 : 16;
        for (let channel = 0; channel < 3; channel++) {
          const place = 4 * (y * width + x) + channel;
          pixels.data[place] = border ? dash : 0.65 * (pixels.data[place] ?? 0) + 0.35 * (this.tint[channel] ?? 0);
        }
      }
    }
    context.putImageData(pixels, 0, 0);
  }

  /**
   * Where on the image the pointer is: the picture lies in the middle of its place, as large as it fits.
   * @param {MouseEvent} event @param {Mask} mask of the image's size
   * @returns {{x: number, y: number} | null}
   */
  placeOf(event, mask) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const scale = Math.min(width / this.canvas.width, height / this.canvas.height);
    const x = (event.clientX - left - (width - scale * this.canvas.width) / 2) / (scale * this.canvas.width);
    const y = (event.clientY - top - (height - scale * this.canvas.height) / 2) / (scale * this.canvas.height);
    return x < 0 || y < 0 || x >= 1 || y >= 1 ? null : { x: x * mask.width, y: y * mask.height };
  }
}
