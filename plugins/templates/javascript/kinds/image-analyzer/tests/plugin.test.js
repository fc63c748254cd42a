import assert from 'node:assert/strict';
import { test } from 'node:test';

import { imageAnalyzer } from '../src/plugin.js';
import { content } from './fakes/host.js';

const bytes = (text) => new TextEncoder().encode(text);
const file = (body, size = body.val.length) => ({
  path: 'opt/example/VERSION',
  size: BigInt(size),
  interests: ['example-version'],
  body,
});
const whole = (text) => file({ tag: 'whole', val: bytes(text) });

test('a version becomes a package', () => {
  const { packages, problems } = imageAnalyzer.analyze([whole('2.4.1\n')]);
  assert.deepEqual(problems, []);
  assert.deepEqual(packages, [
    {
      item: 0,
      kind: 'generic',
      name: 'example',
      version: '2.4.1',
      licenses: [],
      method: 'example-version',
      confidence: 'high',
    },
  ]);
});

test('a handle is read like the whole', () => {
  const handle = file({ tag: 'handle', val: content(bytes('3.0\n')) }, 4);
  assert.equal(imageAnalyzer.analyze([handle]).packages[0].version, '3.0');
});

test('what is no version is a problem of that file alone', () => {
  const files = [
    whole(''),
    whole('1.0'),
    file({ tag: 'whole', val: Uint8Array.of(0xff, 0xfe) }),
    whole('9'.repeat(300)),
  ];
  const { packages, problems } = imageAnalyzer.analyze(files);
  assert.deepEqual(packages.map((found) => found.item), [1]);
  assert.deepEqual(problems, [
    { item: 0, message: 'does not hold one version and nothing else' },
    { item: 2, message: 'is not UTF-8' },
    { item: 3, message: 'has 300 bytes; a version file has at most 256' },
  ]);
});
