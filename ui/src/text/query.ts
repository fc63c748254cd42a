// A filter written as text: `severity:critical,high state:open "left pad"`. What is typed becomes the filters that could
// have been clicked; what is clicked can be read back as text.

export interface Parsed {
  /** What the words with a colon set. */
  filters: Record<string, string>;
  /** The other words. */
  text: string;
}

export interface QueryError {
  message: string;
  /** Column of the word it is about, from 1. */
  column: number;
}

/** Values that a filter may have; null for any text. */
export type Known = Readonly<Record<string, readonly string[] | null>>;

const WORD = /(?:([a-z_]+):)?("(?:[^"\\]|\\.)*"?|\S+)/giu;

/** Whether the text has filters in it, or the beginning of one, so that it is no plain text to search for. */
export const hasFilters = (typed: string, known: Known): boolean =>
  [...typed.matchAll(/(?:^|\s)([a-z_]+):/giu)].some((match) => (match[1] ?? "").toLowerCase() in known);

export function readQuery(typed: string, known: Known): Parsed | QueryError {
  const filters: Record<string, string> = {};
  const text: string[] = [];
  for (const match of typed.matchAll(WORD)) {
    const [whole, rawKey, rawValue = ""] = match;
    const column = match.index + 1;
    if (rawValue.startsWith('"') && !/^"(?:[^"\\]|\\.)*"$/u.test(rawValue))
      return { message: "The quote is not closed", column: column + whole.length - rawValue.length };
    const value = rawValue.startsWith('"') ? rawValue.slice(1, -1).replaceAll(/\\(.)/gu, "$1") : rawValue;
    // An address or a package may have a colon of its own: only a known name in front of it makes a filter.
    const key = rawKey?.toLowerCase();
    if (key === undefined || !(key in known)) {
      if (key !== undefined && near(key, known) !== undefined)
        return { message: `There is no filter “${key}”; did you mean “${near(key, known)}”?`, column };
      text.push(rawKey === undefined ? value : `${rawKey}:${value}`);
      continue;
    }
    if (key in filters) return { message: `“${key}” stands there twice`, column };
    const words = known[key];
    if (words) {
      const wrong = value.split(",").find((each) => !words.includes(each));
      if (wrong !== undefined)
        return {
          message: `“${wrong}” is no value of “${key}”: ${words.join(", ")}`,
          column: column + key.length + 1 + Math.max(0, value.split(",").indexOf(wrong)),
        };
    }
    filters[key] = value;
  }
  return { filters, text: text.join(" ") };
}

/** The one name that begins as this does. */
function near(key: string, known: Known): string | undefined {
  const found = key.length < 3 ? [] : Object.keys(known).filter((each) => each.startsWith(key));
  return found.length === 1 ? found[0] : undefined;
}

/** Filters and text as they can be typed. */
export function writeQuery({ filters, text }: Parsed): string {
  const words = Object.entries(filters).map(([key, value]) => `${key}:${quoted(value)}`);
  return [...words, text].filter((word) => word !== "").join(" ");
}

const quoted = (value: string): string =>
  /[\s"\\]/u.test(value) ? `"${value.replaceAll(/(["\\])/gu, "\\$1")}"` : value;
