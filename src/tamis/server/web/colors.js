/** What the colours of masks tell: their labels, which is which, or how they came about. */

/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {import('./types.js').Comment} Comment */

const BY_HAND = ['brush', 'eraser', 'polygon'];

/** Colours of masks by how they came about; dark enough for white borders. */
export const STATE_COLORS = { comment: '#e0352b', hand: '#e08a00', imported: '#8a5cf0', proposed: '#1677b8', model: '#1f8f5f' };

/**
 * @param {'label'|'instance'|'state'} coloring
 * @param {Instance} instance
 * @param {number} index of the mask on the image
 * @param {string} label the colour of its label
 * @param {Comment[]} comments of the image
 * @returns {string} #rrggbb
 */
export function colorOf(coloring, instance, index, label, comments) {
  if (coloring === 'label') return label;
  if (coloring === 'instance') return hue(0.02 + index * 0.61803398875);
  if (comments.some((each) => each.mask === instance.id && !each.done)) return STATE_COLORS.comment;
  if (instance.tool === 'assistant') return STATE_COLORS.proposed;
  if (instance.tool === 'import') return STATE_COLORS.imported;
  return BY_HAND.includes(instance.tool ?? '') ? STATE_COLORS.hand : STATE_COLORS.model;
}

/** A strong colour. @param {number} turn of the circle of hues */
function hue(turn) {
  const h = (turn % 1) * 6;
  const part = (/** @type {number} */ shift) => {
    const k = (shift + h) % 6;
    return Math.round(255 * (0.9 - 0.75 * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return `#${((part(5) << 16) | (part(3) << 8) | part(1)).toString(16).padStart(6, '0')}`;
}
