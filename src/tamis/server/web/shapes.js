/** Drawing into masks: brush strokes, polygons, holes and islands. Dense masks are column after column. */
import { combine, fromDense, toDense, union } from './rle.js';

/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {{x: number, y: number}} Point */

/**
 * Set all pixels whose centre is within `radius` of the line between two points.
 * @param {Uint8Array} dense changed in place
 * @param {number} height
 * @param {number} width
 * @param {Point} from
 * @param {Point} to
 * @param {number} radius in pixels of the image
 * @param {0|1} value
 */
export function stroke(dense, height, width, from, to, radius, value) {
  const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
  const right = Math.min(width - 1, Math.ceil(Math.max(from.x, to.x) + radius));
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(from.y, to.y) + radius));
  const dx = to.x - from.x, dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  for (let x = left; x <= right; x++) {
    for (let y = top; y <= bottom; y++) {
      const px = x + 0.5 - from.x, py = y + 0.5 - from.y;
      const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) dense[x * height + y] = value;
    }
  }
}

/**
 * The pixels whose centre lies inside a polygon, by the even-odd rule.
 * @param {Point[]} points
 * @param {number} height
 * @param {number} width
 * @returns {Mask}
 */
export function polygon(points, height, width) {
  const dense = new Uint8Array(height * width);
  const xs = points.map((point) => point.x);
  const left = Math.max(0, Math.floor(Math.min(...xs))), right = Math.min(width - 1, Math.ceil(Math.max(...xs)));
  for (let x = left; x <= right; x++) {
    const crossings = [];
    for (let i = 0; i < points.length; i++) {
      const a = /** @type {Point} */ (points[i]), b = /** @type {Point} */ (points[(i + 1) % points.length]);
      if (a.x <= x + 0.5 !== b.x <= x + 0.5) crossings.push(a.y + ((x + 0.5 - a.x) / (b.x - a.x)) * (b.y - a.y));
    }
    crossings.sort((p, q) => p - q);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const start = Math.max(0, Math.ceil((crossings[i] ?? 0) - 0.5));
      const end = Math.min(height, Math.ceil((crossings[i + 1] ?? 0) - 0.5));
      if (end > start) dense.fill(1, x * height + start, x * height + end);
    }
  }
  return fromDense(dense, height, width);
}

/**
 * The 4-connected parts of a value in a dense mask.
 * @param {Uint8Array} dense
 * @param {number} height
 * @param {0|1} value
 * @returns {number[][]} the pixels of each part, the largest first
 */
export function parts(dense, height, value) {
  const seen = new Uint8Array(dense.length);
  /** @type {number[][]} */
  const found = [];
  for (let start = 0; start < dense.length; start++) {
    if (seen[start] || dense[start] !== value) continue;
    const pixels = [start];
    seen[start] = 1;
    for (let next = 0; next < pixels.length; next++) {
      const pixel = pixels[next] ?? 0, row = pixel % height;
      const around = [pixel - height, pixel + height];
      if (row > 0) around.push(pixel - 1);
      if (row < height - 1) around.push(pixel + 1);
      for (const other of around) {
        if (other >= 0 && other < dense.length && !seen[other] && dense[other] === value) {
          seen[other] = 1;
          pixels.push(other);
        }
      }
    }
    found.push(pixels);
  }
  return found.sort((a, b) => b.length - a.length);
}

/**
 * The mask with everything in it that it surrounds.
 * @param {Mask} mask
 * @returns {Mask}
 */
export function withoutHoles(mask) {
  const { height, width } = mask;
  const dense = toDense(mask);
  for (const pixels of parts(dense, height, 0)) {
    const open = pixels.some((pixel) => {
      const row = pixel % height, column = Math.floor(pixel / height);
      return row === 0 || column === 0 || row === height - 1 || column === width - 1;
    });
    if (!open) for (const pixel of pixels) dense[pixel] = 1;
  }
  return fromDense(dense, height, width);
}

/**
 * The largest part of a mask, and all others that are at least a tenth of it.
 * @param {Mask} mask
 * @returns {Mask}
 */
export function withoutIslands(mask) {
  const found = separate(mask);
  const large = found.filter((part) => part.pixels * 10 >= (found[0]?.pixels ?? 0));
  return large.length ? large.map((part) => part.mask).reduce(union) : mask;
}

/**
 * The 4-connected parts of a mask, the largest first.
 * @param {Mask} mask
 * @returns {{mask: Mask, pixels: number}[]}
 */
export function separate(mask) {
  const { height, width } = mask;
  return parts(toDense(mask), height, 1).map((pixels) => {
    const dense = new Uint8Array(height * width);
    for (const pixel of pixels) dense[pixel] = 1;
    return { mask: fromDense(dense, height, width), pixels: pixels.length };
  });
}

/**
 * @param {Mask} a
 * @param {Mask} b
 */
export const same = (a, b) => combine(a, b, (p, q) => p !== q).counts.length === 1;
