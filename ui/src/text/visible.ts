// Text from images, feeds and plugins is hostile. It is shown as text only, and characters that a reader would not
// see, or that would reorder what he sees, are shown by their code point instead of taking effect.

/** A run of ordinary text, or one character that must not take effect. */
export type Piece = string | { code: number };

/** Longest text shown in one place; the rest is counted, not shown. */
export const LENGTH_MAX = 20_000;

// Controls, formats (bidi overrides and isolates, zero width, tags), lone surrogates, line and paragraph separators,
// and the fillers and joiners that look like nothing.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5/gu;

/** Splits a text at its hidden characters. With `lines`, line feeds and tabs stay what they are. */
export function pieces(text: string, lines = false): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    const code = match[0].codePointAt(0) ?? 0;
    if (lines && (code === 0x0a || code === 0x09)) continue;
    if (match.index > from) out.push(text.slice(from, match.index));
    out.push({ code });
    from = match.index + match[0].length;
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}

/** `U+202E`. */
export const codePoint = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;

/** The same as plain text, for titles and labels that cannot hold elements. */
export function visible(text: string): string {
  return pieces(text)
    .map((piece) => (typeof piece === "string" ? piece : `⟨${codePoint(piece.code)}⟩`))
    .join("");
}

/** The first `max` characters without cutting a pair in two, and how many were left out. */
export function clip(text: string, max = LENGTH_MAX): { text: string; left: number } {
  if (text.length <= max) return { text, left: 0 };
  const last = text.charCodeAt(max - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? max - 1 : max;
  return { text: text.slice(0, end), left: text.length - end };
}
