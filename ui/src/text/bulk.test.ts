import { expect, it } from "vitest";
import { changeEach } from "./bulk";

class Stale extends Error {}
const row = (id: string, version: number) => ({ id, version });

it("changes each by itself, and tells what was stale and what failed", async () => {
  const outcome = await changeEach(
    [row("a", 1), row("b", 1), row("c", 1)],
    async (each) => {
      if (each.id === "b") throw new Stale("changed by somebody");
      if (each.id === "c") throw new Error("no right");
      return { ...each, version: each.version + 1 };
    },
    (cause) => cause instanceof Stale,
  );
  expect(outcome.done).toEqual([{ before: row("a", 1), after: row("a", 2) }]);
  expect(outcome.stale).toEqual([row("b", 1)]);
  expect(outcome.failed).toEqual([{ row: row("c", 1), why: "no right" }]);
});

it("stops between two when it is told to, and keeps what was done", async () => {
  const control = new AbortController();
  const outcome = await changeEach(
    [row("a", 1), row("b", 1)],
    async (each) => {
      control.abort();
      return each;
    },
    () => false,
    control.signal,
  );
  expect(outcome.done.map((each) => each.after.id)).toEqual(["a"]);
});
