/** All proposals of an image at once, to be taken by a click or collected by dragging. */
import { area, contains, decode, toDense, union } from './rle.js';

/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./view.js').View} View */
/** @typedef {{mask: Mask, area: number}} Proposal */

export class Regions {
  /** @type {Proposal[]} the smallest first */
  #proposals;
  /** @type {OffscreenCanvas | null} */
  #drawn = null;

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

  /** The smallest proposal at a place, or -1. @param {number} x @param {number} y */
  at(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return -1;
    return this.#proposals.findIndex((each) => contains(each.mask, x, y));
  }

  /** @param {Set<number>} taken @returns {Mask | null} */
  together(taken) {
    const masks = [...taken].flatMap((index) => this.#proposals[index]?.mask ?? []);
    return masks.length ? masks.reduce(union) : null;
  }

  /** @param {CanvasRenderingContext2D} context @param {View} view */
  draw(context, view) {
    this.#drawn ??= outlines(this.#proposals, this.width, this.height);
    const { x, y } = view.toStage(0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(this.#drawn, x, y, this.width * view.scale, this.height * view.scale);
  }
}

/**
 * The outlines of proposals, large ones below, on a canvas of at most two megapixels.
 * @param {Proposal[]} proposals the smallest first
 * @param {number} width
 * @param {number} height
 */
function outlines(proposals, width, height) {
  const factor = Math.min(1, Math.sqrt(2e6 / (width * height)));
  const w = Math.max(1, Math.round(width * factor)), h = Math.max(1, Math.round(height * factor));
  const owner = new Uint16Array(w * h);
  [...proposals].reverse().forEach(({ mask }, index) => {
    const dense = toDense(mask);
    for (let y = 0; y < h; y++) {
      const row = Math.floor((y + 0.5) / factor);
      for (let x = 0; x < w; x++) if (dense[Math.floor((x + 0.5) / factor) * height + row]) owner[y * w + x] = index + 1;
    }
  });
  const canvas = new OffscreenCanvas(w, h);
  const context = canvas.getContext('2d');
  const pixels = new ImageData(w, h), out = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < out.length; i++) {
    const own = owner[i] ?? 0;
    const edge = own !== owner[i + 1] || own !== owner[i + w];
    const hue = (own * 2654435761) >>> 8;
    out[i] = edge ? 0xe0ffffff : own ? (0x48000000 | (hue & 0xffffff)) >>> 0 : 0;
  }
  context?.putImageData(pixels, 0, 0);
  return canvas;
}
