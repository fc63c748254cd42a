import { afterEach, expect, it, vi } from "vitest";
import { Problem, queryString, request } from "./client";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: string) {
  const fetch = vi.fn(async () => new Response(body === "" ? null : body, { status }));
  vi.stubGlobal("fetch", fetch);
  return fetch as unknown as { mock: { calls: [string, RequestInit][] } };
}

it("leaves out what is not set", () => {
  expect(queryString({ a: 1, b: "", c: undefined, d: null, e: false, f: "x&y" })).toBe(
    "?a=1&e=false&f=x%26y",
  );
  expect(queryString({})).toBe("");
});

it("asks the same origin, and marks what changes something", async () => {
  const fetch = answer(200, "{}");
  await request("/findings", { query: { severity: "high" } });
  await request("/scans", { method: "POST", body: { kind: "image" } });
  const [[readUrl, read], [writeUrl, write]] = fetch.mock.calls as [
    [string, RequestInit],
    [string, RequestInit],
  ];
  expect([readUrl, writeUrl]).toEqual(["/api/v1/findings?severity=high", "/api/v1/scans"]);
  expect(read.headers).not.toHaveProperty("x-palisade-request");
  expect(write.headers).toMatchObject({ "x-palisade-request": "1", "content-type": "application/json" });
  expect([read.credentials, read.redirect]).toEqual(["same-origin", "error"]);
});

it("reads problem details", async () => {
  answer(
    404,
    JSON.stringify({ title: "No such finding", code: "finding-unknown", hint: "Look at the list." }),
  );
  const error = await request("/findings/x").catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({
    status: 404,
    message: "No such finding",
    code: "finding-unknown",
    hint: "Look at the list.",
  });
});

it("has words for answers that are no problem details, not JSON, or nothing at all", async () => {
  answer(502, "<html>");
  await expect(request("/x")).rejects.toMatchObject({ status: 502, code: "http-502" });
  answer(200, "<html>");
  await expect(request("/x")).rejects.toMatchObject({ code: "unreadable-answer" });
  answer(204, "");
  await expect(request("/x", { method: "DELETE" })).resolves.toBeUndefined();
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => Promise.reject(new TypeError("refused"))),
  );
  await expect(request("/x")).rejects.toMatchObject({ status: 0, code: "unreachable" });
});
