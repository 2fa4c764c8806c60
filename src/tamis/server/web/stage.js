/** The pointer over the image: which tool it drives, zoom and pan, and the marks that tools draw. */

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./layers.js').Layers} Layers */
/** @typedef {import('./view.js').View} View */
/** @typedef {import('./tools.js').Tool} Tool */
/** @typedef {import('./tools.js').Place} Place */

/** CSS pixels that a finger may move and still mean a click. */
const STILL = 8;

export class Stage {
  /** @type {Tool | null} */
  tool = null;
  /** Clicks are negative: for touch screens and pens. */
  negative = false;
  /** The last place of the pointer, in pixels of the image. */
  place = { x: 0, y: 0, inside: false };
  #down = false;
  #spaced = false;
  /** @type {Map<number, {x: number, y: number}>} fingers on the screen */
  #fingers = new Map();
  /** @type {{x: number, y: number, place: Place} | null} a finger that may still become one of two */
  #touched = null;
  /** @type {{x: number, y: number} | null} */
  #panning = null;
  #frame = 0;
  #viewMoved = false;
  /** The whole image is shown, and stays so when the window changes. */
  #fitted = true;
  /** @type {Editor | null} */
  editor = null;
  /** Further marks: comments, the keyboard's cursor. @type {((context: CanvasRenderingContext2D) => void)[]} */
  marks = [];

  /**
   * @param {HTMLElement} element
   * @param {HTMLCanvasElement} canvas
   * @param {View} view
   * @param {Layers} layers
   * @param {{active: () => void, placed: (place: {x: number, y: number, inside: boolean}) => void,
   *   level: (step: -1|1) => void, left: () => void, now: () => void}} hooks
   */
  constructor(element, canvas, view, layers, hooks) {
    this.element = element;
    this.canvas = canvas;
    this.view = view;
    this.layers = layers;
    this.hooks = hooks;
    element.addEventListener('pointerdown', (event) => this.#pointerDown(event));
    element.addEventListener('pointermove', (event) => this.#pointerMove(event));
    element.addEventListener('pointerup', (event) => this.#pointerUp(event));
    element.addEventListener('pointercancel', (event) => this.#pointerUp(event));
    element.addEventListener('pointerleave', () => {
      if (!this.#down) this.hooks.left();
    });
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    element.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.resize()).observe(element);
  }

  resize() {
    const { width, height } = this.element.getBoundingClientRect();
    this.layers.resize(width, height);
    const density = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    if (this.#fitted) this.fit();
    else this.draw();
  }

  fit() {
    const { width, height } = this.element.getBoundingClientRect();
    if (this.editor?.width) this.view.fit(this.editor.width, this.editor.height, width, height);
    this.moved();
    this.#fitted = true;
  }

  /** @param {number} factor */
  zoomMiddle(factor) {
    const { width, height } = this.element.getBoundingClientRect();
    this.view.zoom(factor, width / 2, height / 2);
    this.moved();
  }

  /** The view has changed: draw once before the next frame. */
  moved() {
    this.#viewMoved = true;
    this.#fitted = false;
    this.draw();
  }

  /** Draw the marks of the tool before the next frame. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#viewMoved) this.layers.moved();
      this.#viewMoved = false;
      const context = this.canvas.getContext('2d');
      if (!context || !this.editor) return;
      const density = window.devicePixelRatio || 1;
      context.setTransform(density, 0, 0, density, 0, 0);
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.tool?.draw?.(context, this.editor);
      for (const mark of this.marks) mark(context);
      this.hooks.now();
    });
  }

  /** Another tool; what the one before has begun is finished, or dropped where it is not enough for a mask. @param {Tool} tool */
  use(tool) {
    this.leave();
    this.tool = tool;
    this.element.style.cursor = tool.cursor;
    this.draw();
  }

  /** The image or the tool is left: what is begun belongs to it. */
  leave() {
    if (!this.tool?.finish?.()) this.tool?.drop?.();
    this.#down = false;
    this.hooks.left();
  }

  /** Hold the image to move it while the space bar is down. @param {boolean} held */
  space(held) {
    this.#spaced = held;
    this.element.style.cursor = held ? 'grab' : (this.tool?.cursor ?? 'default');
  }

  /** Show again what the tool shows under the pointer. */
  hover() {
    if (!this.#down) this.tool?.hover?.({ ...this.place, negative: this.negative, alt: false, shift: false });
  }

  /** What a press of the button at a place would do. @param {{x: number, y: number, inside: boolean}} place @param {boolean} negative */
  press(place, negative) {
    const made = { ...place, negative: negative !== this.negative, alt: false, shift: false };
    this.place = place;
    this.tool?.down?.(made);
    this.tool?.up?.(made);
  }

  /** @param {PointerEvent | WheelEvent} event @returns {Place} */
  #placeOf(event) {
    const box = this.element.getBoundingClientRect();
    const { x, y } = this.view.toImage(event.clientX - box.left, event.clientY - box.top);
    const inside = x >= 0 && y >= 0 && x < (this.editor?.width ?? 0) && y < (this.editor?.height ?? 0);
    this.place = { x, y, inside };
    const negative = event.button === 2 || event.altKey || (event.buttons & 2) !== 0;
    return { x, y, inside, negative: negative !== this.negative, alt: event.altKey, shift: event.shiftKey };
  }

  /** @param {PointerEvent} event */
  #pointerDown(event) {
    this.hooks.active();
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const place = this.#placeOf(event);
    if (event.button === 1 || this.#spaced || this.#fingers.size > 1) {
      if (this.#down) this.tool?.back?.();
      this.#down = false;
      this.#touched = null;
      this.#panning = { x: event.clientX, y: event.clientY };
      return;
    }
    // A finger may be the first of two: what it does is done once it moves, or is lifted.
    if (event.pointerType === 'touch') this.#touched = { x: event.clientX, y: event.clientY, place };
    else this.#begin(place);
  }

  /** @param {Place} place */
  #begin(place) {
    this.#touched = null;
    this.#down = true;
    this.tool?.down?.(place);
  }

  /** @param {PointerEvent} event */
  #pointerMove(event) {
    this.hooks.active();
    const place = this.#placeOf(event);
    this.hooks.placed(this.place);
    if (this.#panning) {
      this.#drag(event);
      return;
    }
    if (this.#touched) {
      if (Math.hypot(event.clientX - this.#touched.x, event.clientY - this.#touched.y) < STILL) return;
      this.#begin(this.#touched.place);
    }
    if (this.#down) {
      for (const each of event.getCoalescedEvents?.() ?? []) this.tool?.drag?.(this.#placeOf(each));
      this.tool?.drag?.(place);
    } else this.tool?.hover?.(place);
  }

  /** Two fingers zoom, one hand moves. @param {PointerEvent} event */
  #drag(event) {
    if (event.pointerType === 'touch' && !this.#fingers.has(event.pointerId)) return;
    const before = [...this.#fingers.values()];
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const after = [...this.#fingers.values()];
    const [a, b] = before, [c, d] = after;
    if (a && b && c && d) {
      const box = this.element.getBoundingClientRect();
      const factor = Math.hypot(c.x - d.x, c.y - d.y) / Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
      this.view.zoom(factor, (c.x + d.x) / 2 - box.left, (c.y + d.y) / 2 - box.top);
      this.view.pan((c.x + d.x - a.x - b.x) / 2, (c.y + d.y - a.y - b.y) / 2);
    } else if (this.#panning) {
      this.view.pan(event.clientX - this.#panning.x, event.clientY - this.#panning.y);
    }
    this.#panning = { x: event.clientX, y: event.clientY };
    this.moved();
  }

  /** @param {PointerEvent} event */
  #pointerUp(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#panning) {
      const [left] = this.#fingers.values();
      this.#panning = left ?? null;
      return;
    }
    if (this.#touched && event.type === 'pointerup') this.#begin(this.#touched.place);
    this.#touched = null;
    if (this.#down) this.tool?.up?.(this.#placeOf(event));
    this.#down = false;
  }

  /** Zoom; with Shift from part to whole. @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    this.hooks.active();
    if (event.shiftKey) {
      this.hooks.level((event.deltaY || event.deltaX) > 0 ? 1 : -1);
      return;
    }
    const box = this.element.getBoundingClientRect();
    const pixels = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    this.view.zoom(Math.exp(-Math.max(-120, Math.min(120, pixels)) / 300), event.clientX - box.left, event.clientY - box.top);
    this.moved();
  }
}
