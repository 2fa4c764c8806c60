/** The options of the page: each is kept for the person, and is as it was after a reload. */
import { cleaned } from './components.js';
import { any, byId, input, select } from './dom.js';
import { area } from './rle.js';
import { t } from './words.js';

/** @typedef {import('./controls.js').App} App */

/**
 * @param {App} app
 * @param {(size: number) => void} setBrush
 */
export function listenToOptions(app, setBrush) {
  const { editor, prompts, layers, stage } = app, settings = app.settings();
  for (const name of /** @type {const} */ (['opacity', 'brightness', 'contrast', 'smooth', 'specks', 'holes', 'brush'])) input(name).value = String(settings[name]);
  for (const name of /** @type {const} */ (['single', 'claim', 'onFinish'])) input(name).checked = settings[name];
  for (const [id, value] of /** @type {const} */ ([['coloring', settings.coloring], ['sort', settings.sort], ['mask-sort', settings.maskSort]])) select(id).value = value;
  const options = byId('options', HTMLDetailsElement);
  options.open = settings.optionsOpen;
  options.addEventListener('toggle', () => app.set({ optionsOpen: options.open }));

  const draw = () => {
    layers.opacity = Number(input('opacity').value) / 100;
    layers.photoCanvas.style.filter = `brightness(${input('brightness').value}%) contrast(${input('contrast').value}%)`;
    layers.draw();
  };
  for (const name of /** @type {const} */ (['opacity', 'brightness', 'contrast'])) {
    input(name).addEventListener('input', () => {
      app.set({ [name]: Number(input(name).value) });
      draw();
    });
  }
  const use = () => {
    editor.single = input('single').checked;
    editor.claim = input('claim').checked;
    editor.coloring = /** @type {any} */ (select('coloring').value);
    editor.brush = Number(input('brush').value);
    editor.cleaning = { smooth: Number(input('smooth').value), specks: Number(input('specks').value) ** 2, holes: Number(input('holes').value) ** 2, onFinish: input('onFinish').checked };
    any('colors').hidden = editor.coloring !== 'state';
  };
  for (const name of /** @type {const} */ (['single', 'claim', 'onFinish'])) {
    input(name).addEventListener('change', () => {
      app.set({ [name]: input(name).checked });
      use();
    });
  }
  select('coloring').addEventListener('change', () => {
    app.set({ coloring: /** @type {any} */ (select('coloring').value) });
    use();
    editor.refresh();
  });
  select('sort').addEventListener('change', () => {
    app.set({ sort: select('sort').value });
    app.assistant.sorted();
    app.renderList();
  });
  select('mask-sort').addEventListener('change', () => {
    app.set({ maskSort: select('mask-sort').value });
    editor.refresh();
  });
  for (const name of /** @type {const} */ (['smooth', 'specks', 'holes'])) {
    input(name).addEventListener('input', () => {
      app.set({ [name]: Number(input(name).value) });
      use();
      preview();
    });
  }

  /** What tidying up would make of the selected mask. */
  function preview() {
    const mask = editor.activeMask;
    if (!mask) return app.say(t('say.clean.none'));
    if (editor.activeInstance?.polygon) return app.say(t('say.clean.polygon'));
    const made = cleaned(mask, editor.cleaning);
    prompts.previewShape(made);
    app.say(t('say.clean', { before: area(mask).toLocaleString(), after: area(made).toLocaleString() }));
  }

  input('level').addEventListener('input', () => void Promise.resolve(prompts.useLevel(Number(input('level').value))).then(() => stage.hover()));
  input('brush').addEventListener('input', () => setBrush(Number(input('brush').value)));
  input('negative').addEventListener('change', () => {
    stage.negative = input('negative').checked;
    byId('sign', HTMLButtonElement).ariaPressed = String(stage.negative);
    byId('sign', HTMLButtonElement).textContent = stage.negative ? '−' : '+';
    stage.hover();
  });
  byId('sign', HTMLButtonElement).addEventListener('click', () => input('negative').click());
  input('shown').addEventListener('change', () => {
    editor.allHidden = !input('shown').checked;
    editor.refresh();
  });
  use();
  draw();
}
