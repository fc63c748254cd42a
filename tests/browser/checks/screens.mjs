// Pages made of several answers: vulnerabilities in groups, two images side by side, health, first steps, the report.
import { equal, expect, number, Skip, shownCount } from "../harness.mjs";

const VULNERABLE = { state: "open", suppressed: "false", class: "vulnerability" };
const rows = (page) => page.locator('[role="grid"] .grid-body [role="row"]');
const settled = async (page, path) => {
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).first().waitFor({ state: "attached" });
  await page.waitForFunction(() => !document.querySelector(".loading"));
};

export const checks = [
  [
    "vulnerabilities are grouped by CVE, update and asset, and each number leads to exactly its rows",
    async ({ context, page: open, all, axe }) => {
      const findings = await all("/findings", VULNERABLE, 5_000);
      if (findings.length === 0 || findings.length >= 5_000)
        throw new Skip(`${findings.length} open vulnerabilities`);
      const page = await open(await context());
      const fixable = findings.filter((row) => row.package && row.fix.state === "fixed");
      for (const [by, groups] of [
        ["cve", new Set(findings.map((row) => row.rule)).size],
        ["fix", new Set(fixable.map((row) => `${row.package.type} ${row.package.name}`)).size],
        ["asset", new Set(findings.map((row) => row.asset.id)).size],
      ]) {
        await settled(page, `/vulnerabilities?by=${by}`);
        equal(number(await page.getByTestId("shown").textContent()), groups, `groups by ${by}`);
        if (groups === 0) continue;
        await axe(page, `vulnerabilities by ${by}`);
        const link = rows(page).first().getByRole("link").last();
        const wanted = number(await link.textContent());
        await link.click();
        await page.getByRole("heading", { name: "Findings", level: 1 }).waitFor();
        equal(await shownCount(page), wanted, `rows of the first group by ${by}`);
      }
    },
  ],
  [
    "vulnerabilities by keyboard alone: rows, the findings behind one, and back to the same groups",
    async ({ context, page: open }) => {
      const page = await open(await context());
      await settled(page, "/vulnerabilities?by=asset&severity=critical,high");
      if ((await rows(page).count()) === 0) throw new Skip("no critical or high vulnerability");
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/findings\?.*asset=/);
      await page.goBack();
      await page.waitForURL(/by=asset/);
      equal(new URL(page.url()).searchParams.get("severity"), "critical,high", "the filter after back");
    },
  ],
  [
    "two images are compared: packages that differ, findings that came and went, and swapping turns them round",
    async ({ context, page: open, api, axe, shot }) => {
      const { items } = await api("/images?limit=2");
      if (items.length < 2) throw new Skip("fewer than two images");
      const page = await open(await context());
      await settled(page, "/images");
      await page.getByLabel("Select row 1", { exact: true }).click();
      await page.getByLabel("Select row 2", { exact: true }).click();
      await page.getByRole("link", { name: "Compare the two" }).click();
      await page.waitForURL(/\/images\/compare\?/);
      const heading = page.locator("#compare-wrong");
      await heading.waitFor();
      const [a, b] = items.map((each) => each.id);
      const packages = async (id) => {
        const all = [];
        let cursor = "";
        do {
          const page = await api(
            `/images/${encodeURIComponent(id)}/packages?${new URLSearchParams({ limit: "500", ...(cursor && { cursor }) })}`,
          );
          all.push(...page.items);
          cursor = page.next ?? "";
        } while (cursor);
        const versions = {};
        for (const each of all) {
          const key = `${each.type} ${each.name}`;
          versions[key] = (versions[key] ?? new Set()).add(each.version);
        }
        return versions;
      };
      const [was, is] = [await packages(a), await packages(b)];
      const text = (set) => [...(set ?? [])].sort().join();
      const differ = Object.keys({ ...was, ...is }).filter((key) => text(was[key]) !== text(is[key])).length;
      const grid = page.getByRole("grid", { name: "Packages that differ" });
      if (differ > 0)
        equal(
          Number(await grid.getAttribute("aria-rowcount")),
          differ + 1,
          "packages that differ, and a head",
        );
      await axe(page, "compare");
      await shot(page, "compare");
      const came = number(await heading.textContent());
      await page.getByRole("button", { name: "Swap" }).click();
      await page.waitForURL((url) => url.searchParams.get("a") === b);
      await heading.waitFor();
      const gone = await page.locator("#compare-wrong + p").textContent();
      equal(number(gone), came, "what came is what is gone the other way round");
    },
  ],
  [
    "system health tells each area with a way on, the worst first, and what the server did not tell as unknown",
    async ({ context, page: open, axe, shot }) => {
      const page = await open(await context(), ["500", "503"]);
      await settled(page, "/system");
      const areas = page.getByRole("list", { name: "Areas" }).getByRole("listitem");
      equal(await areas.count(), 8, "areas");
      for (const tag of await areas.locator(".tag").allTextContents())
        expect(["Broken", "Unknown", "Look", "Well"].includes(tag.trim()), `a state is called ${tag}`);
      await axe(page, "system health");
      await shot(page, "system");
      await page.route(/\/api\/v1\/plugins/, (route) =>
        route.fulfill({ status: 500, json: { status: 500, code: "internal", title: "Broken" } }),
      );
      await page.route(/\/readyz/, (route) =>
        route.fulfill({
          status: 503,
          json: { status: 503, code: "stopping", title: "The server stops", detail: "" },
        }),
      );
      await page.goto("/system");
      await areas.filter({ hasText: "Plugins" }).getByText("The server did not tell").waitFor();
      await page.getByRole("alert").getByText("The server stops").waitFor();
      await areas.filter({ hasText: "Plugins" }).getByRole("link").click();
      await page.waitForURL(/\/plugins$/);
    },
  ],
  [
    "the first steps know what is done, and their commands hold this server's address",
    async ({ context, page: open, api, axe, shot, origin }) => {
      const page = await open(await context());
      await settled(page, "/start");
      const scanned = (await api("/images?limit=1")).items.length > 0;
      await page.locator(`[data-step="1"][data-done="${scanned}"]`).waitFor();
      const known = (await api("/clusters")).items.length > 0;
      await page.locator(`[data-step="2"][data-done="${known}"]`).waitFor();
      const command = await page.getByRole("region", { name: /from a shell/ }).textContent();
      expect(command.includes(`'${origin}/api/v1/scans'`), `the command is ${command}`);
      await axe(page, "get started");
      await shot(page, "start");
    },
  ],
  [
    "the report has the figures of the overview, each with its rows, and what it cannot see; on paper nothing to press",
    async ({ context, page: open, api, axe, shot }) => {
      const page = await open(await context());
      await settled(page, "/report");
      await page.getByRole("heading", { name: "What this report cannot see" }).waitFor();
      const overview = await api("/overview");
      const figure = page.getByRole("row", { name: /Known to be exploited/ }).getByRole("link");
      equal(number(await figure.textContent()), overview.kev_open, "known exploited");
      await axe(page, "report");
      await page.emulateMedia({ media: "print" });
      expect(!(await page.getByRole("button", { name: /Print/ }).isVisible()), "a button is on the paper");
      await shot(page, "report-print");
      await page.emulateMedia({ media: "screen" });
      if (overview.kev_open > 0) {
        await figure.click();
        await page.getByRole("heading", { name: "Findings", level: 1 }).waitFor();
        equal(await shownCount(page), overview.kev_open, "rows of the figure");
      }
    },
  ],
];
