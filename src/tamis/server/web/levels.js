/** How much of what is around a click its mask may hold: a part, an object, a whole. */

/** @typedef {{granularity: number, threshold: number}} Level */

/** @type {Level} What every mask begins with: granularity 0 is the one that is rated best for the click. */
export const BEST = { granularity: 0, threshold: 0.5 };

/** From the largest answer to the smallest where the segmentor has one granularity: level lines of the probability. */
const THRESHOLDS = [0.2, 0.35, 0.5, 0.65, 0.8];

/**
 * @param {number[]} granularities of the segmentor, in the order of their masks' sizes
 * @returns {Level[]} the one with the smallest mask first
 */
export function levelsOf(granularities) {
  if (granularities.length > 1) return granularities.map((granularity) => ({ granularity, threshold: 0.5 }));
  return [...THRESHOLDS].reverse().map((threshold) => ({ granularity: 0, threshold }));
}

/** @param {Level[]} levels @param {number} best the granularity, from 1, that is rated best @returns {number} its place */
export function placeOfBest(levels, best) {
  return levels.findIndex((each) => each.granularity === best || (each.granularity === 0 && each.threshold === BEST.threshold));
}
