// Signing in through a real OpenID provider, which the server that is tested knows.

import { equal, expect, Skip } from "../harness.mjs";

/** What people do at the provider's own pages. */
async function atProvider(page, login) {
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  const agree = page.getByRole("button", { name: "Continue" });
  await agree.or(page.locator("main.alone, nav")).first().waitFor();
  if (await agree.isVisible()) await agree.click();
}

async function begin(world, path = "/") {
  const ways = await world.api("/session/ways");
  if (!ways.provider) throw new Skip("the server knows no identity provider");
  const context = await world.context({ signedIn: false });
  const page = await context.newPage();
  await page.goto(path);
  await page.getByRole("link", { name: ways.provider.label }).click();
  return { context, page };
}

export const checks = [
  [
    "somebody signs in through the provider, with the roles of their groups, and comes back to where they were",
    async (world) => {
      const { context, page } = await begin(world, "/findings?severity=critical");
      await atProvider(page, "dan");
      await page.waitForURL(`${world.origin}/findings?severity=critical`);
      await page
        .getByTestId("shown")
        .filter({ hasText: /finding/ })
        .waitFor();
      const session = await (await context.request.get("/api/v1/session")).json();
      equal(session.token_name, "dan@example.org", "who is signed in");
      for (const one of ["findings:write", "settings:write", "plugins:write"])
        expect(session.permissions.includes(one), `an analyst and operator has ${one}`);
      expect(!session.permissions.includes("responses:approve"), "and may not approve responses");
      const cookies = await context.cookies(world.origin);
      const cookie = cookies.find((one) => one.name === "palisade_session");
      expect(cookie.httpOnly && cookie.sameSite === "Strict", "the cookie is out of reach");
      expect(!cookies.some((one) => one.name === "palisade_sign_in"), "the sign-in is over");
      await context.close();
    },
  ],
  [
    "who has no role, or the name of a token, is told so and stays outside",
    async (world) => {
      for (const [login, says] of [
        ["eve", "none of your groups has a role"],
        ["tok", "A token has your name"],
      ]) {
        const { context, page } = await begin(world);
        await atProvider(page, login);
        const alert = page.getByRole("alert");
        await alert.waitFor();
        expect((await alert.textContent()).includes(says), `${login}: ${await alert.textContent()}`);
        await world.axe(page, `sign-in refused to ${login}`);
        equal((await context.request.get("/api/v1/session")).status(), 401, login);
        await context.close();
      }
    },
  ],
  [
    "a way back is of use once, and to nobody else",
    async (world) => {
      const { context, page } = await begin(world);
      const back = page.waitForRequest((request) => request.url().includes("/session/oidc/callback"));
      await atProvider(page, "dan");
      const url = (await back).url();
      await page.waitForURL(`${world.origin}/`);
      const foreign = await world.context({ signedIn: false });
      for (const one of [context, foreign]) {
        const answer = await one.request.get(url, { maxRedirects: 0 });
        equal(answer.headers().location, "/?sign-in=sign-in-expired", "where it leads");
      }
      equal((await foreign.request.get("/api/v1/session")).status(), 401, "the other browser");
      await foreign.close();
      await context.close();
    },
  ],
  [
    "the audit log tells who came in and what they did, and that nobody has changed it",
    async (world) => {
      const page = await world.page(await world.context());
      await page.goto("/audit");
      await page.getByTestId("chain").filter({ hasText: "Sound" }).waitFor();
      const table = page.getByTestId("audit");
      await table.getByRole("link", { name: "signed-in" }).first().click();
      await page.waitForURL(/action=signed-in/);
      await table.waitFor();
      const lines = await world.api("/audit?action=signed-in&limit=50");
      equal(await table.locator("tbody tr").count(), lines.items.length, "sign-ins that are shown");
      await world.axe(page, "audit log");
      await page.getByLabel("Who").fill("nobody@example.org");
      await page.getByRole("button", { name: "Show", exact: true }).click();
      await page.getByText("No line fits").waitFor();
      await page.getByRole("link", { name: "Show all" }).click();
      await table.waitFor();
      const file = await world.asking.request.get("/api/v1/audit/export");
      const records = (await file.text())
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(records.length >= lines.items.length, `${records.length} records`);
      expect(
        records.every((record, place) => record.sequence === place),
        "the file has every record",
      );
    },
  ],
];
