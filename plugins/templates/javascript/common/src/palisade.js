// A thin layer over the WIT of Palisade: JSON in and out, errors with a type, and the records that plugins make most often.
// Values have the shape that componentize-js gives them: names in camelCase, enums as their WIT words, variants as
// `{ tag, val }`, u64 as BigInt, list<u8> as Uint8Array, and an option that is none as undefined.

import { get as configText } from 'palisade:host/config@0.1.0';
import { write } from 'palisade:host/log@0.1.0';

/** @typedef {'unknown' | 'none' | 'negligible' | 'low' | 'medium' | 'high' | 'critical'} Severity */
/** @typedef {'pass' | 'fail' | 'not-applicable' | 'error'} CheckStatus */
/** @typedef {{ asset: string, kind: string, body: Uint8Array }} AssetResource */
/** @typedef {{ item: number, message: string }} Problem */
/** @typedef {{ size(): bigint, read(offset: bigint, length: number): Uint8Array }} Content */

/**
 * Why a call could not be done at all. Thrown out of an export it becomes the `error` of `palisade:types/common`.
 * Anything else that is thrown is a fault of the plugin: the platform counts it as a trap.
 */
export class PluginError extends Error {
  /**
   * @param {'invalid-input' | 'invalid-config' | 'host' | 'retry-after' | 'other'} tag
   * @param {string | bigint} val
   */
  constructor(tag, val) {
    super(`${tag}: ${val}`);
    this.name = 'PluginError';
    /** What componentize-js hands to the platform. */
    this.payload = { tag, val };
  }

  /** The input is not what the manifest asked for. @param {string} text */
  static invalidInput(text) {
    return new PluginError('invalid-input', text);
  }

  /** The configuration is not usable. @param {string} text Names the key and what is wrong with it. */
  static invalidConfig(text) {
    return new PluginError('invalid-config', text);
  }

  /** Try again later. @param {number} milliseconds */
  static retryAfter(milliseconds) {
    return new PluginError('retry-after', BigInt(Math.max(0, Math.trunc(milliseconds))));
  }

  /** Anything else. @param {string} text */
  static other(text) {
    return new PluginError('other', text);
  }
}

/**
 * Calls the host, and turns its `host-error` into the plugin's own error.
 * @template T
 * @param {string} capability Named in the error, such as `http`.
 * @param {() => T} call
 * @returns {T}
 */
export function host(capability, call) {
  try {
    return call();
  } catch (error) {
    const reason = /** @type {any} */ (error)?.payload;
    if (error instanceof PluginError || typeof reason?.tag !== 'string') throw error;
    const text = reason.val === undefined ? reason.tag : `${reason.tag}: ${reason.val}`;
    throw new PluginError('host', `${capability}: ${text}`);
  }
}

/**
 * The text of UTF-8 bytes.
 * @param {Uint8Array} bytes
 * @returns {string}
 * @throws {TypeError} When the bytes are not UTF-8.
 */
export function text(bytes) {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/**
 * The value of a JSON body.
 * @param {Uint8Array} bytes
 * @returns {any}
 * @throws {SyntaxError | TypeError} When the bytes are not JSON.
 */
export function decode(bytes) {
  return JSON.parse(text(bytes));
}

/**
 * A value as a JSON body. JSON has no u64: write a BigInt as a string.
 * @param {unknown} value
 * @returns {Uint8Array}
 */
export function encode(value) {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * The JSON object of a body.
 * @param {Uint8Array} bytes
 * @returns {Record<string, any>}
 * @throws {SyntaxError | TypeError} When the bytes are not a JSON object.
 */
export function decodeObject(bytes) {
  const value = decode(bytes);
  if (!isObject(value)) throw new SyntaxError('not an object');
  return value;
}

/** Whether a value is a JSON object. @param {unknown} value @returns {value is Record<string, any>} */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The operator's configuration. @returns {Record<string, any>} */
export function config() {
  return JSON.parse(configText());
}

/**
 * A key of the configuration that holds an https address, without slashes at its end.
 * @param {string} key
 * @returns {string}
 */
export function configUrl(key) {
  const url = config()[key];
  if (typeof url !== 'string' || !/^https:\/\/[^\s/?#]+/.test(url)) {
    throw PluginError.invalidConfig(`${key} must be an https address`);
  }
  return url.replace(/\/+$/, '');
}

/** Lines for the operator. */
export const log = {
  /** @param {string} message */
  debug: (message) => write('debug', message),
  /** @param {string} message */
  info: (message) => write('info', message),
  /** @param {string} message */
  warn: (message) => write('warn', message),
  /** @param {string} message */
  error: (message) => write('error', message),
};

/**
 * The first bytes of a file, whether it was handed over whole or as a handle.
 * @param {{ tag: 'whole', val: Uint8Array } | { tag: 'handle', val: Content }} body
 * @param {number} length At most so many bytes.
 * @returns {Uint8Array}
 */
export function firstBytes(body, length) {
  return body.tag === 'whole' ? body.val.subarray(0, length) : host('content', () => body.val.read(0n, length));
}

/**
 * A package, with what is not told left empty.
 * @param {{ item: number, kind: string, name: string, version: string, method: string, arch?: string, sourceName?: string,
 *   sourceVersion?: string, licenses?: string[], inner?: string, confidence?: 'low' | 'medium' | 'high' }} fields
 */
export function packageRecord(fields) {
  return { licenses: [], confidence: 'high', ...fields };
}

/**
 * A risk that the plugin itself judged.
 * @param {{ item: number, rule: string, title: string, description: string, severity: Severity, location?: string }} fields
 */
export function finding(fields) {
  return { location: '', ...fields };
}

/**
 * The outcome of one check on one resource.
 * @param {{ item: number, rule: string, status: CheckStatus, severity: Severity, message: string, location?: string,
 *   evidence?: unknown }} fields `location` is a JSON Pointer; `evidence` any JSON value.
 */
export function checkResult({ location = '', evidence, ...fields }) {
  return { ...fields, location, evidence: evidence === undefined ? new Uint8Array() : encode(evidence) };
}

const POD_SPECS = new Map([
  ['Pod', ['spec']],
  ['CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job'].map(
    (kind) => /** @type {[string, string[]]} */ ([kind, ['spec', 'template', 'spec']]),
  ),
]);

/**
 * The containers of a Kubernetes workload, each with its JSON Pointer.
 * @param {string} kind The kind's own name, such as `Deployment`. Objects out of a list do not name it themselves.
 * @param {Record<string, any>} object
 * @returns {{ pointer: string, container: Record<string, any> }[] | undefined} Nothing for an object that starts no pods.
 */
export function containers(kind, object) {
  const path = POD_SPECS.get(kind);
  if (!path) return undefined;
  const spec = path.reduce((value, key) => value?.[key], object);
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) => {
    const found = Array.isArray(spec?.[list]) ? spec[list] : [];
    return found
      .map((container, index) => ({ pointer: `/${path.join('/')}/${list}/${index}`, container }))
      .filter(({ container }) => isObject(container));
  });
}
