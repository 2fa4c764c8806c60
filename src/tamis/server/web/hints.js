/** The line under the image: what keys do now, and for a moment what has just happened; beside it the mask at hand. */
import { any, button } from './dom.js';
import { t } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./stage.js').Stage} Stage */

/** How long a message stays before the line tells again what can be done. */
const STAYS_MS = 7000;

export class Hints {
  #said = '';
  #until = 0;

  /** @param {Editor} editor @param {Stage} stage @param {() => {label: string, digits: boolean, proposal: boolean}} given the label at hand, and whether a proposal is shown */
  constructor(editor, stage, given) {
    this.editor = editor;
    this.stage = stage;
    this.given = given;
    setInterval(() => this.show(), 1000);
  }

  /** Something that has happened, or cannot. @param {string} text */
  say(text) {
    this.#said = text;
    this.#until = performance.now() + STAYS_MS;
    this.show();
  }

  /** What Enter, Escape and digits do now. */
  #now() {
    const editor = this.editor, begun = this.stage.tool?.now?.() ?? '';
    if (!editor.session) return '';
    if (begun) return begun;
    const digits = this.given().digits;
    if (editor.fresh) return t(digits ? 'hint.fresh.digits' : 'hint.fresh');
    if (editor.selected.size > 1) return t('hint.several', { count: editor.selected.size });
    if (editor.active) return t(digits ? 'hint.selected.digits' : 'hint.selected');
    if (this.given().proposal) return t('hint.proposal');
    return t(digits ? 'hint.none.digits' : 'hint.none', { label: this.given().label });
  }

  show() {
    const text = performance.now() < this.#until ? this.#said : this.#now();
    if (any('hint').textContent !== text) any('hint').textContent = any('hint').title = text;
    const atHand = this.editor.session !== null && (this.editor.active !== null || Boolean(this.stage.tool?.now?.()));
    any('at-hand').hidden = !this.editor.session;
    const proposal = !atHand && this.given().proposal;
    button('finish').disabled = !atHand && !proposal;
    const text2 = t(proposal ? 'proposal.accept' : this.stage.tool?.finish && this.stage.tool.now?.() ? 'finish.shape' : 'finish');
    if (button('finish').textContent !== text2) button('finish').textContent = text2;
  }
}
