import { useInfiniteQuery } from "@tanstack/react-query";
import { ended } from "../../api/follow";
import { scansQuery } from "../../api/queries";
import { Failure, Loading } from "../../parts/states";
import { counted } from "../../text/number";
import { ScanForm } from "./form";
import { ScansHead } from "./head";
import { ScanTable } from "./table";

/** Several scans may run at once; asking for the list is one connection, following each would be many. */
const REFRESH_MS = 3_000;

export function ScansPage() {
  const list = useInfiniteQuery({
    ...scansQuery,
    refetchInterval: (query) =>
      query.state.data?.pages[0]?.items.some((scan) => !ended(scan.state)) ? REFRESH_MS : false,
  });
  const scans = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <main className="page">
      <ScansHead at="/scans" />
      <section className="card" aria-labelledby="new-scan">
        <h2 id="new-scan">Start a scan</h2>
        <ScanForm />
      </section>
      <section className="card flush" aria-labelledby="all-scans">
        <div className="card-head">
          <h2 id="all-scans">All scans</h2>
          {list.data && (
            <span className="muted" role="status">
              {counted(scans.length, "scan")}
              {list.hasNextPage ? " loaded" : ""}
            </span>
          )}
        </div>
        {list.isPending ? (
          <Loading rows={6} label="Loading scans" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="scans" />
        ) : (
          <ScanTable scans={scans} label="Scans, latest first" />
        )}
        {list.hasNextPage && (
          <div className="card-foot">
            <button
              type="button"
              className="button"
              disabled={list.isFetchingNextPage}
              onClick={() => list.fetchNextPage()}
            >
              {list.isFetchingNextPage ? "Loading …" : "Show older scans"}
            </button>
          </div>
        )}
      </section>
    </main>
  );
}
