import { describe, expect, it } from "vitest";
import {
  explain,
  grantedFor,
  hostGranted,
  hostProblem,
  needsHost,
  offers,
  rightsDiff,
  withHost,
} from "./rights";

const asked = (...rights: string[]) => [
  { capability: rights[0]?.split(" ")[0] ?? "", why: "because", rights },
];

describe("rightsDiff", () => {
  it("keeps a capability together, what goes before what comes", () => {
    expect(
      rightsDiff(
        ["state 200 bytes", "http POST a.example/hook", "advisories"],
        ["http GET a.example/v1/**", "state 100 bytes"],
      ).map(({ sign, line }) => `${sign} ${line}`),
    ).toEqual([
      "+ advisories",
      "- http GET a.example/v1/**",
      "+ http POST a.example/hook",
      "- state 100 bytes",
      "+ state 200 bytes",
    ]);
    expect(rightsDiff([], [])).toEqual([]);
  });

  it("has a place for each line once, also for equal ones", () => {
    expect(rightsDiff(["x", "x"], ["x"]).map(({ sign }) => sign)).toEqual(["-", "+", "+"]);
  });
});

describe("hosts", () => {
  it("are missing where the manifest leaves them to the operator", () => {
    for (const [line, missing] of [
      ["http GET */v1/**", true],
      ["http GET a.example/v1/**", false],
      ["http GET a.example/*", false],
      ["http GET *.example/v1", false],
      ["secret token", true],
      ["secret token to *", true],
      ["secret token to a.example", false],
      ["state 65536 bytes", false],
      ["blob registry.example/team/*", false],
      ["advisories", false],
      ["", false],
      ["something * new", false],
    ] as const) {
      expect(needsHost(line), line).toBe(missing);
    }
  });

  it("are put where the star is, and nowhere else", () => {
    expect(withHost("http POST */hooks/*/**", "a.example:8443")).toBe("http POST a.example:8443/hooks/*/**");
    expect(withHost("secret token", "a.example")).toBe("secret token to a.example");
    expect(withHost("secret token to *", "a.example")).toBe("secret token to a.example");
    expect(withHost("http GET b.example/v1", "a.example")).toBe("http GET b.example/v1");
    expect(withHost("http GET */$&", "a.example")).toBe("http GET a.example/$&");
  });

  it("are judged as the server judges them", () => {
    for (const good of ["a.example", "localhost", "a-b.example:8443", "10.0.0.1:65535"])
      expect(hostProblem(good), good).toBeNull();
    for (const bad of [
      "",
      "*",
      "*.example",
      "A.example",
      "https://a.example",
      "a.example/v1",
      "user@a.example",
      "a..example",
      "a.example.",
      "a.example:",
      "a.example:0",
      "a.example:080",
      "a.example:65536",
      "a.example:1:2",
      "a example",
      "bücher.example",
      "a\u202e.example",
      "a".repeat(254),
    ])
      expect(hostProblem(bad), bad).not.toBeNull();
  });

  it("that were granted before are offered again", () => {
    const granted = [
      "http GET hooks.example/v1/**",
      "secret token to hooks.example",
      "http GET b.example/v2",
    ];
    expect(hostGranted("http GET */v1/**", granted)).toBe("hooks.example");
    expect(hostGranted("secret token", granted)).toBe("hooks.example");
    expect(hostGranted("secret other", granted)).toBe("");
    expect(hostGranted("http POST */v1/**", granted)).toBe("");
    expect(hostGranted("http GET b.example/v2", granted)).toBe("");
  });
});

describe("grantedFor", () => {
  it("is the line, the line with a host, or another size of state, and nothing else", () => {
    const granted = ["http GET a.example/v1", "state 100 bytes", "secret token to a.example"];
    expect(grantedFor("http GET a.example/v1", granted)).toEqual(["http GET a.example/v1"]);
    expect(grantedFor("http GET */v1", granted)).toEqual(["http GET a.example/v1"]);
    expect(grantedFor("http GET */v2", granted)).toEqual([]);
    expect(grantedFor("http POST */v1", granted)).toEqual([]);
    expect(grantedFor("state 200 bytes", granted)).toEqual(["state 100 bytes"]);
    expect(grantedFor("secret token", granted)).toEqual(["secret token to a.example"]);
    expect(grantedFor("secret to", granted)).toEqual([]);
    expect(grantedFor("advisories", granted)).toEqual([]);
  });
});

describe("offers", () => {
  it("are what the version asks for, new ones first, each with its reason", () => {
    const version = {
      asked: [
        ...asked("http GET a.example/v1", "http POST a.example/v1"),
        { capability: "state", why: "remembers", rights: ["state 20 bytes"] },
      ],
      added: ["http POST a.example/v1", "state 20 bytes"],
    };
    expect(offers(["http GET a.example/v1"], version)).toEqual([
      { line: "http POST a.example/v1", fresh: true, held: false, why: "because" },
      { line: "state 20 bytes", fresh: true, held: false, why: "remembers" },
      { line: "http GET a.example/v1", fresh: false, held: true, why: "because" },
    ]);
  });

  it("hold a right only if it is in force, a smaller state than before too", () => {
    const version = { asked: asked("state 10 bytes", "advisories"), added: [] };
    expect(offers(["state 100 bytes"], version)).toMatchObject([
      { line: "state 10 bytes", fresh: false, held: true },
      { line: "advisories", fresh: false, held: false },
    ]);
  });
});

describe("explain", () => {
  it("gives sizes their unit and does not pretend to know", () => {
    expect(explain("state 65536 bytes")).toContain("64 KiB");
    expect(explain("state 1048576 bytes", ["advisories", "state 65536 bytes"])).toContain(
      "64 KiB are in force",
    );
    expect(explain("state 65536 bytes", ["state 65536 bytes"])).not.toContain("in force");
    expect(explain("http GET */x")).toContain("you name");
    expect(explain("http GET a.example/x")).toContain("this host");
    expect(explain("teleport everywhere")).toContain("does not know");
  });
});
