// Compliance: a score never without its coverage, each control with its proof, exceptions and evidence.
import { equal, expect, number, Skip, shownCount } from "../harness.mjs";

const STATUSES = ["not-met", "partly", "met", "not-assessed", "manual"];
const told = ({ met, partly, not_met }) => met + partly + not_met;
const addressOf = (row) => `/compliance/${row.framework}/${encodeURIComponent(row.scope)}`;

async function assessed(api) {
  const { items } = await api("/compliance");
  if (items.length === 0) throw new Skip("nothing on the server has been assessed");
  return items;
}

async function detailed(api) {
  const row = (await assessed(api)).find((each) => told(each.summary) > 0);
  if (!row) throw new Skip("nothing could be told of any framework");
  return { row, detail: await api(addressOf(row)) };
}

/** The answer of an operation that older servers do not have. */
async function optional({ asking }, path) {
  const answer = await asking.request.get(`/api/v1${path}`);
  if (answer.status() === 404) throw new Skip(`this server has no ${path}`);
  expect(answer.ok(), `GET ${path} answered ${answer.status()}`);
  return answer.json();
}

export const checks = [
  [
    "every framework has its score with the coverage beside it; those of which nothing was told are folded",
    async ({ context, page: open, api, axe, shot }) => {
      const items = await assessed(api);
      const page = await open(await context());
      await page.goto("/compliance");
      await page.getByTestId("shown").waitFor();
      const judged = items.filter((row) => told(row.summary) > 0);
      const main = page.getByRole("region", { name: "Assessments", exact: true });
      if (judged.length > 0) {
        equal(await main.locator("tbody tr").count(), judged.length, "rows");
        const scores = await main.locator(".score").allInnerTexts();
        for (const [index, text] of scores.entries())
          expect(/covers [\d,]+ of [\d,]+ controls?/.test(text), `score ${index} stands alone: ${text}`);
      }
      const folded = page.locator("details.folded");
      equal(await folded.count(), judged.length < items.length ? 1 : 0, "folded frameworks");
      if ((await folded.count()) > 0) expect(!(await folded.evaluate((each) => each.open)), "it stands open");
      await shot(page, "compliance");
      await axe(page, "compliance");
    },
  ],
  [
    "each status of a framework leads to exactly that many controls, which are grouped and say why",
    async ({ context, page: open, api, axe, shot }) => {
      const { row, detail } = await detailed(api);
      const page = await open(await context());
      await page.goto(addressOf(row));
      await page.locator("[data-control]").first().waitFor({ state: "attached" });
      equal(await page.locator("[data-control]").count(), detail.controls.length, "controls");
      await shot(page, "framework");
      await axe(page, "a framework");
      for (const status of STATUSES) {
        const wanted = detail.controls.filter((each) => each.status === status);
        await page.goto(addressOf(row));
        const link = page.locator(`[data-count="${status}"]`);
        await link.waitFor();
        equal(number(await link.textContent()), wanted.length, `${status} on the page`);
        equal(row.summary[status.replace("-", "_")], wanted.length, `${status} in the list`);
        await link.click();
        await page.waitForFunction(
          (word) => new URL(location.href).searchParams.get("status") === word,
          status,
        );
        equal(await page.locator("[data-control]").count(), wanted.length, `controls behind ${status}`);
        for (const control of wanted.slice(0, 3)) {
          const text = await page.locator(`[data-control="${control.control}"]`).innerText();
          expect(text.includes(control.rationale.slice(0, 200)), `${control.control} does not say why`);
        }
      }
    },
  ],
  [
    "what fails a control leads to the findings of that rule on that cluster",
    async ({ context, page: open, api, all }) => {
      const { row, detail } = await detailed(api);
      const proof = detail.controls.flatMap((each) => each.proof).find((each) => each.failed > 0);
      if (!proof) throw new Skip("no rule fails");
      const page = await open(await context());
      await page.goto(`${addressOf(row)}?status=not-met,partly`);
      const link = page.locator(`[data-rule="${proof.rule}"]`).first();
      await link.waitFor({ state: "attached" });
      await link.evaluate((each) => {
        each.closest("details").open = true;
      });
      await link.click();
      const filter = { asset: row.scope, rule: proof.rule, state: "open", suppressed: "false" };
      const rows = await all("/findings", filter);
      equal(await shownCount(page), rows.length, `findings of ${proof.rule}`);
      expect(rows.length > 0, `${proof.rule} fails, but no finding says so`);
    },
  ],
  [
    "the trend is told by its table as by its drawing",
    async ({ context, page: open, api }) => {
      const { row, detail } = await detailed(api);
      const page = await open(await context());
      await page.goto(`${addressOf(row)}?as=table`);
      if (detail.trend.length < 2) {
        await page.getByText("Assessed once so far").waitFor();
        return;
      }
      await page.getByTestId("trend-table").waitFor();
      equal(
        await page.locator('[data-testid="trend-table"] tbody tr').count(),
        detail.trend.length,
        "points of the trend",
      );
      await page.locator('[data-twin="drawing"]').check();
      await page.locator(".chart svg[role=img]").waitFor();
    },
  ],
  [
    "a risk is accepted with an owner, an approver and an end, refused without another approver, and revoked",
    async (world) => {
      const before = (await optional(world, "/exceptions")).items.length;
      const { row } = await detailed(world.api);
      const page = await world.page(await world.context(), ["422"]);
      const control = "browser-check";
      await page.goto(
        `/compliance/exceptions?ask=new&framework=${row.framework}&control=${control}&asset=${encodeURIComponent(row.scope)}`,
      );
      const form = page.getByRole("form", { name: "Accept a risk" });
      await form
        .getByLabel("Framework")
        .locator(`option[value="${row.framework}"]`)
        .waitFor({ state: "attached" });
      await form.getByLabel("Framework").selectOption(row.framework);
      await form.getByLabel("Cluster or account", { exact: true }).selectOption(row.scope);
      await form.getByLabel("Owner of the risk").fill("Ann");
      await form.getByLabel("Approved by somebody else").fill("Ann");
      const end = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
      await form.getByLabel("Ends after the day (UTC)").fill(end);
      await form.getByLabel("Reason").fill("Made by the browser checks; nobody needs it.");
      await form.getByRole("button", { name: "Accept the risk" }).click();
      await form.getByText("exception-refused").waitFor();
      await form.getByLabel("Approved by somebody else").fill("Bob");
      await form.getByRole("button", { name: "Accept the risk" }).click();
      await form.waitFor({ state: "detached" });
      const items = (await world.api("/exceptions")).items;
      equal(items.length, before + 1, "exceptions of the server");
      const made = items.find((each) => each.control === control && each.standing === "active");
      expect(made, "the server does not have the exception that was made");
      equal(made.expires_at.slice(0, 10), end, "its end");
      const line = page.locator(`[data-exception="${made.id}"]`);
      await world.axe(page, "exceptions");
      await line.getByRole("button", { name: /Revoke/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).click();
      await line.getByText("Revoked", { exact: true }).waitFor();
      const after = (await world.api("/exceptions")).items.find((each) => each.id === made.id);
      equal(after.standing, "revoked", "standing of the exception");
    },
  ],
  [
    "the evidence shows its chain, record by record, and gives a pack",
    async (world) => {
      const { items } = await optional(world, "/evidence?limit=100");
      const chain = await world.api("/evidence/verify");
      const page = await world.page(await world.context());
      await page.goto("/compliance/evidence");
      const words = await page.getByTestId("chain").innerText();
      expect(words.startsWith(chain.sound ? "Sound" : "Broken"), `the page says: ${words}`);
      if (chain.sound) equal(number(words), chain.records, "records of the chain");
      if (items.length === 0) throw new Skip("no record of evidence on the server");
      await page.getByTestId("evidence").waitFor();
      equal(await page.locator('[data-testid="evidence"] tbody tr').count(), items.length, "records");
      await world.axe(page, "evidence");
      await world.shot(page, "evidence");
      const href = await page.getByTestId("pack").getAttribute("href");
      const pack = await world.asking.request.get(href);
      expect(pack.ok(), `the pack answered ${pack.status()}`);
      equal(pack.headers()["content-type"], "application/x-tar", "what the pack is");
    },
  ],
];
