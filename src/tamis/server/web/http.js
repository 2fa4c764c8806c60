/** Requests to the server; every answer is its JSON or an `HttpError` with one sentence. */
import { t } from './words.js';

export class HttpError extends Error {
  /**
   * @param {number} status 0: the server is out of reach
   * @param {string} message
   * @param {any} [body]
   */
  constructor(status, message, body = null) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>} with a status below 400
 */
export async function request(method, path, body, signal) {
  /** @type {RequestInit} */
  const init = { method, credentials: 'same-origin' };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'Content-Type': 'application/json' };
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new HttpError(0, t('http.gone'));
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => null);
  throw new HttpError(response.status, told?.error ?? t('http.status', { status: response.status }), told);
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = async (path, signal) => (await request('GET', path, undefined, signal)).json();

/** @param {string} path @param {unknown} body @param {AbortSignal} [signal] */
export const post = async (path, body, signal) => (await request('POST', path, body, signal)).json();
