// What an operator does about plugins. The states are made up over a plugin of the server, and no action reaches it: the
// checks look at what the page shows and at what it would send.
import { equal, expect } from "../harness.mjs";

const DIGEST = {
  now: `sha256:${"a".repeat(64)}`,
  new: `sha256:${"b".repeat(64)}`,
  old: `sha256:${"c".repeat(64)}`,
};
const HOSTILE = "\u202Egnp.exe\u202C <img src=x onerror=window.__pwned=1>";

const version = (digest, name, state, more = {}) => ({
  digest,
  version: name,
  state,
  source: `registry.example/plugin:${name}`,
  signers: ["key:release"],
  installed_at: new Date(Date.now() - 3_600_000).toISOString(),
  asked: [],
  added: [],
  removed: [],
  ...more,
});

const ASKED = [
  { capability: "http", why: "Tells the chat that you name.", rights: ["http POST */hooks/**"] },
  { capability: "state", why: "Remembers what it told.", rights: ["state 65536 bytes"] },
];

const dress = (plugin, more) => ({
  ...plugin,
  id: "check.plugin",
  version: "2.0.0",
  digest: DIGEST.now,
  source: "registry.example/plugin:2.0.0",
  state: "ready",
  contract: "0.1.0",
  kinds: ["notifier"],
  asked: ASKED,
  granted: ["http POST chat.example/hooks/**", "state 65536 bytes"],
  limits: { "memory-mib": 64, "cpu-ms": 2000, "wall-ms": 30000 },
  calls: 200,
  faults: [
    { kind: "cpu", count: 5 },
    { kind: "quarantined", count: 41 },
  ],
  last_fault: {
    kind: "cpu",
    message: `ran out ${HOSTILE}`,
    at: new Date(Date.now() - 600_000).toISOString(),
  },
  cost: {
    latency_p50_us: 850,
    latency_p99_us: 1_310_000,
    queued_p50_us: 12,
    queued_p99_us: 66_000,
    cpu_ms: 1_200,
    memory_peak_bytes: 66_060_288,
    host_calls: 612,
    bytes_out: 2_048,
  },
  capability_calls: { http: 200, state: 412 },
  denials: 3,
  logs: [
    { level: "info", message: "told the chat" },
    { level: "error", message: HOSTILE },
  ],
  versions: [version(DIGEST.now, "2.0.0", "ready"), version(DIGEST.old, "1.0.0", "retired")],
  ...more,
});

const WAITING = version(DIGEST.new, "3.0.0", "waiting", {
  asked: [
    { capability: "advisories", why: "Says what mends it.", rights: ["advisories"] },
    {
      capability: "http",
      why: "Tells the chat that you name.",
      rights: ["http GET */users", "http POST */hooks/**"],
    },
    { capability: "state", why: "Remembers what it told.", rights: ["state 1048576 bytes"] },
  ],
  added: ["advisories", "http GET */users", "state 1048576 bytes"],
  removed: [],
});
const CANARY = version(DIGEST.new, "3.0.0-rc.1", "canary", {
  canary: {
    calls: 128,
    same: 121,
    faults: 0,
    added: [`high open-bucket ${HOSTILE}`],
    removed: ["low old-key user://backup"],
  },
});

/** A page about one made-up plugin; what it sends is kept, and answered as `answer` says. */
async function setUp({ context, page: open, api }, more, { answer, allow = [], look = {} } = {}) {
  const [some] = (await api("/plugins")).items;
  let plugin = dress(some, more);
  const sent = [];
  const page = await open(await context(look), allow);
  await page.route(/\/api\/v1\/plugins(\/|$)/, async (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname.slice("/api/v1".length);
    if (request.method() === "GET")
      return route.fulfill({ json: path === "/plugins" ? { items: [plugin] } : plugin });
    sent.push({
      path,
      body: request.postDataJSON(),
      guarded: request.headers()["x-palisade-request"] === "1",
    });
    const refusal = answer?.(sent.length);
    if (refusal) return route.fulfill({ status: refusal.status, json: refusal });
    plugin = { ...plugin, state: "ready", versions: [version(DIGEST.now, "2.0.0", "ready")] };
    return route.fulfill({ json: plugin });
  });
  await page.goto("/plugins/check.plugin");
  await page.getByTestId("health").waitFor();
  return { page, sent };
}

const dialog = (page) => page.locator("dialog[open]");

export const checks = [
  [
    "plugins that need somebody come first, with what is wrong and what waits",
    async (world) => {
      const { page } = await setUp(world, {
        state: "degraded",
        versions: [WAITING, version(DIGEST.now, "2.0.0", "ready")],
      });
      await page.goto("/plugins");
      const row = page.locator("[data-plugin]").first();
      await row.waitFor();
      equal(
        await row
          .locator(".tag")
          .allInnerTexts()
          .then((all) => all.map((each) => each.trim())),
        ["Waits for approval", "Degraded"],
        "tags",
      );
      const text = await row.innerText();
      // Refusals in quarantine are no calls: 5 of 200.
      for (const part of ["check.plugin", "2.0.0", "notifier", "200", "2.5 %", "1.31 s"])
        expect(text.includes(part), `the row does not say ${part}: ${text}`);
      const need = await page.getByTestId("needs").innerText();
      for (const part of ["1 plugin needs you", "3.0.0", "3 more rights"])
        expect(need.includes(part), `what is needed does not say ${part}: ${need}`);
      await page.getByTestId("needs").getByRole("link").first().click();
      await page.locator('[data-banner="waiting"]').waitFor();
    },
  ],
  [
    "approving sends exactly the rights that were ticked, each with its host",
    async (world) => {
      const { page, sent } = await setUp(world, {
        versions: [WAITING, version(DIGEST.now, "2.0.0", "ready")],
      });
      const banner = page.locator('[data-banner="waiting"]');
      equal(
        (await banner.locator("[data-changes] code").allInnerTexts()).sort(),
        [...WAITING.added].sort(),
        "the difference of rights",
      );
      await banner.getByRole("button", { name: /Review and approve/ }).press("Enter");
      await dialog(page).waitFor();
      await world.axe(page, "approving");
      await world.shot(page, "plugin-approve");
      for (const line of WAITING.added)
        expect(!(await dialog(page).getByLabel(line).isChecked()), `${line} is ticked beforehand`);
      expect(
        await dialog(page).getByLabel("http POST chat.example/hooks/**").isChecked(),
        "the right in force is not ticked",
      );
      equal(await dialog(page).getByLabel("state 65536 bytes").count(), 0, "old sizes of state offered");

      await dialog(page).getByLabel("http GET */users").press("Space");
      const host = dialog(page).locator('[data-offer]:has-text("users") input.input');
      const approve = dialog(page).getByRole("button", { name: /^Approve with/ });
      for (const bad of ["", "*", "https://a.example", "A.example", "a.example:0"]) {
        await host.fill(bad);
        await approve.click();
        equal(await host.getAttribute("aria-invalid"), "true", `whether ${JSON.stringify(bad)} is a host`);
        expect(
          await host.evaluate((each) => each === document.activeElement),
          "the focus is not on what is wrong",
        );
      }
      await host.fill("api.example:8443");
      await host.press("Enter");
      equal(sent.length, 0, "requests before the button");
      await approve.click();
      await page.getByRole("status").filter({ hasText: "Approved" }).waitFor();
      equal(
        sent,
        [
          {
            path: "/plugins/check.plugin/approve",
            body: {
              digest: DIGEST.new,
              rights: ["http GET api.example:8443/users", "http POST chat.example/hooks/**"],
            },
            guarded: true,
          },
        ],
        "what was sent",
      );
      equal(await page.locator("[data-banner]").count(), 0, "banners after it");
    },
  ],
  [
    "a refusal of the server is shown in the dialog, and nothing pretends to be done",
    async (world) => {
      const problem = {
        status: 409,
        title: "This cannot be done now",
        code: "plugin-version-state",
        detail: `Somebody else was quicker ${HOSTILE}`,
        hint: "Reload.",
      };
      const { page, sent } = await setUp(
        world,
        { versions: [WAITING, version(DIGEST.now, "2.0.0", "ready")] },
        { answer: (count) => (count === 1 ? problem : null), allow: ["409"] },
      );
      await page.getByRole("button", { name: /Turn it down/ }).click();
      await dialog(page).getByRole("button", { name: "Retire", exact: true }).click();
      const alert = dialog(page).getByRole("alert");
      await alert.waitFor();
      const text = await alert.innerText();
      for (const part of [problem.title, "Somebody else was quicker", problem.hint, problem.code, "U+202E"])
        expect(text.includes(part), `the dialog does not say ${part}: ${text}`);
      equal(await page.getByRole("status").filter({ hasText: "Retired" }).count(), 0, "claims of success");
      await dialog(page).getByRole("button", { name: "Retire", exact: true }).click();
      await page.getByRole("status").filter({ hasText: "Retired" }).waitFor();
      equal(
        sent.map(({ path, body }) => [path, body]),
        Array(2).fill(["/plugins/check.plugin/retire", { digest: DIGEST.new }]),
        "what was sent",
      );
    },
  ],
  [
    "quarantine says why, and is lifted only after a confirmation",
    async (world) => {
      const { page, sent } = await setUp(world, {
        state: "quarantined",
        versions: [version(DIGEST.now, "2.0.0", "quarantined"), version(DIGEST.old, "1.0.0", "retired")],
      });
      const banner = page.locator('[data-banner="quarantine"]');
      const text = await banner.innerText();
      for (const part of ["coverage gap", "41 calls", "cpu", "ran out", "U+202E"])
        expect(text.includes(part), `the banner does not say ${part}: ${text}`);
      const release = banner.getByRole("button", { name: /Release/ });
      await release.press("Enter");
      await dialog(page).waitFor();
      await page.keyboard.press("Escape");
      await dialog(page).waitFor({ state: "hidden" });
      expect(
        await release.evaluate((each) => each === document.activeElement),
        "the focus did not come back",
      );
      equal(sent.length, 0, "requests after Escape");
      await release.press("Enter");
      await dialog(page).getByRole("button", { name: "Release", exact: true }).press("Enter");
      const said = page.getByRole("status").filter({ hasText: "Released" });
      await said.waitFor();
      expect(await said.evaluate((each) => each === document.activeElement), "the focus is lost");
      equal(
        sent.map(({ path, body }) => [path, body]),
        [["/plugins/check.plugin/release", {}]],
        "what was sent",
      );
    },
  ],
  [
    "a version on trial shows how its findings differ before it may take over, and an older one can come back",
    async (world) => {
      const versions = [
        CANARY,
        version(DIGEST.now, "2.0.0", "ready"),
        version(DIGEST.old, "1.0.0", "retired"),
      ];
      const first = await setUp(world, { versions });
      const banner = first.page.locator('[data-banner="canary"]');
      const text = await banner.innerText();
      for (const part of ["7 of 128 calls", "121 calls (95 %)", "open-bucket", "old-key", "U+202E"])
        expect(text.includes(part), `the trial does not say ${part}: ${text}`);
      await banner.getByRole("button", { name: /Promote/ }).click();
      expect(
        (await dialog(first.page).innerText()).includes("7 of 128 calls"),
        "the dialog forgets the difference",
      );
      await dialog(first.page).getByRole("button", { name: "Promote", exact: true }).click();
      await first.page.getByRole("status").filter({ hasText: "Promoted" }).waitFor();
      const second = await setUp(world, { versions });
      await second.page.getByRole("button", { name: "Activate version 1.0.0" }).click();
      await dialog(second.page).getByRole("button", { name: "Activate", exact: true }).click();
      await second.page.getByRole("status").filter({ hasText: "Activated" }).waitFor();
      equal(
        [...first.sent, ...second.sent].map(({ path, body }) => [path.split("/").at(-1), body]),
        [
          ["promote", { digest: DIGEST.new }],
          ["activate", { digest: DIGEST.old }],
        ],
        "what was sent",
      );
    },
  ],
  ...["light", "dark"].flatMap((theme) =>
    [1440, 320].map((width) => [
      `a plugin with everything wrong in the ${theme} theme at ${width} pixels`,
      async (world) => {
        const { page } = await setUp(
          world,
          {
            state: "quarantined",
            versions: [
              { ...WAITING, signers: [] },
              version(`sha256:${"d".repeat(64)}`, "2.9.0", "refused", { note: HOSTILE }),
              { ...CANARY, digest: `sha256:${"e".repeat(64)}` },
              version(DIGEST.now, "2.0.0", "quarantined", { note: "5 faults" }),
              version(DIGEST.old, "1.0.0", "retired"),
            ],
          },
          { look: { theme, width } },
        );
        equal(
          await page.locator("[data-banner]").evaluateAll((all) => all.map((each) => each.dataset.banner)),
          ["quarantine", "waiting", "stuck", "canary"],
          "banners, worst first",
        );
        const text = await page.locator("main").innerText();
        // Units: memory, latency, processor time, bytes, share of faults.
        for (const part of [
          "63 MiB of 64 MiB",
          "850 µs",
          "1.31 s",
          "1.20 s in all",
          "2 KiB in all",
          "2.5 %",
          "near its limit",
          "Nobody",
        ])
          expect(text.includes(part), `the page does not say ${part}`);
        equal(await page.evaluate(() => window.__pwned ?? null), null, "a script of the data ran");
        expect(!/[\u202e\u202c]/.test(text), "a hidden character took effect");
        await world.axe(page, `plugin, ${theme}, ${width}`);
        await world.shot(page, `plugin-trouble-${theme}-${width}`);
        const wide = await page.evaluate(() => {
          const content = document.querySelector(".content");
          return content.scrollWidth - content.clientWidth;
        });
        expect(wide <= 1, `it scrolls sideways by ${wide} pixels at ${width}`);
      },
    ]),
  ),
];
