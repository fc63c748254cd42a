// Two people editing one thing: what was typed is laid over what the other saved, and where both changed the same field
// it is said.

export interface Merged<T> {
  /** The newest state, with what was typed where something was typed. */
  draft: T;
  /** Fields that the other changed. */
  theirs: (keyof T)[];
  /** Fields that both changed, and not to the same. */
  conflicts: (keyof T)[];
}

/** `base` is what the draft was made from, `now` what is saved meanwhile. */
export function merge<T extends object>(base: T, draft: T, now: T): Merged<T> {
  const keys = Object.keys(base) as (keyof T)[];
  const theirs = keys.filter((key) => now[key] !== base[key]);
  const mine = keys.filter((key) => draft[key] !== base[key]);
  return {
    draft: Object.assign({}, now, Object.fromEntries(mine.map((key) => [key, draft[key]]))),
    theirs,
    conflicts: mine.filter((key) => theirs.includes(key) && now[key] !== draft[key]),
  };
}
