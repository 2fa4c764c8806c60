/** Who is at work: a name for each browser, and which images are whose. */
import { open } from './dialogs.js';
import { byId, element, options } from './dom.js';
import { post } from './http.js';
import { t } from './words.js';

/** Ask for a name, once. @param {string} suggested @returns {Promise<string>} */
export function askName(suggested) {
  return new Promise((resolve) => {
    const name = /** @type {HTMLInputElement} */ (element('input', { maxLength: 100, 'aria-label': t('name'), autocomplete: 'name' }));
    const done = () => resolve(name.value.trim() || suggested);
    open(t('name.ask'), [element('p', {}, t('name.why')), name], [{ text: t('name.use'), primary: true, act: done }]);
    const dialog = byId('dialog', HTMLDialogElement);
    name.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      dialog.close();
    });
    dialog.addEventListener('close', done, { once: true });
    name.focus();
  });
}

/**
 * Give images to people: those that are selected by the filter, to one person or evenly to several.
 * @param {{project: import('./types.js').Project, images: number[], current: number | null, user: string,
 *   done: (project: import('./types.js').Project) => void, say: (text: string) => void, rename: (name: string) => void}} given
 */
export function people({ project, images, current, user, done, say, rename }) {
  const name = /** @type {HTMLInputElement} */ (element('input', { value: user, maxLength: 100, disabled: project.named, 'aria-label': t('name') }));
  const names = /** @type {HTMLInputElement} */ (element('input', { value: project.people.join(', '), placeholder: 'anna, ben', 'aria-label': t('assign.names') }));
  const which = /** @type {HTMLSelectElement} */ (element('select', { 'aria-label': t('assign.which') }, ...options([['current', t('assign.current')], ['listed', t('assign.listed', { count: images.length })]])));
  const assign = async () => {
    const chosen = which.value === 'current' ? (current === null ? [] : [current]) : images;
    const given = names.value.split(',').map((each) => each.trim()).filter(Boolean);
    try {
      done(await post('api/assign', { images: chosen, people: given, user }));
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  };
  open(t('people'), [
    element('label', { class: 'field' }, element('span', {}, t('name.own')), name),
    element('h2', {}, t('assign')),
    element('p', { class: 'quiet' }, t('assign.how')),
    element('label', { class: 'field' }, element('span', {}, t('assign.names')), names),
    element('label', { class: 'field' }, element('span', {}, t('assign.which')), which),
  ], [
    { text: t('close'), act: () => name.value.trim() && name.value.trim() !== user && rename(name.value.trim()) },
    { text: t('assign.do'), primary: true, act: () => void assign() },
  ]);
}
