// Writes a Brotli copy beside each built text file; the server hands it to browsers that take it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
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
