import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { decode } from '../src/palisade.js';
import { collector } from '../src/plugin.js';
import { host, reset } from './fakes/host.js';

beforeEach(() => {
  reset();
  host.config = { url: 'https://things.example.com/' };
});

const answer = (reply) => {
  host.http = () => reply;
};

test('a page becomes resources and the cursor of the next', () => {
  answer({ status: 200, body: { things: [{ id: 't-1', colour: 'red' }], next: 'p 2' } });
  const { resources, missing, next } = collector.collect(undefined);
  assert.equal(host.requests[0].url, 'https://things.example.com/v1/things?cursor=');
  assert.deepEqual(resources.map(({ body, ...rest }) => ({ ...rest, body: decode(body) })), [
    { asset: 'example:things.example.com/t-1', kind: 'example:thing', body: { id: 't-1', colour: 'red' } },
  ]);
  assert.deepEqual(missing, []);
  assert.equal(next, 'p 2');
});

test('the cursor is encoded, and the last page has none', () => {
  answer({ status: 200, body: { things: [], next: null } });
  assert.equal(collector.collect('p 2&x').next, undefined);
  assert.equal(host.requests[0].url, 'https://things.example.com/v1/things?cursor=p%202%26x');
});

test('a thing without an id is named as missing', () => {
  answer({ status: 200, body: { things: [3, { id: '' }, { id: 'a' }] } });
  const { resources, missing } = collector.collect(undefined);
  assert.equal(resources.length, 1);
  assert.deepEqual(missing.map(({ subject }) => subject.slice(-9)), ['things[0]', 'things[1]']);
});

test('a busy service is asked again when it says', () => {
  answer({ status: 429, headers: [['Retry-After', '7']] });
  assert.throws(() => collector.collect(undefined), { payload: { tag: 'retry-after', val: 7000n } });
  answer({ status: 503 });
  assert.throws(() => collector.collect(undefined), { payload: { tag: 'retry-after', val: 30000n } });
});

test('what cannot be used is an error', () => {
  for (const reply of [{ status: 404 }, { status: 200 }, { status: 200, body: { things: 1 } }]) {
    answer(reply);
    assert.throws(() => collector.collect(undefined), /^PluginError: other: /);
  }
  host.denied.add('http');
  assert.throws(() => collector.collect(undefined), { payload: { tag: 'host', val: 'http: denied: http' } });
  host.config = { url: 'http://things.example.com' };
  assert.throws(() => collector.collect(undefined), /^PluginError: invalid-config: /);
});
