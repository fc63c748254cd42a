// node run.mjs --base URL --token TOKEN [--out DIR] [--scan KIND:REFERENCE] [--only TEXT]
import { parseArgs } from "node:util";
import { checks as access } from "./checks/access.mjs";
import { checks as clusters } from "./checks/clusters.mjs";
import { checks as compliance } from "./checks/compliance.mjs";
import { checks as findings } from "./checks/findings.mjs";
import { checks as graph } from "./checks/graph.mjs";
import { checks as imports } from "./checks/imports.mjs";
import { checks as integrations } from "./checks/integrations.mjs";
import { checks as looks } from "./checks/looks.mjs";
import { checks as objects } from "./checks/objects.mjs";
import { checks as overview } from "./checks/overview.mjs";
import { checks as plugins } from "./checks/plugins.mjs";
import { checks as rows } from "./checks/rows.mjs";
import { checks as runtime } from "./checks/runtime.mjs";
import { checks as scans } from "./checks/scans.mjs";
import { checks as screens } from "./checks/screens.mjs";
import { checks as signIn } from "./checks/sign-in.mjs";
import { checks as triage } from "./checks/triage.mjs";
import { checks as trouble } from "./checks/trouble.mjs";
import { checks as views } from "./checks/views.mjs";
import { Skip, start } from "./harness.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string" },
    token: { type: "string" },
    out: { type: "string", default: "out" },
    scan: { type: "string" },
    only: { type: "string", default: "" },
  },
});
if (!options.base || !options.token) {
  console.error(
    "usage: node run.mjs --base URL --token TOKEN [--out DIR] [--scan KIND:REFERENCE] [--only TEXT]",
  );
  process.exit(2);
}

const world = { ...(await start(options)), scan: options.scan };
const count = { passed: 0, failed: 0, skipped: 0 };
for (const [name, check] of [
  ...access,
  ...signIn,
  ...overview,
  ...findings,
  ...objects,
  ...clusters,
  ...graph,
  ...compliance,
  ...plugins,
  ...runtime,
  ...scans,
  ...imports,
  ...integrations,
  ...views,
  ...rows,
  ...triage,
  ...screens,
  ...trouble,
  ...looks,
]) {
  if (!name.includes(options.only)) continue;
  const began = performance.now();
  const opened = [];
  // Each check gets its own profile, closed whatever happens.
  const local = {
    ...world,
    context: async (wanted) => {
      const made = await world.context(wanted);
      opened.push(made);
      return made;
    },
  };
  world.trouble.length = 0;
  let outcome = "passed";
  let note = "";
  try {
    await check(local);
    for (const made of opened) for (const page of made.pages()) await world.violations(page);
    if (world.trouble.length > 0)
      throw new Error(`the page did what it must not: ${[...new Set(world.trouble)].join("; ")}`);
  } catch (error) {
    outcome = error instanceof Skip ? "skipped" : "failed";
    note = [error.message, ...(outcome === "failed" ? new Set(world.trouble) : [])].join("\n");
    const page = opened.at(-1)?.pages().at(-1);
    if (outcome === "failed" && page)
      await world.shot(page, `failed-${name.replaceAll(/\W+/g, "-")}`).catch(() => undefined);
  }
  for (const made of opened) {
    // An answer that is still on its way to a page that closes is nobody's failure.
    for (const page of made.pages()) await page.unrouteAll({ behavior: "ignoreErrors" });
    await made.close();
  }
  count[outcome] += 1;
  const took = `${Math.round(performance.now() - began)} ms`;
  console.log(
    `${outcome === "passed" ? "ok     " : outcome === "skipped" ? "skipped" : "FAILED "} ${name} (${took})${note ? `\n        ${note.replaceAll("\n", "\n        ")}` : ""}`,
  );
}
await world.browser.close();
console.log(
  `${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}`,
);
process.exit(count.failed > 0 ? 1 : 0);
