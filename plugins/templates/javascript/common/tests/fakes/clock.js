import { host } from './host.js';

export const now = () => host.now;
