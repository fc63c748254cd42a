import { expect, it } from "vitest";
import { remedy } from "./remedy";

const pkg = (type: string, name: string) => ({ type, name, version: "1", purl: "" });

it("writes the command of each package manager", () => {
  expect(remedy(pkg("deb", "libssl3"), "3.0.17-1~deb12u2").command).toBe(
    "apt-get update && apt-get install --only-upgrade 'libssl3=3.0.17-1~deb12u2'",
  );
  expect(remedy(pkg("npm", "@babel/traverse"), "7.23.2").command).toBe(
    "npm install '@babel/traverse@7.23.2'",
  );
  expect(remedy(pkg("golang", "golang.org/x/net"), "0.23.0").command).toBe(
    "go get 'golang.org/x/net@v0.23.0'",
  );
  expect(remedy(pkg("maven", "org.apache.logging.log4j:log4j-core"), "2.17.1").command).toBe(
    "org.apache.logging.log4j:log4j-core:2.17.1",
  );
  expect(remedy(pkg("golang", "stdlib"), "1.22.1")).toEqual({
    sentence: "Rebuild with Go 1.22.1 or later",
    command: null,
    safe: true,
  });
});

it("makes no command of a name or version that a shell would read", () => {
  const hostile = ["a; rm -rf /", "$(id)", "`id`", "a'b", "-o=x", "a b", "a\nb", "a|b", "", "x".repeat(300)];
  for (const text of hostile) {
    expect(remedy(pkg("deb", text), "1.0").command, text).toBeNull();
    expect(remedy(pkg("deb", "curl"), text).command, text).toBeNull();
  }
});
