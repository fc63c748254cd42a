// What people say of findings: of one in its drawer, of many as a job, and never over what somebody else has said.
import { equal, expect, openFindings, Skip } from "../harness.mjs";

const OPEN = { state: "open", suppressed: "false" };
const rows = (page) => page.locator('[role="grid"] .grid-body [role="row"]');
const bar = (page) => page.getByRole("region", { name: "Selected rows" });
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** The least of what is open: nobody else's check looks at it. */
async function least(all) {
  const findings = await all("/findings", OPEN);
  if (findings.length < 12) throw new Skip("fewer than twelve findings");
  return findings.slice(-3);
}

async function change(asking, fingerprint, body) {
  const answer = await asking.request.patch(`/api/v1/findings/${fingerprint}`, {
    data: body,
    headers: { "x-palisade-request": "1" },
  });
  expect(answer.ok(), `PATCH answered ${answer.status()}: ${await answer.text()}`);
  return answer.json();
}

export const checks = [
  [
    "a finding is taken up by a click, accepted by two people for a time, and that is taken back",
    async ({ context, page: open, api, all, asking, axe, shot }) => {
      const [{ fingerprint }] = await least(all);
      await change(asking, fingerprint, { status: "open" });
      const page = await open(await context(), ["422"]);
      await page.goto(`/findings?${new URLSearchParams({ ...OPEN, finding: fingerprint })}`);
      await button(page, "Acknowledge").click();
      await button(page, "Undo").waitFor();
      const read = () => api(`/findings/${fingerprint}`);
      equal((await read()).status, "acknowledged", "status after one click");
      await button(page, "Accept the risk …").click();
      await page.getByLabel("Owner of the risk").fill("ann");
      await page.getByLabel("Approved by").fill("Ann");
      await page.getByLabel("Until").fill(new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10));
      await page.getByLabel("Reason").fill("only test data <b>there</b>");
      await page.getByLabel("Tags").fill("team:web, wave 1");
      await axe(page, "accepting a risk");
      await button(page, "Save").click();
      await page.getByText("Somebody else than the owner has to agree").waitFor();
      await page.getByLabel("Approved by").fill("bob");
      await button(page, "Save").click();
      await page.getByText("only test data <b>there</b>").first().waitFor();
      await shot(page, "triage");
      const accepted = await read();
      equal(
        [accepted.status, accepted.tags, accepted.decision.approver],
        ["accepted", ["team:web", "wave 1"], "bob"],
        "said",
      );
      await button(page, "Undo").click();
      await page.getByText("Risk taken by").waitFor({ state: "detached" });
      equal([(await read()).status, (await read()).tags], ["acknowledged", []], "taken back");
      await change(asking, fingerprint, { status: "open" });
    },
  ],
  [
    "what somebody else says of a finding meanwhile stays, and so does what is being typed",
    async ({ context, page: open, api, all, asking }) => {
      const [, { fingerprint }] = await least(all);
      const page = await open(await context(), ["409"]);
      await page.goto(`/findings?${new URLSearchParams({ ...OPEN, finding: fingerprint })}`);
      await button(page, "Assign, tag, comment …").click();
      await page.getByLabel("Comment").fill("mine");
      await change(asking, fingerprint, { assignee: "dana" });
      await button(page, "Save").click();
      await page.getByText("Somebody changed this meanwhile").waitFor();
      equal(await page.getByLabel("Comment").inputValue(), "mine", "what was typed");
      equal(await page.locator("[data-assign]").inputValue(), "dana", "what they saved");
      await button(page, "Save").click();
      await button(page, "Assign, tag, comment …").and(page.locator('[aria-expanded="false"]')).waitFor();
      const { assignee, history } = await api(`/findings/${fingerprint}`);
      equal([assignee, history.at(-1).note], ["dana", "mine"], "both are kept");
      await change(asking, fingerprint, { assignee: null });
    },
  ],
  [
    "many findings are looked at first, changed as a job of the server, and taken back",
    async ({ context, page: open, api, all, axe, shot }) => {
      await least(all);
      const page = await open(await context());
      const total = await openFindings(page, OPEN);
      await page.getByLabel("Select row 1", { exact: true }).click();
      await page.getByLabel("Select row 2", { exact: true }).click();
      await button(page, "Change …").click();
      await page.getByLabel("Status", { exact: true }).selectOption("in-progress");
      await page.getByLabel("Add tags").fill("wave-1");
      await button(page, "Look what would be changed").click();
      await page.getByText("2 findings would be changed.").waitFor();
      await page.getByLabel(/^All .* that match the filter/).check();
      await button(page, "Look what would be changed").click();
      await page.getByText(`${total.toLocaleString("en")} findings would be changed.`).waitFor();
      await axe(page, "changing many findings");
      await shot(page, "bulk-findings");
      await button(page, `Change ${total.toLocaleString("en")} findings`).click();
      await bar(page)
        .getByText(/^Changed: /)
        .waitFor();
      equal((await all("/findings", { tag: "wave-1" })).length, total, "findings with the tag");
      await rows(page).filter({ hasText: "Being mended" }).first().waitFor();
      await bar(page).getByRole("button", { name: "Undo" }).click();
      await bar(page)
        .getByText(/^Taken back: /)
        .waitFor();
      equal((await api("/findings/facets?tag=wave-1")).matching, 0, "findings with the tag afterwards");
    },
  ],
];
