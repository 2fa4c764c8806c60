/** What is done to masks that are there: merged, split, filled, tidied up, put in another order. */
import { separate, withoutHoles, withoutIslands } from './components.js';
import { encode, union } from './rle.js';
import { randomId } from './session.js';
import { t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */

/** The selected masks become one, under the label of the first. @param {Editor} editor @param {string[]} ids at least two */
function mergeAll(editor, ids) {
  const session = editor.session;
  const [first, ...others] = ids.flatMap((id) => session?.content.masks.get(id) ?? []);
  const masks = ids.flatMap((id) => session?.mask(id) ?? []);
  if (!first || !others.length) return;
  if (ids.some((id) => editor.locked.has(id))) return editor.hooks.say(t('say.locked'));
  const { id, label, attributes } = first;
  const set = [{ id, label, rle: encode(masks.reduce(union)), tool: 'merge', ...(attributes ? { attributes } : {}) }];
  editor.selectAll([id]);
  editor.do('masks.set', { set, deleted: others.map((each) => each.id) });
}

/**
 * Several selected masks become one at once; a single one waits for another to be pointed at.
 * @param {Editor} editor
 * @returns {boolean} whether another has to be chosen
 */
export function merge(editor) {
  if (editor.selected.size > 1) mergeAll(editor, [...editor.selected]);
  else if (!editor.selected.size) editor.hooks.say(t('say.merge.first'));
  else return editor.hooks.editable();
  return false;
}

/** The active mask takes in the one at a place. @param {Editor} editor @param {number} x @param {number} y */
export function mergeAt(editor, x, y) {
  const other = editor.under(x, y).find((id) => id !== editor.active);
  if (!editor.active || !other) return editor.hooks.say(t('say.merge.none'));
  mergeAll(editor, [editor.active, other]);
}

/** Each connected part of the active mask becomes a mask. @param {Editor} editor */
export function split(editor) {
  const own = editor.activeInstance, mask = editor.activeMask;
  const found = mask ? separate(mask) : [];
  if (!own || found.length < 2) return editor.hooks.say(t('say.split'));
  if (editor.locked.has(own.id)) return editor.hooks.say(t('say.locked'));
  const attributes = own.attributes ? { attributes: own.attributes } : {};
  const set = found.map((part, i) => ({ id: i ? randomId() : own.id, label: own.label, rle: encode(part.mask), tool: 'split', ...attributes }));
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

/** The selected masks come above all others, or below. @param {Editor} editor @param {boolean} above */
export function restack(editor, above) {
  const ids = editor.session?.instances.map((each) => each.id) ?? [];
  const chosen = ids.filter((id) => editor.selected.has(id)), others = ids.filter((id) => !editor.selected.has(id));
  if (chosen.length) editor.do('masks.order', { ids: above ? [...others, ...chosen] : [...chosen, ...others] });
}

/** The selected masks are locked, or not any more if all of them are. @param {Editor} editor */
export function toggleLock(editor) {
  const free = [...editor.selected].filter((id) => !editor.locked.has(id));
  for (const id of free) editor.locked.add(id);
  if (!free.length) for (const id of editor.selected) editor.locked.delete(id);
  editor.refresh();
}
