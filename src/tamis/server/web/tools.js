/**
 * What the pointer does on the image, one object for each tool. A tool changes nothing by itself: it asks the editor, which
 * makes events of it.
 */
import { fromDense, toDense } from './rle.js';
import { polygon, stroke } from './shapes.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./prompts.js').Prompts} Prompts */
/** @typedef {import('./shapes.js').Point} Point */
/** @typedef {{x: number, y: number, inside: boolean, negative: boolean, shift: boolean}} Place of the image */
/**
 * @typedef {{
 *   title: string, cursor: string,
 *   hover?: (place: Place) => void,
 *   down?: (place: Place) => void,
 *   drag?: (place: Place) => void,
 *   up?: (place: Place) => void,
 *   finish?: () => void,
 *   cancel?: () => boolean,
 *   draw?: (context: CanvasRenderingContext2D, editor: Editor) => void,
 * }} Tool `cancel` tells whether there was something to drop
 */

/**
 * The left button makes positive clicks, the right one or Alt negative ones; before any click the mask under the pointer is shown.
 * @param {Editor} editor
 * @param {Prompts} prompts
 * @returns {Tool}
 */
export function clickTool(editor, prompts) {
  return {
    title: 'Click: left button positive, right button negative',
    cursor: 'crosshair',
    hover: (place) => (place.inside ? prompts.previewClick(place.x, place.y, !place.negative) : prompts.clearPreview()),
    down: (place) => {
      if (place.inside) void prompts.click(place.x, place.y, !place.negative);
    },
    draw: (context) => {
      for (const click of editor.activeClicks) {
        const { x, y } = editor.view.toStage(click.x, click.y);
        context.beginPath();
        context.arc(x, y, 5, 0, 7);
        context.fillStyle = click.positive ? '#1fa34a' : '#d43a2f';
        context.fill();
        context.lineWidth = 2;
        context.strokeStyle = '#fff';
        context.stroke();
      }
    },
  };
}

/**
 * A box around something.
 * @param {Editor} editor
 * @param {Prompts} prompts
 * @returns {Tool}
 */
export function boxTool(editor, prompts) {
  /** @type {Point | null} */
  let from = null;
  /** @type {Point | null} */
  let to = null;
  return {
    title: 'Box: drag around something',
    cursor: 'crosshair',
    down: (place) => ([from, to] = [place, place]),
    drag: (place) => {
      to = place;
      editor.drawTools();
    },
    up: () => {
      if (from && to && Math.abs(from.x - to.x) > 2 && Math.abs(from.y - to.y) > 2) void prompts.box(from, to);
      [from, to] = [null, null];
      editor.drawTools();
    },
    cancel: () => {
      const begun = from !== null;
      [from, to] = [null, null];
      editor.drawTools();
      return begun;
    },
    draw: (context) => {
      if (!from || !to) return;
      const a = editor.view.toStage(from.x, from.y), b = editor.view.toStage(to.x, to.y);
      outlined(context, () => context.rect(a.x, a.y, b.x - a.x, b.y - a.y));
    },
  };
}

/**
 * Paint into the active mask, or erase from it.
 * @param {Editor} editor
 * @param {Prompts} prompts
 * @param {0|1} value
 * @returns {Tool}
 */
export function brushTool(editor, prompts, value) {
  /** @type {Uint8Array | null} */
  let dense = null;
  /** @type {Point} */
  let last = { x: 0, y: 0 };
  /** @type {Point | null} */
  let pointer = null;
  let erasing = false;
  /** @param {Place} place */
  const paint = (place) => {
    if (!dense) return;
    stroke(dense, editor.height, editor.width, last, place, editor.brush / 2, erasing ? 0 : value);
    last = { x: place.x, y: place.y };
    prompts.previewDense(dense);
  };
  return {
    title: value ? 'Brush' : 'Eraser',
    cursor: 'none',
    hover: (place) => {
      pointer = place;
      editor.drawTools();
    },
    down: (place) => {
      if (!value && !editor.activeMask) editor.selectAt(place.x, place.y);
      const mask = editor.activeMask;
      if (!value && !mask) return;
      erasing = place.negative;
      dense = mask ? toDense(mask) : new Uint8Array(editor.height * editor.width);
      last = { x: place.x, y: place.y };
      paint(place);
    },
    drag: (place) => {
      pointer = place;
      paint(place);
      editor.drawTools();
    },
    up: () => {
      const drawn = dense;
      dense = null;
      if (drawn) editor.inOrder(() => editor.setActive(fromDense(drawn, editor.height, editor.width), value ? 'brush' : 'eraser'));
    },
    cancel: () => {
      const begun = dense !== null;
      dense = null;
      prompts.clearPreview();
      return begun;
    },
    draw: (context) => {
      if (!pointer) return;
      const { x, y } = editor.view.toStage(pointer.x, pointer.y);
      outlined(context, () => context.arc(x, y, (editor.brush / 2) * editor.view.scale, 0, 7));
    },
  };
}

/**
 * Corner after corner; the first one again, or Enter, closes it.
 * @param {Editor} editor
 * @returns {Tool}
 */
export function polygonTool(editor) {
  /** @type {Point[]} */
  let corners = [];
  /** @type {Point | null} */
  let pointer = null;
  const close = () => {
    const points = corners;
    corners = [];
    if (points.length > 2) editor.inOrder(() => editor.addShape(polygon(points, editor.height, editor.width), 'polygon'));
    editor.drawTools();
  };
  return {
    title: 'Polygon: click corners, Enter closes',
    cursor: 'crosshair',
    hover: (place) => {
      pointer = place;
      editor.drawTools();
    },
    down: (place) => {
      const first = corners[0];
      if (place.negative) corners.pop();
      else if (first && corners.length > 2 && Math.hypot(first.x - place.x, first.y - place.y) * editor.view.scale < 9) close();
      else corners.push({ x: place.x, y: place.y });
      editor.drawTools();
    },
    finish: close,
    cancel: () => {
      const begun = corners.length > 0;
      corners = [];
      editor.drawTools();
      return begun;
    },
    draw: (context) => {
      if (!corners.length) return;
      const points = [...corners, ...(pointer ? [pointer] : [])].map((point) => editor.view.toStage(point.x, point.y));
      outlined(context, () => points.forEach((point, i) => (i ? context.lineTo(point.x, point.y) : context.moveTo(point.x, point.y))));
      for (const point of points.slice(0, corners.length)) {
        context.fillStyle = '#fff';
        context.fillRect(point.x - 3, point.y - 3, 6, 6);
      }
    },
  };
}

/**
 * All proposals at once: a click takes one, dragging collects several into one mask.
 * @param {Editor} editor
 * @param {Prompts} prompts
 * @returns {Tool}
 */
export function regionTool(editor, prompts) {
  /** @type {Set<number>} */
  let taken = new Set();
  /** @param {Place} place */
  const take = (place) => {
    const index = prompts.regions?.at(place.x, place.y) ?? -1;
    if (index >= 0) taken.add(index);
    prompts.previewProposals(taken);
  };
  return {
    title: 'Proposals: click selects one, drag merges several',
    cursor: 'cell',
    hover: (place) => {
      const index = prompts.regions?.at(place.x, place.y) ?? -1;
      prompts.previewProposals(new Set(index >= 0 ? [index] : []));
    },
    down: (place) => {
      taken = new Set();
      take(place);
    },
    drag: take,
    up: () => {
      prompts.takeProposals(taken);
      taken = new Set();
    },
    draw: (context) => prompts.regions?.draw(context, editor.view),
  };
}

/**
 * Select the mask under the pointer.
 * @param {Editor} editor
 * @returns {Tool}
 */
export function selectTool(editor) {
  return {
    title: 'Select a mask',
    cursor: 'default',
    down: (place) => void editor.inOrder(() => editor.selectAt(place.x, place.y)),
  };
}

/**
 * Move the image.
 * @param {Editor} editor
 * @returns {Tool}
 */
export function panTool(editor) {
  /** @type {Point | null} */
  let held = null;
  return {
    title: 'Move the image',
    cursor: 'grab',
    down: (place) => (held = editor.view.toStage(place.x, place.y)),
    drag: (place) => {
      const here = editor.view.toStage(place.x, place.y);
      if (held) editor.pan(here.x - held.x, here.y - held.y);
      held = here;
    },
    up: () => (held = null),
  };
}

/**
 * A line that shows on light and on dark.
 * @param {CanvasRenderingContext2D} context
 * @param {() => void} path
 */
function outlined(context, path) {
  context.beginPath();
  path();
  context.lineWidth = 3;
  context.strokeStyle = 'rgba(0,0,0,.65)';
  context.stroke();
  context.lineWidth = 1.5;
  context.strokeStyle = '#fff';
  context.stroke();
}
