import { expect, it } from "vitest";
import { safeLink } from "./link";

it("links to web addresses", () => {
  expect(safeLink("https://example.org/a?b=c#d")).toBe("https://example.org/a?b=c#d");
  expect(safeLink("HTTP://EXAMPLE.org")).toBe("http://example.org/");
});

it("links to nothing else", () => {
  const bad = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>1</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//example.org",
    "/relative",
    "example.org",
    "",
    "https://",
    "https://trusted.example@evil.example/",
    "https://exam\u202Eple.org/",
    `https://example.org/${"a".repeat(3000)}`,
  ];
  for (const text of bad) expect(safeLink(text), text).toBeNull();
});
