import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { imagesQuery } from "../../api/queries";
import type { ImageRow } from "../../api/types";
import { useShortcuts } from "../../app/shortcuts";
import { type Column, Grid, type GridHandle } from "../../parts/grid";
import { SearchField } from "../../parts/search-field";
import { SelectionBar, useSelection } from "../../parts/selection";
import { SeverityLine } from "../../parts/severity";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { osName } from "./words";

const route = getRouteApi("/images");

const COLUMNS: Column<ImageRow>[] = [
  {
    id: "name",
    title: "Name",
    width: "minmax(200px, 2.4fr)",
    narrow: "line",
    cell: (row) => (
      <Link to="/images/$id" params={{ id: row.id }} className="cell-link" tabIndex={-1} data-row>
        <strong>
          <Text value={row.name} max={200} />
        </strong>{" "}
        {row.kind !== "image" && <span className="tag">{row.kind}</span>}
      </Link>
    ),
  },
  {
    id: "findings",
    title: "Open findings",
    width: "minmax(220px, 1.4fr)",
    narrow: "line",
    cell: (row) => <SeverityLine counts={row.findings} />,
  },
  {
    id: "gaps",
    title: "Gaps",
    width: "64px",
    narrow: "meta",
    align: "end",
    cell: (row) =>
      row.gaps ? (
        <span className="tag warn" title="Places that the latest scan could not look at or judge">
          {counted(row.gaps, "gap")}
        </span>
      ) : (
        <span className="muted only-wide">0</span>
      ),
  },
  {
    id: "os",
    title: "System",
    width: "minmax(120px, 1.2fr)",
    narrow: "meta",
    cell: (row) => <Text value={osName(row.os) ?? "no distribution"} max={80} />,
  },
  {
    id: "platform",
    title: "Platform",
    width: "110px",
    narrow: "hide",
    cell: (row) => row.platform ?? <span className="muted">–</span>,
  },
  {
    id: "packages",
    title: "Packages",
    width: "84px",
    narrow: "hide",
    align: "end",
    cell: (row) => count(row.packages),
  },
  {
    id: "last",
    title: "Last scan",
    width: "110px",
    narrow: "meta",
    align: "end",
    cell: (row) => <Time at={row.last_scan_at} />,
  },
];

const rowId = (row: ImageRow) => row.id;

export function ImagesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useInfiniteQuery(imagesQuery({ q: search.q }));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const [cursor, setCursor] = useState(-1);
  const grid = useRef<GridHandle>(null);
  const setText = useCallback(
    (q: string) => void navigate({ search: { q: q.trim() || undefined } }),
    [navigate],
  );
  const open = (index: number) => {
    const row = rows[index];
    if (row) void navigate({ to: "/images/$id", params: { id: row.id } });
  };
  const step = (by: number) => {
    setCursor(Math.min(rows.length - 1, Math.max(0, cursor + by)));
    grid.current?.focus();
  };
  const selection = useSelection(rows, rowId);
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    x: () => cursor >= 0 && selection.toggle(cursor, false),
  });
  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return (
    <main className="split">
      <div className="split-main">
        <header className="page-head tight">
          <h1>Images</h1>
          <p className="muted" role="status">
            {list.isPending
              ? "Loading …"
              : list.hasNextPage
                ? `${count(rows.length)} loaded, more on scrolling`
                : count(rows.length)}
          </p>
        </header>
        <div className="toolbar">
          <SearchField value={search.q ?? ""} onChange={setText} label="Search names and digests" />
        </div>
        <SelectionBar rows={rows} rowId={rowId} selection={selection} one="image" many="images">
          {([a, b, ...others]) =>
            a &&
            b &&
            others.length === 0 && (
              <Link to="/images/compare" search={{ a: a.id, b: b.id }} className="button small primary">
                Compare the two
              </Link>
            )
          }
        </SelectionBar>
        <div className="list alone-list">
          {list.isPending ? (
            <Loading rows={12} label="Loading images" />
          ) : list.isLoadingError ? (
            <Failure error={list.error} retry={() => list.refetch()} what="images" />
          ) : rows.length === 0 ? (
            search.q ? (
              <Empty icon="search" title="No image has that in its name or digest">
                <button type="button" className="button" onClick={() => setText("")}>
                  Clear the search
                </button>
              </Empty>
            ) : (
              <Empty icon="images" title="No image has been scanned yet">
                <Link to="/scans" className="button primary">
                  Scan the first one
                </Link>
              </Empty>
            )
          ) : (
            <Grid
              ref={grid}
              label="Images"
              columns={COLUMNS}
              rows={rows}
              rowId={rowId}
              selection={selection}
              cursor={cursor}
              onCursor={setCursor}
              onOpen={open}
              hasMore={list.hasNextPage && !list.isFetchNextPageError}
              loadingMore={list.isFetchingNextPage}
              onMore={more}
              cardLines={3}
            />
          )}
        </div>
      </div>
    </main>
  );
}
