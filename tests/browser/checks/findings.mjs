import { equal, expect, number, openFindings, SEVERITIES, Skip, shownCount } from "../harness.mjs";

const OPEN = { state: "open", suppressed: "false" };
const rows = (page) => page.locator('[role="grid"] .grid-body [role="row"]');
const firstRules = async (page) => (await rows(page).locator("strong").allTextContents()).slice(0, 8);

/** A severity that some, but not all, open findings have. */
async function someSeverity(api) {
  const { findings_by_severity: counts } = await api("/overview");
  const found = SEVERITIES.find((severity) => (counts[severity] ?? 0) > 0);
  if (!found) throw new Skip("no open finding on the server");
  return { severity: found, count: counts[found] };
}

export const checks = [
  [
    "a filter by click is in the address, holds for every row, and survives reload and back",
    async ({ context, page: open, api }) => {
      const { severity, count } = await someSeverity(api);
      const page = await open(await context());
      const before = await openFindings(page, OPEN);
      await page.locator(`[data-facet="severity:${severity}"]`).check();
      await page.waitForURL(new RegExp(`severity=${severity}`));
      await page.waitForFunction(
        (wanted) =>
          document.querySelector('[data-testid="shown"]').textContent.replaceAll(",", "").includes(wanted),
        `${count} finding`,
      );
      equal(await shownCount(page), count, `findings of severity ${severity}`);
      const badges = new Set(await rows(page).locator(".sev-badge").allTextContents());
      equal(
        [...badges].map((each) => each.toLowerCase()),
        [severity],
        "severities of the rows",
      );
      const shown = await firstRules(page);
      await page.reload();
      equal(await shownCount(page), count, "findings after reload");
      equal(await firstRules(page), shown, "rows after reload");
      await page.goBack();
      await page.waitForFunction(() => !location.search.includes("severity="));
      if (before !== count) {
        await page.waitForFunction(
          (gone) =>
            !document.querySelector('[data-testid="shown"]').textContent.replaceAll(",", "").includes(gone),
          `${count} finding`,
        );
      }
      equal(await shownCount(page), before, "findings after going back");
    },
  ],
  [
    "sorting is done by the server and kept in the address",
    async ({ context, page: open, api }) => {
      const page = await open(await context());
      await openFindings(page, OPEN);
      for (const [header, sort] of [
        ["Subject", "package"],
        ["Risk", "risk"],
        ["Severity", "severity"],
      ]) {
        await page.getByRole("columnheader", { name: header }).getByRole("button").click();
        await page.waitForURL(new RegExp(`sort=${sort}`));
        const wanted = (
          await api(`/findings?${new URLSearchParams({ ...OPEN, sort, limit: "5" })}`)
        ).items.map((row) =>
          // Of a finding about an object the table leaves out the plugin.
          row.class === "misconfiguration" ? row.rule.slice(row.rule.lastIndexOf("/") + 1) : row.rule,
        );
        await page.waitForFunction(
          (rules) =>
            JSON.stringify(
              [...document.querySelectorAll(".grid-body strong")]
                .slice(0, rules.length)
                .map((each) => each.textContent),
            ) === JSON.stringify(rules),
          wanted,
        );
        const sorted = page.getByRole("columnheader", { name: header });
        expect(
          ["ascending", "descending"].includes(await sorted.getAttribute("aria-sort")),
          `${header} is not marked as sorted`,
        );
      }
      await page.getByLabel("Sort by").selectOption("-last_seen");
      await page.waitForURL(/sort=-last_seen/);
    },
  ],
  [
    "a finding shows its risk with the terms that make it",
    async ({ context, page: open, api }) => {
      const [row] = (await api(`/findings?${new URLSearchParams({ ...OPEN, sort: "risk", limit: "1" })}`))
        .items;
      const page = await open(await context());
      await openFindings(page, { ...OPEN, sort: "risk" });
      equal(
        number(await page.locator(".grid-body .risk-number").first().textContent()),
        row.risk,
        "risk of the first row",
      );
      await page.goto(`/findings?${new URLSearchParams({ ...OPEN, finding: row.fingerprint })}`);
      const terms = page.locator(".risk-terms");
      await terms.locator("summary").click();
      await terms.getByRole("table").waitFor();
      const detail = await api(`/findings/${row.fingerprint}`);
      equal(await terms.locator("tbody tr").count(), detail.risk_terms.length, "terms");
      // The page shows the formula with its values: whoever reckons comes to the same.
      const [left, place] = (await terms.locator("p.mono").textContent()).split("(");
      const sum = (text) => text.match(/[\d.]+/g).map(Number);
      const [points, ...percents] = sum(left);
      const product = percents.reduce((value, percent) => (value * percent) / 100, points);
      const score = (product * sum(place).reduce((one, other) => one + other)) / 100;
      equal(Math.round(score), detail.risk, "risk by the formula on the page");
    },
  ],
  [
    "search finds a package by its name",
    async ({ context, page: open, api, all }) => {
      const [row] = (await api(`/findings?${new URLSearchParams({ ...OPEN, limit: "50" })}`)).items.filter(
        (each) => /^[a-z][a-z0-9.-]+$/.test(each.package?.name ?? ""),
      );
      if (!row) throw new Skip("no open finding with a plainly named package");
      const text = row.package.name;
      const page = await open(await context());
      await openFindings(page, OPEN);
      await page.keyboard.press("/");
      await page.keyboard.type(text);
      await page.waitForURL((url) => url.searchParams.get("q") === text);
      const wanted = (await all("/findings", { ...OPEN, q: text })).length;
      await page.waitForFunction(
        (count) =>
          document
            .querySelector('[data-testid="shown"]')
            .textContent.replaceAll(",", "")
            .includes(`${count} finding`),
        wanted,
      );
      await page.goto(`/findings?${new URLSearchParams({ ...OPEN, q: "no-such-thing-anywhere" })}`);
      await page.getByText("No finding matches these filters").waitFor();
    },
  ],
  [
    "the table tells the true count and keeps the document small",
    async ({ context, page: open }) => {
      const page = await open(await context());
      const total = await openFindings(page, {});
      const grid = page.getByRole("grid", { name: "Findings" });
      await page.waitForFunction(
        (count) =>
          Number(document.querySelector('[role="grid"]').getAttribute("aria-rowcount")) === count + 1,
        total,
      );
      if (total <= 150) throw new Skip(`only ${total} findings: nothing to scroll`);
      let seen = 0;
      for (let round = 0; round < 80 && seen < Math.min(total, 1_000); round += 1) {
        await grid.evaluate((element) => element.scrollTo(0, element.scrollHeight));
        await page.waitForFunction(
          (last) =>
            Math.max(
              ...[...document.querySelectorAll(".grid-body [role=row]")].map((row) =>
                Number(row.getAttribute("aria-rowindex")),
              ),
            ) -
              1 >
            last,
          seen,
          { timeout: 8_000 },
        );
        seen = (await rows(page).last().getAttribute("aria-rowindex")) - 1;
        expect((await rows(page).count()) < 120, "too many rows are in the document");
      }
      expect(seen >= Math.min(total, 1_000), `scrolling ended at row ${seen} of ${total}`);
    },
  ],
  [
    "the drawer tells what is wrong, why, whose, what to do and the evidence, in that order",
    async ({ context, page: open, api, shot }) => {
      const { items } = await api(`/findings?${new URLSearchParams({ ...OPEN, limit: "50" })}`);
      if (items.length === 0) throw new Skip("no open finding");
      const row = items.find((each) => each.package && each.fix.versions?.length > 0) ?? items[0];
      const detail = await api(`/findings/${row.fingerprint}`);
      const page = await open(await context());
      await page.goto(`/findings?${new URLSearchParams({ ...OPEN, finding: row.fingerprint })}`);
      const drawer = page.getByRole("dialog", { name: "Finding" });
      await drawer.getByRole("heading", { level: 2 }).waitFor();
      const order = await drawer.getByRole("heading", { level: 3 }).allTextContents();
      equal(
        order,
        [
          "Why it matters here",
          "Where it stands",
          "Who owns it",
          "Next safe action",
          "Evidence",
          "Why do I see this",
          "History",
          "Ids and references",
        ],
        "sections",
      );
      const text = await drawer.innerText();
      for (const part of [
        detail.rule,
        detail.severity_source,
        detail.package?.version,
        row.fix.versions?.[0],
        detail.evidence?.[0]?.method,
        ...(detail.why?.steps ?? []).slice(0, 1),
        detail.history?.[0]?.note,
        ...(detail.records ?? []).map((record) => record.reason).slice(0, 1),
      ]) {
        if (part && /^[\x20-\x7e]+$/.test(part))
          expect(text.includes(part), `the drawer does not say ${JSON.stringify(part)}`);
      }
      for (const plugin of detail.why?.plugins ?? [])
        expect((await drawer.innerHTML()).includes(plugin.digest), "the plugin's digest is missing");
      expect((detail.history ?? []).length > 0, "the finding has no history");
      const links = await drawer
        .locator("a[target=_blank]")
        .evaluateAll((found) => found.map((link) => [link.protocol, link.rel]));
      for (const [protocol, rel] of links) {
        expect(/^https?:$/.test(protocol), `a link leads to ${protocol}`);
        expect(rel.includes("noreferrer"), `a link without noreferrer: ${rel}`);
      }
      await shot(page, "finding-drawer");
    },
  ],
  [
    "keyboard alone: rows, drawer, next, previous, close, help, pages",
    async ({ context, page: open }) => {
      const page = await open(await context());
      const total = await openFindings(page, OPEN);
      if (total < 3) throw new Skip(`only ${total} findings`);
      const opened = () => new URL(page.url()).searchParams.get("finding");
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.locator(".grid-row.at").waitFor();
      equal(
        await page.locator(".grid-row.at").getAttribute("aria-rowindex"),
        "3",
        "row under the cursor after j j",
      );
      await page.keyboard.press("k");
      await page.locator('.grid-row.at[aria-rowindex="2"]').waitFor();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "Finding" }).waitFor();
      const first = opened();
      expect(first, "Enter did not open the drawer");
      await page.keyboard.press("j");
      await page.waitForFunction(
        (before) => new URL(location.href).searchParams.get("finding") !== before,
        first,
      );
      await page.keyboard.press("k");
      await page.waitForFunction(
        (before) => new URL(location.href).searchParams.get("finding") === before,
        first,
      );
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !new URL(location.href).searchParams.has("finding"));
      equal(
        await page.evaluate(() => document.activeElement?.getAttribute("role")),
        "grid",
        "focus after closing",
      );
      await page.keyboard.press("ArrowDown");
      await page.locator('.grid-row.at[aria-rowindex="3"]').waitFor();
      const active = await page.evaluate(() =>
        document
          .getElementById(document.activeElement.getAttribute("aria-activedescendant"))
          ?.getAttribute("aria-rowindex"),
      );
      equal(active, "3", "the row that assistive technology is told");
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor({ state: "hidden" });
      await page.keyboard.press("g");
      await page.keyboard.press("i");
      await page.getByRole("heading", { name: "Images", level: 1 }).waitFor();
      // Tab order: the first stop is the way past the navigation, and every stop shows where it is.
      await page.goto("/findings");
      await shownCount(page);
      await page.keyboard.press("Tab");
      equal(
        await page.evaluate(() => document.activeElement.textContent),
        "Skip to the content",
        "first tab stop",
      );
      for (let stop = 0; stop < 25; stop += 1) {
        await page.keyboard.press("Tab");
        const seen = await page.evaluate(() => {
          const at = document.activeElement;
          if (!at || at === document.body) return "body";
          const ring = (element) => element && getComputedStyle(element).outlineStyle !== "none";
          return ring(at) || ring(at.closest(".segment")) ? "" : at.outerHTML.slice(0, 120);
        });
        expect(seen === "" || seen === "body", `no visible focus on ${seen}`);
      }
    },
  ],
];
