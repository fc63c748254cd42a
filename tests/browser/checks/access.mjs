import { equal, expect } from "../harness.mjs";

/** The browser writes every 401 to its console; these checks provoke them. */
const REFUSALS = ["401"];

export const checks = [
  [
    "nothing answers without a token",
    async ({ context }) => {
      const made = await context({ signedIn: false });
      for (const path of [
        "/findings",
        "/findings/facets",
        "/images",
        "/scans",
        "/imports",
        "/plugins",
        "/overview",
        "/advisories",
        "/session",
      ]) {
        const answer = await made.request.get(`/api/v1${path}`);
        equal(answer.status(), 401, `GET ${path} without a token`);
      }
    },
  ],
  [
    "the page comes with a strict policy",
    async ({ context }) => {
      const made = await context({ signedIn: false });
      for (const path of ["/", "/findings?severity=high"]) {
        const answer = await made.request.get(path);
        equal(answer.status(), 200, `GET ${path}`);
        const policy = answer.headers()["content-security-policy"] ?? "";
        expect(/default-src '(self|none)'/.test(policy), `no closed default-src on ${path}: ${policy}`);
        expect(!/unsafe-inline|unsafe-eval|\*|https?:/.test(policy), `the policy is loose: ${policy}`);
        equal(answer.headers()["x-content-type-options"], "nosniff", "x-content-type-options");
      }
    },
  ],
  [
    "sign-in refuses a wrong token and takes the right one, back to the page that was asked for",
    async ({ context, page: open, token, axe, shot }) => {
      const made = await context({ signedIn: false });
      const page = await open(made, REFUSALS);
      await page.goto("/plugins");
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      expect(await page.getByText("printed once").isVisible(), "the page does not say where the token is");
      await axe(page, "sign-in");
      await shot(page, "sign-in");
      await page.getByLabel("Access token").fill("pal_wrong");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").filter({ hasText: "not known" }).waitFor();
      await page.getByLabel("Access token").fill(`  ${token} `);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Plugins", level: 1 }).waitFor();
      equal(new URL(page.url()).pathname, "/plugins", "where sign-in leads");

      const [cookie] = (await made.cookies()).filter((each) => each.name === "palisade_session");
      expect(
        cookie?.httpOnly && cookie.sameSite === "Strict",
        `the session cookie is loose: ${JSON.stringify(cookie)}`,
      );
      const kept = await page.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
      );
      expect(!kept.includes(token.trim()), "the token is kept where scripts can read it");
    },
  ],
  [
    "sign-out ends the session",
    async ({ context, page: open }) => {
      const made = await context();
      const page = await open(made, REFUSALS);
      await page.goto("/");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      equal((await made.request.get("/api/v1/overview")).status(), 401, "GET /overview after sign-out");
    },
  ],
  [
    "a session that runs out in the middle of an edit is taken up where it was, and nobody else sees what was there",
    async ({ context, page: open, token, axe }) => {
      const made = await context();
      const page = await open(made, REFUSALS);
      await page.clock.install();
      // Coming back to the window after a while asks for what is old.
      const comeBack = async () => {
        await made.clearCookies();
        await page.clock.fastForward("20:00");
        await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
        await page.getByRole("heading", { name: "Sign in again" }).waitFor();
      };
      await page.goto("/compliance/exceptions?ask=new");
      await page.getByLabel("Reason").fill("half a sentence");
      await comeBack();
      await axe(page, "sign in again");
      expect(
        !(await page.getByRole("navigation", { name: "Main" }).isVisible()),
        "the page is still to be seen",
      );
      for (let times = 0; times < 3; times += 1) await page.keyboard.press("Escape");
      await page.getByLabel("Access token").fill(token);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Sign in again" }).waitFor({ state: "detached" });
      equal(await page.getByLabel("Reason").inputValue(), "half a sentence", "what was typed");
      // Somebody else signs in after it ran out again.
      await page.route(/\/api\/v1\/session$/, async (route) => {
        if (route.request().method() !== "GET") return route.continue();
        const answer = await route.fetch();
        if (!answer.ok()) return route.fulfill({ response: answer });
        await route.fulfill({ json: { ...(await answer.json()), token_name: "somebody else" } });
      });
      await comeBack();
      await page.getByLabel("Access token").fill(token);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Sign in again" }).waitFor({ state: "detached" });
      equal(await page.getByLabel("Reason").inputValue(), "", "what somebody else sees");
    },
  ],
];
