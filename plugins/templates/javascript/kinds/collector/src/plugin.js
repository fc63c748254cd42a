// Fetches the things of a service, page by page.

import { send } from 'palisade:host/http@0.1.0';
import { configUrl, decode, encode, host, isObject, PluginError } from './palisade.js';

const RETRY_SECONDS = 30;

export const collector = {
  /**
   * Fetches the page at a cursor.
   * @param {string | undefined} cursor Nothing for the first page.
   */
  collect(cursor) {
    const base = configUrl('url');
    const url = `${base}/v1/things?cursor=${encodeURIComponent(cursor ?? '')}`;
    const { things, next } = fetchPage(url);
    const resources = [];
    const missing = [];
    for (const [index, thing] of things.entries()) {
      if (isObject(thing) && typeof thing.id === 'string' && thing.id !== '') {
        const asset = `example:${base.slice('https://'.length)}/${thing.id}`;
        resources.push({ asset, kind: 'example:thing', body: encode(thing) });
      } else {
        missing.push({ subject: `${url} things[${index}]`, message: 'has no id' });
      }
    }
    return { resources, missing, next };
  },
};

/**
 * @param {string} url
 * @returns {{ things: unknown[], next: string | undefined }}
 */
function fetchPage(url) {
  /** @type {[string, string][]} */
  const headers = [['accept', 'application/json']];
  const request = { method: 'GET', url, headers, body: new Uint8Array(), secret: undefined };
  const response = host('http', () => send(request));
  if (response.status === 429 || response.status >= 500) {
    const after = Number(response.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1]);
    throw PluginError.retryAfter(1000 * (Number.isInteger(after) && after > 0 ? after : RETRY_SECONDS));
  }
  if (response.status !== 200) throw PluginError.other(`${url} answered with status ${response.status}`);
  const page = decodePage(url, response.body);
  return { things: page.things, next: page.next ?? undefined };
}

/**
 * @param {string} url
 * @param {Uint8Array} body
 */
function decodePage(url, body) {
  let page;
  try {
    page = decode(body);
  } catch {
    throw PluginError.other(`${url} did not answer with JSON`);
  }
  if (!Array.isArray(page?.things) || !['string', 'undefined'].includes(typeof (page.next ?? undefined))) {
    throw PluginError.other(`${url} did not answer with a page of things`);
  }
  return page;
}
