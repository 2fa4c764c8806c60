/** What is done to masks that are there: merged, split, filled, tidied up. */
import { encode, union } from './rle.js';
import { randomId } from './session.js';
import { separate, withoutHoles, withoutIslands } from './shapes.js';

/** @typedef {import('./editor.js').Editor} Editor */

/** The active mask takes in the one at a place. @param {Editor} editor @param {number} x @param {number} y */
export function mergeAt(editor, x, y) {
  const own = editor.activeInstance, mask = editor.activeMask;
  const other = editor.session?.instances[editor.layers.ownerAt(x, y)];
  const theirs = other ? editor.session?.mask(other.id) : null;
  if (!own || !mask || !other || !theirs || other.id === own.id) return editor.hooks.say('Select one mask and point at another to merge them.');
  editor.do('masks.set', { set: [{ id: own.id, label: own.label, rle: encode(union(mask, theirs)), tool: 'merge' }], deleted: [other.id] });
}

/** Each connected part of the active mask becomes a mask. @param {Editor} editor */
export function split(editor) {
  const own = editor.activeInstance, mask = editor.activeMask;
  const found = mask ? separate(mask) : [];
  if (!own || found.length < 2) return editor.hooks.say('The selected mask has only one part.');
  const set = found.map((part, i) => ({ id: i ? randomId() : own.id, label: own.label, rle: encode(part.mask), tool: 'split' }));
  editor.do('masks.set', { set, deleted: [] });
}

/** @param {Editor} editor */
export function fillHoles(editor) {
  if (editor.activeMask) editor.setActive(withoutHoles(editor.activeMask), 'fill');
}

/** @param {Editor} editor */
export function removeIslands(editor) {
  if (editor.activeMask) editor.setActive(withoutIslands(editor.activeMask), 'islands');
}
