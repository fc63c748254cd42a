// Opens a ticket for each change.

import { send } from 'palisade:host/http@0.1.0';
import { configUrl, decode, encode, host, PluginError } from './palisade.js';

const RETRY_SECONDS = 30;

export const notifier = {
  /**
   * Tells of one change.
   * @param {{ id: string, body: Uint8Array }} notice
   */
  notify(notice) {
    /** @type {[string, string][]} */
    const headers = [
      ['content-type', 'application/json'],
      // A notice may come twice; by this the other system can tell.
      ['idempotency-key', notice.id],
    ];
    const request = {
      method: 'POST',
      url: configUrl('url'),
      headers,
      body: encode({ id: notice.id, change: readChange(notice.body) }),
      // The platform puts the token in; it is never seen here.
      secret: 'token',
    };
    const response = host('http', () => send(request));
    if (response.status === 429 || response.status >= 500) throw PluginError.retryAfter(1000 * RETRY_SECONDS);
    if (response.status < 200 || response.status > 299) {
      throw PluginError.other(`the ticket system answered with status ${response.status}`);
    }
    return readReceipt(response.body);
  },
};

/** @param {Uint8Array} body */
function readChange(body) {
  try {
    return decode(body);
  } catch {
    throw PluginError.invalidInput('the notice is not JSON');
  }
}

/** @param {Uint8Array} body */
function readReceipt(body) {
  let receipt;
  try {
    receipt = decode(body);
  } catch {
    receipt = undefined;
  }
  if (typeof receipt?.id !== 'string') {
    throw PluginError.other('the ticket system took the notice but named no ticket');
  }
  return { id: receipt.id, url: typeof receipt.url === 'string' ? receipt.url : undefined };
}
