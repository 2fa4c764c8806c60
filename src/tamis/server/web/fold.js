/** The content of an image as a fold of its events; the server's `annotation/fold.py` does the same. */

/** @typedef {import('./types.js').Event} Event */
/** @typedef {import('./types.js').Content} Content */
/** @typedef {import('./types.js').Instance} Instance */
/** @typedef {{kind: string, body: Record<string, any>}} Action */

/** Kinds of events about the image, which undo and redo go past. */
const REMARKS = ['comment.add', 'comment.done', 'proposal.reject'];

/** The actions of an image, and how many of them are in force: undo and redo move that number. */
export class History {
  /** @type {Action[]} */
  actions = [];
  pointer = 0;
  /** @type {Action[]} */
  remarks = [];

  /** @param {Iterable<Action>} events */
  constructor(events = []) {
    for (const event of events) this.add(event);
  }

  /** @param {Action} event */
  add(event) {
    if (event.kind === 'undo') this.pointer = Math.max(0, this.pointer - 1);
    else if (event.kind === 'redo') this.pointer = Math.min(this.actions.length, this.pointer + 1);
    else if (REMARKS.includes(event.kind)) this.remarks.push({ kind: event.kind, body: event.body });
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
    const content = { masks: new Map(), state: 'todo', note: '', reason: '', tags: [], comments: comments(this.remarks), rejected: rejected(this.remarks) };
    for (const action of this.actions.slice(0, this.pointer)) apply(content, action);
    return content;
  }
}

/**
 * @param {Content} content changed in place
 * @param {Action} action
 */
function apply(content, { kind, body }) {
  if (kind === 'image.state') [content.state, content.reason] = [body.state, body.reason ?? ''];
  else if (kind === 'image.note') content.note = body.text;
  else if (kind === 'image.tags') content.tags = body.tags;
  else {
    content.masks = changed(content.masks, kind, body);
    content.tags = [...new Set([...content.tags, ...(body.tags ?? [])])]; // an import brings both at once
    if (content.state === 'todo') content.state = 'progress';
  }
}

/**
 * @param {Map<string, Instance>} masks may be changed in place
 * @param {string} kind
 * @param {Record<string, any>} body
 * @returns {Map<string, Instance>}
 */
function changed(masks, kind, body) {
  /** @param {string} id @param {Partial<Instance>} more */
  const alter = (id, more) => {
    const mask = masks.get(id);
    if (mask) masks.set(id, { ...mask, ...more });
  };
  if (kind === 'mask.set') put(masks, body);
  else if (kind === 'mask.delete') masks.delete(body.id);
  else if (kind === 'mask.label') alter(body.id, { label: body.label });
  else if (kind === 'masks.label') for (const id of body.ids) alter(id, { label: body.label });
  else if (kind === 'mask.attributes') alter(body.id, { attributes: body.attributes });
  else if (kind === 'masks.order') {
    const ids = new Set([...body.ids.filter((/** @type {string} */ id) => masks.has(id)), ...masks.keys()]);
    return new Map([...ids].map((id) => [id, /** @type {Instance} */ (masks.get(id))]));
  } else if (kind === 'masks.set') {
    for (const id of body.deleted ?? []) masks.delete(id);
    for (const each of body.set ?? []) put(masks, each);
  }
  return masks;
}

/**
 * @param {Map<string, Instance>} masks
 * @param {Record<string, any>} body
 */
function put(masks, body) {
  masks.set(body.id, /** @type {Instance} */ ({ ...body }));
}

/** @param {Action[]} remarks @returns {import('./types.js').Comment[]} */
function comments(remarks) {
  /** @type {Map<string, any>} */
  const found = new Map();
  for (const { kind, body } of remarks) {
    if (kind === 'comment.add') found.set(body.id, { ...body, done: false });
    else if (kind === 'comment.done' && found.has(body.id)) found.set(body.id, { ...found.get(body.id), done: body.done });
  }
  return [...found.values()];
}

/** Labels whose proposals are not wanted, in the order in which they were last rejected. @param {Action[]} remarks @returns {string[]} */
function rejected(remarks) {
  /** @type {Set<string>} */
  const labels = new Set();
  for (const { kind, body } of remarks) {
    if (kind !== 'proposal.reject') continue;
    labels.delete(body.label);
    if (body.rejected) labels.add(body.label);
  }
  return [...labels];
}
