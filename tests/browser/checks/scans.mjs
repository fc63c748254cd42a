import { equal, expect, Skip } from "../harness.mjs";

/** A scan of a real image on a slow machine. */
const SCAN_MS = 180_000;

async function wish({ scan, all }) {
  if (scan) {
    const at = scan.indexOf(":");
    return { kind: scan.slice(0, at), reference: scan.slice(at + 1) };
  }
  const done = (await all("/scans", {}, 300)).find(
    (each) => each.state === "finished" && each.kind !== "sbom" && !each.source,
  );
  if (!done) throw new Skip("no finished scan to repeat: give --scan KIND:REFERENCE");
  return { kind: done.kind, reference: done.reference };
}

async function submit(page, { kind, reference }) {
  await page.goto("/scans");
  const form = page.getByRole("form", { name: "Start a scan" });
  const name = `${kind[0].toUpperCase()}${kind.slice(1)}`;
  await form.getByRole("radio", { name, exact: true }).check({ force: true });
  await form.locator('[name="reference"]').fill(reference);
  await form.getByRole("button", { name: "Scan" }).click();
}

export const checks = [
  [
    "a scan is submitted, followed live to its end, and shows what it found",
    async (world) => {
      const { context, page: open, api, shot } = world;
      const wanted = await wish(world);
      const page = await open(await context());
      let streams = 0;
      page.on("request", (request) => {
        if (/\/api\/v1\/scans\/[^/]+\/events$/.test(request.url())) streams += 1;
      });
      await submit(page, wanted);
      await page.waitForURL(/\/scans\/[^/]+$/);
      const id = new URL(page.url()).pathname.split("/").at(-1);
      await page.locator('[data-testid="scan-state"] [data-state="finished"]').waitFor({ timeout: SCAN_MS });
      const scan = await api(`/scans/${id}`);
      equal(scan.state, "finished", "state of the scan at the server");
      equal(scan.reference, wanted.reference, "what was scanned");
      // A scan that ended before the page could follow it needs no stream; the page then had its end from the start.
      expect(
        streams > 0 || Date.parse(scan.finished_at) - Date.parse(scan.submitted_at) < 2_000,
        "the page did not open the event stream",
      );
      await page.getByRole("heading", { name: "What it found" }).waitFor();
      const text = (await page.locator("main").innerText()).replaceAll(",", "");
      expect(text.includes(`${scan.summary.packages} package`), "the page does not tell the packages");
      await shot(page, "scan-finished");
      await page.goto("/scans");
      await page.locator(`.table a[href="/scans/${id}"]`).waitFor();
      await shot(page, "scans");
    },
  ],
  [
    "a scan that cannot work says why",
    async ({ context, page: open, shot }) => {
      const page = await open(await context(), ["400", "403", "404", "422"]);
      await submit(page, { kind: "directory", reference: "/no/such/directory/missing" });
      // Either the request is refused at once, or the scan fails: both must name the reason.
      const refused = page.locator("form [role=alert]");
      const failed = page.getByRole("heading", { name: "What went wrong" });
      await refused.or(failed).first().waitFor({ timeout: SCAN_MS });
      const text =
        (await refused.count()) > 0
          ? await refused.innerText()
          : await page.locator(".card.failure").innerText();
      expect(text.trim().length > 20, `the reason is too short: ${text}`);
      await shot(page, "scan-failed");
    },
  ],
];
