/** Who answers further clicks: the server, which corrects the mask so far, or the page's own table. */
import { encode, subtract, union } from './rle.js';

/** @typedef {import('./answers.js').AnswerTable} AnswerTable */
/** @typedef {import('./levels.js').Level} Level */
/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./types.js').Click} Click */

/**
 * The mask so far, where it counts besides its clicks.
 * @param {AnswerTable | null} table
 * @param {Click[]} clicks the last one is new
 * @param {Mask | null} mask
 */
export function begunFor(table, clicks, mask) {
  return clicks.length === 1 || table?.corrects ? mask : null;
}

/**
 * Whether the server knows better than the table.
 * @param {AnswerTable | null} table
 * @param {Click[]} clicks
 * @param {Mask | null} begun
 */
export function asksServer(table, clicks, begun) {
  return !table || (table.corrects && (clicks.length > 1 || begun !== null));
}

/**
 * Whether the server draws the border of the table's answer to a first click more finely.
 * @param {AnswerTable | null} table
 * @param {Click[]} clicks
 * @param {Mask | null} begun
 */
export function drawsFirst(table, clicks, begun) {
  return Boolean(table?.corrects) && clicks.length === 1 && !begun;
}

/**
 * What the table says; a mask that no click made is kept, clicks add to it and take away from it.
 * @param {AnswerTable} table
 * @param {Click[]} clicks
 * @param {Mask | null} begun
 * @param {Level} level
 */
export function roughly(table, clicks, begun, { threshold, granularity }) {
  const [click] = clicks;
  if (!begun || !click || clicks.length > 1) return table.mask(clicks, threshold, granularity);
  const mask = table.mask([{ ...click, positive: true }], threshold, granularity);
  return click.positive ? union(begun, mask) : subtract(begun, mask);
}

/**
 * What to ask the server: a mask so far begins at one granularity and is corrected at no other.
 * @param {Click[]} clicks
 * @param {Mask | null} begun
 * @param {Level} level
 */
export function questionOf(clicks, begun, level) {
  return begun ? { clicks, mask: encode(begun), threshold: level.threshold } : { clicks, ...level };
}
