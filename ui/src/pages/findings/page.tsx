import { type UseQueryResult, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { facetsQuery, findingQuery, findingsQuery, PAGES_MAX } from "../../api/queries";
import type { Facets, FindingRow } from "../../api/types";
import { useDrawerOverlay } from "../../app/narrow";
import { type FindingSearch, filterOf, OPEN, type Sort, TYPED } from "../../app/search";
import { useShortcuts } from "../../app/shortcuts";
import { Grid, type GridHandle } from "../../parts/grid";
import { Icon } from "../../parts/icon";
import { Popover } from "../../parts/popover";
import { SearchField } from "../../parts/search-field";
import { SelectionBar, useSelection } from "../../parts/selection";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count } from "../../text/number";
import { selectionOf } from "../../text/triage";
import { visible } from "../../text/visible";
import { BulkTriage } from "./bulk";
import { findingColumns } from "./columns";
import { FindingDrawer } from "./drawer";
import { totalOf } from "./facet-options";
import { FacetPanel } from "./facets";
import { facetWord } from "./words";

const route = getRouteApi("/findings");

const SORT_OF: Record<string, Sort> = {
  severity: "severity",
  risk: "risk",
  last_seen: "-last_seen",
  package: "package",
};
const SORT_NAMES: readonly (readonly [Sort, string])[] = [
  ["severity", "Severity, worst first"],
  ["risk", "Risk, highest first"],
  ["-last_seen", "Last seen, latest first"],
  ["package", "Package, A to Z"],
];
const CHIPS = [
  "severity",
  "state",
  "status",
  "class",
  "kev",
  "fixable",
  "suppressed",
  "asset",
  "package",
  "rule",
  "subject",
  "assignee",
  "tag",
  "found_by",
  "overdue",
  "filter",
  "q",
] as const;
/** Values that may hold a comma of their own. */
const TEXTS: readonly string[] = [
  "q",
  "asset",
  "package",
  "rule",
  "subject",
  "assignee",
  "tag",
  "found_by",
  "filter",
];
/** Off unless asked for: the default table answers "how bad and how old". */
const HIDDEN_AT_FIRST = "last_seen,assignee,due";
const BESIDE_HIDDEN = ["asset", "epss", "state", "age", "last_seen", "assignee", "due"];

/** How often is looked for what has changed. */
const LOOK_MS = 30_000;

/** By how many findings the filter matches more or less than when the rows were read, and how to begin anew. */
function useChanged(filter: string, facets: UseQueryResult<Facets>): [number, () => void] {
  const [base, setBase] = useState({ filter: "", matching: 0 });
  const now = facets.isPlaceholderData || facets.data?.capped ? undefined : facets.data?.matching;
  // Figures that come with the rows are those of the rows.
  if (now !== undefined && !facets.isFetching && base.filter !== filter) setBase({ filter, matching: now });
  const changed = now === undefined || base.filter !== filter ? 0 : now - base.matching;
  return [changed, () => setBase({ filter: "", matching: 0 })];
}

/** The filters in force that can be typed. */
const typedOf = (search: FindingSearch): Record<string, string> =>
  Object.fromEntries(
    Object.entries(search).filter(
      (entry): entry is [string, string] => entry[0] in TYPED && typeof entry[1] === "string",
    ),
  );

const rowId = (row: FindingRow) => row.fingerprint;

export function FindingsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const overlay = useDrawerOverlay();
  const grid = useRef<GridHandle>(null);
  const [filtersOpen, setFiltersOpen] = useState(false);

  const filter = useMemo(() => filterOf(search), [search]);
  const sort: Sort = search.sort ?? "severity";
  const list = useInfiniteQuery(findingsQuery({ ...filter, sort }));
  const facets = useQuery({ ...facetsQuery({ ...filter }), refetchInterval: LOOK_MS });
  const [changed, forget] = useChanged(JSON.stringify(filter), facets);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const total =
    list.hasNextPage || (list.data?.pages.length ?? 0) >= PAGES_MAX
      ? totalOf(facets.data, search)
      : rows.length;
  const hidden = (search.hide ?? HIDDEN_AT_FIRST).split(",");
  // Beside the drawer there is room for what tells rows apart; the drawer has the rest.
  const beside = search.finding !== undefined && !overlay ? [...hidden, ...BESIDE_HIDDEN] : hidden;
  const columns = useMemo(() => findingColumns(search), [search]);

  const openAt = rows.findIndex((row) => row.fingerprint === search.finding);
  const [cursor, setCursor] = useState(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another result starts at its top
  useEffect(() => setCursor(-1), [JSON.stringify(filter), sort]);
  useEffect(() => {
    if (openAt >= 0) setCursor(openAt);
  }, [openAt]);

  const change = useCallback(
    (next: FindingSearch) => {
      void navigate({ search: (before) => ({ ...before, finding: undefined, ...next }), replace: false });
    },
    [navigate],
  );
  const setText = useCallback((q: string) => change({ q: q.trim() || undefined }), [change]);
  const open = (index: number) => {
    const row = rows[index];
    if (!row) return;
    setCursor(index);
    // Stepping through findings is one visit: "back" leads to the list, not through every step.
    void navigate({
      search: (before) => ({ ...before, finding: row.fingerprint }),
      replace: search.finding !== undefined,
    });
    for (const near of [rows[index + 1], rows[index - 1]]) {
      if (near) void client.prefetchQuery(findingQuery(near.fingerprint));
    }
  };
  const close = useCallback(() => {
    void navigate({ search: (before) => ({ ...before, finding: undefined }) });
    grid.current?.focus();
  }, [navigate]);
  const step = (by: number) => {
    if (rows.length === 0) return;
    const next = Math.min(rows.length - 1, Math.max(0, cursor + by));
    if (search.finding) open(next);
    else {
      setCursor(next);
      grid.current?.focus();
    }
  };
  const selection = useSelection(rows, rowId);
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    x: () => cursor >= 0 && selection.toggle(cursor, false),
    escape: () => {
      if (search.finding === undefined) return false;
      close();
    },
  });

  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const drawerOpen = search.finding !== undefined;

  return (
    <main className={drawerOpen ? "split with-drawer" : "split"}>
      <div className="split-main" inert={drawerOpen && overlay}>
        <header className="page-head tight">
          <h1>Findings</h1>
          <p className="muted" role="status" data-testid="shown">
            {list.isPending ? "Loading …" : <Shown rows={rows.length} total={total} />}
          </p>
        </header>
        <div className="toolbar">
          <SearchField
            value={search.q ?? ""}
            onChange={setText}
            label="Search, or severity:critical kev:true"
            known={TYPED}
            filters={typedOf(search)}
            onFilters={({ filters, text }, whole) =>
              change({
                ...(whole ? Object.fromEntries(Object.keys(TYPED).map((key) => [key, undefined])) : {}),
                ...filters,
                q: text || undefined,
              })
            }
          />
          <button
            type="button"
            className="button only-facets-hidden"
            aria-expanded={filtersOpen}
            aria-controls="facets"
            onClick={() => setFiltersOpen(!filtersOpen)}
          >
            <Icon name="filter" /> Filters
          </button>
          <label className="select">
            <span className="sr-only">Sort by</span>
            <select value={sort} onChange={(event) => change({ sort: event.target.value as Sort })}>
              {SORT_NAMES.map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <div className="only-wide-tools">
            <Popover
              label="Columns"
              button={
                <>
                  <Icon name="columns" /> Columns
                </>
              }
            >
              {columns.map((column) => (
                <label key={column.id} className="check">
                  <input
                    type="checkbox"
                    checked={!hidden.includes(column.id)}
                    disabled={column.id === "rule"}
                    onChange={() => {
                      const next = hidden.includes(column.id)
                        ? hidden.filter((id) => id !== column.id)
                        : [...hidden, column.id];
                      const text = next.filter((id) => id !== "-").join(",") || "-";
                      change({ hide: text === HIDDEN_AT_FIRST ? undefined : text, finding: search.finding });
                    }}
                  />
                  {column.title}
                </label>
              ))}
            </Popover>
          </div>
        </div>
        <Chips search={search} onChange={change} />
        <div className="with-facets">
          <section id="facets" className={filtersOpen ? "facets open" : "facets"} aria-label="Filters">
            <FacetPanel facets={facets} search={search} onChange={change} />
          </section>
          <div className="list">
            {changed !== 0 && (
              <button
                type="button"
                className="button small pill"
                onClick={() => {
                  void client.resetQueries({ queryKey: ["findings"] });
                  forget();
                }}
              >
                <Icon name="refresh" /> {count(Math.abs(changed))} {changed > 0 ? "more" : "fewer"} match now:
                show
              </button>
            )}
            <SelectionBar rows={rows} rowId={rowId} selection={selection} one="finding" many="findings">
              {(chosen) => (
                <BulkTriage
                  chosen={chosen}
                  filter={selectionOf({ ...filter })}
                  matching={facets.data?.matching}
                />
              )}
            </SelectionBar>
            {list.isPending ? (
              <Loading rows={14} label="Loading findings" />
            ) : list.isLoadingError ? (
              <Failure error={list.error} retry={() => list.refetch()} what="findings" />
            ) : rows.length === 0 ? (
              <NoRows search={search} onClear={() => void navigate({ search: OPEN })} />
            ) : (
              <Grid
                ref={grid}
                label="Findings"
                columns={columns}
                hidden={beside}
                rows={rows}
                rowId={rowId}
                selection={selection}
                total={total}
                sort={{ column: sort === "-last_seen" ? "last_seen" : sort, descending: sort !== "package" }}
                onSort={(column) => change({ sort: SORT_OF[column] })}
                cursor={cursor}
                onCursor={(index) => (search.finding ? open(index) : setCursor(index))}
                onOpen={open}
                opened={search.finding}
                hasMore={list.hasNextPage && !list.isFetchNextPageError}
                loadingMore={list.isFetchingNextPage}
                onMore={more}
                cardLines={4}
                rowHeight={48}
              />
            )}
          </div>
        </div>
      </div>
      {search.finding && (
        <FindingDrawer
          fingerprint={search.finding}
          modal={overlay}
          position={openAt >= 0 ? { index: openAt, loaded: rows.length } : null}
          onStep={step}
          onClose={close}
        />
      )}
    </main>
  );
}

function Shown({ rows, total }: { rows: number; total: number | undefined }) {
  if (total === undefined) return <>{count(rows)} shown, more to come</>;
  if (rows >= total) return <>{total === 1 ? "1 finding" : `${count(total)} findings`}</>;
  const capped = rows >= PAGES_MAX * 100;
  return (
    <>
      {count(rows)} of {count(total)} findings{" "}
      {capped ? "shown: narrow the filter to see the others" : "loaded, more on scrolling"}
    </>
  );
}

function Chips({ search, onChange }: { search: FindingSearch; onChange: (change: FindingSearch) => void }) {
  const set = CHIPS.filter((name) => search[name] !== undefined);
  if (set.length === 0) return null;
  return (
    <ul className="chips" aria-label="Filters in force">
      {set.map((name) => {
        const words = (search[name] ?? "").split(TEXTS.includes(name) ? "\u0000" : ",");
        const text = words.map((word) => facetWord(name, word)).join(" or ");
        return (
          <li key={name} className="chip">
            <span className="muted">{name === "q" ? "text" : name}</span> <Text value={text} max={60} />
            <button
              type="button"
              onClick={() => onChange({ [name]: undefined })}
              aria-label={`Remove the filter ${name} ${visible(text)}`}
            >
              <Icon name="close" />
            </button>
          </li>
        );
      })}
      <li>
        <button
          type="button"
          className="button ghost small"
          onClick={() => onChange(Object.fromEntries(CHIPS.map((name) => [name, undefined])))}
        >
          Clear all
        </button>
      </li>
    </ul>
  );
}

function NoRows({ search, onClear }: { search: FindingSearch; onClear: () => void }) {
  const narrowed = CHIPS.some((name) => search[name] !== undefined && search[name] !== OPEN[name]);
  return narrowed ? (
    <Empty icon="filter" title="No finding matches these filters">
      <p>Remove one of them, or look at all that is open.</p>
      <button type="button" className="button" onClick={onClear}>
        Show all open findings
      </button>
    </Empty>
  ) : (
    <Empty title="No finding is open">
      <p>
        This is only as good as the coverage of the scans: look at the gaps of each image before you call it
        clean.
      </p>
    </Empty>
  );
}
