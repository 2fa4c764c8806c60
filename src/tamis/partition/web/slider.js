/**
 * The page of a partition: a slider for the number of regions. It stands inside the page, with the data before it, so that
 * the page needs no other file.
 *
 * @typedef {{photo: string, labels: string, areas: number[], colours: number[][], splits: number[][]}} Partition
 * photo and labels are pictures as data addresses, the number of a superpixel being red + 256 green; splits[k - 1] are the
 * superpixels that get the number k when k regions become k + 1.
 */

export {};

/** @type {Partition} */
const data = JSON.parse(element('data', HTMLElement).textContent ?? '');
const slider = element('count', HTMLInputElement);
const flat = element('flat', HTMLInputElement);
const said = element('said', HTMLElement);
const canvas = element('picture', HTMLCanvasElement);

const [photo, labels] = await Promise.all([load(data.photo), load(data.labels)]);
const { width, height } = labels;
Object.assign(canvas, { width, height });
const context = contextOf(canvas);
const shown = context.createImageData(width, height);
const at = new Uint16Array(width * height);
slider.oninput = flat.onchange = draw;
draw();

function draw() {
  const count = Number(slider.value), region = regionsAt(count), colours = coloursOf(region, count);
  said.textContent = String(count);
  for (let i = 0; i < at.length; i++) {
    at[i] = region[(labels.data[4 * i] ?? 0) + 256 * (labels.data[4 * i + 1] ?? 0)] ?? 0;
  }
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const edge = (x + 1 < width && at[i] !== at[i + 1]) || (y + 1 < height && at[i] !== at[i + width]);
      for (let c = 0; c < 3; c++) {
        const value = flat.checked ? colours[4 * (at[i] ?? 0) + c] : photo.data[4 * i + c];
        shown.data[4 * i + c] = edge ? 255 : (value ?? 0);
      }
      shown.data[4 * i + 3] = 255;
    }
  }
  context.putImageData(shown, 0, 0);
}

/** The region of every superpixel in the partition into `count`. @param {number} count */
function regionsAt(count) {
  const region = new Uint16Array(data.areas.length);
  for (let k = 1; k < count; k++) for (const piece of data.splits[k - 1] ?? []) region[piece] = k;
  return region;
}

/** The mean colour of every region, with a fourth number beside. @param {Uint16Array} region @param {number} count */
function coloursOf(region, count) {
  const sums = new Float64Array(4 * count);
  region.forEach((r, piece) => {
    const area = data.areas[piece] ?? 0;
    for (let c = 0; c < 3; c++) sums[4 * r + c] = (sums[4 * r + c] ?? 0) + area * (data.colours[piece]?.[c] ?? 0);
    sums[4 * r + 3] = (sums[4 * r + 3] ?? 0) + area;
  });
  return sums.map((value, i) => (i % 4 === 3 ? value : value / (sums[i - (i % 4) + 3] ?? 1)));
}

/** The pixels of a picture. @param {string} source @returns {Promise<ImageData>} */
function load(source) {
  return new Promise((done) => {
    const image = new Image();
    image.onload = () => {
      const drawn = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      const pixels = contextOf(drawn);
      pixels.drawImage(image, 0, 0);
      done(pixels.getImageData(0, 0, image.width, image.height));
    };
    image.src = source;
  });
}

/** @param {HTMLCanvasElement} of */
function contextOf(of) {
  const found = of.getContext('2d', { willReadFrequently: true });
  if (!found) throw new Error('there is no canvas to draw on');
  return found;
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {{new(): T}} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}
