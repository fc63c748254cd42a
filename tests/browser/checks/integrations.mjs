// A destination is made, says why it cannot tell anything, is changed, and is removed again.
import { equal, expect } from "../harness.mjs";

const NAME = "browser-checks";

export const checks = [
  [
    "a destination is made, tested, changed and removed, and says what is wrong with it",
    async ({ context, page: open, api, asking, axe, shot }) => {
      const page = await open(await context(), ["422", "409"]);
      await page.goto("/integrations");
      await page.getByText("Findings are told nowhere yet").waitFor();
      await axe(page, "no integrations");
      await page.getByRole("link", { name: "Add a destination" }).first().click();
      const form = page.getByRole("form", { name: "Add a destination" });
      await form.getByLabel("Name").fill(NAME);
      await form.getByLabel("Told by").selectOption("palisade.redmine");
      await form.getByLabel("Settings").fill("{ url: no }");
      await page.getByText("The settings are no JSON").waitFor();
      expect(
        await form.getByRole("button", { name: "Add it" }).isDisabled(),
        "settings that are no JSON can be sent",
      );
      await form.getByLabel("Settings").fill('{ "url": "https://redmine.invalid", "project": "security" }');
      await form.getByLabel("Which open findings").fill("colour:red");
      await form.getByRole("button", { name: "Add it" }).click();
      await page.getByText("destination-invalid").waitFor();
      await form.getByLabel("Which open findings").fill("severity>=critical");
      await axe(page, "a new destination");
      await form.getByRole("button", { name: "Add it" }).click();
      const row = page.locator(`[data-destination="${NAME}"]`);
      await row.getByText("one ticket for each fix").waitFor();
      const tickets = page.getByTestId("tickets");
      // The operator has given the plugin no secret, and so no host to go to.
      await tickets.getByText("[plugins.secrets]").first().waitFor();
      await page.getByTestId("deliveries").getByText("destination-unusable").first().waitFor();
      const known = await api(`/destinations/${NAME}/tickets`);
      equal(await tickets.locator("tbody tr").count(), known.items.length, "rows of tickets");
      await axe(page, "a destination that cannot be told");
      await shot(page, "integrations");

      await row.getByRole("button", { name: "Test" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("It makes none").waitFor();
      await dialog.getByRole("button", { name: "Test" }).click();
      await dialog.getByText("destination-test-failed").waitFor();
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await row.getByRole("button", { name: "Switch off" }).click();
      await dialog.getByRole("button", { name: "Switch off" }).click();
      await row.getByText("Switched off").waitFor();

      await row.getByRole("link", { name: "Change" }).click();
      const change = page.getByRole("form", { name: `Change ${NAME}` });
      // Somebody else was quicker: their word is not overwritten.
      const { changed_at: _, changed_by: __, name: ___, ...theirs } = await api(`/destinations/${NAME}`);
      const put = await asking.request.put(`/api/v1/destinations/${NAME}`, {
        data: { ...theirs, per: "owner" },
        headers: { "x-palisade-request": "1" },
      });
      equal(put.status(), 200, "the answer to a change");
      await change.getByLabel("What one ticket is about").selectOption("finding");
      await change.getByRole("button", { name: "Change it" }).click();
      await page.getByText("destination-changed").waitFor();
      equal((await api(`/destinations/${NAME}`)).per, "owner", "what one ticket is about");

      await page.goto(`/integrations?name=${NAME}`);
      await row.getByRole("button", { name: "Remove" }).click();
      await dialog.getByRole("button", { name: "Remove" }).click();
      await page.getByText("Findings are told nowhere yet").waitFor();
      equal((await api("/destinations")).items.length, 0, "destinations that are left");
    },
  ],
];
