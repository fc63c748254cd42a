// What is done with rows: picking them out, changing many at once and taking that back, what is new, what is old, and
// filters as text.
import { readFileSync } from "node:fs";
import { equal, expect, openFindings, Skip, shownCount } from "../harness.mjs";
import { stage } from "./runtime.mjs";

const OPEN = { state: "open", suppressed: "false" };
const rows = (page) => page.locator('[role="grid"] .grid-body [role="row"]');
const bar = (page) => page.getByRole("region", { name: "Selected rows" });

export const checks = [
  [
    "rows are picked out by key, by box and in a row, and leave as a file",
    async ({ context, page: open, axe }) => {
      const page = await open(await context());
      if ((await openFindings(page, OPEN)) < 6) throw new Skip("fewer than six findings");
      await page.keyboard.press("j");
      await page.keyboard.press("x");
      await bar(page).getByText("1 finding selected").waitFor();
      await page.getByLabel("Select row 5", { exact: true }).click({ modifiers: ["Shift"] });
      await bar(page).getByText("5 findings selected").waitFor();
      await page.getByLabel("Select row 2", { exact: true }).click();
      await bar(page).getByText("4 findings selected").waitFor();
      equal(await rows(page).and(page.locator('[aria-selected="true"]')).count(), 4, "rows told as selected");
      await axe(page, "selected rows");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        bar(page).getByRole("button", { name: "NDJSON" }).click(),
      ]);
      equal(
        readFileSync(await download.path(), "utf8")
          .trimEnd()
          .split("\n").length,
        4,
        "rows of the file",
      );
      await bar(page).getByRole("button", { name: "Select none" }).click();
      await bar(page).waitFor({ state: "detached" });
    },
  ],
  [
    "many incidents are assigned at once; what somebody else changed is left alone, and the rest can be taken back",
    async ({ context, page: open, axe, shot }) => {
      const page = await open(await context(), ["409"]);
      const { data, sent } = await stage(page);
      const ids = data.incidents.map((each) => each.incident.id);
      const before = data.incidents.map((each) => each.incident.assignee);
      await page.goto("/incidents");
      await rows(page).nth(1).waitFor();
      // Somebody changes this one after the page has read it.
      data.incidents[1].incident.version += 1;
      await page.getByLabel("Select all loaded rows").check();
      await page.keyboard.press("e");
      await page.keyboard.type("dana");
      await axe(page, "changing many incidents");
      await page.keyboard.press("Enter");
      const note = bar(page).getByText(/^Changed:/);
      await note.waitFor();
      equal(
        data.incidents.map((each) => each.incident.assignee),
        ids.map((_, index) => (index === 1 ? before[1] : "dana")),
        "assignees on the server",
      );
      await bar(page).getByText("Somebody changed it meanwhile").waitFor();
      await shot(page, "bulk-incidents");
      equal(
        (await rows(page).filter({ hasText: "dana" }).count()) >= 1,
        true,
        "the rows show the new assignee",
      );
      await bar(page).getByRole("button", { name: "Undo" }).click();
      await bar(page)
        .getByText(/^Taken back:/)
        .waitFor();
      equal(
        data.incidents.map((each) => each.incident.assignee),
        before,
        "assignees after taking it back",
      );
      expect(
        sent.every((each) => Number.isInteger(each.body.version)),
        "every change names the version that was seen",
      );
    },
  ],
  [
    "a stretch of time is chosen by click or by its ends, is in the address, and holds for what is asked",
    async ({ context, page: open, axe }) => {
      const page = await open(await context());
      await stage(page);
      const asked = [];
      page.on("request", (request) => {
        if (request.url().includes("/runtime/events?")) asked.push(new URL(request.url()).searchParams);
      });
      await page.goto("/runtime");
      await rows(page).first().waitFor();
      await page.getByRole("button", { name: "Any time" }).click();
      await axe(page, "the choice of time");
      await page.getByRole("button", { name: "Last 24 hours" }).click();
      await page.waitForURL(/from=/);
      const from = new URL(page.url()).searchParams.get("from");
      const ago = Date.now() - Date.parse(from);
      expect(Math.abs(ago - 86_400_000) < 60_000, `24 hours ago is ${from}`);
      await page.waitForFunction(() => !document.querySelector(".loading"));
      equal(asked.at(-1).get("from"), from, "what is asked for");
      await page.getByLabel("Before, in UTC").fill("2020-01-01T00:00");
      await page.getByLabel("Before, in UTC").blur();
      await page.getByRole("alert").filter({ hasText: "before the beginning" }).waitFor();
      equal(new URL(page.url()).searchParams.get("to"), "2020-01-01T00:00:00Z", "the end in the address");
      await page.getByRole("group", { name: "Time" }).getByRole("button", { name: "Any time" }).click();
      await page.waitForFunction(() => !location.search.includes("from="));
    },
  ],
  [
    "columns of a list can be switched off, and stay off in this browser",
    async ({ context, page: open }) => {
      const page = await open(await context());
      await stage(page);
      await page.goto("/runtime");
      await rows(page).first().waitFor();
      const heads = () => page.getByRole("columnheader").allTextContents();
      const before = await heads();
      await page.getByRole("button", { name: "Columns" }).click();
      await page.getByLabel("Source", { exact: true }).uncheck();
      equal(
        await heads(),
        before.filter((each) => each !== "Source"),
        "columns after switching one off",
      );
      await page.reload();
      await rows(page).first().waitFor();
      equal((await heads()).includes("Source"), false, "the column after a reload");
    },
  ],
  [
    "new rows wait above the list until they are asked for",
    async ({ context, page: open }) => {
      const made = await context();
      const page = await open(made);
      await page.clock.install();
      const { data } = await stage(page);
      await page.goto("/runtime");
      await rows(page).first().waitFor();
      const first = await rows(page).first().textContent();
      data.events.unshift({ ...data.events[0], id: "new:1", title: "Something new" });
      await page.clock.runFor(20_000);
      const pill = page.getByRole("button", { name: "1 new event: show" });
      await pill.waitFor();
      equal(await rows(page).first().textContent(), first, "the first row, before it was asked");
      await pill.click();
      await rows(page).filter({ hasText: "Something new" }).first().waitFor();
      await pill.waitFor({ state: "detached" });
    },
  ],
  [
    "findings that came or went since the rows were read are told, and shown when asked for",
    async ({ context, page: open, axe, api }) => {
      const page = await open(await context());
      await page.clock.install();
      let more = 0;
      const figures = await api(`/findings/facets?${new URLSearchParams(OPEN)}`);
      await page.route(/\/api\/v1\/findings\/facets/, (route) =>
        route.fulfill({ json: { ...figures, matching: figures.matching + more } }),
      );
      if ((await openFindings(page, OPEN)) === 0) throw new Skip("no open finding");
      await page.locator("[data-facet]").first().waitFor();
      more = 3;
      await page.clock.runFor(40_000);
      const pill = page.getByRole("button", { name: "3 more match now: show" });
      await pill.waitFor();
      await axe(page, "findings that came");
      await pill.click();
      await pill.waitFor({ state: "detached" });
      await rows(page).first().waitFor();
      await page.clock.runFor(40_000);
      equal(await pill.count(), 0, "nothing has changed since");
    },
  ],
  [
    "rows stay when the server stops answering, and the page says how old they are",
    async ({ context, page: open, axe, shot }) => {
      const page = await open(await context(), ["503"]);
      let down = false;
      await page.clock.install();
      await page.route(/\/api\/v1\/overview/, (route) =>
        down
          ? route.fulfill({ status: 503, json: { status: 503, code: "busy", title: "The server is busy" } })
          : route.continue(),
      );
      await page.goto("/");
      await page.locator(".tile").first().waitFor();
      down = true;
      // The next look of the overview, and its two retries.
      for (let minute = 0; minute < 4; minute += 1) await page.clock.runFor(60_000);
      const banner = page.getByLabel("Not up to date");
      await banner.getByText("The server is busy").waitFor();
      expect((await page.locator(".tile").count()) > 0, "the figures are still there");
      await axe(page, "stale");
      await shot(page, "stale");
      down = false;
      await banner.getByRole("button", { name: "Try again" }).click();
      await banner.waitFor({ state: "detached" });
    },
  ],
  [
    "filters can be typed, read back as text, and say at which column they are wrong",
    async ({ context, page: open, axe, api }) => {
      const page = await open(await context());
      await openFindings(page, OPEN);
      const field = page.getByRole("searchbox");
      await page.keyboard.press("/");
      await page.keyboard.type("severity:critical,hihg ");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").filter({ hasText: "“hihg” is no value of “severity”" }).waitFor();
      equal(await field.getAttribute("aria-invalid"), "true", "the field is marked");
      await axe(page, "a filter with a mistake");
      await field.fill("severity:critical,high class:vulnerability");
      await field.press("Enter");
      await page.waitForURL(/severity=critical,high/);
      const wanted = await api(
        `/findings/facets?${new URLSearchParams({ ...OPEN, severity: "critical,high", class: "vulnerability" })}`,
      );
      await page.getByRole("listitem").filter({ hasText: "class" }).first().waitFor();
      equal(await shownCount(page), wanted.matching, "findings under the typed filter");
      await page.getByRole("button", { name: "As text" }).click();
      const text = await field.inputValue();
      for (const each of ["state:open", "suppressed:false", "severity:critical,high", "class:vulnerability"])
        expect(text.includes(each), `${each} is not in ${text}`);
      await field.fill(text.replace("class:vulnerability", ""));
      await field.press("Enter");
      await page.waitForFunction(() => !location.search.includes("class="));
      expect(new URL(page.url()).searchParams.get("state") === "open", "the others stay");
    },
  ],
  [
    "with Alt a filter leaves all but one value",
    async ({ context, page: open, api }) => {
      const page = await open(await context());
      await openFindings(page, OPEN);
      const { severity, matching } = await api(`/findings/facets?${new URLSearchParams(OPEN)}`);
      const worst = severity.find((each) => each.count > 0);
      if (!worst || worst.count === matching) throw new Skip("findings of one severity only");
      await page.locator(`[data-facet="severity:${worst.value}"]`).click({ modifiers: ["Alt"] });
      await page.waitForURL(/severity=/);
      await page.waitForFunction(
        (left) =>
          document
            .querySelector('[data-testid="shown"]')
            .textContent.replaceAll(",", "")
            .includes(`${left} finding`),
        matching - worst.count,
      );
      expect(!new URL(page.url()).searchParams.get("severity").split(",").includes(worst.value), "it is out");
    },
  ],
];
