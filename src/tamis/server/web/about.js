/** What is said of an image as a whole: its state and why, tags, note, and comments pinned to places and masks. */
import * as dialogs from './dialogs.js';
import { any, byId, element, select } from './dom.js';
import { randomId } from './session.js';
import { stateNames, t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./types.js').ImageState} ImageState */
/** @typedef {import('./types.js').Comment} Comment */

export class About {
  /**
   * @param {Editor} editor
   * @param {{user: () => string, project: () => import('./types.js').Project, say: (text: string) => void}} hooks
   */
  constructor(editor, hooks) {
    this.editor = editor;
    this.hooks = hooks;
    select('state').addEventListener('change', () => this.setState(/** @type {ImageState} */ (select('state').value)));
    byId('note', HTMLTextAreaElement).addEventListener('change', (event) => {
      const text = /** @type {HTMLTextAreaElement} */ (event.target).value;
      void editor.inOrder(() => editor.do('image.note', { text }));
    });
  }

  /** A rejection has a reason; whoever made the masks does not review them, where a project wants that. @param {ImageState} state */
  setState(state) {
    const editor = this.editor, session = editor.session;
    if (!session) return;
    if (state === 'reviewed' && this.hooks.project().another_reviews && (session.drawn || session.annotators.has(this.hooks.user()))) {
      this.hooks.say(t('say.another'));
      return this.render();
    }
    if (state === 'rejected') return this.#reject();
    void editor.inOrder(() => {
      if (editor.session?.content.state !== state) editor.do('image.state', { state });
    });
  }

  #reject() {
    const reason = /** @type {HTMLTextAreaElement} */ (element('textarea', { rows: 3, maxLength: 1000, 'aria-label': t('reason') }));
    dialogs.open(t('reject'), [element('p', {}, t('reject.how')), reason], [
      { text: t('cancel'), act: () => this.render() },
      {
        text: t('reject'), primary: true,
        act: () => void this.editor.inOrder(() => this.editor.do('image.state', { state: 'rejected', reason: reason.value.trim() || t('reject.none') })),
      },
    ]);
    reason.focus();
  }

  /** Write a comment. @param {{x: number, y: number} | null} place @param {string | null} mask */
  comment(place, mask) {
    const editor = this.editor;
    if (!editor.session || !editor.hooks.editable()) return;
    const text = /** @type {HTMLTextAreaElement} */ (element('textarea', { rows: 3, maxLength: 4000, 'aria-label': t('comment') }));
    dialogs.open(t(mask ? 'comment.mask' : 'comment.place'), [text], [{ text: t('cancel') }, {
      text: t('save'), primary: true,
      act: () => {
        const said = text.value.trim();
        const pinned = place ? { x: Math.round(place.x * 10) / 10, y: Math.round(place.y * 10) / 10 } : {};
        if (said) void editor.inOrder(() => editor.do('comment.add', { id: randomId(), text: said, by: this.hooks.user(), ...pinned, ...(mask ? { mask } : {}) }));
      },
    }]);
    text.focus();
  }

  render() {
    const content = this.editor.session?.content, project = this.hooks.project();
    const state = select('state'), note = byId('note', HTMLTextAreaElement);
    if (!state.options.length) state.replaceChildren(...Object.entries(stateNames()).map(([value, name]) => element('option', { value }, name)));
    if (content) state.value = content.state;
    if (content && document.activeElement !== note) note.value = content.note;
    state.disabled = note.disabled = !content || project.readonly;
    any('reason').textContent = content?.reason ?? '';
    any('reason').hidden = !content?.reason;
    this.#renderTags(content?.tags ?? [], project);
    this.#renderComments(content?.comments ?? [], project.readonly);
  }

  /** @param {string[]} chosen @param {import('./types.js').Project} project */
  #renderTags(chosen, project) {
    const all = [...new Set([...project.tags, ...chosen])], place = any('tags');
    const shown = JSON.stringify([all, chosen, project.readonly]);
    if (place.dataset.shown === shown) return;
    place.dataset.shown = shown;
    place.hidden = !all.length;
    place.replaceChildren(...all.map((tag) => element('button', {
      'aria-pressed': chosen.includes(tag), disabled: project.readonly,
      onclick: () => {
        const now = this.editor.session?.content.tags ?? [];
        const tags = now.includes(tag) ? now.filter((each) => each !== tag) : [...now, tag];
        void this.editor.inOrder(() => this.editor.do('image.tags', { tags }));
      },
    }, tag)));
  }

  /** @param {Comment[]} comments @param {boolean} readonly */
  #renderComments(comments, readonly) {
    const open = comments.filter((each) => !each.done).length;
    any('comment-count').textContent = comments.length ? `${open} / ${comments.length}` : '';
    const place = any('comments'), shown = JSON.stringify([comments, readonly]);
    if (place.dataset.shown === shown) return;
    place.dataset.shown = shown;
    place.replaceChildren(...comments.map((each, i) => element('li', { class: each.done ? 'done' : '' },
      element('button', { class: 'pick', onclick: () => this.#show(each) },
        element('b', {}, String(i + 1)), element('span', {}, `${each.by ?? ''}: ${each.text}`)),
      element('button', {
        'aria-pressed': each.done, disabled: readonly, 'aria-label': t(each.done ? 'comment.reopen' : 'comment.resolve'), title: t(each.done ? 'comment.reopen' : 'comment.resolve'),
        onclick: () => void this.editor.inOrder(() => this.editor.do('comment.done', { id: each.id, done: !each.done, by: this.hooks.user() })),
      }, '✓'))));
  }

  /** @param {Comment} comment */
  #show(comment) {
    if (comment.mask && this.editor.session?.content.masks.has(comment.mask)) {
      void this.editor.inOrder(() => this.editor.select(/** @type {string} */ (comment.mask)));
      this.editor.reveal(comment.mask);
    }
  }

  /** Pins of comments that are not resolved. @param {CanvasRenderingContext2D} context */
  draw(context) {
    (this.editor.session?.content.comments ?? []).forEach((each, i) => {
      if (each.done || each.x === undefined || each.y === undefined) return;
      const { x, y } = this.editor.view.toStage(each.x, each.y);
      context.beginPath();
      context.arc(x, y - 12, 10, 0, 7);
      context.moveTo(x - 4, y - 4);
      context.lineTo(x, y);
      context.lineTo(x + 4, y - 4);
      context.fillStyle = '#e0352b';
      context.fill();
      context.fillStyle = '#fff';
      context.font = 'bold 12px system-ui';
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      context.fillText(String(i + 1), x, y - 12);
    });
  }
}
