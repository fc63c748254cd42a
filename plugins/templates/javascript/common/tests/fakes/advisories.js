import { check, host } from './host.js';

export function matching(purl) {
  check('advisories');
  return host.advisories.get(purl) ?? [];
}
