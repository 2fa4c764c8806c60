/** The content of an image as a fold of its events; the server's `annotation/fold.py` does the same. */

/** @typedef {import('./types.js').Event} Event */
/** @typedef {import('./types.js').Content} Content */
/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {{kind: string, body: Record<string, any>}} Action */

/** The actions of an image, and how many of them are in force: undo and redo move that number. */
export class History {
  /** @type {Action[]} */
  actions = [];
  pointer = 0;

  /** @param {Iterable<Action>} events */
  constructor(events = []) {
    for (const event of events) this.add(event);
  }

  /** @param {Action} event */
  add(event) {
    if (event.kind === 'undo') this.pointer = Math.max(0, this.pointer - 1);
    else if (event.kind === 'redo') this.pointer = Math.min(this.actions.length, this.pointer + 1);
    else {
      this.actions.length = this.pointer;
      this.actions.push({ kind: event.kind, body: event.body });
      this.pointer = this.actions.length;
    }
  }

  get canUndo() {
    return this.pointer > 0;
  }

  get canRedo() {
    return this.pointer < this.actions.length;
  }

  /** @returns {Content} */
  content() {
    /** @type {Content} */
    const content = { masks: new Map(), state: 'todo', note: '' };
    for (const action of this.actions.slice(0, this.pointer)) apply(content, action);
    return content;
  }
}

/**
 * @param {Content} content changed in place
 * @param {Action} action
 */
function apply(content, { kind, body }) {
  if (kind === 'image.state') content.state = body.state;
  else if (kind === 'image.note') content.note = body.text;
  else {
    if (kind === 'mask.set') put(content.masks, body);
    else if (kind === 'mask.delete') content.masks.delete(body.id);
    else if (kind === 'mask.label') {
      const mask = content.masks.get(body.id);
      if (mask) content.masks.set(body.id, { ...mask, label: body.label });
    } else if (kind === 'masks.set') {
      for (const id of body.deleted ?? []) content.masks.delete(id);
      for (const each of body.set ?? []) put(content.masks, each);
    }
    if (content.state === 'todo') content.state = 'progress';
  }
}

/**
 * @param {Map<string, Instance>} masks
 * @param {Record<string, any>} body
 */
function put(masks, body) {
  masks.set(body.id, /** @type {Instance} */ ({ ...body }));
}
