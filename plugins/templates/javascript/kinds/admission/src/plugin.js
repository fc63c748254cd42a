// Refuses privileged containers, and warns of containers without limits.

import { containers, decode, isObject, PluginError } from './palisade.js';

export const admission = {
  /**
   * Decides about one request.
   * @param {Uint8Array} request The `request` of a Kubernetes AdmissionReview v1, as JSON.
   */
  review(request) {
    const { kind, object } = readRequest(request);
    const found = object === null ? [] : containers(kind, object) ?? [];
    return {
      violations: found.filter(({ container }) => container.securityContext?.privileged === true).map(privileged),
      warnings: found.filter(({ container }) => missingLimits(container).length > 0).map(unlimited),
      patch: undefined,
    };
  },
};

/**
 * @param {Uint8Array} bytes
 * @returns {{ kind: string, object: Record<string, any> | null }} No object when something is deleted.
 */
function readRequest(bytes) {
  let request;
  try {
    request = decode(bytes);
  } catch {
    throw PluginError.invalidInput('the request is not JSON');
  }
  const kind = request?.kind?.kind;
  const object = request?.object ?? null;
  if (typeof kind !== 'string' || (object !== null && !isObject(object))) {
    throw PluginError.invalidInput('the request is not an AdmissionReview v1 request');
  }
  return { kind, object };
}

/** @typedef {NonNullable<ReturnType<typeof containers>>[number]} Found */

/** @param {Found} found */
function privileged({ pointer }) {
  return {
    rule: 'no-privileged',
    message: `The container at ${pointer} is privileged. Remove securityContext.privileged.`,
  };
}

/** @param {Found['container']} container */
function missingLimits(container) {
  return ['cpu', 'memory'].filter((name) => container.resources?.limits?.[name] === undefined);
}

/** @param {Found} found */
function unlimited({ pointer, container }) {
  const names = missingLimits(container).join(' and ');
  return { rule: 'limits-set', message: `The container at ${pointer} has no limit of ${names}.` };
}
