// Fails when the built pages are heavier than the budget: what the first page needs, each lazy page, and all of it.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET = { initialJs: 170, css: 25, lazy: 90, total: 900 }; // KB, gzip

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
// Where compress.mjs puts it: it is not shipped.
const manifest = JSON.parse(
  readFileSync(new URL("../node_modules/.cache/palisade/manifest.json", import.meta.url), "utf8"),
);
const kb = (bytes) => bytes / 1000;
const gzip = (file) => kb(gzipSync(readFileSync(join(dist, file)), { level: 9 }).length);

function closure(entry, seen = new Set()) {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const next of manifest[entry].imports ?? []) closure(next, seen);
  return seen;
}

const [start] = Object.keys(manifest).filter((key) => manifest[key].isEntry);
const initial = closure(start);
const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
const styles = new Set([...initial].flatMap((key) => manifest[key].css ?? []));
const rows = [
  [
    "initial JS, gzip",
    sum([...initial].map((key) => gzip(manifest[key].file))) + gzip("theme.js"),
    BUDGET.initialJs,
  ],
  ["CSS, gzip", sum([...styles].map(gzip)), BUDGET.css],
];
for (const key of Object.keys(manifest).filter((each) => manifest[each].isDynamicEntry)) {
  const own = [...closure(key)].filter((each) => !initial.has(each));
  rows.push([`${key}, gzip`, sum(own.map((each) => gzip(manifest[each].file))), BUDGET.lazy]);
}
const files = readdirSync(dist, { recursive: true }).filter(
  (file) => !file.endsWith(".br") && statSync(join(dist, file)).isFile(),
);
rows.push(["everything shipped, gzip", sum(files.map(gzip)), BUDGET.total]);

let over = 0;
for (const [name, size, most] of rows) {
  if (size > most) over += 1;
  console.log(`${size > most ? "OVER" : "ok  "} ${size.toFixed(1).padStart(7)} of ${most} KB  ${name}`);
}
const outside = files
  .filter((file) => /\.(js|css|html)$/.test(file))
  .filter((file) => {
    const text = readFileSync(join(dist, file), "utf8");
    return /(?:src|href)="https?:|url\(["']?https?:|@import ["']?https?:|from["']https?:/.test(text);
  });
for (const file of outside) console.log(`OVER ${file} loads something from another host`);
process.exit(over + outside.length === 0 ? 0 : 1);
