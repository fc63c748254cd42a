import { useQuery } from "@tanstack/react-query";
import { advisoriesQuery } from "../../api/queries";
import type { AdvisoryStatus } from "../../api/types";
import { Digest } from "../../parts/copy";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count } from "../../text/number";

export function AdvisoriesPage() {
  const status = useQuery(advisoriesQuery);
  return (
    <main className="page">
      <header className="page-head">
        <h1>Advisory data</h1>
        <p className="muted">
          What packages are judged by. An ecosystem without records here is “no data” in every scan, never “no
          findings”.
        </p>
      </header>
      {status.isPending ? (
        <Loading rows={6} label="Loading the state of the advisory data" />
      ) : status.isLoadingError ? (
        <Failure error={status.error} retry={() => status.refetch()} what="the state of the advisory data" />
      ) : status.data.loaded === false ? (
        <Empty icon="advisories" title="No advisory data is loaded">
          <p>Packages are found and listed, but none can be judged. On the server:</p>
          <Commands />
        </Empty>
      ) : (
        <Loaded status={status.data} />
      )}
    </main>
  );
}

function Commands() {
  return (
    <dl className="facts-list">
      <dt>
        <code>palisade advisories update</code>
      </dt>
      <dd>fetches the public records</dd>
      <dt>
        <code>palisade advisories import</code>
      </dt>
      <dd>takes them from a directory or archive, for a machine without a way out</dd>
    </dl>
  );
}

function Loaded({ status }: { status: AdvisoryStatus }) {
  const ecosystems = status.ecosystems ?? [];
  const records = status.records ?? 0;
  return (
    <>
      {status.sample && (
        <section className="card warned" aria-labelledby="sample">
          <h2 id="sample">This is the built-in sample</h2>
          <p>
            It holds {count(records)} well-known vulnerabilities, so that a first scan has something to show.
            A package that is not in it was not judged against the public record. For real results, on the
            server:
          </p>
          <Commands />
        </section>
      )}
      <div className="two">
        <section className="card" aria-labelledby="data">
          <h2 id="data">In use</h2>
          <dl className="facts-list">
            <dt>Source</dt>
            <dd>
              <Text value={status.source ?? "unknown"} max={300} />
            </dd>
            <dt>Latest change</dt>
            <dd>
              <Time at={status.as_of} />
            </dd>
            {status.digest && (
              <>
                <dt>Index</dt>
                <dd>
                  <Digest value={status.digest} />
                </dd>
              </>
            )}
            <dt>Records</dt>
            <dd>{count(records)}</dd>
            <dt>Known exploited</dt>
            <dd>{count(status.kev ?? 0)}</dd>
            <dt>EPSS scores</dt>
            <dd>{count(status.epss ?? 0)}</dd>
          </dl>
        </section>
        <section className="card" aria-labelledby="ecosystems">
          <h2 id="ecosystems">By ecosystem</h2>
          {ecosystems.length === 0 ? (
            <p className="muted">The index names none.</p>
          ) : (
            <table className="small-table">
              <thead>
                <tr>
                  <th scope="col">Ecosystem</th>
                  <th scope="col" className="number">
                    Records
                  </th>
                </tr>
              </thead>
              <tbody>
                {ecosystems.map((each) => (
                  <tr key={each.ecosystem}>
                    <td>
                      <Text value={each.ecosystem} max={80} />
                    </td>
                    <td className="number">
                      {each.records === 0 ? <span className="tag warn">no data</span> : count(each.records)}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </section>
      </div>
    </>
  );
}
