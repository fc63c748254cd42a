import { describe, expect, it } from "vitest";
import { curl, exportOf, viewRequest } from "./view-request";

describe("viewRequest", () => {
  it("leaves out what is about the page, and asks for the order that the page shows", () => {
    expect(viewRequest("/findings", { severity: "high", hide: "kev", finding: "f1" })).toEqual({
      path: "/findings",
      query: { sort: "severity", severity: "high" },
      rows: "findings",
    });
    expect(viewRequest("/findings/", { sort: "package" })?.query).toEqual({ sort: "package" });
  });
  it("uses the API's word for the least severity", () => {
    expect(viewRequest("/runtime", { severity: "high", event: "e" })).toEqual({
      path: "/runtime/events",
      query: { severity_min: "high" },
      rows: "events",
    });
  });
  it("knows no request for a page without rows", () => {
    expect(viewRequest("/", {})).toBeNull();
    expect(viewRequest("/images/compare", {})).toBeNull();
    expect(viewRequest("/images/sha256:1", { tab: "layers" })).toBeNull();
    expect(viewRequest("/constructor", {})).toBeNull();
  });
  it("takes the packages of an image, whatever its id holds", () => {
    expect(viewRequest("/images/sha256:1", { q: "ssl" })).toEqual({
      path: "/images/sha256%3A1/packages",
      query: { q: "ssl" },
      rows: "packages",
    });
    expect(viewRequest("/images/host:%2Fsrv%2F'x", {})?.path).toBe("/images/host%3A%2Fsrv%2F'x/packages");
  });
});

describe("curl", () => {
  it("is one command with three arguments whatever the filter holds", () => {
    const hostile = `'; touch /tmp/x; echo "$(id)" \`id\` \n --upload-file=/etc/passwd`;
    const view = viewRequest("/findings", { q: hostile });
    if (!view) throw new Error("no request");
    const lines = curl("https://palisade.test", view).split(" \\\n  ");
    expect(lines).toHaveLength(3);
    // Between the quotes nothing ends them, and a shell reads nothing inside.
    expect(lines[2]).toMatch(/^'https:\/\/palisade\.test\/api\/v1\/findings\?[\w.*+%=&-]+'$/);
    expect(new URL((lines[2] ?? "").slice(1, -1)).searchParams.get("q")).toBe(hostile);
  });
  it("lets no id of an image out of the quotes", () => {
    const view = viewRequest("/images/x%27%3Bid%3B%27", {});
    if (!view) throw new Error("no request");
    const [, , address = ""] = curl("https://palisade.test", view).split(" \\\n  ");
    expect(address.slice(1, -1)).not.toContain("'");
    expect(address).toContain("x%27%3Bid%3B%27");
  });
});

it("lets the server write findings in the forms that it knows, without the order of the page", () => {
  const view = viewRequest("/findings", { state: "open", q: "a&b", sort: "package", hide: "kev" });
  expect(view && exportOf(view, "openvex")).toBe("/api/v1/findings/export?state=open&q=a%26b&format=openvex");
  const images = viewRequest("/images", {});
  expect(images && exportOf(images, "ocsf")).toBe(undefined);
});
