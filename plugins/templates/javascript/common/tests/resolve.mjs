// Answers every import of `palisade:host/NAME@VERSION` with `fakes/NAME.js`.

/** @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, next) {
  const name = /^palisade:host\/([a-z-]+)@/.exec(specifier)?.[1];
  return next(name ? new URL(`./fakes/${name}.js`, import.meta.url).href : specifier, context);
}
