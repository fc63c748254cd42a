// A report of another tool is tried, imported, and closed by the next one of its source; nothing else is touched.
import { equal, expect } from "../harness.mjs";

const REPOSITORY = "github.com/palisade/made-up-by-the-browser-checks";
const OTHER = "<img src=x onerror=alert(1)>";

/** What gitleaks would say of these files. */
const report = (files) =>
  Buffer.from(
    JSON.stringify(
      files.map((file) => ({
        RuleID: "generic-api-key",
        Description: `A key ${OTHER}`,
        File: file,
        StartLine: 3,
        Fingerprint: `${file}:generic-api-key:3`,
        Secret: "AKIA-never-shown",
        Match: "AKIA-never-shown",
      })),
    ),
  );

async function fill(page, buffer) {
  await page.getByLabel("Report", { exact: true }).setInputFiles({
    name: "gitleaks.json",
    mimeType: "application/json",
    buffer,
  });
}

async function over(api, id) {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const found = await api(`/imports/${id}`);
    if (found.state !== "queued" && found.state !== "running") return found;
  }
  throw new Error("the import is not over after 30 seconds");
}

export const checks = [
  [
    "a report is tried, imported, and its findings closed by the next report of its source",
    async ({ context, page: open, api, all, axe, shot }) => {
      const page = await open(await context(), ["422"]);
      await page.goto("/scans");
      await page.getByRole("link", { name: "Imports" }).click();
      const before = (await all("/findings", { found_by: "browser-checks", state: "open" })).length;
      equal(before, 0, "findings of this source before");
      await fill(page, report(["a/key.txt", "b/key.txt"]));
      await page.getByLabel("Source").fill("browser-checks");
      await page.getByRole("button", { name: "Look what would become of it" }).click();
      // Nobody has said what the report is about.
      await page.getByText("say its target by name").waitFor();
      await page.getByLabel("Name of the thing").fill(REPOSITORY);
      await page.getByRole("button", { name: "Look what would become of it" }).click();
      const told = page.getByTestId("tried");
      await told.getByText("2 new").waitFor();
      equal(
        (await all("/findings", { found_by: "browser-checks" })).filter((row) => row.state === "open").length,
        0,
        "kept by trying",
      );
      await axe(page, "a report that is tried");
      await shot(page, "import");
      await page.getByRole("button", { name: "Import it" }).click();
      await page.getByText("The report is kept").waitFor();
      const [{ id }] = await all("/imports", {}, 1);
      const first = await over(api, id);
      equal(
        first.outcome.targets[0].summary.opened + first.outcome.targets[0].summary.reopened,
        2,
        "new findings",
      );
      const row = page.getByTestId("imports").locator("tbody tr").first();
      await row.locator('[data-state="finished"]').waitFor();
      await axe(page, "imports");
      await shot(page, "imports");
      await row.getByRole("link", { name: "browser-checks", exact: true }).click();
      await page.waitForURL(/found_by=browser-checks/);
      const found = await all("/findings", { found_by: "browser-checks", state: "open" });
      equal(found.length, 2, "open findings of the source");
      expect(!JSON.stringify(found).includes("never-shown"), "the secret itself is shown");
      await page.goto(`/findings?finding=${found[0].fingerprint}&found_by=browser-checks`);
      await page.getByRole("dialog").getByRole("link", { name: "browser-checks", exact: true }).waitFor();
      expect(!(await page.content()).includes("<img src=x"), "HTML of a report is HTML of the page");

      await page.goto("/scans/imports");
      await fill(page, report([]));
      await page.getByLabel("Source").fill("browser-checks");
      await page.getByLabel("Kind of thing").selectOption("repository");
      await page.getByLabel("Name of the thing").fill(REPOSITORY);
      await page.getByLabel("Format").selectOption("gitleaks");
      await page.getByRole("button", { name: "Look what would become of it" }).click();
      await told.getByText("2 gone").waitFor();
      await page.getByRole("button", { name: "Import it" }).click();
      await page.getByText("The report is kept").waitFor();
      const [{ id: second }] = await all("/imports", {}, 1);
      equal((await over(api, second)).outcome.targets[0].summary.fixed, 2, "findings that are gone");
      equal(
        (await all("/findings", { found_by: "browser-checks", state: "open" })).length,
        0,
        "open afterwards",
      );
    },
  ],
];
