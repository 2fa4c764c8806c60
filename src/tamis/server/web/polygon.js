/**
 * Polygons: corner after corner, or a lasso by dragging; of a mask that was made as one, corners can be moved, put in and
 * taken out, and its straight edges stay straight.
 */
import { subtract, union } from './rle.js';
import { polygon, simplified } from './shapes.js';
import { outlined } from './tools.js';
import { t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./shapes.js').Point} Point */
/** @typedef {import('./tools.js').Place} Place */
/** @typedef {'new'|'add'|'cut'} Mode what becomes of the polygon: a mask of its own, or more or less of the selected one */

/** CSS pixels within which a corner or an edge is meant. */
const NEAR = 9;
const DOUBLE_MS = 350;

/**
 * @param {Editor} editor
 * @param {import('./prompts.js').Prompts} prompts
 * @returns {import('./tools.js').Tool}
 */
export function polygonTool(editor, prompts) {
  /** @type {Point[]} */
  let corners = [];
  /** @type {Mode} */
  let mode = 'new';
  /** @type {Point | null} */
  let pointer = null;
  /** Whether the pointer draws a line while it is down. */
  let lasso = false;
  let pressed = { x: 0, y: 0, at: 0, corners: 0 };
  /** @type {{points: Point[], index: number} | null} the corner of the selected mask that is being moved */
  let moved = null;

  /** @param {Point} a @param {Point} b in CSS pixels */
  const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) * editor.view.scale;
  /** @returns {Point[] | null} the corners of the selected mask */
  const own = () => editor.activeInstance?.polygon?.map(([x, y]) => ({ x, y })) ?? null;

  /** @param {Point[]} points @param {Mode} how */
  function make(points, how) {
    const drawn = polygon(points, editor.height, editor.width), before = editor.activeMask;
    const kept = points.map(({ x, y }) => /** @type {[number, number]} */ ([round(x), round(y)]));
    if (how === 'new' || !before) editor.addShape(drawn, 'polygon', { polygon: kept });
    else editor.setActive(how === 'add' ? union(before, drawn) : subtract(before, drawn), 'polygon');
  }
  function close() {
    const points = lasso ? simplified(corners, 1.5 / editor.view.scale) : corners, how = mode;
    drop();
    if (points.length > 2) void editor.inOrder(() => make(points, how));
  }
  function drop() {
    corners = [];
    moved = null;
    lasso = false;
    prompts.clearPreview();
    editor.drawTools();
  }
  function store() {
    const changed = moved;
    moved = null;
    prompts.clearPreview();
    if (changed) void editor.inOrder(() => editor.setActive(polygon(changed.points, editor.height, editor.width), 'polygon', { polygon: changed.points.map(({ x, y }) => [round(x), round(y)]) }));
  }
  /** Take hold of a corner of the selected mask, or put one in. @param {Place} place @returns {boolean} */
  function grip(place) {
    const points = own();
    if (!points || !editor.hooks.editable()) return false;
    let index = points.findIndex((point) => distance(point, place) < NEAR);
    if (index >= 0 && place.negative) {
      if (points.length < 4) return true;
      points.splice(index, 1);
      moved = { points, index: 0 };
      store();
      return true;
    }
    if (index < 0) {
      const edge = points.findIndex((point, i) => fromEdge(place, point, /** @type {Point} */ (points[(i + 1) % points.length])) * editor.view.scale < NEAR * 0.6);
      if (edge < 0) return false;
      index = edge + 1;
      points.splice(index, 0, { x: place.x, y: place.y });
    }
    moved = { points, index };
    return true;
  }
  return {
    cursor: 'crosshair',
    hover: (place) => {
      pointer = place;
      editor.drawTools();
    },
    down: (place) => {
      const first = corners[0], now = performance.now();
      const twice = corners.length > 2 && now - pressed.at < DOUBLE_MS && distance(place, pressed) < NEAR;
      pressed = { x: place.x, y: place.y, at: now, corners: corners.length };
      if (!first && grip(place)) return;
      if (!first) mode = place.alt ? 'cut' : place.shift ? 'add' : 'new';
      if (twice || (first && corners.length > 2 && distance(first, place) < NEAR)) return close();
      if (first && place.negative && !place.alt) corners.pop();
      else corners.push({ x: place.x, y: place.y });
      editor.drawTools();
    },
    drag: (place) => {
      pointer = place;
      const last = corners[corners.length - 1];
      if (moved) {
        moved.points[moved.index] = { x: place.x, y: place.y };
        prompts.previewShape(polygon(moved.points, editor.height, editor.width));
      } else if (last && distance(last, place) > 4) {
        lasso = true;
        corners.push({ x: place.x, y: place.y });
      }
      editor.drawTools();
    },
    up: () => {
      if (moved) return store();
      if (lasso && pressed.corners === 0 && corners.length > 4) close();
    },
    finish: () => {
      if (corners.length < 3) return false;
      close();
      return true;
    },
    back: () => {
      const begun = corners.length > 0 || moved !== null;
      moved = null;
      corners.pop();
      editor.drawTools();
      return begun;
    },
    drop,
    now: () => (corners.length ? t(corners.length > 2 ? 'now.polygon' : 'now.corners') : own() ? t('now.vertices') : ''),
    draw: (context) => {
      const shown = moved?.points ?? own();
      if (shown && !corners.length) drawPolygon(context, editor, shown, true);
      if (corners.length) drawPolygon(context, editor, [...corners, ...(pointer ? [pointer] : [])], false, corners.length);
    },
  };
}

/** @param {CanvasRenderingContext2D} context @param {Editor} editor @param {Point[]} points @param {boolean} closed @param {number} [handles] */
function drawPolygon(context, editor, points, closed, handles = points.length) {
  const placed = points.map((point) => editor.view.toStage(point.x, point.y));
  outlined(context, () => {
    placed.forEach((point, i) => (i ? context.lineTo(point.x, point.y) : context.moveTo(point.x, point.y)));
    if (closed) context.closePath();
  });
  if (handles > 400) return;
  for (const point of placed.slice(0, handles)) {
    context.fillStyle = '#fff';
    context.fillRect(point.x - 4, point.y - 4, 8, 8);
    context.fillStyle = '#1b1c1e';
    context.fillRect(point.x - 2.5, point.y - 2.5, 5, 5);
  }
}

/** How far a point is from the line between two others. @param {Point} point @param {Point} a @param {Point} b */
function fromEdge(point, a, b) {
  const dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
  const along = length ? Math.min(1, Math.max(0, ((point.x - a.x) * dx + (point.y - a.y) * dy) / length)) : 0;
  return Math.hypot(point.x - a.x - along * dx, point.y - a.y - along * dy);
}

/** @param {number} value hundredths of a pixel are enough */
const round = (value) => Math.round(value * 100) / 100;
