// Reads the version of a piece of software from the file that its vendor installs.

import { firstBytes, packageRecord, text } from './palisade.js';

const BYTES_MAX = 256;
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,127}$/;

/** @typedef {Parameters<typeof firstBytes>[0]} Body */
/** @typedef {{ path: string, size: bigint, interests: string[], body: Body }} InputFile */

export const imageAnalyzer = {
  /**
   * Analyses one batch of files of one layer.
   * @param {InputFile[]} files
   */
  analyze(files) {
    const packages = [];
    const problems = [];
    for (const [item, file] of files.entries()) {
      const read = readVersion(file);
      if ('problem' in read) {
        problems.push({ item, message: read.problem });
      } else {
        const found = { kind: 'generic', name: 'example', version: read.version, method: 'example-version' };
        packages.push(packageRecord({ item, ...found }));
      }
    }
    return { systems: [], packages, ownerships: [], findings: [], problems };
  },
};

/**
 * @param {InputFile} file
 * @returns {{ version: string } | { problem: string }}
 */
function readVersion(file) {
  if (file.size > BigInt(BYTES_MAX)) {
    return { problem: `has ${file.size} bytes; a version file has at most ${BYTES_MAX}` };
  }
  let version;
  try {
    version = text(firstBytes(file.body, BYTES_MAX)).trim();
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'is not UTF-8' };
    throw error;
  }
  return VERSION.test(version) ? { version } : { problem: 'does not hold one version and nothing else' };
}
