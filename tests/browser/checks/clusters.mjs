// The inventory: what the server knows of clusters and accounts, each number with its rows.
import { equal, expect, number, SEVERITIES, Skip, shownCount } from "../harness.mjs";

export const resourcePath = (id) => `/inventory/${encodeURIComponent(id)}`;
const drawer = (page) => page.getByRole("dialog", { name: "Resource" });

/** The resources that the page says it found. */
async function shownResources(page) {
  const status = page.getByTestId("shown");
  await status.filter({ hasText: /resource/ }).waitFor();
  const text = (await status.textContent()).replaceAll(",", "");
  return Number(/(?:of )?(\d+) resources?/.exec(text)?.[1]);
}

/** Waits until the page says that many; it settles after the address. */
async function settled(page, count) {
  await page.waitForFunction((wanted) => {
    const text = document.querySelector('[data-testid="shown"]')?.textContent?.replaceAll(",", "") ?? "";
    return Number(/(?:of )?(\d+) resources?/.exec(text)?.[1]) === wanted;
  }, count);
}

async function worst(api) {
  const { items } = await api("/inventory?limit=50");
  const sum = (row) => SEVERITIES.reduce((total, severity) => total + (row.findings[severity] ?? 0), 0);
  const found = items.filter((row) => sum(row) > 0);
  if (found.length === 0) throw new Skip("no resource with findings on the server");
  const row = found.find((each) => each.exposure) ?? found[0];
  return { row, total: sum(row) };
}

export const checks = [
  [
    "the inventory tells the true count, keeps the document small, and filters by click",
    async ({ context, page: open, api, shot }) => {
      const facets = await api("/inventory/facets");
      if (facets.matching === 0) throw new Skip("no resource on the server");
      const page = await open(await context());
      await page.goto("/inventory");
      equal(await shownResources(page), facets.matching, "resources");
      const grid = page.getByRole("grid", { name: "Resources" });
      equal(Number(await grid.getAttribute("aria-rowcount")), facets.matching + 1, "aria-rowcount");
      const drawn = await grid.locator(".grid-body [role=row]").count();
      expect(drawn < 80, `${drawn} rows are in the document`);
      await shot(page, "inventory");
      const [kind] = facets.kind;
      await page.locator(`[data-facet="kind:${kind.value}"]`).check();
      await settled(page, kind.count);
      equal(new URL(page.url()).searchParams.get("kind"), kind.value, "kind in the address");
      await page.reload();
      equal(await shownResources(page), kind.count, "resources after reload");
      await page.goBack();
      await settled(page, facets.matching);
    },
  ],
  [
    "the inventory is searched by the server",
    async ({ context, page: open, api }) => {
      const [row] = (await api("/inventory?limit=1")).items;
      if (!row) throw new Skip("no resource on the server");
      const { matching } = await api(`/inventory/facets?q=${encodeURIComponent(row.name)}`);
      const page = await open(await context());
      await page.goto("/inventory");
      await shownResources(page);
      await page.keyboard.press("/");
      await page.keyboard.type(row.name);
      await settled(page, matching);
      expect(matching >= 1, "the search does not find the resource it was taken from");
    },
  ],
  [
    "a resource tells what is wrong, why, whose, what to do, what it is joined to and the evidence, in that order",
    async ({ context, page: open, api, all, axe, shot }) => {
      const { row, total } = await worst(api);
      const detail = await api(resourcePath(row.id));
      const page = await open(await context());
      await page.goto(`/inventory?resource=${encodeURIComponent(row.id)}`);
      const body = drawer(page);
      await body.locator(".worst li").first().waitFor();
      await page.waitForFunction(() => !document.querySelector(".drawer .loading"));
      equal(
        await body.getByRole("heading", { level: 3 }).allTextContents(),
        [
          "What is wrong",
          "Why it matters here",
          "Who owns it",
          "Next safe action",
          "What it is joined to",
          "Evidence",
        ],
        "sections",
      );
      await shot(page, "resource");
      await axe(page, "a resource");
      const edges = new Set(detail.neighbours.map((each) => each.edge));
      equal(await body.locator(".joined").count(), edges.size, "groups of neighbours");
      for (const severity of SEVERITIES) {
        const link = body.locator(`[data-count="resource:${severity}"]`);
        const count = row.findings[severity] ?? 0;
        equal(await link.count(), count > 0 ? 1 : 0, `link of ${severity}`);
        if (count > 0) equal(number(await link.textContent()), count, severity);
      }
      await body.locator('[data-count="resource:all"]').click();
      equal(await shownCount(page), total, "findings behind the number");
      const params = new URL(page.url()).searchParams;
      equal([params.get("asset"), params.get("subject")], [row.scope, row.path], "filters in the address");
      const filter = { asset: row.scope, subject: row.path, state: "open", suppressed: "false" };
      equal((await all("/findings", filter)).length, total, "findings of the API");
    },
  ],
  [
    "what the internet gets to is proved object by object, and each neighbour leads to its page",
    async ({ context, page: open, api }) => {
      const [row] = (await api("/inventory?exposure=open,possible&limit=1")).items;
      if (!row) throw new Skip("nothing on the server is exposed");
      const detail = await api(resourcePath(row.id));
      const { workloads } = await api(`/clusters/${encodeURIComponent(row.scope)}/exposure?limit=500`);
      const exposed = workloads.find((each) => each.workload === row.path);
      const page = await open(await context());
      await page.goto(`/inventory?resource=${encodeURIComponent(row.id)}`);
      const body = drawer(page);
      if (exposed) {
        await body.locator(".evidence").first().waitFor();
        equal(await body.locator(".evidence").count(), exposed.entries.length, "ways in");
        equal(
          await body.locator(".evidence").first().locator(".resource-link").count(),
          exposed.entries[0].path.length + exposed.entries[0].policies.length,
          "objects that prove the first way",
        );
      }
      const near = detail.neighbours.find((each) => !each.id.startsWith("image:"));
      if (!near) return;
      await body.locator(".joined .resource-link").first().click();
      await page.waitForFunction(
        (before) => new URL(location.href).searchParams.get("resource") !== before,
        row.id,
      );
      const opened = new URL(page.url()).searchParams.get("resource");
      const known = detail.neighbours.some((each) => each.id === opened);
      expect(known, `${opened} is no neighbour of ${row.id}`);
      const { name } = await api(resourcePath(opened));
      await body.getByRole("heading", { level: 2, name, exact: true }).waitFor();
    },
  ],
  [
    "the inventory by keyboard alone: rows, drawer, next, close",
    async ({ context, page: open, api }) => {
      const { items } = await api("/inventory?limit=2");
      if (items.length < 2) throw new Skip("fewer than two resources on the server");
      const page = await open(await context());
      await page.goto("/inventory");
      await shownResources(page);
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      const at = () => new URL(page.url()).searchParams.get("resource");
      await drawer(page).waitFor();
      equal(at(), items[0].id, "the first row");
      await page.keyboard.press("j");
      await page.waitForFunction(
        (wanted) => new URL(location.href).searchParams.get("resource") === wanted,
        items[1].id,
      );
      await page.keyboard.press("Escape");
      await drawer(page).waitFor({ state: "detached" });
      equal(at(), null, "the address after closing");
      await page.keyboard.press("g");
      await page.keyboard.press("t");
      await page.getByRole("heading", { level: 1, name: "Attack paths" }).waitFor();
    },
  ],
  [
    "a resource that is not there is said not to be",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["404"]);
      await page.goto("/inventory?resource=k8s%3Anowhere%2Fcore%2FPod%2Fa%2Fb");
      await drawer(page).getByText("There is no such thing here").waitFor();
    },
  ],
  [
    "the overview tells clusters, exposed workloads and the worst framework, each with its rows",
    async ({ context, page: open, api }) => {
      const clusters = (await api("/clusters")).items;
      if (clusters.length === 0) throw new Skip("no cluster on the server");
      const { matching } = await api("/inventory/facets?exposure=open");
      const page = await open(await context());
      await page.goto("/");
      const tile = (name) => page.locator(`[data-posture="${name}"]`);
      await tile("exposed").waitFor();
      equal(number(await tile("clusters").textContent()), clusters.length, "clusters");
      equal(number(await tile("exposed").textContent()), matching, "exposed workloads");
      if (matching === 0) return;
      await tile("exposed").click();
      equal(await shownResources(page), matching, "resources behind the tile");
    },
  ],
];
