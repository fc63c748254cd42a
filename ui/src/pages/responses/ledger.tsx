// What was done, by whom and when, each record bound to the one before by its hash.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { LedgerRecord } from "../../api/respond";
import { ledgerCheckQuery, ledgerQuery } from "../../api/respond-queries";
import { Digest } from "../../parts/copy";
import { Chips } from "../../parts/filters";
import { Icon } from "../../parts/icon";
import { ProblemLine } from "../../parts/problem-line";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { words } from "../../text/path";
import { ResponsesHead } from "./head";

const route = getRouteApi("/responses/ledger");

export function LedgerPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useInfiniteQuery(ledgerQuery({ ...search }));
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = search.run !== undefined;
  return (
    <main className="page">
      <ResponsesHead at="/responses/ledger" />
      <div className="stack">
        <Verify />
        <Chips
          names={["run"] as const}
          search={search}
          onChange={(change) => void navigate({ search: (before) => ({ ...before, ...change }) })}
        />
        {list.isPending ? (
          <Loading rows={8} label="Loading the ledger" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="the ledger" />
        ) : rows.length === 0 ? (
          <Empty icon="responses" title={filtered ? "Nothing of it is in the ledger" : "The ledger is empty"}>
            <p>Every proposal, approval, act and taking back is written here, and nothing is ever changed.</p>
          </Empty>
        ) : (
          <LedgerTable rows={rows} />
        )}
        {list.hasNextPage && (
          <button
            type="button"
            className="button"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Load more
          </button>
        )}
      </div>
    </main>
  );
}

function Verify() {
  const check = useQuery({ ...ledgerCheckQuery, enabled: false });
  return (
    <section className="card" aria-labelledby="verify">
      <div className="card-head">
        <h2 id="verify">Is it whole?</h2>
        <button
          type="button"
          className="button"
          disabled={check.isFetching}
          onClick={() => void check.refetch()}
        >
          {check.isFetching ? "Verifying …" : "Verify the ledger"}
        </button>
      </div>
      <div role="status">
        {check.isLoadingError ? (
          <ProblemLine error={check.error} />
        ) : check.data?.broken ? (
          <p className="verdict bad">
            <Icon name="warning" />
            <span>
              Record {count(check.data.broken.sequence)} does not follow from the one before:{" "}
              <Text value={check.data.broken.why} max={300} />. Somebody has changed the database.
            </span>
          </p>
        ) : check.data ? (
          <>
            <p className="verdict good">
              <Icon name="check" />
              <span>{counted(check.data.records, "record")} follow from each other, from the first on.</span>
            </p>
            <p className="muted">
              It ends with <Digest value={check.data.head} />. Keep that elsewhere: it proves later that
              nothing up to here was changed.
            </p>
          </>
        ) : (
          <p className="muted">The server reads every record and compares its hash with the next.</p>
        )}
      </div>
    </section>
  );
}

function LedgerTable({ rows }: { rows: readonly LedgerRecord[] }) {
  return (
    <section className="card flush" aria-label="Ledger">
      <div className="scroll-x" role="region" aria-label="Ledger, a row for each record" tabIndex={0}>
        <table className="table" data-testid="ledger">
          <thead>
            <tr>
              <th scope="col" className="number">
                Record
              </th>
              <th scope="col">What</th>
              <th scope="col">On what</th>
              <th scope="col">Who</th>
              <th scope="col" className="number">
                When
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.sequence}>
                <th scope="row" className="row-head number">
                  {count(row.sequence)}
                </th>
                <td className="wide">
                  <strong>{words(row.what)}</strong>{" "}
                  {row.action && (
                    <span className="tag mono">
                      <Text value={row.action} max={60} />
                    </span>
                  )}
                  {row.detail && (
                    <span className="second-line muted">
                      <Text value={row.detail} max={300} />
                    </span>
                  )}
                </td>
                <td className="wide">
                  <Text value={row.target} max={200} />
                  <span className="second-line">
                    <Link to="/responses/$id" params={{ id: row.run }}>
                      Run
                    </Link>{" "}
                    ·{" "}
                    <Link to="/incidents/$id" params={{ id: row.incident }}>
                      incident
                    </Link>
                  </span>
                </td>
                <td>
                  {row.by.length > 0 ? (
                    <Text value={row.by.join(", ")} max={120} />
                  ) : (
                    <span className="muted">the playbook</span>
                  )}
                </td>
                <td className="number" data-label="When">
                  <Time at={row.at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
