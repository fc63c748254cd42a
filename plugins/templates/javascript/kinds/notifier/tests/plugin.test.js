import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { decode, encode } from '../src/palisade.js';
import { notifier } from '../src/plugin.js';
import { host, reset } from './fakes/host.js';

const notice = { id: 'change-1', body: encode({ finding: 'f-1' }) };
const answer = (reply) => {
  host.http = () => reply;
};

beforeEach(() => {
  reset();
  host.config = { url: 'https://tickets.example.com/api/tickets' };
});

test('a change is posted with the secret, and the reply is the receipt', () => {
  answer({ status: 201, body: { id: 'SEC-481', url: 'https://tickets.example.com/SEC-481' } });
  assert.deepEqual(notifier.notify(notice), { id: 'SEC-481', url: 'https://tickets.example.com/SEC-481' });
  const [{ body, headers, ...request }] = host.requests;
  assert.deepEqual(request, { method: 'POST', url: 'https://tickets.example.com/api/tickets', secret: 'token' });
  assert.deepEqual(decode(body), { id: 'change-1', change: { finding: 'f-1' } });
  assert.equal(Object.fromEntries(headers)['idempotency-key'], 'change-1');
});

test('a ticket without an address has none', () => {
  answer({ status: 200, body: { id: 'SEC-1' } });
  assert.deepEqual(notifier.notify(notice), { id: 'SEC-1', url: undefined });
});

test('a busy ticket system is told again later', () => {
  answer({ status: 502 });
  assert.throws(() => notifier.notify(notice), { payload: { tag: 'retry-after', val: 30000n } });
});

test('a refusal, a reply without a ticket and a notice that is no JSON are errors', () => {
  for (const reply of [{ status: 403 }, { status: 200 }, { status: 200, body: { ok: true } }]) {
    answer(reply);
    assert.throws(() => notifier.notify(notice), /^PluginError: other: /);
  }
  const broken = { id: 'x', body: new TextEncoder().encode('{') };
  assert.throws(() => notifier.notify(broken), /^PluginError: invalid-input: /);
});
