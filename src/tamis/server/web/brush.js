/** Brush and eraser: strokes into the active mask, or of a new one. What a movement costs depends on the stroke, not on the image. */
import { bounds, fromDense, toDense } from './rle.js';
import { stroke } from './shapes.js';
import { outlined } from './tools.js';
import { t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./rle.js').Box} Box */
/** @typedef {import('./shapes.js').Point} Point */
/** @typedef {import('./tools.js').Place} Place */

/**
 * Paint into the active mask, or erase from it; with Alt or the right button the other way round.
 * @param {Editor} editor
 * @param {import('./prompts.js').Prompts} prompts
 * @param {0|1} value
 * @returns {import('./tools.js').Tool}
 */
export function brushTool(editor, prompts, value) {
  /** @type {Uint8Array | null} */
  let dense = null;
  /** @type {{left: number, right: number}} the columns that the mask is in */
  let columns = { left: 0, right: 0 };
  /** @type {Point} */
  let last = { x: 0, y: 0 };
  /** @type {Point | null} */
  let pointer = null;
  let erasing = false;
  /** @param {Place} place */
  const paint = (place) => {
    if (!dense) return;
    const radius = editor.brush / 2;
    stroke(dense, editor.height, editor.width, last, place, radius, erasing ? 0 : value);
    const touched = around(last, place, radius + 1, editor);
    columns = { left: Math.min(columns.left, touched.left), right: Math.max(columns.right, touched.right) };
    last = { x: place.x, y: place.y };
    prompts.previewDense(dense, touched);
  };
  const finish = () => {
    const drawn = dense, { left, right } = columns;
    dense = null;
    if (!drawn) return false;
    void editor.inOrder(() => editor.setActive(fromDense(drawn, editor.height, editor.width, left, right), value ? 'brush' : 'eraser'));
    return true;
  };
  const drop = () => {
    const begun = dense !== null;
    dense = null;
    prompts.clearPreview();
    return begun;
  };
  return {
    cursor: 'none',
    hover: (place) => {
      pointer = place;
      editor.drawTools();
    },
    down: (place) => {
      if (!editor.hooks.editable()) return;
      if (editor.busy) return editor.hooks.say(t('wait.click'));
      if (!value && !editor.activeMask) editor.select(editor.under(place.x, place.y)[0] ?? null);
      const mask = editor.activeMask;
      if (!value && !mask) return;
      erasing = place.negative;
      dense = mask ? toDense(mask) : new Uint8Array(editor.height * editor.width);
      columns = (mask && bounds(mask)) ?? { left: editor.width, right: 0 };
      last = { x: place.x, y: place.y };
      prompts.previewDense(dense, null);
      paint(place);
    },
    drag: (place) => {
      pointer = place;
      paint(place);
      editor.drawTools();
    },
    up: () => void finish(),
    finish,
    back: drop,
    drop,
    now: () => (dense ? t('now.stroke') : ''),
    draw: (context) => {
      if (!pointer) return;
      const { x, y } = editor.view.toStage(pointer.x, pointer.y);
      outlined(context, () => context.arc(x, y, (editor.brush / 2) * editor.view.scale, 0, 7));
    },
  };
}

/** The box of a stroke. @param {Point} a @param {Point} b @param {number} radius @param {Editor} editor @returns {Box} */
function around(a, b, radius, editor) {
  return {
    left: Math.max(0, Math.floor(Math.min(a.x, b.x) - radius)),
    top: Math.max(0, Math.floor(Math.min(a.y, b.y) - radius)),
    right: Math.min(editor.width, Math.ceil(Math.max(a.x, b.x) + radius)),
    bottom: Math.min(editor.height, Math.ceil(Math.max(a.y, b.y) + radius)),
  };
}
