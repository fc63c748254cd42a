import { check, host } from './host.js';

export function get(key) {
  check('state');
  return host.state.get(key);
}

export function set(key, value) {
  check('state');
  host.state.set(key, value);
}

function remove(key) {
  check('state');
  host.state.delete(key);
}
export { remove as delete };

export function keys(prefix, after, limit) {
  check('state');
  return [...host.state.keys()]
    .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
    .sort()
    .slice(0, Math.min(limit, 1000));
}
