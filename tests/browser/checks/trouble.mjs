import { equal, expect, openFindings, Skip } from "../harness.mjs";

const HOSTILE = {
  rule: "CVE-0000-<img src=x onerror=window.__pwned=1>",
  title: "<script>window.__pwned=1</script> \u202Egnp.exe\u202C \u0007\u200Bend",
  name: "left\u2066pad\u2069'; rm -rf / #",
};

export const checks = [
  [
    "hostile text is shown as text, its hidden characters made visible",
    async ({ context, page: open, api, shot }) => {
      const { items } = await api("/findings?limit=1");
      if (items.length === 0) throw new Skip("no finding to dress up");
      const detail = await api(`/findings/${items[0].fingerprint}`);
      const dress = (row) => ({
        ...row,
        rule: HOSTILE.rule,
        title: HOSTILE.title,
        description: `${HOSTILE.title}\n`.repeat(4),
        package: {
          type: "deb",
          version: "1.0$(id)",
          purl: "pkg:deb/x@1",
          ...(row.package ?? {}),
          name: HOSTILE.name,
        },
        asset: { ...row.asset, name: HOSTILE.name },
        fix: { state: "fixed", versions: ["2.0`id`"] },
        references: [
          "javascript:window.__pwned=1",
          "data:text/html,x",
          "https://good.example/a",
          "https://good.example@evil.example/",
        ],
      });
      const page = await open(await context());
      await page.route(/\/api\/v1\/findings(\?|\/[0-9a-f]{32})/, async (route) => {
        const url = new URL(route.request().url());
        const body = url.pathname.endsWith("/findings")
          ? { items: [dress(items[0])], next: null }
          : dress(detail);
        await route.fulfill({ json: body });
      });
      await openFindings(page, { finding: items[0].fingerprint });
      const drawer = page.getByRole("dialog", { name: "Finding" });
      await drawer.getByRole("heading", { name: "Next safe action" }).waitFor();
      equal(await page.evaluate(() => window.__pwned ?? null), null, "a script of the data ran");
      equal(await page.locator("main script, main img[src=x]").count(), 0, "elements made from data");
      const text = await page.locator("main").innerText();
      expect(text.includes("<script>window.__pwned=1</script>"), "the markup is not shown as text");
      for (const code of ["U+202E", "U+0007", "U+200B", "U+2066"])
        expect(text.includes(code), `${code} is not shown`);
      expect(
        !["\u202e", "\u202c", "\u2066", "\u2069", "\u200b", "\u0007"].some((hidden) => text.includes(hidden)),
        "a hidden character took effect",
      );
      equal(await drawer.locator(".command").count(), 0, "commands offered for a hostile name");
      equal(
        await drawer.locator("a[target=_blank]").evaluateAll((links) => links.map((link) => link.href)),
        ["https://good.example/a"],
        "links made from data",
      );
      await shot(page, "hostile");
    },
  ],
  [
    "failures, refusals and emptiness each have a screen that says what to do",
    async ({ context, page: open, shot }) => {
      const made = await context();
      const page = await open(made, ["500", "403", "Failed to load resource"]);
      let status = 500;
      await page.route(/\/api\/v1\/findings\?/, (route) =>
        status === 200
          ? route.fulfill({ json: { items: [], next: null } })
          : route.fulfill({
              status,
              json: { title: "Made to fail", status, code: "made-to-fail", hint: "This is a test." },
            }),
      );
      await page.goto("/findings");
      const alert = page.locator(".list [role=alert]");
      await alert.waitFor();
      const text = await alert.innerText();
      for (const part of ["Could not load findings", "Made to fail", "This is a test.", "made-to-fail"])
        expect(text.includes(part), `the failure does not say ${part}`);
      await shot(page, "state-failure");
      status = 200;
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByText("No finding is open").waitFor();
      await shot(page, "state-empty");
      status = 403;
      await page.reload();
      await page.getByText("You may not see findings").waitFor();
      await shot(page, "state-no-permission");
    },
  ],
  [
    "a page that does not exist and things that do not exist say so",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["404", "400"]);
      await page.goto("/no/such/page");
      await page.getByText("There is no such page").waitFor();
      await page.goto("/images/sha256%3A0000");
      await page.getByRole("alert").waitFor();
      await page.goto("/plugins/no.such.plugin");
      await page.getByRole("alert").waitFor();
    },
  ],
];
