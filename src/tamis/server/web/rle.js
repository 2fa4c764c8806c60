/**
 * Masks as run lengths: down the columns, left to right, pixels outside first, as COCO has them. Pixel (x, y) of an image
 * of height h is number x * h + y everywhere in this page.
 */

/** @typedef {import('./types.js').Rle} Rle */
/** @typedef {{height: number, width: number, counts: Uint32Array}} Mask */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box right and bottom are one past the last */

/**
 * @param {Rle} rle
 * @returns {Mask}
 */
export function decode(rle) {
  const text = rle.counts;
  /** @type {number[]} */
  const counts = [];
  let place = 0;
  while (place < text.length) {
    let value = 0, shift = 0, group = 0;
    do {
      group = text.charCodeAt(place++) - 48;
      value |= (group & 31) << shift;
      shift += 5;
    } while (group & 32 && place < text.length);
    if (group & 16 && shift < 32) value |= -1 << shift;
    // From the fourth count on, differences to the one before the last are told.
    const before = counts.length > 2 ? counts[counts.length - 2] : 0;
    counts.push(value + (before ?? 0));
  }
  return { height: rle.size[0], width: rle.size[1], counts: Uint32Array.from(counts) };
}

/**
 * @param {Mask} mask
 * @returns {Rle}
 */
export function encode(mask) {
  const parts = [];
  for (let i = 0; i < mask.counts.length; i++) {
    let value = at(mask.counts, i) - (i > 2 ? at(mask.counts, i - 2) : 0);
    let more = true;
    while (more) {
      let group = value & 31;
      value >>= 5;
      more = group & 16 ? value !== -1 : value !== 0;
      if (more) group |= 32;
      parts.push(String.fromCharCode(group + 48));
    }
  }
  return { size: [mask.height, mask.width], counts: parts.join('') };
}

/**
 * @param {Uint8Array} dense column after column, 0 outside
 * @param {number} height
 * @param {number} width
 * @param {number} [left] the first column with a pixel inside
 * @param {number} [right] one past the last
 * @returns {Mask}
 */
export function fromDense(dense, height, width, left = 0, right = width) {
  const counts = [];
  let inside = 0, start = 0;
  const end = Math.max(left, right) * height;
  for (let i = left * height; i < end; i++) {
    if ((dense[i] !== 0 ? 1 : 0) !== inside) {
      counts.push(i - start);
      start = i;
      inside = 1 - inside;
    }
  }
  if (inside && end < dense.length) {
    counts.push(end - start);
    start = end;
  }
  counts.push(dense.length - start);
  return { height, width, counts: Uint32Array.from(counts) };
}

/**
 * @param {Mask} mask
 * @returns {Uint8Array} column after column, 1 inside
 */
export function toDense(mask) {
  const dense = new Uint8Array(mask.height * mask.width);
  forRuns(mask, (start, end) => dense.fill(1, start, end));
  return dense;
}

/**
 * Call `each` with the first and one past the last pixel of every run inside.
 * @param {Mask} mask
 * @param {(start: number, end: number) => void} each
 */
export function forRuns(mask, each) {
  let place = 0;
  for (let i = 0; i < mask.counts.length; i++) {
    const end = place + at(mask.counts, i);
    if (i % 2 && end > place) each(place, end);
    place = end;
  }
}

/**
 * @param {Mask} mask
 * @returns {number} pixels
 */
export function area(mask) {
  let total = 0;
  for (let i = 1; i < mask.counts.length; i += 2) total += at(mask.counts, i);
  return total;
}

/**
 * @param {Mask} mask
 * @returns {Box | null} null if the mask is empty
 */
export function bounds(mask) {
  const { height, width } = mask;
  let left = width, right = 0, top = height, bottom = 0;
  forRuns(mask, (start, end) => {
    const first = Math.floor(start / height), last = Math.floor((end - 1) / height);
    left = Math.min(left, first);
    right = Math.max(right, last + 1);
    top = first === last ? Math.min(top, start % height) : 0;
    bottom = first === last ? Math.max(bottom, ((end - 1) % height) + 1) : height;
  });
  return right ? { left, top, right, bottom } : null;
}

/**
 * @param {Mask} mask
 * @param {number} x
 * @param {number} y
 */
export function contains(mask, x, y) {
  const pixel = Math.floor(x) * mask.height + Math.floor(y);
  let place = 0;
  for (let i = 0; i < mask.counts.length; i++) {
    place += at(mask.counts, i);
    if (pixel < place) return i % 2 === 1;
  }
  return false;
}

/**
 * @param {Mask} a
 * @param {Mask} b of the same size
 * @param {(a: boolean, b: boolean) => boolean} rule
 * @returns {Mask}
 */
export function combine(a, b, rule) {
  const counts = [];
  const total = a.height * a.width;
  let i = 0, j = 0, place = 0, start = 0, inside = false;
  let endA = a.counts[0] ?? total, endB = b.counts[0] ?? total;
  while (place < total) {
    while (endA <= place && i < a.counts.length - 1) endA += at(a.counts, ++i);
    while (endB <= place && j < b.counts.length - 1) endB += at(b.counts, ++j);
    const now = rule(i % 2 === 1, j % 2 === 1);
    if (now !== inside) {
      counts.push(place - start);
      start = place;
      inside = now;
    }
    place = Math.min(endA > place ? endA : total, endB > place ? endB : total);
  }
  counts.push(total - start);
  return { height: a.height, width: a.width, counts: Uint32Array.from(counts) };
}

/**
 * @param {Iterable<number>} runs starts and ends in turn, in order; those that touch become one
 * @param {number} height
 * @param {number} width
 * @returns {Mask}
 */
export function fromRuns(runs, height, width) {
  /** @type {number[]} */
  const counts = [];
  let place = 0, start = -1;
  for (const edge of runs) {
    if (start < 0) start = edge;
    else {
      if (counts.length && start === place) counts[counts.length - 1] = at(/** @type {any} */ (counts), counts.length - 1) + edge - start;
      else counts.push(start - place, edge - start);
      place = edge;
      start = -1;
    }
  }
  if (place < height * width || !counts.length) counts.push(height * width - place);
  return { height, width, counts: Uint32Array.from(counts) };
}

/** The IoU of two masks of the same size. @param {Mask} a @param {Mask} b */
export function iou(a, b) {
  const both = area(combine(a, b, (p, q) => p && q));
  return both / Math.max(1, area(a) + area(b) - both);
}

/** @param {Mask} a @param {Mask} b */
export const union = (a, b) => combine(a, b, (p, q) => p || q);

/** @param {Mask} a @param {Mask} b */
export const subtract = (a, b) => combine(a, b, (p, q) => p && !q);

/**
 * @param {number} height
 * @param {number} width
 * @returns {Mask}
 */
export const empty = (height, width) => ({ height, width, counts: Uint32Array.of(height * width) });

/** @param {Uint32Array} array @param {number} index */
const at = (array, index) => array[index] ?? 0;
