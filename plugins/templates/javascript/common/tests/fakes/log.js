import { host } from './host.js';

export const write = (level, message) => void host.log.push([level, message]);
