import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { decode } from '../src/palisade.js';
import { correlator } from '../src/plugin.js';
import { host, reset } from './fakes/host.js';

const SECOND = 1_000_000_000n;
const START = 1_767_322_800n * SECOND;
const event = (id, seconds, { asset = 'host:web-1', source = 'auth' } = {}) => ({
  id,
  time: START + BigInt(seconds) * SECOND,
  source,
  asset,
  body: new Uint8Array(),
});
const five = [0, 10, 20, 30, 40].map((at, index) => event(`e${index}`, at));

beforeEach(reset);

test('five failures in one batch are one detection and leave nothing behind', () => {
  const { detections, timers } = correlator.correlate(five, [], START);
  assert.deepEqual(detections.map(({ items, asset }) => ({ items, asset })), [
    { items: [0, 1, 2, 3, 4], asset: 'host:web-1' },
  ]);
  assert.deepEqual(decode(detections[0].evidence), {
    events: ['e0', 'e1', 'e2', 'e3', 'e4'],
    'window-seconds': 300,
  });
  assert.equal(host.state.size, 0);
  assert.deepEqual(timers, []);
});

test('failures are counted from call to call', () => {
  for (const one of five.slice(0, 4)) {
    assert.deepEqual(correlator.correlate([one], [], START).detections, []);
  }
  assert.deepEqual(correlator.correlate([five[4]], [], START).detections[0].items, [0]);
});

test('an event that comes twice counts once', () => {
  assert.deepEqual(correlator.correlate([...five.slice(0, 4), five[3]], [], START).detections, []);
});

test('other sources, other assets and events of nobody do not count, and the last are told of', () => {
  const others = [
    event('x', 41, { source: 'falco' }),
    event('y', 42, { asset: 'host:web-2' }),
    event('z', 43, { asset: '' }),
  ];
  const { detections, problems } = correlator.correlate([...five.slice(0, 4), ...others], [], START);
  assert.deepEqual(detections, []);
  assert.deepEqual(problems.map(({ item }) => item), [6]);
});

test('failures outside the window are forgotten, by time and by timer', () => {
  host.config = { 'window-seconds': 40 };
  const { detections, timers } = correlator.correlate(five, [], START);
  assert.deepEqual(detections, []);
  assert.deepEqual(timers, [{ key: 'expire:host:web-1', time: START + 80n * SECOND }]);
  assert.deepEqual(correlator.correlate([], timers, START + 81n * SECOND).timers, []);
  assert.equal(host.state.size, 0);
});

test('an unusable window and refused state are errors of their own', () => {
  host.config = { 'window-seconds': 0 };
  assert.throws(() => correlator.correlate([], [], START), /^PluginError: invalid-config: /);
  reset();
  host.denied.add('state');
  assert.throws(() => correlator.correlate(five, [], START), {
    payload: { tag: 'host', val: 'state: denied: state' },
  });
});
