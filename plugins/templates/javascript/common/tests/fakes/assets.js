import { check, fail, host } from './host.js';

export function describe(asset) {
  check('assets');
  return host.assets.has(asset)
    ? new TextEncoder().encode(JSON.stringify(host.assets.get(asset)))
    : fail('not-found');
}

export function related(asset, edge, limit) {
  check('assets');
  return (host.related.get(`${asset}/${edge}`) ?? []).slice(0, limit);
}
