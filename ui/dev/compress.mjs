// Writes a Brotli copy beside each built text file; the server hands it to browsers that take it. Takes the bundler's
// manifest out of what is shipped: only the budget reads it.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const notes = fileURLToPath(new URL("../node_modules/.cache/palisade/", import.meta.url));
mkdirSync(notes, { recursive: true });
renameSync(join(dist, ".vite/manifest.json"), join(notes, "manifest.json"));
rmSync(join(dist, ".vite"), { recursive: true });
let [plain, packed] = [0, 0];
for (const name of readdirSync(dist, { recursive: true })) {
  if (!/\.(js|css|html|svg)$/.test(name)) continue;
  const bytes = readFileSync(join(dist, name));
  const small = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  if (small.length >= bytes.length) continue;
  writeFileSync(join(dist, `${name}.br`), small);
  plain += bytes.length;
  packed += small.length;
}
console.log(`compressed ${(plain / 1000).toFixed(0)} KB to ${(packed / 1000).toFixed(0)} KB`);
