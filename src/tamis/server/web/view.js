/** Where on the screen the image is: screen = image * scale + offset, in CSS pixels of the stage. */

export class View {
  scale = 1;
  x = 0;
  y = 0;

  /**
   * Show the whole image in the middle of the stage.
   * @param {number} imageWidth
   * @param {number} imageHeight
   * @param {number} width of the stage
   * @param {number} height
   */
  fit(imageWidth, imageHeight, width, height) {
    this.scale = Math.min(width / imageWidth, height / imageHeight) * 0.98;
    this.x = (width - imageWidth * this.scale) / 2;
    this.y = (height - imageHeight * this.scale) / 2;
  }

  /** @param {number} x of the stage @param {number} y */
  toImage(x, y) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /** @param {number} x of the image @param {number} y */
  toStage(x, y) {
    return { x: x * this.scale + this.x, y: y * this.scale + this.y };
  }

  /**
   * Zoom so that what is under a point stays there.
   * @param {number} factor
   * @param {number} x of the stage
   * @param {number} y
   */
  zoom(factor, x, y) {
    const scale = Math.min(64, Math.max(0.01, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
  }
}
