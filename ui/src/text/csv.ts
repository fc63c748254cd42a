// Rows of the API as a table for a spreadsheet. Names come from scanned things, and a spreadsheet runs what looks like a
// formula.

/** Objects become dotted columns, lists of plain values one cell, other lists JSON. */
export function flat(value: unknown, prefix = "", into: Record<string, string | number> = {}) {
  if (value === null || value === undefined) return into;
  if (Array.isArray(value)) {
    const plain = value.every((each) => typeof each !== "object");
    into[prefix] = plain ? value.join(" ") : JSON.stringify(value);
  } else if (typeof value === "object") {
    for (const [key, each] of Object.entries(value)) flat(each, prefix ? `${prefix}.${key}` : key, into);
  } else into[prefix] = typeof value === "number" ? value : String(value);
  return into;
}

/** RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers. */
export function cell(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[\s]*[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A header with every column that any row has, in the order they first occur. */
export function csv(rows: readonly unknown[]): string {
  const flats = rows.map((row) => flat(row));
  const columns = [...new Set(flats.flatMap((row) => Object.keys(row)))];
  return [columns.map(cell), ...flats.map((row) => columns.map((column) => cell(row[column])))]
    .map((cells) => `${cells.join(",")}\r\n`)
    .join("");
}
