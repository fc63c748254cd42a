// Which of many names a few typed letters mean.

/** How well a name fits; 0 where it does not. The start of the name is better than the start of a word, and that
 * better than its middle. Every typed word has to be in it. */
export function points(name: string, typed: string): number {
  const low = name.toLowerCase();
  let total = 1;
  for (const word of typed.toLowerCase().split(/\s+/)) {
    if (word === "") continue;
    const at = low.indexOf(word);
    if (at < 0) return 0;
    total += at === 0 ? 8 : /[^\p{L}\p{N}]/u.test(low[at - 1] ?? "") ? 4 : 1;
  }
  return total;
}

/** What fits, the best first; equals stay in their order. */
export function ranked<T>(items: readonly T[], typed: string, name: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, score: points(name(item), typed) }))
    .filter((each) => each.score > 0)
    .sort((a, b) => b.score - a.score)
    .map((each) => each.item);
}
