/** The page's words in the language of the browser; all of them are in `strings.js`. */
import { STRINGS } from './strings.js';

/** @typedef {keyof typeof STRINGS} Word */

/** Languages in the order in which `strings.js` has them. */
export const LANGUAGES = ['en', 'es'];

const wanted = (globalThis.navigator?.languages ?? []).map((each) => LANGUAGES.indexOf(each.slice(0, 2).toLowerCase()));
const language = wanted.find((place) => place >= 0) ?? 0;

/** @param {Word} word @param {Record<string, string | number>} [values] what stands in braces */
export function t(word, values = {}) {
  const text = STRINGS[word][language] ?? STRINGS[word][0];
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/** The states of images and what they are called. @returns {Record<import('./types.js').ImageState, string>} */
export function stateNames() {
  return {
    todo: t('state.todo'), progress: t('state.progress'), done: t('state.done'), rejected: t('state.rejected'),
    reviewed: t('state.reviewed'), skipped: t('state.skipped'),
  };
}

/** Give the parts of the page their words. @param {HTMLElement} page */
export function speak(page) {
  document.documentElement.lang = LANGUAGES[language] ?? 'en';
  const told = (/** @type {string} */ name) => /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll(`[data-${name}]`));
  const word = (/** @type {HTMLElement} */ each, /** @type {string} */ name) => t(/** @type {Word} */ (each.dataset[name] ?? ''));
  for (const each of told('text')) each.textContent = word(each, 'text');
  for (const each of told('label')) each.ariaLabel = word(each, 'label');
  for (const each of told('title')) each.title = word(each, 'title');
  for (const each of told('placeholder')) each.setAttribute('placeholder', word(each, 'placeholder'));
}
