// Five failures of one asset within a time are one detection. What was counted lives in palisade:host/state, because every
// call may run in a new instance.

import { delete as remove, get, set } from 'palisade:host/state@0.1.0';
import { config, decode, encode, host, PluginError } from './palisade.js';

const FAILURES = 5;
const SOURCE = 'auth';
const TIMER = 'expire:';

/** @typedef {{ id: string, time: bigint, source: string, asset: string, body: Uint8Array }} Event */
/** @typedef {{ key: string, time: bigint }} Timer */
/** @typedef {{ id: string, time: bigint }} Failure */

export const correlator = {
  /**
   * Looks at a batch of events in order of time.
   * @param {Event[]} events
   * @param {Timer[]} due
   * @param {bigint} _watermark
   */
  correlate(events, due, _watermark) {
    const window = windowOfConfig();
    /** @type {Map<string, Failure[]>} */
    const counted = new Map();
    const failuresOf = (/** @type {string} */ asset) => counted.get(asset) ?? load(asset);
    const detections = [];
    const problems = [];

    for (const timer of due.filter(({ key }) => key.startsWith(TIMER))) {
      const asset = timer.key.slice(TIMER.length);
      counted.set(asset, failuresOf(asset).filter(({ time }) => time > timer.time - window));
    }
    for (const [item, { id, time, source, asset }] of events.entries()) {
      if (source !== SOURCE) continue;
      if (asset === '') {
        problems.push({ item, message: 'the event names no asset, so its failure counts for none' });
        continue;
      }
      const failures = failuresOf(asset).filter((failure) => failure.time > time - window);
      // An event may come twice and must count once.
      if (!failures.some((failure) => failure.id === id)) failures.push({ id, time });
      if (failures.length < FAILURES) {
        counted.set(asset, failures);
      } else {
        const ids = failures.map((failure) => failure.id);
        detections.push(detection(asset, ids, itemsOf(events.slice(0, item + 1), ids), window));
        counted.set(asset, []);
      }
    }
    const timers = [];
    for (const [asset, failures] of counted) {
      store(asset, failures);
      const last = failures.at(-1);
      if (last) timers.push({ key: TIMER + asset, time: last.time + window });
    }
    return { detections, links: [], timers, problems };
  },
};

/** The window in nanoseconds. */
function windowOfConfig() {
  const seconds = config()['window-seconds'] ?? 300;
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw PluginError.invalidConfig('window-seconds must be a whole number above zero');
  }
  return BigInt(seconds) * 1_000_000_000n;
}

/**
 * Indices of the events of this batch among some ids, each id once.
 * @param {Event[]} events
 * @param {string[]} ids
 */
function itemsOf(events, ids) {
  return ids.map((id) => events.findIndex((event) => event.id === id)).filter((index) => index >= 0);
}

/**
 * @param {string} asset
 * @param {string[]} ids
 * @param {number[]} items
 * @param {bigint} window
 */
function detection(asset, ids, items, window) {
  return {
    items,
    rule: 'many-failures',
    title: `${ids.length} failures on ${asset}`,
    severity: 'high',
    asset,
    incidentKey: `many-failures:${asset}`,
    evidence: encode({ events: ids, 'window-seconds': Number(window / 1_000_000_000n) }),
  };
}

/**
 * @param {string} asset
 * @returns {Failure[]}
 */
function load(asset) {
  const value = host('state', () => get(`failures/${asset}`));
  if (value === undefined) return [];
  const failures = /** @type {[id: string, time: string][]} */ (decode(value));
  return failures.map(([id, time]) => ({ id, time: BigInt(time) }));
}

/**
 * @param {string} asset
 * @param {Failure[]} failures
 */
function store(asset, failures) {
  const key = `failures/${asset}`;
  // JSON has no numbers of 64 bits, so times are written as text.
  const value = failures.map(({ id, time }) => [id, String(time)]);
  host('state', () => (value.length === 0 ? remove(key) : set(key, encode(value))));
}
