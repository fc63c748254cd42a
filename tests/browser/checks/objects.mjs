import { equal, expect, number, SEVERITIES, Skip, shownCount } from "../harness.mjs";

const imagePath = (id) => `/images/${encodeURIComponent(id)}`;
const plain = (text) => /^[\x20-\x7e]+$/.test(text ?? "");

export const checks = [
  [
    "the image list shows each image of the server",
    async ({ context, page: open, api, shot }) => {
      const { items, next } = await api("/images?limit=100");
      if (items.length === 0) throw new Skip("no image on the server");
      const page = await open(await context());
      await page.goto("/images");
      const grid = page.getByRole("grid", { name: "Images" });
      await grid.locator(".grid-body [role=row]").first().waitFor();
      if (!next)
        equal(Number(await grid.getAttribute("aria-rowcount")), items.length + 1, "rows of the image list");
      await shot(page, "images");
      await grid.locator(".grid-body [role=row]").first().click();
      await page.getByTestId("coverage").waitFor();
      equal(
        decodeURIComponent(new URL(page.url()).pathname.slice("/images/".length)),
        items[0].id,
        "the image opened",
      );
    },
  ],
  [
    "the image page states coverage with every gap, and its numbers lead to their rows",
    async ({ context, page: open, api, all, shot }) => {
      const { items } = await api("/images?limit=30");
      if (items.length === 0) throw new Skip("no image on the server");
      const details = [];
      for (const item of items) details.push(await api(imagePath(item.id)));
      const image = details.find((each) => (each.coverage?.gaps ?? []).length > 0) ?? details[0];
      const page = await open(await context());
      await page.goto(imagePath(image.id));
      const coverage = page.getByTestId("coverage");
      await coverage.waitFor();
      const gaps = image.coverage.gaps ?? [];
      equal(await coverage.locator("[data-gap]").count(), Math.min(100, gaps.length), "gaps on the page");
      equal(
        (await coverage.getByText("Complete", { exact: true }).count()) > 0,
        image.coverage.complete,
        "whether it says complete",
      );
      const text = await coverage.innerText();
      for (const gap of gaps.slice(0, 100)) {
        expect(text.includes(gap.code), `the gap ${gap.code} is missing`);
        if (plain(gap.reason) && gap.reason.length < 500)
          expect(text.includes(gap.reason), `the reason is missing: ${gap.reason}`);
      }
      for (const each of image.coverage.ecosystems ?? []) {
        expect(text.includes(each.ecosystem), `the ecosystem ${each.ecosystem} is missing`);
        if (each.records === 0)
          expect(text.includes("no data"), "an ecosystem without records is not marked");
      }
      await shot(page, "image");
      for (const severity of SEVERITIES) {
        const count = image.findings[severity] ?? 0;
        if (count === 0) continue;
        const tile = page.locator(`[data-count="image:${severity}"]`);
        equal(
          number(await tile.locator(".tile-value").textContent()),
          count,
          `${severity} on the image page`,
        );
        await tile.click();
        equal(await shownCount(page), count, `rows behind ${severity}`);
        equal(
          (await all("/findings", { asset: image.id, severity, state: "open", suppressed: "false" })).length,
          count,
          `rows of the API for ${severity}`,
        );
        await page.goBack();
        await coverage.waitFor();
      }
    },
  ],
  [
    "packages of an image are listed, searched, and lead to their findings; layers and scans have their tabs",
    async ({ context, page: open, api, all }) => {
      const { items } = await api("/images?limit=30");
      const image = items.find((each) => each.packages > 0);
      if (!image) throw new Skip("no image with packages");
      const page = await open(await context());
      await page.goto(imagePath(image.id));
      const grid = page.getByRole("grid", { name: "Packages" });
      await grid.locator(".grid-body [role=row]").first().waitFor();
      equal(Number(await grid.getAttribute("aria-rowcount")), image.packages + 1, "packages of the image");
      const [first] = (await api(`${imagePath(image.id)}/packages?limit=5`)).items;
      await page.getByLabel("Search packages").fill(first.name);
      const found = (await all(`${imagePath(image.id)}/packages`, { q: first.name })).length;
      await page.waitForFunction(
        (count) =>
          Number(
            document.querySelector('[role="grid"][aria-label="Packages"]')?.getAttribute("aria-rowcount"),
          ) ===
          count + 1,
        found,
      );
      const detail = await api(imagePath(image.id));
      await page
        .getByRole("navigation", { name: "Image" })
        .getByRole("link", { name: /Layers/ })
        .click();
      await page.getByRole("region", { name: "Layers" }).waitFor();
      equal(await page.locator(".layers li").count(), detail.layers?.length ?? 0, "layers");
      await page.getByRole("navigation", { name: "Image" }).getByRole("link", { name: /Scans/ }).click();
      await page.getByRole("table", { name: "Scans of this image" }).waitFor();
      equal(await page.locator(".table tbody tr").count(), detail.scans.length, "scans of the image");
    },
  ],
  [
    "a plugin page tells what it asked, why, what it got, its limits and its digest",
    async ({ context, page: open, api, shot }) => {
      const { items } = await api("/plugins");
      expect(items.length > 0, "the server has no plugin");
      const page = await open(await context());
      await page.goto("/plugins");
      await page.getByRole("heading", { name: "Plugins", level: 1 }).waitFor();
      await page.locator("[data-plugin]").first().waitFor();
      equal(await page.locator("[data-plugin]").count(), items.length, "plugins listed");
      for (const plugin of items) {
        await page.goto(`/plugins/${encodeURIComponent(plugin.id)}`);
        const rights = page.getByTestId("rights");
        await rights.waitFor();
        equal(
          await page.locator("[data-plugin-state]").first().getAttribute("data-plugin-state"),
          plugin.state,
          `state of ${plugin.id}`,
        );
        equal(await rights.locator(".rights > li").count(), plugin.asked.length, `requests of ${plugin.id}`);
        const text = await page.locator("main").innerText();
        for (const ask of plugin.asked)
          if (plain(ask.why)) expect(text.includes(ask.why), `the reason is missing: ${ask.why}`);
        const lines = plugin.asked.flatMap((ask) => ask.rights);
        equal(await rights.locator("[data-right]").count(), lines.length, `lines of rights of ${plugin.id}`);
        for (const line of plugin.granted)
          if (plain(line)) expect(text.includes(line), `the right in force is missing: ${line}`);
        expect(
          (await rights.locator('[data-right="granted"]').count()) >=
            lines.filter((line) => plugin.granted.includes(line)).length,
          `a granted right of ${plugin.id} is shown as not granted`,
        );
        expect((await page.locator("main").innerHTML()).includes(plugin.digest), "the digest is missing");
        for (const interest of plugin.interests)
          expect(text.includes(interest.name), `the interest ${interest.name} is missing`);
        for (const value of Object.values(plugin.limits))
          expect(text.replaceAll(",", "").includes(String(value)), `a limit is missing: ${value}`);
        await shot(page, `plugin-${plugin.id.replaceAll(/\W+/g, "-")}`);
      }
    },
  ],
  [
    "the advisory page names source, age and every ecosystem",
    async ({ context, page: open, asking, shot }) => {
      const answer = await asking.request.get("/api/v1/advisories");
      const status = answer.ok() ? await answer.json() : { loaded: false };
      const page = await open(await context(), ["404"]);
      await page.goto("/advisories");
      if (status.loaded === false) {
        await page.getByText("No advisory data is loaded", { exact: true }).waitFor();
        return;
      }
      await page.getByRole("heading", { name: "By ecosystem" }).waitFor();
      const text = await page.locator("main").innerText();
      for (const part of [status.source, ...status.ecosystems.map((each) => each.ecosystem)]) {
        if (plain(part)) expect(text.includes(part), `the page does not say ${part}`);
      }
      await shot(page, "advisories");
    },
  ],
];
