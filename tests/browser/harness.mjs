// What every check shares: the browser, the API beside it, and the watch over console, network and policy.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** A page that has not come to the expected state by then never will. */
const WAIT_MS = 15_000;

export class Skip extends Error {}

export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

export function equal(actual, expected, what) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`);
}

function findBrowser() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next name may be there.
    }
  }
  throw new Error("no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM");
}

export async function start({ base, token, out }) {
  mkdirSync(out, { recursive: true });
  const browser = await chromium.launch({ executablePath: findBrowser(), args: FLAGS });
  const origin = new URL(base).origin;
  const trouble = [];

  /** A fresh browser profile; `signedIn` goes through the API, as the sign-in page itself has its own check. */
  async function context({ signedIn = true, theme = "light", width = 1440, height = 900 } = {}) {
    const made = await browser.newContext({
      baseURL: origin,
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: "reduce",
    });
    made.setDefaultTimeout(WAIT_MS);
    await made.addInitScript(() => {
      window.__violations = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        window.__violations.push(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    if (signedIn) {
      const answer = await made.request.post("/api/v1/session", { data: { token } });
      expect(answer.ok(), `POST /session answered ${answer.status()}`);
    }
    return made;
  }

  /** A page that remembers everything it should not have done. `allow` names console messages that a check provokes. */
  async function page(made, allow = []) {
    const opened = await made.newPage();
    opened.on("console", (message) => {
      if (message.type() !== "error") return;
      const text = `${message.text()} ${message.location().url ?? ""}`;
      if (!allow.some((each) => text.includes(each))) trouble.push(`console: ${text}`);
    });
    opened.on("pageerror", (error) => trouble.push(`page error: ${error.message}`));
    opened.on("request", (request) => {
      const url = new URL(request.url());
      if (!["data:", "blob:", "about:"].includes(url.protocol) && url.origin !== origin)
        trouble.push(`request to ${url.origin}`);
    });
    return opened;
  }

  async function violations(opened) {
    for (const each of await opened.evaluate(() => window.__violations ?? []))
      trouble.push(`policy: ${each}`);
  }

  /** Serious and critical accessibility violations of the page as it stands. */
  async function axe(opened, where) {
    await opened.evaluate(AXE);
    const found = await opened.evaluate(async () => {
      const result = await window.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
        resultTypes: ["violations"],
      });
      return result.violations.map((each) => ({
        id: each.id,
        impact: each.impact,
        nodes: each.nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
      }));
    });
    const bad = found.filter((each) => each.impact === "serious" || each.impact === "critical");
    expect(bad.length === 0, `${where}: ${JSON.stringify(bad, null, 1)}`);
    return found;
  }

  // The checks ask the server what to expect, with the same rights as the page.
  const asking = await context();
  async function api(path) {
    const answer = await asking.request.get(`/api/v1${path}`);
    expect(answer.ok(), `GET ${path} answered ${answer.status()}`);
    return answer.json();
  }
  /** Walks a list to its end by its cursors; `most` bounds the walk. */
  async function all(path, query = {}, most = 20_000) {
    const items = [];
    let cursor = "";
    do {
      const params = new URLSearchParams({ ...query, limit: "100", ...(cursor ? { cursor } : {}) });
      const answer = await api(`${path}?${params}`);
      items.push(...answer.items);
      cursor = answer.next ?? "";
    } while (cursor && items.length < most);
    return items;
  }

  const shot = (opened, name) => opened.screenshot({ path: join(out, `${name}.png`) });
  return { origin, token, browser, context, page, violations, axe, api, all, shot, trouble, asking, out };
}

/** The number that the findings page says it found, once it has settled. */
export async function shownCount(page) {
  const status = page.getByTestId("shown");
  await status.filter({ hasText: /finding/ }).waitFor();
  const text = (await status.textContent()).replaceAll(",", "");
  return Number(/(?:of )?(\d+) findings?/.exec(text)?.[1]);
}

export const number = (text) => Number((text.match(/[\d,]+/)?.[0] ?? "").replaceAll(",", ""));

export const SEVERITIES = ["critical", "high", "medium", "low", "negligible", "none", "unknown"];

export async function openFindings(page, query) {
  await page.goto(`/findings?${new URLSearchParams(query)}`);
  return shownCount(page);
}
