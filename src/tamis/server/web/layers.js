/**
 * What is drawn: the photograph, and over it masks and the preview. Masks are looked up for every pixel of the screen, not
 * of the image, so that a thousand masks on 24 megapixels cost as much as one: the owner of each image pixel is kept, and
 * which owner and region each screen pixel shows is found again only when the view moves.
 */
import { forRuns, toDense } from './rle.js';

/** @typedef {import('./rle.js').Box} Box */
/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./view.js').View} View */
/** @typedef {import('./answers.js').AnswerTable} AnswerTable */
/** @typedef {{mask: Mask, color: string, hidden?: boolean, selected?: boolean, highlighted?: boolean}} Painted */
/** @typedef {'add'|'remove'} Sense what a preview would do */

const LITTLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const NOWHERE = 0xffff;
const SELECTED = 1, HIGHLIGHTED = 2;

export class Layers {
  /** @type {ImageBitmap | null} */
  photo = null;
  /** @type {AnswerTable | null} */
  table = null;
  /** How opaque masks are, from 0 to 1. */
  opacity = 0.45;
  /** Milliseconds that the last preview took. */
  previewTime = 0;
  width = 0;
  height = 0;
  density = 1;
  /** @type {Uint16Array} one more than the index of the topmost mask of each image pixel */
  #owner = new Uint16Array(0);
  /** @type {Painted[]} */
  #painted = [];
  #imageHeight = 0;
  #imageWidth = 0;
  /** @type {Uint16Array} per screen pixel */
  #shownOwner = new Uint16Array(0);
  /** @type {Uint32Array} per screen pixel, the colours of masks and their borders */
  #masks = new Uint32Array(0);
  /** @type {Uint16Array} per screen pixel */
  #shownRegion = new Uint16Array(0);
  /** @type {Uint8Array | null} per region, what would be in the mask */
  #regions = null;
  /** @type {Uint8Array | null} per image pixel, what would be in the mask */
  #dense = null;
  /** @type {Uint8Array} per screen pixel, whether the preview has it */
  #shownPreview = new Uint8Array(0);
  /** @type {Uint8Array | null} per image pixel, what no new mask may have */
  #claimed = null;
  /** @type {Uint8Array} per screen pixel */
  #shownClaimed = new Uint8Array(0);
  /** @type {Sense} */
  #sense = 'add';
  /** @type {{dense: Uint8Array, color: string} | null} a mask that is proposed, and is none yet */
  #proposed = null;
  /** @type {Uint8Array} per screen pixel */
  #shownProposed = new Uint8Array(0);
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
    const size = this.width * this.height;
    this.#pixels = new ImageData(this.width, this.height);
    this.#masks = new Uint32Array(size);
    this.#shownOwner = new Uint16Array(size);
    this.#shownRegion = new Uint16Array(size);
    this.#shownPreview = new Uint8Array(size);
    this.#shownClaimed = new Uint8Array(size);
    this.#shownProposed = new Uint8Array(size);
    this.moved();
  }

  /** @param {ImageBitmap | null} photo */
  show(photo) {
    this.photo?.close();
    this.photo = photo;
    this.table = null;
    this.#regions = this.#dense = this.#claimed = this.#proposed = null;
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
    const before = this.#painted;
    const same = before.length <= painted.length && before.every((each, i) => each.mask === painted[i]?.mask && !each.hidden === !painted[i]?.hidden);
    if (!same) this.#owner.fill(0);
    const first = same ? before.length : 0;
    for (let i = first; i < painted.length; i++) {
      const each = /** @type {Painted} */ (painted[i]);
      if (!each.hidden) forRuns(each.mask, (start, end) => this.#owner.fill(i + 1, start, end));
    }
    this.#painted = painted;
    if (!same || painted.length > first) {
      this.#claimed = null;
      this.#sample(this.#shownOwner, this.#owner, 0);
    }
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

  /** Previews leave out what other masks have; null: they do not. @param {number | null} except the index of the mask at hand */
  previewAround(except) {
    if (except === null) this.#claimed = null;
    else if (!this.#claimed) {
      this.#claimed = this.claimed(except);
      this.#sample(this.#shownClaimed, this.#claimed, 0);
    }
  }

  /**
   * Show which regions would be in the mask; null: none.
   * @param {Uint8Array | null} inside per region
   * @param {Sense} [sense]
   */
  previewRegions(inside, sense = 'add') {
    this.#preview(inside, null, sense);
  }

  /** Show a mask that would be made; null: none. @param {Mask | null} mask @param {Sense} [sense] */
  previewMask(mask, sense = 'add') {
    if (!mask) return this.#preview(null, null, sense);
    const dense = new Uint8Array(mask.height * mask.width);
    forRuns(mask, (start, end) => dense.fill(1, start, end));
    this.#preview(null, dense, sense);
  }

  /** Show a mask that is proposed, by a dashed outline; null: none. @param {Mask | null} mask @param {string} color #rrggbb */
  propose(mask, color) {
    if (!mask && !this.#proposed) return;
    this.#proposed = mask ? { dense: toDense(mask), color } : null;
    if (this.#proposed) this.#sample(this.#shownProposed, this.#proposed.dense, 0);
    this.draw();
  }

  /** Show a mask that is being painted. @param {Uint8Array} dense @param {Box | null} touched what has changed; null: all */
  previewDense(dense, touched) {
    if (!touched || this.#dense !== dense) return this.#preview(null, dense, 'add');
    const start = performance.now();
    const from = this.view.toStage(touched.left, touched.top), to = this.view.toStage(touched.right, touched.bottom);
    const left = Math.max(0, Math.floor(from.x * this.density) - 2), top = Math.max(0, Math.floor(from.y * this.density) - 2);
    const right = Math.min(this.width, Math.ceil(to.x * this.density) + 2), bottom = Math.min(this.height, Math.ceil(to.y * this.density) + 2);
    if (right <= left || bottom <= top) return;
    this.#sample(this.#shownPreview, dense, 0, left, top, right, bottom);
    this.#compose(left, top, right, bottom);
    this.previewTime = performance.now() - start;
  }

  /** @param {Uint8Array | null} regions @param {Uint8Array | null} dense @param {Sense} sense */
  #preview(regions, dense, sense) {
    const start = performance.now();
    this.#regions = regions;
    this.#dense = dense;
    this.#sense = sense;
    this.#samplePreview();
    this.#compose();
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
    this.#sample(this.#shownOwner, this.#owner, 0);
    if (this.table) this.#sample(this.#shownRegion, this.table.regionOf, NOWHERE);
    else this.#shownRegion.fill(NOWHERE);
    if (this.#claimed) this.#sample(this.#shownClaimed, this.#claimed, 0);
    if (this.#proposed) this.#sample(this.#shownProposed, this.#proposed.dense, 0);
    this.#samplePreview();
    this.draw();
  }

  /** Draw masks and preview as they are. */
  draw() {
    this.#drawMasks();
    this.#compose();
  }

  /** The masks with their borders, which previews are laid over. */
  #drawMasks() {
    const { fills, edges, flags } = this.#colors(), out = this.#masks, owners = this.#shownOwner, width = this.width;
    const proposed = this.#proposed ? this.#shownProposed : null, tint = packed(this.#proposed?.color ?? '#ffffff', 0.22);
    const thick = Math.ceil(1.5 * this.density), dash = Math.max(1, Math.round(6 * this.density));
    if (!proposed && !this.#painted.some((each) => !each.hidden)) return void out.fill(0);
    const white = packed('#ffffff', 1), dark = packed('#101010', 0.9), glow = packed('#ffd84d', 1);
    for (let i = 0; i < out.length; i++) {
      const owner = owners[i] ?? 0, west = owners[i - 1] ?? 0, east = owners[i + 1] ?? 0, north = owners[i - width] ?? 0, south = owners[i + width] ?? 0;
      let color = fills[owner] ?? 0;
      if (owner !== west || owner !== east || owner !== north || owner !== south) {
        // A border: of a selected mask a light pixel inside and a dark one outside, of others the mask's own colour.
        const own = flags[owner] ?? 0;
        if (own & SELECTED) color = white;
        else if (own & HIGHLIGHTED) color = glow;
        else if (((flags[west] ?? 0) | (flags[east] ?? 0) | (flags[north] ?? 0) | (flags[south] ?? 0)) & SELECTED) color = dark;
        else color = edges[owner] ?? 0;
      }
      if (proposed?.[i]) {
        const border = !proposed[i - thick] || !proposed[i + thick] || !proposed[i - thick * width] || !proposed[i + thick * width];
        if (border) color = Math.floor(((i % width) + Math.floor(i / width)) / dash) % 2 ? white : dark;
        else color ||= tint;
      }
      out[i] = color;
    }
  }

  /** The preview over the masks, on the screen or on a part of it. @param {number} [left] @param {number} [top] @param {number} [right] @param {number} [bottom] */
  #compose(left = 0, top = 0, right = this.width, bottom = this.height) {
    const context = this.maskCanvas.getContext('2d');
    if (!context || !this.#pixels) return;
    const out = new Uint32Array(this.#pixels.data.buffer), masks = this.#masks, owners = this.#shownOwner;
    const shown = this.#shownPreview, width = this.width, removing = this.#sense === 'remove';
    const line = packed(removing ? '#ff3b2f' : '#ffffff', 1), soft = packed(removing ? '#ff3b2f' : '#ffffff', removing ? 0.5 : 0.42);
    if (this.#regions === null && this.#dense === null) out.set(masks);
    else {
      for (let y = top; y < bottom; y++) {
        for (let i = y * width + left, end = y * width + right; i < end; i++) {
          if (!shown[i]) out[i] = masks[i] ?? 0;
          else if (!shown[i - 1] || !shown[i + 1] || !shown[i - width] || !shown[i + width]) out[i] = line;
          else out[i] = owners[i] && !removing ? (masks[i] ?? 0) : soft;
        }
      }
    }
    context.putImageData(this.#pixels, 0, 0, left, top, right - left, bottom - top);
  }

  #colors() {
    const size = this.#painted.length + 1;
    const fills = new Uint32Array(size), edges = new Uint32Array(size), flags = new Uint8Array(size);
    this.#painted.forEach((each, i) => {
      if (each.hidden) return;
      const opacity = each.selected || each.highlighted ? Math.min(1, this.opacity * 1.25) : this.opacity;
      fills[i + 1] = packed(each.color, opacity);
      edges[i + 1] = packed(darker(each.color), Math.min(1, 0.35 + this.opacity));
      flags[i + 1] = (each.selected ? SELECTED : 0) | (each.highlighted ? HIGHLIGHTED : 0);
    });
    return { fills, edges, flags };
  }

  #samplePreview() {
    const shown = this.#shownPreview, claimed = this.#claimed ? this.#shownClaimed : null;
    if (this.#dense) this.#sample(shown, this.#dense, 0);
    else if (this.#regions) {
      const regions = this.#shownRegion, inside = this.#regions;
      for (let i = 0; i < shown.length; i++) shown[i] = inside[regions[i] ?? NOWHERE] ? 1 : 0;
    } else return;
    if (claimed && this.#sense === 'add') for (let i = 0; i < shown.length; i++) if (claimed[i]) shown[i] = 0;
  }

  /**
   * For each screen pixel, or those of a part of the screen, the value of the image pixel under it.
   * @param {Uint16Array | Uint8Array} shown
   * @param {Uint16Array | Uint8Array} source column after column
   * @param {number} outside
   * @param {number} [left]
   * @param {number} [top]
   * @param {number} [right]
   * @param {number} [bottom]
   */
  #sample(shown, source, outside, left = 0, top = 0, right = this.width, bottom = this.height) {
    if (right - left === this.width && bottom - top === this.height) shown.fill(outside);
    if (!source.length) return;
    const step = 1 / (this.view.scale * this.density);
    const firstX = -this.view.x / this.view.scale + step / 2, firstY = -this.view.y / this.view.scale + step / 2;
    const rows = new Int32Array(this.height);
    for (let y = top; y < bottom; y++) rows[y] = Math.floor(firstY + y * step);
    while (top < bottom && (rows[top] ?? 0) < 0) top++;
    while (bottom > top && (rows[bottom - 1] ?? 0) >= this.#imageHeight) bottom--;
    for (let x = left; x < right; x++) {
      const column = Math.floor(firstX + x * step);
      if (column < 0 || column >= this.#imageWidth) continue;
      const base = column * this.#imageHeight;
      for (let y = top, place = top * this.width + x; y < bottom; y++, place += this.width) {
        shown[place] = source[base + (rows[y] ?? 0)] ?? outside;
      }
    }
  }
}

/** @param {string} color #rrggbb */
function darker(color) {
  const value = parseInt(color.slice(1), 16);
  const part = (/** @type {number} */ shift) => Math.round(((value >> shift) & 255) * 0.62);
  return `#${((part(16) << 16) | (part(8) << 8) | part(0)).toString(16).padStart(6, '0')}`;
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
