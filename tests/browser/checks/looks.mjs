// Every page in its themes and widths: no serious accessibility violation, no sideways scrolling on a phone.
import { equal, expect, shownCount } from "../harness.mjs";

async function places(api) {
  const [image] = (await api("/images?limit=1")).items;
  const [plugin] = (await api("/plugins")).items;
  const [scan] = (await api("/scans?limit=1")).items;
  const [finding] = (await api("/findings?state=open&limit=1")).items;
  const scopes = (await api("/clusters")).items;
  const [cluster] = scopes;
  const account = scopes.find((each) => each.id.startsWith("account:"));
  const own = account && `/graph?cluster=${encodeURIComponent(account.id)}`;
  const [resource] = cluster ? (await api("/inventory?limit=1")).items : [];
  const assessed = (await api("/compliance")).items.find((each) => each.summary.score !== null);
  const two = (await api("/images?limit=2")).items.map((each) => encodeURIComponent(each.id));
  const framework = assessed && `/compliance/${assessed.framework}/${encodeURIComponent(assessed.scope)}`;
  return [
    ["overview", "/"],
    ["inventory", "/inventory"],
    ...(resource ? [["resource", `/inventory?resource=${encodeURIComponent(resource.id)}`]] : []),
    ["paths", "/graph?from=all"],
    ["paths-table", "/graph?from=all&as=table"],
    ["exposure", "/graph?view=exposure"],
    ["who-can", "/graph?view=who&verb=get&resource=secrets"],
    ...(own
      ? [
          ["identity-paths", `${own}&from=all`],
          ["identity-paths-table", `${own}&from=all&as=table`],
          ["account-exposure", `${own}&view=exposure`],
          ["account-exposure-table", `${own}&view=exposure&as=table`],
          ["account-who-can", `${own}&view=who&verb=iam:PassRole&resource=*`],
          ["unused-rights", `${own}&view=unused`],
        ]
      : []),
    ["compliance", "/compliance"],
    ...(framework ? [["framework", framework]] : []),
    ["exceptions", "/compliance/exceptions?ask=new"],
    ["evidence", "/compliance/evidence"],
    ["findings", "/findings?state=open&suppressed=false"],
    ...(finding ? [["finding", `/findings?state=open&finding=${finding.fingerprint}`]] : []),
    ["images", "/images"],
    ["compare-none", "/images/compare"],
    ...(two.length === 2 ? [["compare", `/images/compare?a=${two[0]}&b=${two[1]}`]] : []),
    ["vulnerabilities", "/vulnerabilities"],
    ["updates", "/vulnerabilities?by=fix"],
    ["report", "/report"],
    ["audit", "/audit"],
    ["system", "/system"],
    ["start", "/start"],
    ...(image ? [["image", `/images/${encodeURIComponent(image.id)}`]] : []),
    ["scans", "/scans"],
    ["imports", "/scans/imports"],
    ["integrations", "/integrations"],
    ...(scan ? [["scan", `/scans/${scan.id}`]] : []),
    ["plugins", "/plugins"],
    ...(plugin ? [["plugin", `/plugins/${encodeURIComponent(plugin.id)}`]] : []),
    ["advisories", "/advisories"],
  ];
}

async function settle(page, path) {
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).first().waitFor({ state: "attached" });
  if (path.startsWith("/findings")) await shownCount(page);
  await page.waitForFunction(() => !document.querySelector(".loading"));
  await page.evaluate(() => document.fonts.ready);
}

const look = (theme, width, height) => [
  `every page in the ${theme} theme at ${width} pixels`,
  async ({ context, page: open, api, axe, shot }) => {
    const made = await context({ theme: theme === "contrast" ? "dark" : theme, width, height });
    if (theme === "contrast")
      await made.addInitScript(() => localStorage.setItem("palisade.theme", "contrast"));
    const page = await open(made, ["404"]);
    for (const [name, path] of await places(api)) {
      await settle(page, path);
      await shot(page, `${name}-${theme}-${width}`);
      await axe(page, `${name}, ${theme}, ${width}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= width, `${name} is ${wide} pixels wide on a screen of ${width}`);
      const main = await page.evaluate(() => {
        const content = document.querySelector(".content");
        return content.scrollWidth - content.clientWidth;
      });
      expect(main <= 1, `${name} scrolls sideways by ${main} pixels at ${width}`);
    }
  },
];

export const checks = [
  look("light", 1440, 900),
  look("dark", 1440, 900),
  look("light", 320, 720),
  look("dark", 320, 720),
  look("contrast", 1440, 900),
  // A screen of 1440 pixels at a zoom of 200 %.
  look("light", 720, 450),
  [
    "the theme can be chosen, and is kept",
    async ({ context, page: open }) => {
      const page = await open(await context({ theme: "light" }));
      await page.goto("/");
      const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const light = await ground();
      await page.getByRole("button", { name: "Dark theme" }).click();
      const dark = await ground();
      expect(light !== dark, "the dark theme looks like the light one");
      await page.reload();
      await page.getByRole("button", { name: "Dark theme" }).waitFor();
      equal(await ground(), dark, "ground after reload");
      await page.getByRole("button", { name: "System theme" }).click();
      equal(await ground(), light, "ground by the system's preference");
    },
  ],
];
