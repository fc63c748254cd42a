// Fails workloads that run an image without a tag, or with the tag `latest`: what they run may change from pod to pod.

import { checkResult, containers, decodeObject } from './palisade.js';

/** @typedef {import('./palisade.js').AssetResource} AssetResource */

const RULE = { rule: 'no-latest-tag', severity: /** @type {const} */ ('medium') };

export const posture = {
  /**
   * Runs every check on every resource it applies to.
   * @param {AssetResource[]} resources
   */
  check(resources) {
    const results = [];
    const problems = [];
    for (const [item, resource] of resources.entries()) {
      let object;
      try {
        object = decodeObject(resource.body);
      } catch {
        problems.push({ item, message: 'the body is not a JSON object' });
        continue;
      }
      const found = containers(resource.kind.slice(resource.kind.lastIndexOf('/') + 1), object);
      if (found) results.push(judge(item, found));
    }
    return { results, problems };
  },
};

/**
 * @param {number} item
 * @param {NonNullable<ReturnType<typeof containers>>} found
 */
function judge(item, found) {
  const unnamed = found.find(({ container }) => typeof container.image !== 'string');
  if (unnamed) {
    const location = `${unnamed.pointer}/image`;
    return checkResult({ ...RULE, item, status: 'error', location, message: 'The container names no image.' });
  }
  const images = found.map(({ pointer, container }) => ({ location: `${pointer}/image`, image: container.image }));
  const floating = images.filter(({ image }) => !isPinned(image));
  if (floating.length === 0) {
    return checkResult({ ...RULE, item, status: 'pass', message: 'Every image has a tag or a digest.' });
  }
  const [{ location, image }] = floating;
  const message = `The image ${image} has no tag, or the tag latest. Name a version or a digest.`;
  return checkResult({ ...RULE, item, status: 'fail', location, message, evidence: { images: floating } });
}

/**
 * Whether an image reference has a digest, or a tag other than `latest`. A colon before the last slash belongs to a port.
 * @param {string} image
 */
function isPinned(image) {
  if (image.includes('@')) return true;
  const [, tag] = image.slice(image.lastIndexOf('/') + 1).split(':');
  return Boolean(tag) && tag !== 'latest';
}
