import { host } from './host.js';

export const add = (name, value) => void host.counters.set(name, (host.counters.get(name) ?? 0n) + value);
