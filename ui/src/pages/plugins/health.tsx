import type { Plugin } from "../../api/types";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { bytes, count, counted, percent } from "../../text/number";
import { micros } from "../../text/time";
import { faultsOf, memoryUse, timeUse } from "./judge";
import { faultWord, limitOf } from "./words";

export function LastFault({ plugin }: { plugin: Plugin }) {
  const fault = plugin.last_fault;
  if (!fault) return null;
  return (
    <p className="note">
      Last fault
      {fault.at && (
        <>
          {" "}
          <Time at={fault.at} />
        </>
      )}
      :{" "}
      <strong className="mono">
        <Text value={fault.kind} max={60} />
      </strong>
      {faultWord(fault.kind) && `, ${faultWord(fault.kind)}`}. <Text value={fault.message} max={800} />
    </p>
  );
}

export function Health({ plugin }: { plugin: Plugin }) {
  const kinds = plugin.faults.filter((fault) => fault.count > 0);
  const { failed, share } = faultsOf(plugin);
  return (
    <section className="card" aria-labelledby="health" data-testid="health">
      <div className="card-head">
        <h2 id="health">Health</h2>
        <span className="muted">since the server started</span>
      </div>
      {plugin.calls === 0 ? (
        <p>It was not called yet. Figures appear with the first scan that has something for it.</p>
      ) : (
        <p>
          {share === null || failed === 0
            ? `No fault in ${counted(plugin.calls, "call")}.`
            : `${counted(failed, "fault")} in ${counted(plugin.calls, "call")}: ${percent(share)}.`}
        </p>
      )}
      {kinds.length > 0 && (
        <table className="small-table">
          <caption className="sr-only">Faults by kind</caption>
          <thead>
            <tr>
              <th scope="col">Fault</th>
              <th scope="col">What happened</th>
              <th scope="col" className="number">
                Times
              </th>
            </tr>
          </thead>
          <tbody>
            {kinds.map((fault) => (
              <tr key={fault.kind}>
                <td className="mono">
                  <Text value={fault.kind} max={60} />
                </td>
                <td>{faultWord(fault.kind)}</td>
                <td className="number">{count(fault.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {plugin.state === "ready" && <LastFault plugin={plugin} />}
      {plugin.calls > 0 && <Cost plugin={plugin} />}
    </section>
  );
}

function Near() {
  return (
    <span className="tag warn">
      <Icon name="warning" /> near its limit
    </span>
  );
}

function Cost({ plugin }: { plugin: Plugin }) {
  const { cost, calls, limits } = plugin;
  const memory = memoryUse(plugin);
  const time = timeUse(plugin);
  const cpu = limitOf(limits, "cpu_ms");
  return (
    <>
      <h3>What it costs</h3>
      <table className="small-table" data-testid="cost">
        <caption className="sr-only">Cost of its calls</caption>
        <thead>
          <tr>
            <th scope="col">Of a call</th>
            <th scope="col" className="number">
              Half within
            </th>
            <th scope="col" className="number">
              99 % within
            </th>
            <th scope="col" className="number">
              Limit
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>Time to the answer {time.near && <Near />}</td>
            <td className="number">{micros(cost.latency_p50_us)}</td>
            <td className="number">{micros(cost.latency_p99_us)}</td>
            <td className="number">{time.limit === undefined ? "–" : micros(time.limit)}</td>
          </tr>
          <tr>
            <td>Wait for a free place before it</td>
            <td className="number">{micros(cost.queued_p50_us)}</td>
            <td className="number">{micros(cost.queued_p99_us)}</td>
            <td className="number">–</td>
          </tr>
        </tbody>
      </table>
      <dl className="facts-list">
        <dt>Peak memory</dt>
        <dd>
          {bytes(memory.used)}
          {memory.limit !== undefined &&
            ` of ${bytes(memory.limit)} (${percent(memory.used / memory.limit)})`}{" "}
          {memory.near && <Near />}
        </dd>
        <dt>Processor time</dt>
        <dd>
          {micros(cost.cpu_ms * 1_000)} in all, {micros((cost.cpu_ms * 1_000) / calls)} a call on average
          {cpu !== undefined && `, of ${micros(cpu * 1_000)} allowed`}
        </dd>
        <dt>Sent out</dt>
        <dd>{bytes(cost.bytes_out)} in all</dd>
      </dl>
    </>
  );
}

/** What it asks of the platform, and what was refused to it. */
export function HostCalls({ plugin }: { plugin: Plugin }) {
  const rows = Object.entries(plugin.capability_calls).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return (
    <section className="card" aria-labelledby="host-calls" data-testid="host-calls">
      <h2 id="host-calls">What it asks of the platform</h2>
      {plugin.denials > 0 && (
        <p className="verdict bad">
          <Icon name="gap" />
          <span>
            {counted(plugin.denials, "host call was", "host calls were")} refused for want of a right. What it
            needed them for is missing from its answers. Compare what it asked for with what it got.
          </span>
        </p>
      )}
      {rows.length === 0 ? (
        <p className="muted">
          {plugin.calls === 0 ? "Nothing yet: it was not called." : "Nothing: it works on its input alone."}
        </p>
      ) : (
        <table className="small-table">
          <caption className="sr-only">Host calls by capability</caption>
          <thead>
            <tr>
              <th scope="col">Capability</th>
              <th scope="col" className="number">
                Host calls
              </th>
              <th scope="col" className="number">
                For each call of it
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([capability, calls]) => (
              <tr key={capability}>
                <td className="mono">
                  <Text value={capability} max={60} />
                </td>
                <td className="number">{count(calls)}</td>
                <td className="number">{plugin.calls > 0 ? (calls / plugin.calls).toFixed(1) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="muted">
        {counted(plugin.cost.host_calls, "host call")} in all
        {plugin.denials === 0 && ", none refused"}.
      </p>
    </section>
  );
}
