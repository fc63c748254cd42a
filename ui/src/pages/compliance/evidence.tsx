// The chain of assessments: each record holds the hash of the one before, so that a changed one shows.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { chainQuery, evidenceQuery, packAddress } from "../../api/evidence-queries";
import type { EvidenceRecord } from "../../api/posture";
import { clustersQuery } from "../../api/posture-queries";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { Choice } from "../graph/filters";
import { ComplianceHead } from "./head";

const route = getRouteApi("/compliance/evidence");

export function EvidencePage() {
  const { scope } = route.useSearch();
  const navigate = route.useNavigate();
  const clusters = useQuery(clustersQuery);
  const list = useInfiniteQuery(evidenceQuery(scope));
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const scopes = clusters.data?.items ?? [];
  return (
    <main className="page">
      <ComplianceHead at="/compliance/evidence" />
      <div className="stack">
        <div className="two">
          <Chain />
          <Pack scopes={scopes} scope={scope} />
        </div>
        <div className="toolbar">
          <Choice
            label="Cluster or account"
            value={scope ?? ""}
            options={[["", "all"], ...scopes.map((each) => [each.id, each.name] as const)]}
            onChange={(value) => void navigate({ search: { scope: value || undefined } })}
          />
          <p className="muted" role="status" data-testid="shown">
            {list.data &&
              (list.hasNextPage ? `${count(rows.length)} shown, more below` : counted(rows.length, "record"))}
          </p>
        </div>
        {list.isPending ? (
          <Loading rows={8} label="Loading evidence" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="evidence" />
        ) : rows.length === 0 ? (
          <Empty icon="compliance" title="No evidence has been kept yet">
            <p>Each assessment of a cluster or account adds a record.</p>
          </Empty>
        ) : (
          <>
            <Records rows={rows} />
            {list.hasNextPage && (
              <button
                type="button"
                className="button"
                disabled={list.isFetchingNextPage}
                onClick={() => void list.fetchNextPage()}
              >
                Show more
              </button>
            )}
          </>
        )}
      </div>
    </main>
  );
}

function Chain() {
  const chain = useQuery(chainQuery);
  return (
    <section className="card" aria-labelledby="chain">
      <div className="card-head">
        <h2 id="chain">The chain</h2>
        <button type="button" className="button small" onClick={() => void chain.refetch()}>
          <Icon name="refresh" /> Check again
        </button>
      </div>
      {chain.isPending ? (
        <Loading rows={2} label="Checking the chain" />
      ) : chain.isLoadingError ? (
        <Failure error={chain.error} retry={() => chain.refetch()} what="the check of the chain" />
      ) : chain.data.sound ? (
        <>
          <p className="verdict good" data-testid="chain">
            <Icon name="check" /> Sound: {counted(chain.data.records, "record")}, each with the hash of the
            one before.
          </p>
          {chain.data.head && (
            <p className="muted">
              Head <Digest value={chain.data.head} />
            </p>
          )}
        </>
      ) : (
        <p className="error-line" role="alert" data-testid="chain">
          <Icon name="warning" />
          <span>
            Broken{chain.data.broken && ` at record ${count(chain.data.broken.sequence)}`}:{" "}
            <Text value={chain.data.broken?.why ?? "the server does not say why"} max={500} />
          </span>
        </p>
      )}
    </section>
  );
}

function Pack({
  scopes,
  scope,
}: {
  scopes: readonly { id: string; name: string }[];
  scope: string | undefined;
}) {
  const [chosen, setChosen] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const of = chosen || scope || scopes[0]?.id;
  return (
    <section className="card" aria-labelledby="pack">
      <h2 id="pack">Evidence pack</h2>
      <p className="muted">
        A signed archive for an auditor. <code>palisade compliance verify FILE</code> checks it without this
        server.
      </p>
      <div className="scan-form">
        <Choice
          label="Of"
          value={of ?? ""}
          options={scopes.map((each) => [each.id, each.name] as const)}
          onChange={setChosen}
        />
        <div className="field">
          <label htmlFor="pack-from">From (UTC)</label>
          <input
            id="pack-from"
            type="date"
            className="input"
            value={from}
            max={to || undefined}
            onChange={(event) => setFrom(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="pack-to">To (UTC)</label>
          <input
            id="pack-to"
            type="date"
            className="input"
            value={to}
            min={from || undefined}
            onChange={(event) => setTo(event.target.value)}
          />
        </div>
        {of && (
          <a
            className="button primary"
            download
            data-testid="pack"
            href={packAddress(of, from && `${from}T00:00:00Z`, to && `${to}T23:59:59Z`)}
          >
            Download
          </a>
        )}
      </div>
    </section>
  );
}

function Records({ rows }: { rows: readonly EvidenceRecord[] }) {
  return (
    <section className="card flush" aria-label="Evidence">
      <div className="scroll-x" role="region" aria-label="Evidence, a row for each record" tabIndex={0}>
        <table className="table" data-testid="evidence">
          <thead>
            <tr>
              <th scope="col" className="number">
                No.
              </th>
              <th scope="col">When</th>
              <th scope="col">Cluster or account</th>
              <th scope="col">Scan</th>
              <th scope="col">Assessment</th>
              <th scope="col">Record</th>
              <th scope="col">Before it</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.sequence}>
                <th scope="row" className="number row-head">
                  {count(row.sequence)}
                </th>
                <td>
                  <Time at={row.at} />
                </td>
                <td className="wide">
                  <Link to="/compliance" search={{ scope: row.scope }}>
                    <Text value={row.scope_name} max={200} />
                  </Link>
                </td>
                <td data-label="Scan">
                  <Link to="/scans/$id" params={{ id: row.scan }}>
                    {row.scan.slice(0, 8)}
                  </Link>
                </td>
                <td data-label="Assessment">
                  <Digest value={row.assessment} />
                </td>
                <td data-label="Record">
                  <Digest value={row.hash} />
                </td>
                <td data-label="Before it">
                  <Digest value={row.previous} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
