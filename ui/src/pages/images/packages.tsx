import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { packagesQuery } from "../../api/queries";
import type { PackageRow } from "../../api/types";
import { OPEN } from "../../app/search";
import { useShortcuts } from "../../app/shortcuts";
import { type Column, Grid, type GridHandle } from "../../parts/grid";
import { SearchField } from "../../parts/search-field";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count } from "../../text/number";

const route = getRouteApi("/images/$id");

function columns(asset: string): Column<PackageRow>[] {
  return [
    {
      id: "name",
      title: "Name",
      width: "minmax(160px, 1.8fr)",
      narrow: "lead",
      cell: (row) => (
        <Link
          to="/findings"
          search={{ ...OPEN, asset, package: row.name }}
          className="cell-link"
          tabIndex={-1}
          title="Its open findings"
        >
          <Text value={row.name} max={200} />
        </Link>
      ),
    },
    {
      id: "version",
      title: "Version",
      width: "minmax(120px, 1.2fr)",
      narrow: "lead",
      cell: (row) => (
        <span className="mono">
          <Text value={row.version} max={100} />
        </span>
      ),
    },
    {
      id: "type",
      title: "Type",
      width: "84px",
      narrow: "meta",
      cell: (row) => <span className="tag">{row.type}</span>,
    },
    {
      id: "arch",
      title: "Arch",
      width: "72px",
      narrow: "hide",
      cell: (row) => <Text value={row.arch ?? "–"} max={20} />,
    },
    {
      id: "source",
      title: "Built from",
      width: "minmax(110px, 1fr)",
      narrow: "hide",
      cell: (row) =>
        row.source ? <Text value={row.source.name} max={120} /> : <span className="muted">–</span>,
    },
    {
      id: "license",
      title: "Licence",
      width: "minmax(100px, 1fr)",
      narrow: "hide",
      cell: (row) =>
        row.licenses?.length ? (
          <Text value={row.licenses.join(", ")} max={120} />
        ) : (
          <span className="muted">–</span>
        ),
    },
    {
      id: "where",
      title: "Proved by",
      width: "minmax(150px, 1.6fr)",
      narrow: "line",
      cell: (row) => {
        const first = row.evidence?.[0];
        if (!first) return <span className="muted">–</span>;
        const path = first.inner ? `/${first.path}!/${first.inner}` : `/${first.path}`;
        return (
          <code className="muted-strong">
            <Text value={path} max={300} />
            {(row.evidence?.length ?? 0) > 1 && (
              <span className="muted"> +{(row.evidence?.length ?? 1) - 1}</span>
            )}
          </code>
        );
      },
    },
  ];
}

export function Packages({ id, total }: { id: string; total: number }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useInfiniteQuery(packagesQuery(id, { q: search.q }));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const cols = useMemo(() => columns(id), [id]);
  const [cursor, setCursor] = useState(-1);
  const grid = useRef<GridHandle>(null);
  const setText = useCallback(
    (q: string) =>
      void navigate({ search: (before) => ({ ...before, q: q.trim() || undefined }), replace: true }),
    [navigate],
  );
  const step = (by: number) => {
    setCursor(Math.min(rows.length - 1, Math.max(0, cursor + by)));
    grid.current?.focus();
  };
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
  });
  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const whole = search.q ? (list.hasNextPage ? undefined : rows.length) : total;
  return (
    <section aria-label="Packages">
      <div className="toolbar">
        <SearchField value={search.q ?? ""} onChange={setText} label="Search packages" />
        <p className="muted" role="status">
          {list.isPending
            ? "Loading …"
            : whole === undefined
              ? `${count(rows.length)} loaded`
              : `${count(rows.length)} of ${count(whole)}`}
        </p>
      </div>
      <div className="list boxed">
        {list.isPending ? (
          <Loading rows={8} label="Loading packages" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="packages" />
        ) : rows.length === 0 ? (
          <Empty icon="search" title={search.q ? "No package has that in its name" : "No package was found"}>
            {!search.q && <p>If that is a surprise, look for a gap in the coverage statement above.</p>}
          </Empty>
        ) : (
          <Grid
            ref={grid}
            label="Packages"
            columns={cols}
            rows={rows}
            rowId={(row) => `${row.purl} ${row.evidence?.[0]?.path ?? ""} ${row.evidence?.[0]?.inner ?? ""}`}
            total={whole}
            cursor={cursor}
            onCursor={setCursor}
            hasMore={list.hasNextPage && !list.isFetchNextPageError}
            loadingMore={list.isFetchingNextPage}
            onMore={more}
            cardLines={3}
          />
        )}
      </div>
    </section>
  );
}
