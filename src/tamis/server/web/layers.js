/**
 * What is drawn: the photograph, and over it masks and the preview. Masks are looked up for every pixel of the screen, not
 * of the image, so that a thousand masks on 24 megapixels cost as much as one: the owner of each image pixel is kept, and
 * which owner and region each screen pixel shows is found again only when the view moves.
 */
import { forRuns } from './rle.js';

/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./view.js').View} View */
/** @typedef {import('./answers.js').AnswerTable} AnswerTable */
/** @typedef {{mask: Mask, color: string, hidden?: boolean}} Painted */

const LITTLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const NOWHERE = 0xffff;

export class Layers {
  /** @type {ImageBitmap | null} */
  photo = null;
  /** @type {AnswerTable | null} */
  table = null;
  /** How opaque masks are, from 0 to 1. */
  opacity = 0.45;
  /** The index of the mask drawn strongest; -1: none. */
  selected = -1;
  /** Milliseconds that the last preview took. */
  previewTime = 0;
  width = 0;
  height = 0;
  /** @type {Uint16Array} one more than the index of the topmost mask of each image pixel */
  #owner = new Uint16Array(0);
  /** @type {Painted[]} */
  #painted = [];
  #imageHeight = 0;
  #imageWidth = 0;
  /** @type {Uint16Array} per screen pixel */
  #shownOwner = new Uint16Array(0);
  /** @type {Uint16Array} per screen pixel */
  #shownRegion = new Uint16Array(0);
  /** @type {Uint8Array | null} per region */
  #preview = null;
  /** @type {Mask | null} */
  #previewMask = null;
  /** @type {Uint8Array} per screen pixel, the preview mask */
  #shownPreview = new Uint8Array(0);
  /** @type {ImageData | null} */
  #pixels = null;

  /**
   * @param {HTMLCanvasElement} photoCanvas
   * @param {HTMLCanvasElement} maskCanvas
   * @param {View} view
   */
  constructor(photoCanvas, maskCanvas, view) {
    this.photoCanvas = photoCanvas;
    this.maskCanvas = maskCanvas;
    this.view = view;
  }

  /** @param {number} width of the stage in CSS pixels @param {number} height */
  resize(width, height) {
    // A 4K screen at double density would be 33 million pixels for each preview; masks need no finer than two million.
    const density = Math.min(window.devicePixelRatio || 1, Math.sqrt(2.5e6 / Math.max(1, width * height)));
    this.density = density > 1 ? density : 1;
    this.width = Math.max(1, Math.round(width * this.density));
    this.height = Math.max(1, Math.round(height * this.density));
    for (const canvas of [this.photoCanvas, this.maskCanvas]) {
      canvas.width = this.width;
      canvas.height = this.height;
    }
    this.#pixels = new ImageData(this.width, this.height);
    this.#shownOwner = new Uint16Array(this.width * this.height);
    this.#shownRegion = new Uint16Array(this.width * this.height);
    this.#shownPreview = new Uint8Array(this.width * this.height);
    this.moved();
  }

  density = 1;

  /** @param {ImageBitmap | null} photo */
  show(photo) {
    this.photo?.close();
    this.photo = photo;
    this.table = null;
    this.#preview = null;
    this.#previewMask = null;
    this.#imageWidth = photo?.width ?? 0;
    this.#imageHeight = photo?.height ?? 0;
    this.#owner = new Uint16Array(this.#imageWidth * this.#imageHeight);
    this.#painted = [];
    this.moved();
  }

  /** @param {AnswerTable | null} table */
  useTable(table) {
    this.table = table;
    this.moved();
  }

  /**
   * Draw these masks, later ones above earlier ones.
   * @param {Painted[]} painted
   */
  paint(painted) {
    const same = this.#painted.length <= painted.length && this.#painted.every((each, i) => each.mask === painted[i]?.mask && !each.hidden === !painted[i]?.hidden);
    if (!same) this.#owner.fill(0);
    for (let i = same ? this.#painted.length : 0; i < painted.length; i++) {
      const each = /** @type {Painted} */ (painted[i]);
      if (!each.hidden) forRuns(each.mask, (start, end) => this.#owner.fill(i + 1, start, end));
    }
    this.#painted = painted;
    this.#sampleOwners();
    this.draw();
  }

  /** Whether a mask other than `except` has each image pixel. @param {number} except an index */
  claimed(except) {
    const claimed = new Uint8Array(this.#owner.length);
    this.#painted.forEach((each, i) => {
      if (i !== except && !each.hidden) forRuns(each.mask, (start, end) => claimed.fill(1, start, end));
    });
    return claimed;
  }

  /** The index of the topmost mask at a place of the image, or -1. @param {number} x @param {number} y */
  ownerAt(x, y) {
    if (x < 0 || y < 0 || x >= this.#imageWidth || y >= this.#imageHeight) return -1;
    return (this.#owner[Math.floor(x) * this.#imageHeight + Math.floor(y)] ?? 0) - 1;
  }

  /**
   * Show which regions would be in the mask; null: none.
   * @param {Uint8Array | null} inside per region
   */
  previewRegions(inside) {
    const start = performance.now();
    this.#preview = inside;
    this.#previewMask = null;
    this.draw();
    this.previewTime = performance.now() - start;
  }

  /** Show a mask that would be made; null: none. @param {Mask | null} mask */
  previewMask(mask) {
    const start = performance.now();
    this.#preview = null;
    this.#previewMask = mask;
    this.#samplePreview();
    this.draw();
    this.previewTime = performance.now() - start;
  }

  /** The view has moved: find again what each screen pixel shows, and draw everything. */
  moved() {
    const context = this.photoCanvas.getContext('2d');
    if (context) {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, this.width, this.height);
      if (this.photo) {
        const { scale, x, y } = this.view;
        context.imageSmoothingEnabled = scale < 3;
        context.imageSmoothingQuality = 'medium';
        context.setTransform(scale * this.density, 0, 0, scale * this.density, x * this.density, y * this.density);
        // Of an image longer than browsers draw the server gives a smaller copy.
        context.drawImage(this.photo, 0, 0, this.#imageWidth, this.#imageHeight);
      }
    }
    this.#sampleOwners();
    this.#sampleRegions();
    this.#samplePreview();
    this.draw();
  }

  /** Draw masks and preview as they are. */
  draw() {
    const context = this.maskCanvas.getContext('2d');
    if (!context || !this.#pixels) return;
    const out = new Uint32Array(this.#pixels.data.buffer);
    const colors = this.#colors();
    const owners = this.#shownOwner, regions = this.#shownRegion, preview = this.#preview;
    const chosen = this.selected + 1, line = packed('#ffffff', 1), edge = packed('#101010', 0.9);
    const soft = packed('#ffffff', 0.42);
    const shown = this.#shownPreview, masked = this.#previewMask !== null, width = this.width;
    for (let i = 0; i < out.length; i++) {
      const owner = owners[i] ?? 0;
      let color = colors[owner] ?? 0;
      if (chosen > 0) {
        // The outline of the selected mask: a dark pixel outside, a light one inside.
        if (owner === chosen) {
          if (owners[i - 1] !== owner || owners[i + 1] !== owner || owners[i - width] !== owner || owners[i + width] !== owner) color = line;
        } else if (owners[i - 1] === chosen || owners[i + 1] === chosen || owners[i - width] === chosen || owners[i + width] === chosen) color = edge;
      }
      if (preview) {
        const region = regions[i] ?? NOWHERE;
        const inside = region === NOWHERE ? 0 : preview[region];
        if (inside) {
          const left = regions[i - 1] ?? NOWHERE, up = regions[i - width] ?? NOWHERE;
          color = (left !== region && !preview[left]) || (up !== region && !preview[up]) ? line : owner ? color : soft;
        } else if (region !== NOWHERE) {
          const left = regions[i - 1] ?? NOWHERE, up = regions[i - width] ?? NOWHERE;
          if ((left !== region && preview[left]) || (up !== region && preview[up])) color = line;
        }
      } else if (masked && shown[i]) {
        color = !shown[i - 1] || !shown[i + 1] || !shown[i - width] || !shown[i + width] ? line : owner ? color : soft;
      }
      out[i] = color;
    }
    context.putImageData(this.#pixels, 0, 0);
  }

  #colors() {
    const colors = new Uint32Array(this.#painted.length + 1);
    this.#painted.forEach((each, i) => {
      const opacity = i === this.selected ? Math.min(1, this.opacity * 1.25) : this.opacity;
      colors[i + 1] = each.hidden ? 0 : packed(each.color, opacity);
    });
    return colors;
  }

  #sampleOwners() {
    this.#sample(this.#shownOwner, this.#owner, 0);
  }

  #sampleRegions() {
    if (this.table) this.#sample(this.#shownRegion, this.table.regionOf, NOWHERE);
    else this.#shownRegion.fill(NOWHERE);
  }

  #samplePreview() {
    if (!this.#previewMask) return;
    const dense = new Uint8Array(this.#previewMask.height * this.#previewMask.width);
    forRuns(this.#previewMask, (start, end) => dense.fill(1, start, end));
    this.#sample(this.#shownPreview, dense, 0);
  }

  /**
   * For each screen pixel the value of the image pixel under it.
   * @param {Uint16Array | Uint8Array} shown
   * @param {Uint16Array | Uint8Array} source column after column
   * @param {number} outside
   */
  #sample(shown, source, outside) {
    shown.fill(outside);
    if (!source.length) return;
    const step = 1 / (this.view.scale * this.density);
    const firstX = -this.view.x / this.view.scale + step / 2, firstY = -this.view.y / this.view.scale + step / 2;
    const rows = new Int32Array(this.height);
    for (let y = 0; y < this.height; y++) rows[y] = Math.floor(firstY + y * step);
    let top = 0, bottom = this.height;
    while (top < bottom && (rows[top] ?? 0) < 0) top++;
    while (bottom > top && (rows[bottom - 1] ?? 0) >= this.#imageHeight) bottom--;
    for (let x = 0; x < this.width; x++) {
      const column = Math.floor(firstX + x * step);
      if (column < 0 || column >= this.#imageWidth) continue;
      const base = column * this.#imageHeight;
      for (let y = top, place = top * this.width + x; y < bottom; y++, place += this.width) {
        shown[place] = source[base + (rows[y] ?? 0)] ?? outside;
      }
    }
  }
}

/**
 * A colour as a number of a picture's pixel.
 * @param {string} color #rrggbb
 * @param {number} opacity
 */
function packed(color, opacity) {
  const value = parseInt(color.slice(1), 16);
  const red = (value >> 16) & 255, green = (value >> 8) & 255, blue = value & 255, alpha = Math.round(opacity * 255);
  const number = LITTLE
    ? (alpha << 24) | (blue << 16) | (green << 8) | red
    : (red << 24) | (green << 16) | (blue << 8) | alpha;
  return number >>> 0;
}
