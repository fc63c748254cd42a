import { check, content, fail, host } from './host.js';

export function open(_repository, digest) {
  check('blob');
  const bytes = host.blobs.get(digest);
  return bytes ? content(bytes) : fail('not-found');
}
