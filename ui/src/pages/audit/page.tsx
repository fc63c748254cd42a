// Who did what, and what was denied to whom: the newest first, with the proof that nobody has changed it since.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type FormEvent, useId } from "react";
import { AUDIT_FILE, type AuditFilter, type AuditLine, auditCheckQuery, auditQuery } from "../../api/audit";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";

const route = getRouteApi("/audit");

export function AuditPage() {
  const filter = route.useSearch();
  const list = useInfiniteQuery(auditQuery(filter));
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const narrowed = Object.values(filter).some(Boolean);
  return (
    <main className="page">
      <header className="page-head">
        <h1>Audit log</h1>
        <p className="muted" role="status" data-testid="shown">
          {list.data &&
            (list.hasNextPage ? `${count(rows.length)} shown, more below` : counted(rows.length, "line"))}
        </p>
      </header>
      <div className="stack">
        <Chain />
        <Narrow key={JSON.stringify(filter)} filter={filter} />
        {list.isPending ? (
          <Loading rows={8} label="Loading the audit log" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="the audit log" />
        ) : rows.length === 0 ? (
          <Empty icon="clock" title={narrowed ? "No line fits" : "Nothing was done yet"}>
            <p>
              {narrowed
                ? "Names have to be exact."
                : "Each sign-in, and each request that is to change something, adds a line before it is done."}
            </p>
          </Empty>
        ) : (
          <>
            <Lines rows={rows} filter={filter} />
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
  const chain = useQuery(auditCheckQuery);
  return (
    <section className="card" aria-labelledby="chain">
      <div className="card-head">
        <h2 id="chain">The chain</h2>
        <div className="actions">
          <a className="button small" href={AUDIT_FILE} download>
            Export
          </a>
          <button type="button" className="button small" onClick={() => void chain.refetch()}>
            <Icon name="refresh" /> Check again
          </button>
        </div>
      </div>
      {chain.isPending ? (
        <Loading rows={2} label="Checking the chain" />
      ) : chain.isLoadingError ? (
        <Failure error={chain.error} retry={() => chain.refetch()} what="the check of the chain" />
      ) : chain.data.sound ? (
        <>
          <p className="verdict good" data-testid="chain">
            <Icon name="check" /> Sound: {counted(chain.data.records, "line")}, each with the hash of the one
            before.
          </p>
          <p className="muted">
            Head <Digest value={chain.data.head} />. Keep it elsewhere: who could change the whole log could
            not change that.
          </p>
        </>
      ) : (
        <p className="error-line" role="alert" data-testid="chain">
          <Icon name="warning" />
          <span>
            Broken{chain.data.broken && ` at line ${count(chain.data.broken.sequence)}`}:{" "}
            <Text value={chain.data.broken?.why ?? "the server does not say why"} max={500} />
          </span>
        </p>
      )}
    </section>
  );
}

const FIELDS = [
  ["actor", "Who", "dan@example.org"],
  ["action", "What", "signed-in"],
  ["subject", "On what", "token:ci"],
] as const;

function Narrow({ filter }: { filter: AuditFilter }) {
  const navigate = route.useNavigate();
  const id = useId();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const said = new FormData(event.currentTarget);
    const read = (name: string) => String(said.get(name) ?? "").trim() || undefined;
    void navigate({
      search: { actor: read("actor"), action: read("action"), subject: read("subject") },
    });
  };
  return (
    <form className="toolbar" onSubmit={submit} aria-label="Narrow the audit log">
      {FIELDS.map(([name, label, example]) => (
        <div className="field" key={name}>
          <label htmlFor={`${id}-${name}`}>{label}</label>
          <input
            id={`${id}-${name}`}
            className="input"
            name={name}
            maxLength={1024}
            defaultValue={filter[name] ?? ""}
            placeholder={example}
          />
        </div>
      ))}
      <button type="submit" className="button">
        Show
      </button>
      {Object.values(filter).some(Boolean) && (
        <Link to="/audit" search={{}} className="button">
          Show all
        </Link>
      )}
    </form>
  );
}

function Lines({ rows, filter }: { rows: readonly AuditLine[]; filter: AuditFilter }) {
  const narrowed = (name: keyof AuditFilter, value: string) => (
    <Link to="/audit" search={{ ...filter, [name]: value }}>
      <Text value={value} max={200} />
    </Link>
  );
  return (
    <section className="card flush" aria-label="Audit log">
      <div className="scroll-x" role="region" aria-label="Audit log, a row for each line" tabIndex={0}>
        <table className="table" data-testid="audit">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">On what</th>
              <th scope="col">Particulars</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.seq}>
                <th scope="row" className="row-head">
                  <Time at={row.at} />
                </th>
                <td data-label="Who">{narrowed("actor", row.actor)}</td>
                <td data-label="What">{narrowed("action", row.action)}</td>
                <td className="wide" data-label="On what">
                  {narrowed("subject", row.subject)}
                </td>
                <td className="wide" data-label="Particulars">
                  <Text value={row.detail} max={400} />
                  {!row.chained && <span className="muted"> (older than the chain)</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
