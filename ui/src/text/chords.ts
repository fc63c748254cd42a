// Keys of one's own: which shortcut a pressed key means after somebody has moved some.

/** From the shortcut as it is shipped to the keys that stand for it here. */
export type Moved = Readonly<Record<string, string>>;

/** One key, or two after each other, such as `g f`; null for anything else. */
export function readChord(text: string): string | null {
  const keys = text.trim().split(/\s+/);
  if (keys.length > 2 || keys.some((key) => [...key].length !== 1)) return null;
  return keys.join(" ");
}

/** The keys for a shipped shortcut. */
export const keysOf = (shipped: string, moved: Moved): string => moved[shipped] ?? shipped;

/** The shipped shortcut that pressed keys mean; null where they now mean nothing. */
export function meant(pressed: string, moved: Moved): string | null {
  const found = Object.keys(moved).find((shipped) => moved[shipped] === pressed);
  if (found !== undefined) return found;
  return pressed in moved ? null : pressed;
}

/** The shortcut that stands in the way of these keys: the same ones, or one that would never get its turn. */
export function conflict(
  shipped: string,
  keys: string,
  all: readonly string[],
  moved: Moved,
): string | undefined {
  return all.find((other) => {
    const taken = keysOf(other, moved);
    return (
      other !== shipped && (taken === keys || taken.startsWith(`${keys} `) || keys.startsWith(`${taken} `))
    );
  });
}

export function readMoved(text: string | null): Moved {
  try {
    const raw: unknown = JSON.parse(text ?? "{}");
    if (typeof raw !== "object" || raw === null) return {};
    return Object.fromEntries(
      Object.entries(raw).filter(([, keys]) => typeof keys === "string" && readChord(keys) === keys),
    ) as Moved;
  } catch {
    return {};
  }
}
