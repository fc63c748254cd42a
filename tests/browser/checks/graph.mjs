// Attack paths, exposure and who-can: each drawing against the API and against its table.
import { equal, expect, number, Skip } from "../harness.mjs";
import { resourcePath } from "./clusters.mjs";

/** Links that are followed; a large cluster has thousands. */
const FOLLOWED = 30;
/** Paths drawn at first. */
const DRAWN = 100;

async function firstCluster(api) {
  const cluster = (await api("/clusters")).items.find((each) => each.id.startsWith("k8s:"));
  if (!cluster) throw new Skip("no cluster on the server");
  return { cluster, at: `/clusters/${encodeURIComponent(cluster.id)}` };
}

async function attack(api) {
  const { cluster, at } = await firstCluster(api);
  const answer = await api(`${at}/attack-paths?from=all&limit=500`);
  if (answer.paths.length === 0) throw new Skip("no attack path in the cluster");
  return { cluster, at, answer, address: `/graph?cluster=${encodeURIComponent(cluster.id)}&from=all` };
}

async function firstAccount(api) {
  const account = (await api("/clusters")).items.find((each) => each.id.startsWith("account:"));
  if (!account) throw new Skip("no account on the server");
  return {
    at: `/accounts/${encodeURIComponent(account.id)}`,
    address: `/graph?cluster=${encodeURIComponent(account.id)}`,
  };
}

/** Every object that a drawing names is in the inventory, so that its link leads somewhere. */
async function leadsSomewhere(page, api, within) {
  const hrefs = await page
    .locator(`${within} a.resource-link`)
    .evaluateAll((links) => [...new Set(links.map((link) => link.href))]);
  expect(hrefs.length > 0, "the drawing has no link");
  for (const href of hrefs.slice(0, FOLLOWED))
    await api(resourcePath(new URL(href).searchParams.get("resource")));
}

async function unknownShown(page, answer) {
  const shown = await page.getByTestId("unknown").locator("li").allTextContents();
  equal(shown.length, answer.unknown.length, "what the answer does not know");
}

export const checks = [
  [
    "each attack path is drawn with all its steps, and every object leads to the inventory",
    async ({ context, page: open, api, axe, shot }) => {
      const { answer, address } = await attack(api);
      const page = await open(await context());
      await page.goto(address);
      const rows = page.locator('[data-testid="paths"] > li');
      await rows.first().waitFor();
      equal(await rows.count(), Math.min(DRAWN, answer.paths.length), "paths drawn");
      equal(number(await page.getByTestId("shown").textContent()), answer.total, "paths told");
      for (const [index, path] of answer.paths.slice(0, 5).entries()) {
        equal(await rows.nth(index).locator(".step").count(), path.steps.length, `steps of path ${index}`);
        const text = await rows.nth(index).innerText();
        for (const step of path.steps)
          expect(text.includes(step.why), `path ${index} does not say: ${step.why}`);
        const grants = path.steps.reduce((sum, step) => sum + step.grants.length, 0);
        equal(await rows.nth(index).locator(".grant").count(), grants, `proofs of path ${index}`);
      }
      await unknownShown(page, answer);
      await shot(page, "attack-paths");
      await axe(page, "attack paths");
      await leadsSomewhere(page, api, '[data-testid="paths"]');
    },
  ],
  [
    "the table says what the drawing says; the switch works by keyboard and is in the address",
    async ({ context, page: open, api, axe }) => {
      const { answer, address } = await attack(api);
      const page = await open(await context());
      await page.goto(address);
      await page.getByTestId("paths").waitFor();
      await page.locator('[data-twin="drawing"]').focus();
      await page.keyboard.press("ArrowRight");
      const table = page.getByTestId("paths-table");
      await table.waitFor();
      equal(new URL(page.url()).searchParams.get("as"), "table", "the switch in the address");
      const steps = answer.paths.slice(0, DRAWN).reduce((sum, path) => sum + path.steps.length, 0);
      equal(await table.locator("tbody tr").count(), steps, "rows, one for each step");
      const text = await table.innerText();
      for (const path of answer.paths.slice(0, DRAWN))
        for (const step of path.steps) expect(text.includes(step.why), `the table lacks: ${step.why}`);
      await axe(page, "attack paths as a table");
      await leadsSomewhere(page, api, '[data-testid="paths-table"]');
    },
  ],
  [
    "a goal and a workload narrow the paths as the server does",
    async ({ context, page: open, api }) => {
      const { at, answer, address } = await attack(api);
      const { goal, source } = answer.paths.at(-1);
      const wanted = await api(`${at}/attack-paths?from=all&goal=${goal}&limit=500`);
      const page = await open(await context());
      await page.goto(address);
      await page.getByTestId("paths").waitFor();
      await page.getByLabel("To", { exact: true }).selectOption(goal);
      await page.waitForFunction((word) => new URL(location.href).searchParams.get("goal") === word, goal);
      await page.getByTestId("paths").waitFor();
      equal(number(await page.getByTestId("shown").textContent()), wanted.total, `paths to ${goal}`);
      const narrow = await api(
        `${at}/attack-paths?from=all&workload=${encodeURIComponent(source)}&limit=500`,
      );
      await page.goto(`${address}&workload=${encodeURIComponent(source)}`);
      await page.getByTestId("paths").waitFor();
      equal(number(await page.getByTestId("shown").textContent()), narrow.total, `paths from ${source}`);
    },
  ],
  [
    "each choke point leads to the paths that it is on",
    async ({ context, page: open, api }) => {
      const { answer, address } = await attack(api);
      if (answer.total > answer.paths.length) throw new Skip("more paths than an answer holds");
      const page = await open(await context());
      await page.goto(address);
      await page.getByTestId("paths").waitFor();
      const links = page.locator("[data-choke]");
      equal(await links.count(), Math.min(10, answer.choke_points.length), "choke points");
      for (let index = 0; index < (await links.count()); index += 1) {
        await page.goto(address);
        await links.nth(index).waitFor();
        const wanted = Number(await links.nth(index).getAttribute("data-choke"));
        equal(wanted, answer.choke_points[index].on_shortest, `paths of choke point ${index}`);
        await links.nth(index).click();
        await page.getByRole("button", { name: /Remove the filter through/ }).waitFor();
        equal(
          await page.locator('[data-testid="paths"] > li').count(),
          wanted,
          `rows of choke point ${index}`,
        );
      }
    },
  ],
  [
    "exposure is drawn way by way, with the same in its table",
    async ({ context, page: open, api, axe, shot }) => {
      const { cluster, at } = await firstCluster(api);
      const answer = await api(`${at}/exposure?limit=500`);
      if (answer.workloads.length === 0) throw new Skip("nothing in the cluster is exposed");
      const ways = answer.workloads.reduce((sum, each) => sum + each.entries.length, 0);
      const address = `/graph?cluster=${encodeURIComponent(cluster.id)}&view=exposure`;
      const page = await open(await context());
      await page.goto(address);
      await page.getByTestId("ways").waitFor();
      equal(await page.locator('[data-testid="ways"] .drawing').count(), ways, "ways drawn");
      await unknownShown(page, answer);
      await shot(page, "exposure");
      await axe(page, "exposure");
      await leadsSomewhere(page, api, '[data-testid="ways"]');
      await page.goto(`${address}&as=table`);
      await page.getByTestId("ways-table").waitFor();
      equal(await page.locator('[data-testid="ways-table"] tbody tr').count(), ways, "rows of the table");
      await axe(page, "exposure as a table");
    },
  ],
  [
    "who can do something is asked by a form, kept in the address, and answered with proofs",
    async ({ context, page: open, api, axe }) => {
      const { cluster, at } = await firstCluster(api);
      const answer = await api(`${at}/who-can?verb=get&resource=secrets&limit=500`);
      const page = await open(await context());
      await page.goto(`/graph?cluster=${encodeURIComponent(cluster.id)}&view=who`);
      await page.getByLabel("Verb").fill("get");
      await page.getByLabel("Resource").fill("secrets");
      await page.keyboard.press("Enter");
      await page.getByTestId("shown").waitFor();
      const params = new URL(page.url()).searchParams;
      equal([params.get("verb"), params.get("resource")], ["get", "secrets"], "the question in the address");
      equal(number(await page.getByTestId("shown").textContent()), answer.total, "holders told");
      await unknownShown(page, answer);
      const rows = page.locator('[data-testid="holders"] tbody tr');
      equal(await rows.count(), answer.holders.length, "holders");
      // A binding may name an account that is not there, but itself it is.
      if (answer.holders.length > 0) await leadsSomewhere(page, api, '[data-testid="holders"] td');
      await axe(page, "who can");
      await page.reload();
      await page.getByTestId("shown").waitFor();
      equal(await rows.count(), answer.holders.length, "holders after reload");
    },
  ],
  [
    "identity paths of an account are drawn with their statements, with the same in their table",
    async ({ context, page: open, api, axe, shot }) => {
      const { at, address } = await firstAccount(api);
      const answer = await api(`${at}/attack-paths?from=all&limit=500`);
      if (answer.paths.length === 0) throw new Skip("no identity path in the account");
      const page = await open(await context());
      await page.goto(`${address}&from=all`);
      const rows = page.locator('[data-testid="paths"] > li');
      await rows.first().waitFor();
      equal(await rows.count(), Math.min(DRAWN, answer.paths.length), "paths drawn");
      equal(number(await page.getByTestId("shown").textContent()), answer.total, "paths told");
      for (const [index, path] of answer.paths.slice(0, 10).entries()) {
        const row = rows.nth(index);
        equal(await row.locator(".step").count(), path.steps.length, `steps of path ${index}`);
        const text = await row.innerText();
        for (const step of path.steps)
          expect(text.includes(step.why), `path ${index} does not say: ${step.why}`);
        const sum = (of) => path.steps.reduce((all, step) => all + of(step).length, 0);
        equal(
          await row.locator(".grant").count(),
          sum((step) => step.grants),
          `statements of path ${index}`,
        );
        equal(
          await row.locator(".through").count(),
          sum((step) => step.through),
          `ways of path ${index}`,
        );
      }
      equal(
        await page.getByTestId("administrators").locator("li").count(),
        Math.min(20, answer.administrators.length),
        "administrators",
      );
      await unknownShown(page, answer);
      await shot(page, "identity-paths");
      await axe(page, "identity paths");
      await leadsSomewhere(page, api, '[data-testid="paths"]');
      await page.locator('[data-twin="drawing"]').focus();
      await page.keyboard.press("ArrowRight");
      const table = page.getByTestId("paths-table");
      await table.waitFor();
      const steps = answer.paths.slice(0, DRAWN).reduce((sum, path) => sum + path.steps.length, 0);
      equal(await table.locator("tbody tr").count(), steps, "rows, one for each step");
      await axe(page, "identity paths as a table");
      const { goal } = answer.paths.at(-1);
      const wanted = await api(`${at}/attack-paths?from=all&goal=${goal}&limit=500`);
      await page.getByLabel("To", { exact: true }).selectOption(goal);
      await page.waitForFunction((word) => new URL(location.href).searchParams.get("goal") === word, goal);
      await table.waitFor();
      equal(number(await page.getByTestId("shown").textContent()), wanted.total, `paths to ${goal}`);
    },
  ],
  [
    "exposure of an account is drawn way by way, with the same in its table",
    async ({ context, page: open, api, axe, shot }) => {
      const { at, address } = await firstAccount(api);
      const answer = await api(`${at}/exposure?limit=500`);
      if (answer.resources.length === 0) throw new Skip("nothing in the account is exposed");
      const ways = answer.resources.reduce((sum, each) => sum + each.entries.length, 0);
      const page = await open(await context());
      await page.goto(`${address}&view=exposure`);
      await page.getByTestId("ways").waitFor();
      equal(await page.locator('[data-testid="ways"] .drawing').count(), ways, "ways drawn");
      await unknownShown(page, answer);
      await shot(page, "account-exposure");
      await axe(page, "exposure of an account");
      await leadsSomewhere(page, api, '[data-testid="ways"]');
      await page.goto(`${address}&view=exposure&as=table`);
      await page.getByTestId("ways-table").waitFor();
      equal(await page.locator('[data-testid="ways-table"] tbody tr').count(), ways, "rows of the table");
      await axe(page, "exposure of an account as a table");
    },
  ],
  [
    "who can do something in an account is answered with statements and what they depend on",
    async ({ context, page: open, api, axe, shot }) => {
      const { at, address } = await firstAccount(api);
      const exposed = (await api(`${at}/exposure?limit=500`)).resources;
      const bucket = exposed.find((each) => each.kind === "aws:s3:bucket");
      const resource = bucket ? `${bucket.resource}/object` : "*";
      const question = new URLSearchParams({ action: "s3:GetObject", resource, limit: "500" });
      const answer = await api(`${at}/who-can?${question}`);
      const page = await open(await context());
      await page.goto(`${address}&view=who`);
      await page.getByLabel("Action").fill("s3:GetObject");
      await page.getByLabel("Resource").fill(resource);
      await page.keyboard.press("Enter");
      await page.getByTestId("shown").waitFor();
      const params = new URL(page.url()).searchParams;
      equal([params.get("verb"), params.get("resource")], ["s3:GetObject", resource], "the question kept");
      equal(number(await page.getByTestId("shown").textContent()), answer.total, "holders told");
      await unknownShown(page, answer);
      const rows = page.locator('[data-testid="holders"] tbody tr');
      equal(await rows.count(), answer.holders.length, "holders");
      const grants = answer.holders.reduce(
        (sum, { answer: { proofs, unread } }) => sum + proofs.length + unread.length,
        0,
      );
      equal(await rows.locator(".grant").count(), grants, "statements");
      await shot(page, "account-who-can");
      await axe(page, "who can in an account");
      await page.reload();
      await page.getByTestId("shown").waitFor();
      equal(await rows.count(), answer.holders.length, "holders after reload");
    },
  ],
  [
    "unused rights of an account are listed, by the days chosen",
    async ({ context, page: open, api, axe, shot }) => {
      const { at, address } = await firstAccount(api);
      const page = await open(await context());
      await page.goto(`${address}&view=unused`);
      await page.getByTestId("shown").waitFor();
      for (const days of ["90", "365"]) {
        const answer = await api(`${at}/unused-rights?days=${days}&limit=500`);
        await page.getByLabel("Not used for").selectOption(days);
        await page
          .getByTestId("shown")
          .filter({ hasText: `${days} days` })
          .waitFor();
        equal(number(await page.getByTestId("shown").textContent()), answer.total, `unused for ${days} days`);
        equal(await page.locator('[data-testid="unused"] tbody tr').count(), answer.items.length, "rows");
        await unknownShown(page, answer);
      }
      await shot(page, "unused-rights");
      await axe(page, "unused rights");
      if ((await page.getByTestId("unused").count()) > 0)
        await leadsSomewhere(page, api, '[data-testid="unused"]');
    },
  ],
];
