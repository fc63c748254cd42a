import { describe, expect, it } from "vitest";
import { clip, pieces, visible } from "./visible";

describe("visible", () => {
  it("leaves ordinary text of any script alone", () => {
    for (const text of ["openssl", "", "libstdc++6", "Größe", "文字化け", "עברית", "emoji 🛡️"]) {
      expect(visible(text)).toBe(text);
    }
  });

  it("shows what would reorder the text", () => {
    expect(visible("invoice\u202Egnp.exe")).toBe("invoice⟨U+202E⟩gnp.exe");
    for (const code of [
      0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x2066, 0x2067, 0x2068, 0x2069,
    ]) {
      expect(pieces(String.fromCodePoint(code))).toEqual([{ code }]);
    }
  });

  it("shows what would not be seen", () => {
    for (const code of [
      0x00, 0x07, 0x1b, 0x7f, 0x9b, 0xad, 0x200b, 0x2028, 0x2060, 0x3164, 0xfeff, 0xe0041,
    ]) {
      expect(visible(`a${String.fromCodePoint(code)}b`)).toMatch(/^a⟨U\+[0-9A-F]{4,6}⟩b$/);
    }
  });

  it("shows lone surrogates and keeps pairs", () => {
    expect(visible("\ud83d")).toBe("⟨U+D83D⟩");
    expect(visible("\ud83d\ude00")).toBe("😀");
  });

  it("keeps line ends only where lines are asked for", () => {
    expect(visible("a\nb")).toBe("a⟨U+000A⟩b");
    expect(pieces("a\nb\tc\r", true)).toEqual(["a\nb\tc", { code: 0x0d }]);
  });

  it("loses nothing: the pieces put together are the text", () => {
    const text = "x\u202E\u0000y\ud800\u2066 z\n";
    const joined = pieces(text)
      .map((piece) => (typeof piece === "string" ? piece : String.fromCodePoint(piece.code)))
      .join("");
    expect(joined).toBe(text);
  });
});

describe("clip", () => {
  it("counts what it leaves out and does not cut a pair", () => {
    expect(clip("abc", 3)).toEqual({ text: "abc", left: 0 });
    expect(clip("abcd", 3)).toEqual({ text: "abc", left: 1 });
    expect(clip("a😀b", 2)).toEqual({ text: "a", left: 3 });
  });
});
