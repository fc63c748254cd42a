// Who owns a resource, as its labels and annotations tell. There is no standard for it, so the usual words count, as the
// whole key or as the part behind its prefix: `team`, `example.org/owner`.

const WORDS = new Set([
  "owner",
  "owners",
  "team",
  "squad",
  "contact",
  "maintainer",
  "maintainers",
  "on-call",
  "oncall",
  "slack-channel",
  "cost-center",
  "part-of",
]);

export interface Owner {
  key: string;
  value: string;
}

const entries = (value: unknown): [string, string][] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string")
    : [];

/** Labels, annotations or tags as pairs, by key. */
export const pairsOf = (value: unknown): [string, string][] =>
  entries(value).sort(([a], [b]) => (a < b ? -1 : 1));

/** Whatever of the attributes of a resource names an owner. */
export function ownersOf(attributes: Record<string, unknown>): Owner[] {
  const found = new Map<string, Owner>();
  for (const source of ["annotations", "labels", "tags"]) {
    for (const [key, value] of pairsOf(attributes[source])) {
      const word = key.slice(key.lastIndexOf("/") + 1).toLowerCase();
      if (WORDS.has(word) && value.trim() !== "") found.set(`${key}\u0000${value}`, { key, value });
    }
  }
  return [...found.values()];
}
