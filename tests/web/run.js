/** Runs one function of the page's modules for a test: reads {module, call, given} from standard input, writes the result. */
import { readFile } from 'node:fs/promises';
import { readTable } from '../../src/tamis/server/web/answers.js';
import { History } from '../../src/tamis/server/web/fold.js';
import { nameOf } from '../../src/tamis/server/web/keys.js';
import * as rle from '../../src/tamis/server/web/rle.js';
import * as components from '../../src/tamis/server/web/components.js';
import { STRINGS } from '../../src/tamis/server/web/strings.js';
import * as shapes from '../../src/tamis/server/web/shapes.js';

const calls = {
  async masks({ table, questions }) {
    const bytes = await readFile(table);
    const answers = await readTable(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return questions.map(({ clicks, threshold, granularity }) => rle.encode(answers.mask(clicks, threshold, granularity)));
  },
  async boxes({ table, boxes }) {
    const bytes = await readFile(table);
    const answers = await readTable(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return boxes.map(({ box, threshold }) => {
      const { mask, click, granularity } = answers.maskInBox(box, threshold);
      return { mask: rle.encode(mask), click, granularity };
    });
  },
  /** The page of a partition on stand-ins for the document: what is drawn at each number of regions. */
  async slider({ data, pixels, size, counts }) {
    const [width, height] = size;
    /** @type {Uint8ClampedArray[]} */
    const drawn = [];
    const kinds = { HTMLElement: class {}, HTMLInputElement: class {}, HTMLCanvasElement: class {} };
    Object.assign(globalThis, kinds, { Image: class { width = width; height = height; set src(name) { this.name = name; this.onload(); } } });
    const canvas = () => {
      let content = new Uint8ClampedArray(4 * width * height);
      return Object.assign(new kinds.HTMLCanvasElement(), { getContext: () => ({
        drawImage: (image) => (content = new Uint8ClampedArray(pixels[image.name])),
        getImageData: () => ({ width, height, data: content }),
        createImageData: () => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }),
        putImageData: (image) => drawn.push(image.data.slice()),
      }) });
    };
    const parts = {
      data: Object.assign(new kinds.HTMLElement(), { textContent: JSON.stringify(data) }),
      count: Object.assign(new kinds.HTMLInputElement(), { value: String(counts[0]) }),
      flat: Object.assign(new kinds.HTMLInputElement(), { checked: true }),
      said: Object.assign(new kinds.HTMLElement(), { textContent: '' }),
      picture: canvas(),
    };
    globalThis.document = { getElementById: (id) => parts[id], createElement: canvas };
    await import('../../src/tamis/partition/web/slider.js');
    for (const count of counts.slice(1)) {
      parts.count.value = String(count);
      parts.count.oninput();
    }
    return { said: parts.said.textContent, drawn: drawn.map((each) => Array.from(each)) };
  },
  fold(cases) {
    return cases.map((events) => {
      const history = new History(events);
      const { masks, state, note, reason, tags, comments, rejected } = history.content();
      return { masks: [...masks.values()], state, note, reason, tags, comments, rejected, pointer: history.pointer, actions: history.actions.length };
    });
  },
  keys: (events) => events.map((event) => nameOf({ ...event, getModifierState: (name) => name === 'AltGraph' && Boolean(event.altGraph) })),
  rle(masks) {
    return masks.map((each) => {
      const mask = rle.decode(each);
      return { again: rle.encode(rle.fromDense(rle.toDense(mask), ...each.size)), area: rle.area(mask), bounds: rle.bounds(mask) };
    });
  },
  combine(pairs) {
    return pairs.map(([a, b]) => {
      const [p, q] = [rle.decode(a), rle.decode(b)];
      return { union: rle.encode(rle.union(p, q)), subtract: rle.encode(rle.subtract(p, q)) };
    });
  },
  polygon: ({ points, size }) => rle.encode(shapes.polygon(points, ...size)),
  stroke({ from, to, radius, size }) {
    const dense = new Uint8Array(size[0] * size[1]);
    shapes.stroke(dense, ...size, from, to, radius, 1);
    return rle.encode(rle.fromDense(dense, ...size));
  },
  cleaned: ({ mask, how }) => rle.encode(components.cleaned(rle.decode(mask), how)),
  simplified: ({ points, tolerance }) => shapes.simplified(points, tolerance),
  strings: () => STRINGS,
  parts(mask) {
    const decoded = rle.decode(mask);
    return {
      filled: rle.encode(components.withoutHoles(decoded)),
      parts: components.separate(decoded).map((part) => rle.encode(part.mask)),
      largest: rle.encode(components.withoutIslands(decoded)),
    };
  },
};

let text = '';
for await (const chunk of process.stdin) text += chunk;
const { call, given } = JSON.parse(text);
process.stdout.write(JSON.stringify(await calls[call](given)));
