import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { ResourceRow } from "../../api/posture";
import { clustersQuery, resourceFacetsQuery, resourceQuery, resourcesQuery } from "../../api/posture-queries";
import { PAGES_MAX } from "../../api/queries";
import { useDrawerOverlay } from "../../app/narrow";
import type { InventorySearch } from "../../app/search-posture";
import { useShortcuts } from "../../app/shortcuts";
import { Grid, type GridHandle } from "../../parts/grid";
import { Icon } from "../../parts/icon";
import { SearchField } from "../../parts/search-field";
import { SelectionBar, useSelection } from "../../parts/selection";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count } from "../../text/number";
import { verdictName } from "../../text/path";
import { kindName } from "../../text/resource";
import { visible } from "../../text/visible";
import { resourceColumns } from "./columns";
import { ResourceDrawer } from "./drawer";
import { ResourceFacetPanel } from "./facets";

const route = getRouteApi("/inventory");

const CHIPS = ["exposure", "kind", "namespace", "scope", "q"] as const;
const CHIP_NAMES = {
  exposure: "internet",
  kind: "kind",
  namespace: "namespace or region",
  scope: "in",
  q: "text",
};
/** Beside the drawer there is room for what tells rows apart. */
const BESIDE_HIDDEN = ["scope", "seen", "namespace"];
/** With one scope the column would say the same in every row. */
const ONE_SCOPE_HIDDEN = ["scope"];

const rowId = (row: ResourceRow) => row.id;

export function InventoryPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const overlay = useDrawerOverlay();
  const grid = useRef<GridHandle>(null);
  const [filtersOpen, setFiltersOpen] = useState(false);
  const { resource, ...filter } = search;
  const key = JSON.stringify(filter);

  const list = useInfiniteQuery(resourcesQuery({ ...filter }));
  const facets = useQuery(resourceFacetsQuery({ ...filter }));
  const clusters = useQuery(clustersQuery);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const scopes = useMemo(
    () => new Map(clusters.data?.items.map((each) => [each.id, each.name])),
    [clusters.data],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is the filter
  const columns = useMemo(() => resourceColumns(filter, scopes), [key, scopes]);
  const drawerOpen = resource !== undefined;
  const hidden = drawerOpen && !overlay ? BESIDE_HIDDEN : scopes.size < 2 ? ONE_SCOPE_HIDDEN : [];
  const total = list.hasNextPage || facets.data ? facets.data?.matching : rows.length;

  const openAt = rows.findIndex((row) => row.id === resource);
  const [cursor, setCursor] = useState(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another result starts at its top
  useEffect(() => setCursor(-1), [key]);
  useEffect(() => {
    if (openAt >= 0) setCursor(openAt);
  }, [openAt]);

  const change = useCallback(
    (next: InventorySearch) => {
      void navigate({ search: (before) => ({ ...before, resource: undefined, ...next }) });
    },
    [navigate],
  );
  const setText = useCallback((q: string) => change({ q: q.trim() || undefined }), [change]);
  const open = (index: number) => {
    const row = rows[index];
    if (!row) return;
    setCursor(index);
    void navigate({ search: (before) => ({ ...before, resource: row.id }), replace: drawerOpen });
    for (const near of [rows[index + 1], rows[index - 1]]) {
      if (near) void client.prefetchQuery(resourceQuery(near.id));
    }
  };
  const close = useCallback(() => {
    void navigate({ search: (before) => ({ ...before, resource: undefined }) });
    grid.current?.focus();
  }, [navigate]);
  const step = (by: number) => {
    if (rows.length === 0) return;
    const next = Math.min(rows.length - 1, Math.max(0, cursor + by));
    if (drawerOpen) open(next);
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
      if (!drawerOpen) return false;
      close();
    },
  });
  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);

  return (
    <main className={drawerOpen ? "split with-drawer" : "split"}>
      <div className="split-main" inert={drawerOpen && overlay}>
        <header className="page-head tight">
          <h1>Inventory</h1>
          <p className="muted" role="status" data-testid="shown">
            {list.isPending ? "Loading …" : <Shown rows={rows.length} total={total} />}
          </p>
        </header>
        <div className="toolbar">
          <SearchField value={search.q ?? ""} onChange={setText} label="Search kinds and paths" />
          <button
            type="button"
            className="button only-facets-hidden"
            aria-expanded={filtersOpen}
            aria-controls="facets"
            onClick={() => setFiltersOpen(!filtersOpen)}
          >
            <Icon name="filter" /> Filters
          </button>
        </div>
        <Chips search={search} scopes={scopes} onChange={change} />
        <div className="with-facets">
          <aside id="facets" className={filtersOpen ? "facets open" : "facets"} aria-label="Filters">
            <ResourceFacetPanel
              facets={facets}
              clusters={clusters.data?.items ?? []}
              search={search}
              onChange={change}
            />
          </aside>
          <div className="list">
            <SelectionBar rows={rows} rowId={rowId} selection={selection} one="resource" many="resources" />
            {list.isPending ? (
              <Loading rows={14} label="Loading resources" />
            ) : list.isLoadingError ? (
              <Failure error={list.error} retry={() => list.refetch()} what="resources" />
            ) : rows.length === 0 ? (
              <NoRows
                narrowed={CHIPS.some((name) => search[name] !== undefined)}
                onClear={() => void navigate({ search: {} })}
              />
            ) : (
              <Grid
                ref={grid}
                label="Resources"
                columns={columns}
                hidden={hidden}
                rows={rows}
                rowId={rowId}
                selection={selection}
                total={total}
                cursor={cursor}
                onCursor={(index) => (drawerOpen ? open(index) : setCursor(index))}
                onOpen={open}
                opened={resource}
                hasMore={list.hasNextPage && !list.isFetchNextPageError}
                loadingMore={list.isFetchingNextPage}
                onMore={more}
                cardLines={3}
              />
            )}
          </div>
        </div>
      </div>
      {resource && (
        <ResourceDrawer
          id={resource}
          scopes={scopes}
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
  if (rows >= total) return <>{total === 1 ? "1 resource" : `${count(total)} resources`}</>;
  return (
    <>
      {count(rows)} of {count(total)} resources{" "}
      {rows >= PAGES_MAX * 100 ? "shown: narrow the filter to see the others" : "loaded, more on scrolling"}
    </>
  );
}

function chipText(name: (typeof CHIPS)[number], value: string, scopes: ReadonlyMap<string, string>): string {
  if (name === "exposure") return value.split(",").map(verdictName).join(" or ");
  if (name === "kind") return value.split(",").map(kindName).join(" or ");
  return name === "scope" ? (scopes.get(value) ?? value) : value;
}

function Chips(props: {
  search: InventorySearch;
  scopes: ReadonlyMap<string, string>;
  onChange: (change: InventorySearch) => void;
}) {
  const set = CHIPS.filter((name) => props.search[name] !== undefined);
  if (set.length === 0) return null;
  return (
    <ul className="chips" aria-label="Filters in force">
      {set.map((name) => {
        const text = chipText(name, props.search[name] ?? "", props.scopes);
        return (
          <li key={name} className="chip">
            <span className="muted">{CHIP_NAMES[name]}</span> <Text value={text} max={60} />
            <button
              type="button"
              onClick={() => props.onChange({ [name]: undefined })}
              aria-label={`Remove the filter ${CHIP_NAMES[name]} ${visible(text)}`}
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
          onClick={() => props.onChange(Object.fromEntries(CHIPS.map((name) => [name, undefined])))}
        >
          Clear all
        </button>
      </li>
    </ul>
  );
}

function NoRows({ narrowed, onClear }: { narrowed: boolean; onClear: () => void }) {
  return narrowed ? (
    <Empty icon="filter" title="No resource matches these filters">
      <button type="button" className="button" onClick={onClear}>
        Show all resources
      </button>
    </Empty>
  ) : (
    <Empty icon="inventory" title="No cluster or account has been scanned yet">
      <p>Its objects and what joins them appear here after the first scan.</p>
      <Link to="/scans" className="button primary">
        Scan a cluster
      </Link>
    </Empty>
  );
}
