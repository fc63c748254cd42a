// Run time: incidents, events, sources, responses, rules and the ATT&CK map. The states are made up, the browser answers for the
// server, and no action reaches it: the checks look at what the page shows and at what it would send. One check sends the
// server an attack through doors of its own, and looks at what becomes of it.
import { answerRuntime, makeRuntime } from "../../../ui/dev/mock-runtime.mjs";
import { attack, CLUSTER } from "../attack.mjs";
import { equal, expect, Skip } from "../harness.mjs";

const API = /\/api\/v1\/(runtime|incidents|responses|playbooks|kill-switch|attack-map|backtests)([/?]|$)/;
const HOSTILE = "\u202Egnp.exe\u202C <img src=x onerror=window.__pwned=1>";

/** Answers for the server out of the made-up data, and remembers what the page sent. */
export async function stage(page, change = () => undefined) {
  const data = makeRuntime(Date.now());
  change(data);
  const sent = [];
  await page.route(API, async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const method = request.method();
    const body = request.postData() ? request.postDataJSON() : {};
    const path = url.pathname.replace("/api/v1", "");
    if (method !== "GET") sent.push({ method, path, body });
    const told = answerRuntime(data, {
      method,
      path,
      query: url.searchParams,
      body,
      page: (items) => ({ items, next: null }),
    });
    if (told?.refusal) {
      const [status, code, title, detail, hint] = told.refusal;
      await route.fulfill({ status, json: { status, code, title, detail, hint } });
    } else if (told?.body === undefined) await route.fulfill({ status: told?.status ?? 404 });
    else await route.fulfill({ status: told.status, json: told.body });
  });
  return { data, sent };
}

/** All lists empty, as after an installation. */
const empty = (data) => {
  for (const list of Object.values(data)) if (Array.isArray(list)) list.length = 0;
};

const PLACES = [
  ["incidents", "/incidents"],
  ["incident", "/incidents/inc-1"],
  ["incident-table", "/incidents/inc-1?as=table"],
  ["events", "/runtime"],
  ["event", "/runtime?event=falco:b3:02"],
  ["detection", "/runtime/detections?detection=d-shell"],
  ["processes", "/runtime/processes/falco%3Ab3%3A01"],
  ["sources", "/sources"],
  ["source-new", "/sources?ask=new"],
  ["source-setup", "/sources?setup=nodes"],
  ["responses", "/responses"],
  ["response", "/responses/run-1"],
  ["playbooks", "/responses/playbooks"],
  ["ledger", "/responses/ledger"],
  ["attack-map", "/attack-map"],
  ["attack-table", "/attack-map?as=table"],
  ["technique", "/attack-map?technique=T1525"],
  ["rules", "/rules"],
  ["suppressions", "/rules/suppressions?ask=new&rule=*"],
  ["backtests", "/rules/backtests?ask=new"],
  ["backtest", "/rules/backtests/b-1"],
];

async function settle(page, path) {
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).first().waitFor({ state: "attached" });
  await page.waitForFunction(() => !document.querySelector(".loading"));
}

const look = (theme, width, height) => [
  `every page about run time in the ${theme} theme at ${width} pixels`,
  async ({ context, page: open, axe, shot }) => {
    const page = await open(await context({ theme, width, height }), ["404"]);
    await stage(page);
    for (const [name, path] of PLACES) {
      await settle(page, path);
      await shot(page, `runtime-${name}-${theme}-${width}`);
      await axe(page, `${name}, ${theme}, ${width}`);
      const [wide, sideways] = await page.evaluate(() => {
        const content = document.querySelector(".content");
        return [document.documentElement.scrollWidth, content.scrollWidth - content.clientWidth];
      });
      expect(wide <= width, `${name} is ${wide} pixels wide on a screen of ${width}`);
      expect(sideways <= 1, `${name} scrolls sideways by ${sideways} pixels at ${width}`);
    }
  },
];

/** Waits until the server has judged an attack: the incident with its pod, and the timeline of it. */
async function judged(api, { pod }) {
  // What joins the parts settles at the end of its half minute, once a silent source keeps nobody waiting any more: 70 seconds at most.
  const deadline = Date.now() + 120_000;
  for (;;) {
    const { items } = await api("/incidents?limit=100");
    for (const { id } of items.filter(({ assets }) => assets.some((each) => each.endsWith(`/${pod}`)))) {
      const [detail, timeline] = [await api(`/incidents/${id}`), await api(`/incidents/${id}/timeline`)];
      const titles = timeline.items.flatMap(({ detections }) => detections.map(({ title }) => title));
      if (
        ["Drop and execute new binary in container", "Crypto miner started", "Command run in a pod"].every(
          (each) => titles.includes(each),
        )
      )
        return { detail, timeline };
    }
    expect(Date.now() < deadline, `no incident about ${pod} in two minutes`);
  }
}

/** What a rule matched is under its entry, and leads to the detection with the event. */
async function evidence(page, shown) {
  const miner = shown.filter({ hasText: "Drop and execute new binary" }).first();
  await miner.locator("summary").click();
  await miner.locator("pre").first().waitFor();
  await miner.locator("details a").first().click();
  await page.getByRole("heading", { name: /Evidence: its events \([1-9]/ }).waitFor();
}

/** The command that ran is in the tree of its container, under the shell that started it. */
async function processes(page, api, { pod, mark }) {
  const { items } = await api(`/runtime/events?source=tetragon-${mark}&limit=100`);
  const miner = items.find(({ kind, title }) => kind === "process.exec" && title.includes("kworker"));
  expect(miner, `no event of the miner in ${pod}`);
  await settle(page, `/runtime/processes/${encodeURIComponent(miner.id)}`);
  const line = page.getByRole("treeitem", { name: /kworker/ }).last();
  expect(Number(await line.getAttribute("aria-level")) >= 2, "the miner is under nobody");
  equal(await page.getByRole("treeitem", { name: /kworker/ }).count(), 1, "miners, that two sensors saw");
  await settle(page, `/runtime?event=${encodeURIComponent(miner.id)}`);
  await page
    .locator(".drawer")
    .getByRole("link", { name: /Crypto miner started/ })
    .first()
    .waitFor();
}

export const checks = [
  look("light", 1440, 900),
  look("dark", 1440, 900),
  look("light", 320, 720),
  look("dark", 320, 720),
  [
    "the server's own run time shows, or says the next step",
    async ({ context, page: open, asking, api }) => {
      const known = await asking.request.get("/api/v1/runtime/sources");
      if (known.status() === 404) throw new Skip("this server has no API about run time");
      const page = await open(await context());
      for (const [path, list, next] of [
        ["/incidents", "/incidents", "Add a source of events"],
        ["/runtime", "/runtime/events", "Add a source of events"],
        ["/sources", "/runtime/sources", "Add a source"],
        ["/responses", "/responses", "Look at the playbooks"],
      ]) {
        const { items } = await api(list);
        await settle(page, path);
        equal(await page.locator(".state.failure").count(), 0, `failures on ${path}`);
        const way = page.locator(".state").getByRole("link", { name: next });
        equal(
          await way.count(),
          items.length === 0 ? 1 : 0,
          `${path}: the next step with ${items.length} rows`,
        );
      }
    },
  ],
  [
    "an attack that sensors tell the server of is told by the page: what, where, who, why it matters and what proves it",
    async (world) => {
      const { context, page: open, asking, api, axe, shot } = world;
      const known = await asking.request.get("/api/v1/runtime/sources");
      if (known.status() === 404) throw new Skip("this server has no API about run time");
      const { items: clusters } = await api("/clusters");
      if (!clusters.some(({ id }) => id === `k8s:${CLUSTER}`))
        throw new Skip(
          "the cluster of the fixtures was not scanned, and no other is to be told of an attack",
        );
      const made = await attack(world);
      const { detail, timeline } = await judged(api, made);
      const page = await open(await context(), ["404"]);
      await settle(page, "/incidents");
      await page.locator(`a[href="/incidents/${detail.incident.id}"]`).first().waitFor();
      await settle(page, `/incidents/${detail.incident.id}`);
      const shown = page.locator(".incident-timeline .timeline-step");
      await shown.first().waitFor();
      const told = (await shown.allTextContents()).filter(
        (each) => each.includes(made.pod) || each.includes("checkout"),
      );
      for (const wanted of [
        "Terminal shell in container",
        "Drop and execute new binary",
        "Crypto miner started",
      ])
        expect(
          told.some((each) => each.includes(wanted)),
          `the timeline does not say ${wanted}`,
        );
      const titles = new Set(
        timeline.items.flatMap(({ detections }) =>
          detections.flatMap((each) => (each.subject ? each.title : [])),
        ),
      );
      const text = await page.locator("main").innerText();
      for (const title of titles)
        expect(
          text.includes(title) || [...titles].some((each) => title.startsWith(`${each} on a `)),
          `nothing of ${title} on the page`,
        );
      const who = page.locator("section", { has: page.getByRole("heading", { name: "Who and what" }) });
      for (const wanted of [
        "mallory@example.org",
        "203.0.113.7",
        "198.51.100.9:3333",
        "kworker",
        "Deployment store/checkout",
      ])
        expect((await who.innerText()).includes(wanted), `who took part does not name ${wanted}`);
      expect(!text.includes("This page could not be drawn"), "the page broke");
      for (const section of [
        "What is wrong",
        "Next safe action",
        "Why it matters here",
        "Timeline",
        "History",
      ])
        await page.getByRole("heading", { name: section, exact: true }).waitFor();
      await shot(page, "incident-of-sensors");
      await axe(page, "an incident of sensors");
      await evidence(page, shown);
      await processes(page, api, made);
      await settle(page, "/sources");
      for (const name of made.sources) await page.locator(`[data-source="${name}"]`).waitFor();
      equal(await page.locator("main", { hasText: CLUSTER }).count(), 0, "clusters named by their uid");
    },
  ],
  [
    "without any run time each page says the next step",
    async ({ context, page: open, axe }) => {
      const page = await open(await context());
      await stage(page, empty);
      for (const [path, way] of [
        ["/incidents", "Add a source of events"],
        ["/runtime", "Add a source of events"],
        ["/runtime/detections", "cover"],
        ["/sources", "Add a source"],
        ["/responses", "Look at the playbooks"],
        ["/rules", "events come"],
        ["/rules/suppressions", "a noisy rule"],
        ["/rules/backtests", "Try rules of your own"],
      ]) {
        await settle(page, path);
        await page.locator(".state").getByRole("link", { name: way }).waitFor();
        await axe(page, `${path}, empty`);
      }
    },
  ],
  [
    "a refusal of each page about run time is shown with its code",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["409"]);
      await page.route(API, (route) =>
        route.fulfill({ status: 409, json: { title: "The database is away", code: "database-away" } }),
      );
      for (const path of [
        "/incidents",
        "/incidents/x",
        "/runtime",
        "/runtime/detections",
        "/runtime/processes/x",
        "/sources",
        "/responses",
        "/responses/x",
        "/responses/playbooks",
        "/responses/ledger",
        "/attack-map",
        "/rules",
        "/rules/suppressions",
        "/rules/backtests",
        "/rules/backtests/x",
      ]) {
        await page.goto(path);
        await page.locator(".state.failure", { hasText: "database-away" }).waitFor();
      }
    },
  ],
  [
    "an incident is changed only as it was seen",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["404", "409"]);
      const { data, sent } = await stage(page);
      await settle(page, "/incidents/inc-1");
      await page.getByLabel("Status", { exact: true }).selectOption("closed");
      await page.getByLabel("What it was").selectOption("true-positive");
      await page.getByRole("textbox", { name: "Note" }).fill("Cut off and rebuilt");
      data.incidents[0].incident.version = 9;
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("version-stale").waitFor();
      equal(
        sent.at(-1),
        {
          method: "PATCH",
          path: "/incidents/inc-1",
          body: { status: "closed", disposition: "true-positive", note: "Cut off and rebuilt", version: 3 },
        },
        "what a change sends",
      );
      await page.getByRole("button", { name: "Read what has changed" }).click();
      await page.getByRole("alert").getByText("What you typed is still here").waitFor();
      equal(await page.getByRole("button", { name: "Save" }).isDisabled(), true, "saving before it was read");
      await page.getByRole("button", { name: "Keep what I typed" }).click();
      await page.getByRole("button", { name: "Save" }).click();
      await page.locator("section", { hasText: "History" }).getByText("Cut off and rebuilt").waitFor();
      equal(
        sent.at(-1).body,
        { status: "closed", disposition: "true-positive", note: "Cut off and rebuilt", version: 9 },
        "what is sent after reading again",
      );
      await page.getByRole("button", { name: "Undo" }).click();
      await page.getByRole("button", { name: "Undo" }).waitFor({ state: "detached" });
      equal(sent.at(-1).body.version, 10, "the version that is taken back");
      equal(data.incidents[0].incident.status, "open", "the status after taking it back");
    },
  ],
  [
    "what somebody else saves is shown, and takes nothing away that is being typed",
    async ({ context, page: open, axe }) => {
      const page = await open(await context(), ["404"]);
      await page.clock.install();
      const { data, sent } = await stage(page);
      await settle(page, "/incidents/inc-1");
      const assignee = page.getByLabel("Assignee");
      Object.assign(data.incidents[0].incident, { assignee: "ben", version: 4 });
      await page.clock.runFor(16_000);
      await page.waitForFunction(() => document.querySelector("[data-assign]").value === "ben");
      await page.getByRole("textbox", { name: "Note" }).fill("half a");
      await assignee.fill("ana");
      Object.assign(data.incidents[0].incident, { assignee: "dana", status: "contained", version: 5 });
      await page.clock.runFor(16_000);
      await page.getByRole("alert").getByText("dana has it").waitFor();
      await page.getByRole("alert").getByText("You changed the same").waitFor();
      await axe(page, "somebody else's change");
      equal(await page.getByRole("textbox", { name: "Note" }).inputValue(), "half a", "the note");
      await page.getByRole("button", { name: "Keep what I typed" }).click();
      equal(await page.getByLabel("Status", { exact: true }).inputValue(), "contained", "their status");
      await page.getByRole("button", { name: "Save" }).click();
      await page.locator("section", { hasText: "History" }).getByText("half a").waitFor();
      equal(
        sent.at(-1).body,
        { assignee: "ana", note: "half a", version: 5 },
        "what is sent on top of theirs",
      );
    },
  ],
  [
    "incidents that are not closed are one choice, and each figure of a step leads to its rows",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["404"]);
      await stage(page);
      await settle(page, "/incidents");
      await page.getByTestId("shown").getByText("2 incidents", { exact: true }).waitFor();
      await page.getByLabel("Status", { exact: true }).selectOption({ label: "Not closed" });
      await page.getByTestId("shown").getByText("1 incident", { exact: true }).waitFor();
      expect(
        decodeURIComponent(page.url()).includes("status=open,investigating,contained"),
        `the address is ${page.url()}`,
      );
      await settle(page, "/incidents/inc-1");
      await page.locator('[data-step="d-miner"]').getByRole("link", { name: "1 detection" }).click();
      await page.getByTestId("shown").getByText("1 detection", { exact: true }).waitFor();
      equal(await page.locator(".state.failure").count(), 0, "refusals of what was asked");
    },
  ],
  [
    "the path of an incident and its table say the same",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["404"]);
      const { data } = await stage(page);
      await settle(page, "/incidents/inc-1");
      await page.locator(".incident-path").waitFor();
      equal(await page.locator(".incident-path .step").count(), data.graph.edges.length, "arrows");
      await page.locator('[data-twin="table"]').check();
      equal(await page.getByTestId("edges").locator("tbody tr").count(), data.graph.edges.length, "rows");
      expect(page.url().includes("as=table"), "the table is not in the address");
    },
  ],
  [
    "the token of a new source is shown once, in its configuration too",
    async ({ context, page: open }) => {
      const page = await open(await context());
      const { sent } = await stage(page);
      await settle(page, "/sources?ask=new");
      await page.getByLabel("Name").fill("east");
      await page.getByLabel("What it sends").selectOption("kubernetes-audit");
      await page.getByRole("button", { name: "Add it and show its token" }).click();
      const token = await page.getByTestId("token").textContent();
      expect(token.startsWith("pse_"), `no token: ${token}`);
      equal(sent.at(-1).body, { name: "east", format: "kubernetes-audit" }, "what adding a source sends");
      expect(
        (await page.locator(".snippet pre").first().textContent()).includes(token),
        "no token in the file",
      );
      await page.getByRole("button", { name: "I have copied it" }).click();
      await page.locator('[data-source="east"]').getByRole("link", { name: "Configuration" }).click();
      await page.locator("dialog[open]").getByText("SOURCE-TOKEN").first().waitFor();
      expect(!(await page.content()).includes(token), "the token is still in the page");
    },
  ],
  [
    "the tree of processes is walked by the keyboard",
    async ({ context, page: open }) => {
      const page = await open(await context());
      await stage(page);
      await settle(page, "/runtime/processes/falco%3Ab3%3A01");
      const items = page.getByRole("treeitem");
      equal(await items.count(), 5, "processes");
      equal(await page.locator('[role=treeitem][tabindex="0"]').count(), 1, "tab stops");
      const at = () => page.evaluate(() => document.activeElement?.querySelector("code")?.textContent ?? "");
      await items.first().focus();
      await page.keyboard.press("ArrowDown");
      expect((await at()).startsWith("/bin/sh"), `down leads to ${await at()}`);
      await page.keyboard.press("ArrowLeft");
      equal(await items.count(), 2, "processes with the shell closed");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("End");
      expect((await at()).startsWith("/tmp/.x/kworker"), `the end is ${await at()}`);
      await page.keyboard.press("ArrowLeft");
      expect((await at()).startsWith("/bin/sh"), `left leads to ${await at()}`);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/runtime\?event=tetragon:sh/);
    },
  ],
  [
    "an approval names the plan that was read, and a plan made anew has to be read again",
    async ({ context, page: open }) => {
      const page = await open(await context());
      const { data, sent } = await stage(page);
      const { digest } = data.runs[0].plan;
      await settle(page, "/responses/run-1");
      const approve = page.getByRole("button", { name: "Approve this plan" });
      await approve.waitFor();
      data.runs[0].plan.digest = `sha256:${"f".repeat(64)}`;
      await page.getByText("The plan was made anew while you read").waitFor();
      expect(await approve.isDisabled(), "a plan that nobody has read can be approved");
      await page.getByRole("button", { name: "I have read the new one" }).click();
      await approve.click();
      await page.getByText("2 of 2").first().waitFor();
      equal(sent.at(-1).body, { agree: true, digest: data.runs[0].plan.digest }, "what an approval sends");
      expect(digest !== sent.at(-1).body.digest, "the old plan was approved");
    },
  ],
  [
    "a playbook is tried before it is proposed",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["404"]);
      const { sent } = await stage(page, (data) => {
        data.runs = [{ ...data.runs[0], phase: "over" }];
        data.incidents[0].incident.assignee = "ana";
      });
      await settle(page, "/incidents/inc-1");
      await page.getByLabel("Playbook to try").selectOption("isolate-shell");
      await page.getByRole("button", { name: "Dry run" }).click();
      const dialog = page.locator("dialog[open]");
      await dialog.getByText("metadata.labels.palisade.dev/quarantine").waitFor();
      equal(
        sent.at(-1).body,
        { playbook: "isolate-shell", incident: "inc-1", dryRun: true },
        "what a dry run sends",
      );
      await dialog.getByRole("button", { name: "Propose it" }).click();
      await page.waitForURL(/\/responses\/run-1$/);
      equal(sent.at(-1).body.dryRun, false, "what a proposal sends");
    },
  ],
  [
    "the kill switch wants a reason and says it on each page about responses",
    async ({ context, page: open }) => {
      const page = await open(await context());
      const { sent } = await stage(page);
      await settle(page, "/responses");
      await page.getByRole("button", { name: "Stop every response" }).click();
      const stop = page.locator("dialog[open]").getByRole("button", { name: "Stop" });
      expect(await stop.isDisabled(), "it stops without a reason");
      await page.getByLabel("Reason").fill("It cut off the shop");
      await stop.click();
      await page.locator('[data-stopped="all"]', { hasText: "It cut off the shop" }).waitFor();
      equal(sent.at(-1).body, { playbook: "", why: "It cut off the shop" }, "what stopping sends");
      await settle(page, "/responses/run-1");
      await page.locator('[data-stopped="all"]').waitFor();
      await page.getByRole("button", { name: "Let it go on" }).click();
      await page.locator("dialog[open]").getByRole("button", { name: "Let it go on" }).click();
      await page.locator('[data-stopped="all"]').waitFor({ state: "detached" });
      equal(sent.at(-1).body, { playbook: "", why: null }, "what going on sends");
    },
  ],
  [
    "a suppression has an owner, a reason and an end",
    async ({ context, page: open }) => {
      const page = await open(await context());
      const { sent } = await stage(page);
      await settle(page, "/rules/suppressions?ask=new&rule=sigma/noisy&asset=*");
      await page.getByText("This is wide").waitFor();
      await page.getByRole("button", { name: "Suppress", exact: true }).click();
      equal(sent.length, 0, "requests without a reason");
      await page.getByLabel("Owner").fill("ops");
      await page.getByLabel("Reason").fill("Each night");
      await page.getByRole("button", { name: "Suppress", exact: true }).click();
      await page.getByTestId("suppressions").getByText("Each night", { exact: true }).waitFor();
      const { expires_at, ...rest } = sent.at(-1).body;
      equal(rest, { rule: "sigma/noisy", asset: "*", reason: "Each night", owner: "ops" }, "what it sends");
      expect(Date.parse(expires_at) > Date.now(), `it ends at ${expires_at}`);
    },
  ],
  [
    "rules are tried, followed and called off",
    async ({ context, page: open }) => {
      const page = await open(await context());
      const { sent } = await stage(page);
      await settle(page, "/rules/backtests?ask=new");
      equal(
        await page.getByRole("button", { name: "Judge stored events" }).isDisabled(),
        true,
        "nothing to try",
      );
      await page.getByRole("textbox", { name: "Rules" }).fill("title: a");
      await page.getByRole("button", { name: "Judge stored events" }).click();
      await page.getByText("One is made at a time").waitFor();
      const { from, ...rest } = sent.at(-1).body;
      equal(rest, { rules: [{ name: "rule.yml", text: "title: a" }], instead: false }, "what it sends");
      expect(Date.parse(from) < Date.now() - 6 * 86_400_000, `it looks back to ${from}`);
      await page.getByRole("button", { name: "Call it off" }).click();
      await page.getByText("Nothing was compared").waitFor();
      await settle(page, "/rules/backtests/b-1");
      await page.getByRole("link", { name: "Show an event of Shell in the shop" }).first().click();
      await page.waitForURL(/\/runtime\?event=/);
    },
  ],
  [
    "the matrix and its table name the same techniques, and figures lead to rows",
    async ({ context, page: open }) => {
      const page = await open(await context());
      await stage(page);
      await settle(page, "/attack-map");
      const ids = await page
        .locator("[data-technique]")
        .evaluateAll((all) => [...new Set(all.map((each) => each.dataset.technique))].sort());
      await settle(page, "/attack-map?as=table");
      const rows = await page
        .getByTestId("techniques")
        .locator("th[scope=row] .mono")
        .evaluateAll((all) => all.map((each) => each.textContent).sort());
      equal(rows, ids, "techniques of the table");
      await page
        .getByTestId("techniques")
        .locator("tr", { hasText: "T1611" })
        .getByRole("link", { name: "1", exact: true })
        .click();
      await page.waitForURL(/\/runtime\/detections\?technique=T1611/);
      await page.getByTestId("shown").getByText("1 detection", { exact: true }).waitFor();
    },
  ],
  [
    "hostile text of sensors is shown as text",
    async ({ context, page: open }) => {
      const page = await open(await context(), ["404"]);
      await stage(page, (data) => {
        for (const row of [data.events[0], data.detections[0], data.incidents[0].incident])
          row.title = HOSTILE;
        data.events[0].body.process.arguments = HOSTILE;
        data.events[0].body.raw = { output: HOSTILE };
        data.detections[0].evidence = { value: HOSTILE };
        data.incidents[0].steps[0].title = HOSTILE;
        data.graph.edges[0].why = HOSTILE;
        data.sensors[1].reason = HOSTILE;
        data.runs[0].plan.warnings = [HOSTILE];
        data.runs[0].plan.acts[0].fields[0].after = HOSTILE;
      });
      for (const path of [
        "/incidents/inc-1",
        "/runtime?event=falco:b3:01",
        "/runtime/detections?detection=d-shell",
        "/sources",
        "/responses/run-1",
      ]) {
        await settle(page, path);
        await page.getByText("<img src=x onerror=window.__pwned=1>").first().waitFor();
        equal(await page.evaluate(() => window.__pwned ?? null), null, `a script of the data ran on ${path}`);
        equal(await page.locator("main img[src=x]").count(), 0, `elements made from data on ${path}`);
        const text = await page.locator("main").innerText();
        expect(text.includes("U+202E"), `${path} does not show the hidden character`);
        expect(!/[\u202c\u202e]/.test(text), `a hidden character took effect on ${path}`);
      }
    },
  ],
];
