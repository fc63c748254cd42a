import { clip, codePoint, pieces } from "../text/visible";

interface TextProps {
  value: string;
  /** Keep line ends and tabs. */
  lines?: boolean;
  max?: number;
}

/** A text from outside: shown as text, hidden characters by their code point, isolated from its surroundings. */
export function Text({ value, lines = false, max }: TextProps) {
  const { text, left } = clip(value, max);
  const parts = pieces(text, lines);
  return (
    <bdi className={lines ? "text-lines" : undefined}>
      {parts.length === 1 && typeof parts[0] === "string"
        ? parts[0]
        : parts.map((piece, index) =>
            typeof piece === "string" ? (
              piece
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text never move
              <span key={index} className="hidden-char" title={`Hidden character ${codePoint(piece.code)}`}>
                {codePoint(piece.code)}
              </span>
            ),
          )}
      {left > 0 && <span className="muted"> … {left.toLocaleString("en")} more characters</span>}
    </bdi>
  );
}
