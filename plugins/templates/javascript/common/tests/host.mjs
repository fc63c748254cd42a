// Loaded before the tests: lets Node load a plugin outside WebAssembly.

import { register } from 'node:module';

register('./resolve.mjs', import.meta.url);
