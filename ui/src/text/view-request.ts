// A page's address as the request that the page makes of the API, so that whoever sees rows can ask for the same ones
// without the page.

export interface ViewRequest {
  /** Below `/api/v1`. */
  path: string;
  query: Record<string, string>;
  /** What a row is, in the plural. */
  rows: string;
}

interface List {
  path: string;
  rows: string;
  /** Keys of the address that are about the page alone. */
  own?: readonly string[];
  /** Keys that the API calls otherwise. */
  named?: Record<string, string>;
  /** What the page asks for although its address does not say so. */
  first?: Record<string, string>;
}

const FROM_SEVERITY = { severity: "severity_min" };

const LISTS: Record<string, List> = {
  "/findings": {
    path: "/findings",
    rows: "findings",
    own: ["hide", "finding"],
    first: { sort: "severity" },
  },
  "/vulnerabilities": {
    path: "/findings",
    rows: "findings",
    own: ["by"],
    first: { state: "open", suppressed: "false", class: "vulnerability", sort: "severity" },
  },
  "/inventory": { path: "/inventory", rows: "resources", own: ["resource"] },
  "/images": { path: "/images", rows: "images" },
  "/scans": { path: "/scans", rows: "scans" },
  "/incidents": { path: "/incidents", rows: "incidents", named: FROM_SEVERITY },
  "/runtime": { path: "/runtime/events", rows: "events", own: ["event"], named: FROM_SEVERITY },
  "/runtime/detections": {
    path: "/runtime/detections",
    rows: "detections",
    own: ["detection"],
    named: FROM_SEVERITY,
  },
  "/responses": { path: "/responses", rows: "responses" },
  "/responses/ledger": { path: "/responses/ledger", rows: "entries" },
};

/** Null where the page is no list of rows that the API pages. */
export function viewRequest(pathname: string, search: Record<string, unknown>): ViewRequest | null {
  const list =
    LISTS[pathname.length > 1 ? pathname.replace(/\/$/, "") : pathname] ?? packages(pathname, search);
  if (!list) return null;
  const query: Record<string, string> = { ...list.first };
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "" && !list.own?.includes(key))
      query[list.named?.[key] ?? key] = value;
  }
  return { path: list.path, query, rows: list.rows };
}

/** The request for a shell. Nothing of the address is left unquoted: it may come from a link somebody sent. */
export function curl(origin: string, view: ViewRequest): string {
  // The encoding leaves letters, digits and `*-._+%=&`; the quotes are for the ampersand.
  const query = new URLSearchParams({ ...view.query, limit: "500" }).toString();
  return [
    "curl --fail --silent --show-error",
    '--header "Authorization: Bearer $PALISADE_TOKEN"',
    `'${origin}/api/v1${view.path.replaceAll("'", "%27")}?${query}'`,
  ].join(" \\\n  ");
}

/** Where the server writes all of a view in another form; nothing for rows of which it knows none. */
export function exportOf(view: ViewRequest, format: "openvex" | "cyclonedx" | "ocsf"): string | undefined {
  if (view.path !== "/findings") return undefined;
  const { sort: _, ...filter } = view.query;
  return `/api/v1/findings/export?${new URLSearchParams({ ...filter, format })}`;
}

/** The bill of materials of one image, which is the first tab of its page. */
function packages(pathname: string, search: Record<string, unknown>): List | undefined {
  const [, id] = /^\/images\/([^/]+)\/?$/.exec(pathname) ?? [];
  if (id === undefined || id === "compare" || (search.tab ?? "packages") !== "packages") return undefined;
  // The address may have left characters as they are that a request must not.
  return { path: `/images/${encodeURIComponent(decoded(id))}/packages`, rows: "packages", own: ["tab"] };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
