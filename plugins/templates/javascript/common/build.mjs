// Builds build/{{name}}.wasm, the component without its manifest. `palisade plugin build` runs this and packs plugin.toml into
// build/{{name}}.plugin.wasm.

import { componentize } from '@bytecodealliance/componentize-js';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const project = import.meta.dirname;
const build = join(project, 'build');

/** The packages of the contract, each in a folder of its own below `wit`. */
const PACKAGES = ['types', 'host', 'plugin', 'worlds'];

/**
 * Puts the WIT together as the tools want it: the project's own world, and the packages below `deps`.
 * @returns {Promise<string>} The folder.
 */
async function stageWit() {
  const staged = join(build, 'wit');
  await rm(staged, { recursive: true, force: true });
  await mkdir(join(staged, 'deps'), { recursive: true });
  await cp(join(project, 'world.wit'), join(staged, 'world.wit'));
  for (const name of PACKAGES) {
    await cp(join(project, 'wit', name), join(staged, 'deps', name), { recursive: true });
  }
  return staged;
}

const { component } = await componentize({
  sourcePath: join(project, 'src', 'plugin.js'),
  witPath: await stageWit(),
  worldName: 'plugin',
  // Each of these would import a WASI interface, and the platform links none: time comes from palisade:host/clock, lines for
  // the operator go to palisade:host/log, requests through palisade:host/http, and nothing a plugin answers may be random.
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
const output = join(build, '{{name}}.wasm');
await writeFile(output, component);
console.log(`${output}: ${component.length} bytes`);
