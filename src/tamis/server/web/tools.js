/**
 * What the pointer does on the image, one object for each tool. A tool changes nothing by itself: it asks the editor, which
 * makes events of it. Brush and polygon have files of their own.
 */
import { t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./prompts.js').Prompts} Prompts */
/** @typedef {import('./shapes.js').Point} Point */
/**
 * @typedef {{x: number, y: number, inside: boolean, negative: boolean, alt: boolean, shift: boolean}} Place of the image
 */
/**
 * @typedef {{
 *   cursor: string,
 *   hover?: (place: Place) => void,
 *   down?: (place: Place) => void,
 *   drag?: (place: Place) => void,
 *   up?: (place: Place) => void,
 *   finish?: () => boolean,
 *   back?: () => boolean,
 *   drop?: () => void,
 *   level?: (step: -1|1) => boolean,
 *   now?: () => string,
 *   draw?: (context: CanvasRenderingContext2D, editor: Editor) => void,
 * }} Tool `finish` completes what is begun, `back` takes back one step of it, `drop` all of it; the first two, and
 *   `level`, tell whether there was anything to do; `now` says what is begun
 */

/**
 * The left button makes positive clicks, the right one or Alt negative ones; before any click the mask under the pointer is shown.
 * @param {Editor} editor
 * @param {Prompts} prompts
 * @returns {Tool}
 */
export function clickTool(editor, prompts) {
  return {
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
        context.beginPath();
        context.moveTo(x - 2.5, y);
        context.lineTo(x + 2.5, y);
        if (click.positive) {
          context.moveTo(x, y - 2.5);
          context.lineTo(x, y + 2.5);
        }
        context.lineWidth = 1.5;
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
  const drop = () => {
    const begun = from !== null;
    [from, to] = [null, null];
    editor.drawTools();
    return begun;
  };
  return {
    cursor: 'crosshair',
    down: (place) => ([from, to] = [place, place]),
    drag: (place) => {
      to = place;
      editor.drawTools();
    },
    up: () => {
      if (from && to && Math.abs(from.x - to.x) > 2 && Math.abs(from.y - to.y) > 2) void prompts.box(from, to);
      drop();
    },
    back: drop,
    drop,
    now: () => (from ? t('now.box') : ''),
    draw: (context) => {
      if (!from || !to) return;
      const a = editor.view.toStage(from.x, from.y), b = editor.view.toStage(to.x, to.y);
      outlined(context, () => context.rect(a.x, a.y, b.x - a.x, b.y - a.y));
    },
  };
}

/**
 * All proposals at once: a click takes one, dragging takes several, with Shift as one mask. The wheel with Shift walks from
 * the smallest under the pointer to the largest.
 * @param {Editor} editor
 * @param {Prompts} prompts
 * @returns {Tool}
 */
export function regionTool(editor, prompts) {
  /** @type {Set<number>} */
  let taken = new Set();
  let together = false;
  /** How far above the smallest proposal under the pointer. */
  let rank = 0;
  let below = '';
  /** @type {Place | null} */
  let last = null;
  /** @param {Place} place @returns {number} */
  const under = (place) => {
    const found = prompts.regions?.at(place.x, place.y) ?? [];
    if (found.join() !== below) [below, rank] = [found.join(), 0];
    return found[Math.min(rank, found.length - 1)] ?? -1;
  };
  /** @param {Place} place */
  const take = (place) => {
    const index = under(place);
    if (index >= 0) taken.add(index);
    prompts.previewProposals(taken);
  };
  /** @param {Place} place */
  const hover = (place) => {
    last = place;
    const index = under(place);
    prompts.previewProposals(new Set(index >= 0 ? [index] : []));
  };
  return {
    cursor: 'cell',
    hover,
    down: (place) => {
      taken = new Set();
      together = place.shift;
      take(place);
    },
    drag: (place) => {
      rank = 0;
      take(place);
    },
    up: () => {
      void prompts.takeProposals(taken, together);
      taken = new Set();
    },
    level: (step) => {
      const found = last ? (prompts.regions?.at(last.x, last.y) ?? []) : [];
      if (!last || !found.length) return false;
      rank = Math.min(found.length - 1, Math.max(0, Math.min(rank, found.length - 1) + step));
      hover(last);
      return true;
    },
    drop: () => (taken = new Set()),
    draw: (context) => prompts.regions?.draw(context, editor.view, editor.masks),
  };
}

/**
 * Select the mask under the pointer; again at the same place the one below it. Shift adds to the selection.
 * @param {Editor} editor
 * @returns {Tool}
 */
export function selectTool(editor) {
  /** @type {Point} */
  let last = { x: -1, y: -1 };
  let turn = 0;
  return {
    cursor: 'default',
    hover: (place) => editor.highlight(place.inside ? (editor.under(place.x, place.y)[0] ?? null) : null),
    down: (place) => {
      const near = Math.hypot(place.x - last.x, place.y - last.y) * editor.view.scale < 5;
      turn = near ? turn + 1 : 0;
      last = place;
      void editor.inOrder(() => {
        const found = editor.under(place.x, place.y);
        const id = found[found.length ? turn % found.length : 0] ?? null;
        if (id && place.shift) editor.toggle(id);
        else editor.select(id);
      });
    },
    drop: () => editor.highlight(null),
  };
}

/**
 * The mask that is clicked joins the selected one.
 * @param {Editor} editor
 * @param {(x: number, y: number) => void} merge
 * @param {() => void} end back to the tool before
 * @returns {Tool}
 */
export function mergeTool(editor, merge, end) {
  return {
    cursor: 'copy',
    hover: (place) => editor.highlight(place.inside ? (editor.under(place.x, place.y).find((id) => id !== editor.active) ?? null) : null),
    down: (place) => {
      editor.highlight(null);
      void editor.inOrder(() => merge(place.x, place.y));
      end();
    },
    back: () => {
      end();
      return true;
    },
    drop: () => editor.highlight(null),
    now: () => t('now.merge'),
  };
}

/**
 * A comment is pinned to the place, or to the mask there.
 * @param {(place: Place) => void} pin
 * @returns {Tool}
 */
export function commentTool(pin) {
  return { cursor: 'help', down: (place) => place.inside && pin(place) };
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
export function outlined(context, path) {
  context.beginPath();
  path();
  context.lineWidth = 3;
  context.strokeStyle = 'rgba(0,0,0,.65)';
  context.stroke();
  context.lineWidth = 1.5;
  context.strokeStyle = '#fff';
  context.stroke();
}
