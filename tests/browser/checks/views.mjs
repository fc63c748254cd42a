// What holds for any view: the palette, saving, copying, downloading, printing, keys of one's own, looks.
import { readFileSync } from "node:fs";
import { equal, expect, number, openFindings, Skip } from "../harness.mjs";

const OPEN = { state: "open", suppressed: "false" };
const rows = (page) => page.locator('[role="grid"] .grid-body [role="row"]');
const dialog = (page) => page.getByRole("dialog").filter({ visible: true });

export const checks = [
  [
    "the palette leads to pages, and searches for what is typed, by keyboard alone",
    async ({ context, page: open, axe }) => {
      const page = await open(await context());
      await page.goto("/");
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.keyboard.press("Control+k");
      const field = page.getByRole("combobox", { name: /Page, view/ });
      await field.waitFor();
      expect(await field.evaluate((each) => each === document.activeElement), "the field has the focus");
      await axe(page, "palette");
      await page.keyboard.type("attack pa");
      await page.getByRole("option", { name: /Attack paths/, selected: true }).waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/graph/);
      await page.keyboard.press("Control+k");
      await page.keyboard.type("zzz-nothing");
      await page.getByRole("option", { name: /Search findings/, selected: true }).waitFor();
      await page.keyboard.press("ArrowDown");
      await page.getByRole("option", { name: /Search the inventory/, selected: true }).waitFor();
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/findings\?.*q=zzz-nothing/);
      await page.getByText("No finding matches these filters").waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.press("Escape");
      await field.waitFor({ state: "detached" });
    },
  ],
  [
    "a view that is saved stands in the menu, leads to the same rows after a reload, and goes when it is removed",
    async ({ context, page: open, axe }) => {
      const page = await open(await context());
      const before = await openFindings(page, { ...OPEN, class: "vulnerability" });
      await page.keyboard.press("v");
      const name = page.getByLabel("Name of the view");
      await name.fill("Weak <b>packages</b>");
      await axe(page, "this view");
      await page.getByRole("button", { name: "Save the view" }).click();
      await page.keyboard.press("Escape");
      await page.goto("/");
      const link = page.getByRole("navigation", { name: "Saved views" }).getByRole("link");
      await link.waitFor();
      equal(await link.allTextContents(), ["Weak <b>packages</b>"], "saved views");
      await link.click();
      await page.waitForURL(/class=vulnerability/);
      await page
        .getByTestId("shown")
        .filter({ hasText: /finding/ })
        .waitFor();
      equal(number(await page.getByTestId("shown").textContent()) > 0, before > 0, "rows of the view");
      await page.keyboard.press("v");
      await page.getByRole("button", { name: "Remove the view Weak <b>packages</b>" }).click();
      await page.keyboard.press("Escape");
      await link.waitFor({ state: "detached" });
    },
  ],
  [
    "the command that is copied asks the API for the rows on the screen",
    async ({ context, page: open, asking }) => {
      const page = await open(await context());
      const shown = await openFindings(page, { ...OPEN, sort: "package", hide: "kev" });
      await page.keyboard.press("v");
      const text = await page.getByRole("region", { name: "As curl" }).textContent();
      const address = new URL(/'(https?:[^']+)'/.exec(text)[1]);
      equal(address.searchParams.has("hide"), false, "hide is the page's own");
      const answer = await asking.request.get(address.pathname + address.search);
      expect(answer.ok(), `the copied request answered ${answer.status()}`);
      const { items } = await answer.json();
      equal(items.length, Math.min(shown, 500), "rows of the copied request");
    },
  ],
  [
    "a download has every row of the view, as CSV and as NDJSON",
    async ({ context, page: open, all }) => {
      const page = await open(await context());
      await openFindings(page, OPEN);
      const wanted = (await all("/findings", { ...OPEN, sort: "severity" })).map((row) => row.fingerprint);
      if (wanted.length === 0) throw new Skip("no open finding");
      await page.keyboard.press("v");
      const file = async (name) => {
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name }).click(),
        ]);
        await page.getByText(`All ${wanted.length.toLocaleString("en")} findings are in the file.`).waitFor();
        return [download.suggestedFilename(), readFileSync(await download.path(), "utf8")];
      };
      const [name, lines] = await file("Download NDJSON");
      expect(/^findings-\d{4}-\d\d-\d\dT\d{6}Z\.ndjson$/.test(name), `the file is called ${name}`);
      const got = lines.trimEnd().split("\n");
      equal(
        got.map((line) => JSON.parse(line).fingerprint),
        wanted,
        "fingerprints of the file",
      );
      const [, table] = await file("Download CSV");
      expect(table.startsWith("fingerprint,"), `the header is ${table.slice(0, 80)}`);
      for (const fingerprint of wanted)
        expect(table.includes(`\n${fingerprint},`), `${fingerprint} is not in the CSV file`);
      const [vex] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "OpenVEX, all rows" }).click(),
      ]);
      equal(vex.suggestedFilename(), "findings.openvex.json", "the file that the server names");
      const { statements } = JSON.parse(readFileSync(await vex.path(), "utf8"));
      const packages = (await all("/findings", OPEN)).filter(
        (row) => row.package && row.class === "vulnerability",
      );
      equal(statements.length, packages.length, "statements of the file");
    },
  ],
  [
    "on paper there is every loaded row, and no menu",
    async ({ context, page: open, shot }) => {
      const page = await open(await context({ theme: "dark" }));
      const shown = await openFindings(page, OPEN);
      if (shown < 30) throw new Skip("too few findings to go beyond the screen");
      const drawn = await rows(page).count();
      await page.emulateMedia({ media: "print" });
      const wanted = Math.min(shown, 100);
      await page.waitForFunction(
        (least) => document.querySelectorAll('.grid-body [role="row"]').length >= least,
        wanted,
      );
      expect(drawn < wanted, "the screen drew fewer rows than the paper");
      expect(!(await page.getByRole("navigation", { name: "Main" }).isVisible()), "the menu is on the paper");
      const head = await page.locator(".print-only").textContent();
      const printed = Date.parse(/printed (.+?) UTC/.exec(head)[1].replace(" ", "T").concat("Z"));
      expect(Math.abs(Date.now() - printed) < 30_000, `the paper says ${head}`);
      expect(head.includes("state=open"), "the paper names its address");
      const ground = await page.evaluate(() =>
        getComputedStyle(document.documentElement).getPropertyValue("--surface").trim(),
      );
      equal(ground, "#fff", "paper is white in the dark theme too");
      const last = rows(page).last();
      const [box, before] = [await last.boundingBox(), await rows(page).nth(0).boundingBox()];
      expect(box.y > before.y + 1_000, "the rows stand below each other");
      await shot(page, "print");
      // A real print: what the browser says before it has to bring the rows in time.
      await page.emulateMedia({ media: null });
      await page.waitForFunction(
        (most) => document.querySelectorAll('.grid-body [role="row"]').length < most,
        wanted,
      );
      const pages = (await page.pdf({ format: "A4" })).toString("latin1").match(/\/Type\s*\/Page\b/g).length;
      expect(pages > wanted / 60, `${wanted} rows on ${pages} pages`);
    },
  ],
  [
    "keys can be moved, a moved key works and the shipped one does not, and none hides another",
    async ({ context, page: open, axe }) => {
      const page = await open(await context());
      await page.goto("/");
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.keyboard.press("?");
      await page.getByRole("button", { name: "Change keys" }).click();
      await axe(page, "changing keys");
      const field = page.getByLabel("Keys for: Findings");
      await field.fill("g o");
      await page.getByRole("alert").filter({ hasText: "Taken by “g o”" }).waitFor();
      await field.fill("w f");
      await field.press("Enter");
      await dialog(page).getByRole("button", { name: "Close" }).click();
      await page.reload();
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.keyboard.press("g");
      await page.keyboard.press("f");
      equal(new URL(page.url()).pathname, "/", "the shipped keys lead nowhere");
      await page.keyboard.press("w");
      await page.keyboard.press("f");
      await page.waitForURL(/\/findings/);
    },
  ],
  [
    "compact rows are lower, and times in UTC are whole",
    async ({ context, page: open, axe }) => {
      const page = await open(await context());
      if ((await openFindings(page, OPEN)) === 0) throw new Skip("no open finding");
      const before = (await rows(page).first().boundingBox()).height;
      await page.keyboard.press("v");
      await page.getByLabel("Compact rows").check();
      await page.getByLabel(/Times in UTC/).check();
      await page.keyboard.press("Escape");
      const after = (await rows(page).first().boundingBox()).height;
      expect(after < before * 0.7, `rows of ${after} pixels instead of ${before}`);
      await page.goto("/scans");
      await page.locator("time").first().waitFor();
      const text = await page.locator("time").first().textContent();
      expect(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/.test(text), `a time is shown as ${text}`);
      await axe(page, "compact and UTC");
    },
  ],
  [
    "the high-contrast theme keeps 7:1 for text on every main page",
    async ({ context, page: open, axe, shot }) => {
      const page = await open(await context());
      await page.goto("/");
      await page.getByRole("button", { name: "High-contrast theme" }).click();
      for (const path of ["/", "/findings?state=open", "/inventory", "/compliance", "/scans"]) {
        await page.goto(path);
        await page.getByRole("heading", { level: 1 }).first().waitFor({ state: "attached" });
        await page.waitForFunction(() => !document.querySelector(".loading"));
        equal(await page.evaluate(() => document.documentElement.dataset.theme), "contrast", "the theme");
        await axe(page, `${path}, high contrast`);
        const poor = await page.evaluate(async () => {
          const result = await window.axe.run(document, { runOnly: ["color-contrast-enhanced"] });
          return result.violations.flatMap((each) => each.nodes.slice(0, 3).map((node) => node.html));
        });
        equal(poor, [], `text below 7:1 on ${path}`);
        await shot(page, `contrast-${path.replaceAll(/\W+/g, "-")}`);
      }
    },
  ],
];
