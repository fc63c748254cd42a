// What the fakes of the host answer with. A test sets the fields it needs after `reset()`.

/**
 * @typedef {{ method: string, url: string, headers: [string, string][], body: Uint8Array, secret?: string }} Request
 * @typedef {{ status: number, headers?: [string, string][], body?: unknown }} Reply
 */

/** The state of the fake host. */
export const host = {
  /** @type {Record<string, unknown>} */ config: {},
  /** Nanoseconds since 1970. */ now: 0n,
  /** @type {[level: string, message: string][]} */ log: [],
  /** @type {Map<string, bigint>} */ counters: new Map(),
  /** @type {Map<string, Uint8Array>} */ state: new Map(),
  /** Capabilities that are refused. @type {Set<string>} */ denied: new Set(),
  /** Answers one request; what it gives back as `body` is sent as JSON. @type {(request: Request) => Reply} */
  http: () => fail('unavailable', 'no reply was set'),
  /** @type {Request[]} */ requests: [],
  /** @type {Map<string, unknown>} */ assets: new Map(),
  /** Keys are `asset/edge`. @type {Map<string, string[]>} */ related: new Map(),
  /** @type {Map<string, { id: string, aliases: string[], fixed: string[] }[]>} */ advisories: new Map(),
  /** Keys are digests. @type {Map<string, Uint8Array>} */ blobs: new Map(),
};

const fresh = structuredClone({ ...host, http: undefined });
const { http } = host;

/** Forgets what the last test set. */
export function reset() {
  Object.assign(host, structuredClone(fresh), { http });
}

/** Fails as the host does: a thrown error whose `payload` is the `host-error`. @returns {never} */
export function fail(/** @type {string} */ tag, /** @type {string | undefined} */ val) {
  throw Object.assign(new Error(`${tag}: ${val}`), { payload: { tag, val } });
}

/** Fails if the test refuses the capability. */
export function check(/** @type {string} */ capability) {
  if (host.denied.has(capability)) fail('denied', capability);
}

/** A `content` resource over bytes. */
export function content(/** @type {Uint8Array} */ bytes) {
  return {
    size: () => BigInt(bytes.length),
    read: (/** @type {bigint} */ offset, /** @type {number} */ length) =>
      bytes.slice(Number(offset), Number(offset) + length),
    slice: (/** @type {bigint} */ offset, /** @type {bigint} */ length) =>
      content(bytes.slice(Number(offset), Number(offset + length))),
  };
}
