import { equal, expect, number, SEVERITIES, Skip, shownCount } from "../harness.mjs";

/** A link of the overview and the filter it must stand for. */
const base = { state: "open", suppressed: "false" };

export const checks = [
  [
    "each number of the overview leads to exactly that many rows",
    async ({ context, page: open, api, all, shot }) => {
      const overview = await api("/overview");
      const page = await open(await context());
      const wanted = new Map([
        ["all", [{}, Object.values(overview.findings_by_severity).reduce((sum, each) => sum + each, 0)]],
        ["kev", [{ kev: "true" }, overview.kev_open]],
        ["fixable", [{ fixable: "true" }, overview.fixable_open]],
        ...SEVERITIES.map((severity) => [
          `severity:${severity}`,
          [{ severity }, overview.findings_by_severity[severity] ?? 0],
        ]),
      ]);
      await page.goto("/");
      await page.locator("[data-count]").first().waitFor();
      await shot(page, "overview");
      const names = await page
        .locator("[data-count]")
        .evaluateAll((links) => links.map((link) => link.dataset.count));
      expect(names.includes("gaps"), "the overview does not tell the gaps");
      const gaps = (await all("/images")).reduce((sum, image) => sum + image.gaps, 0);
      equal(overview.gaps, gaps, "gaps of the overview against those of all images");
      equal(number(await page.locator('[data-count="gaps"]').textContent()), gaps, "gaps on the page");
      expect(
        names.includes("kev") && names.includes("fixable") && names.includes("severity:critical"),
        `the overview shows only ${names}`,
      );
      for (const name of names.filter((each) => each !== "gaps")) {
        const [filter, count] = wanted.get(name);
        await page.goto("/");
        const link = page.locator(`[data-count="${name}"]`);
        await link.waitFor();
        const text = await link.textContent();
        equal(text === "none" ? 0 : number(text), count, `${name} on the overview`);
        await link.click();
        equal(await shownCount(page), count, `rows behind ${name}`);
        const rows = await all("/findings", { ...base, ...filter });
        equal(rows.length, count, `rows of the API behind ${name}`);
        equal(new Set(rows.map((row) => row.fingerprint)).size, count, `different rows behind ${name}`);
      }
    },
  ],
  [
    "what to do first leads to exactly the findings that it ends",
    async ({ context, page: open, api }) => {
      const query = new URLSearchParams({ ...base, fixable: "true", by: "package" });
      const [first] = (await api(`/findings/groups?${query}`)).items;
      if (!first) throw new Skip("no open finding has a fix");
      const page = await open(await context());
      await page.goto("/");
      const act = page.locator('section[aria-labelledby="first"] .row-link').first();
      expect((await act.textContent()).includes(`Update ${first.label}`), "another act is named first");
      await act.click();
      equal(await shownCount(page), first.count, "findings behind the first act");
    },
  ],
  [
    "the newest findings open their drawer",
    async ({ context, page: open, api }) => {
      const { newest } = await api("/overview");
      expect(newest.length > 0, "the server holds no open finding; scan something with findings first");
      const page = await open(await context());
      await page.goto("/");
      await page.locator('section[aria-labelledby="newest"] .row-link').first().click();
      await page.getByRole("dialog", { name: "Finding" }).getByRole("heading", { level: 2 }).waitFor();
      equal(
        new URL(page.url()).searchParams.get("finding"),
        newest[0].fingerprint,
        "the finding in the address",
      );
    },
  ],
  [
    "a sample or a lack of advisory data is said on every page",
    async ({ context, page: open, asking }) => {
      const answer = await asking.request.get("/api/v1/advisories");
      const status = answer.ok() ? await answer.json() : { loaded: false };
      const page = await open(await context(), ["404"]);
      for (const path of ["/", "/findings", "/images", "/scans", "/plugins", "/advisories"]) {
        await page.goto(path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        const banner = page.getByRole("complementary", { name: "Advisory data" });
        if (status.sample || status.loaded === false) await banner.waitFor();
        if (status.sample) {
          const records = status.records;
          const text = (await banner.textContent()).replaceAll(",", "");
          expect(
            text.includes(`Built-in sample of ${records} advisories: results are not complete.`),
            `${path} says: ${text}`,
          );
        } else if (status.loaded !== false) {
          equal(await banner.count(), 0, `banners on ${path}`);
        }
      }
    },
  ],
  [
    "what was first seen since the last visit is marked, and nothing on the first",
    async ({ context, page: open, api }) => {
      const { newest } = await api("/overview");
      if (newest.length === 0) throw new Skip("no finding");
      const page = await open(await context());
      await page.goto("/");
      await page.locator(".rows li").first().waitFor();
      const marks = page.locator(".rows .tag", { hasText: "New" });
      equal(await marks.count(), 0, "marks on the first visit");
      const seen = newest.map((row) => Date.parse(row.first_seen_at)).sort((a, b) => b - a);
      await page.evaluate((at) => localStorage.setItem("palisade.visits", `0 ${at}`), seen[0] - 1);
      await page.clock.install({ time: seen[0] + 3_600_000 });
      await page.reload();
      await page.locator(".rows li").first().waitFor();
      equal(await marks.count(), seen.filter((at) => at > seen[0] - 1).length, "marks on a later visit");
    },
  ],
];
