/** Clicking without a pointer: while the image has the keyboard, arrow keys move a cursor and the space bar clicks. */

/** @typedef {import('./stage.js').Stage} Stage */

/** CSS pixels of one step, and of one with Shift. */
const STEP = 12, FINE = 1;

export class Cursor {
  /** @type {{x: number, y: number} | null} in CSS pixels of the stage */
  place = null;

  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    let tabbed = false;
    window.addEventListener('keydown', (event) => (tabbed = event.key === 'Tab'), { capture: true });
    stage.element.addEventListener('focus', () => {
      if (!tabbed) return;
      const { width, height } = stage.element.getBoundingClientRect();
      this.place ??= { x: width / 2, y: height / 2 };
      this.#show();
    });
    stage.element.addEventListener('blur', () => this.hide());
    stage.element.addEventListener('pointerdown', () => this.hide());
    stage.marks.push((context) => this.#draw(context));
  }

  hide() {
    if (!this.place) return;
    this.place = null;
    this.stage.draw();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the cursor */
  key(event) {
    if (!this.place || event.ctrlKey || event.metaKey) return false;
    const step = event.shiftKey ? FINE : STEP;
    const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] });
    const move = moves[event.key];
    if (move) {
      const { width, height } = this.stage.element.getBoundingClientRect();
      this.place = { x: Math.min(width - 1, Math.max(0, this.place.x + move[0])), y: Math.min(height - 1, Math.max(0, this.place.y + move[1])) };
      this.#show();
    } else if (event.key === ' ') this.stage.press(this.#inImage(), event.shiftKey);
    else return false;
    return true;
  }

  #inImage() {
    const { x, y } = this.stage.view.toImage(this.place?.x ?? 0, this.place?.y ?? 0);
    const editor = this.stage.editor;
    return { x, y, inside: x >= 0 && y >= 0 && x < (editor?.width ?? 0) && y < (editor?.height ?? 0) };
  }

  #show() {
    this.stage.place = this.#inImage();
    this.stage.hooks.placed(this.stage.place);
    this.stage.hover();
    this.stage.draw();
  }

  /** @param {CanvasRenderingContext2D} context */
  #draw(context) {
    if (!this.place) return;
    const { x, y } = this.place;
    for (const [width, color] of /** @type {const} */ ([[4, '#101010'], [2, '#ffd84d']])) {
      context.beginPath();
      context.moveTo(x - 14, y);
      context.lineTo(x - 4, y);
      context.moveTo(x + 4, y);
      context.lineTo(x + 14, y);
      context.moveTo(x, y - 14);
      context.lineTo(x, y - 4);
      context.moveTo(x, y + 4);
      context.lineTo(x, y + 14);
      context.lineWidth = width;
      context.strokeStyle = color;
      context.stroke();
    }
  }
}
