import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { pluginsQuery } from "../../api/queries";
import type { Plugin } from "../../api/types";
import { Icon, type IconName } from "../../parts/icon";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count, counted, percent } from "../../text/number";
import { micros } from "../../text/time";
import { faultsOf, type Need, needs, sortByNeed, stuck, versionsIn } from "./judge";
import { PluginState, WaitingTag } from "./state";
import { faultWord } from "./words";

export function PluginsPage() {
  const plugins = useQuery(pluginsQuery);
  return (
    <main className="page">
      <header className="page-head">
        <h1>Plugins</h1>
        <p className="muted">
          Everything that reads scanned bytes is a sandboxed component. It has no files, network, environment
          or clock beyond what was granted here.
        </p>
      </header>
      {plugins.isPending ? (
        <Loading rows={4} label="Loading plugins" />
      ) : plugins.isLoadingError ? (
        <Failure error={plugins.error} retry={() => plugins.refetch()} what="plugins" />
      ) : plugins.data.items.length === 0 ? (
        <Empty icon="plugins" title="No plugin is loaded">
          <p>
            Without one, nothing can be scanned. <code>palisade doctor</code> says why none was found.
          </p>
        </Empty>
      ) : (
        <Plugins plugins={sortByNeed(plugins.data.items)} />
      )}
    </main>
  );
}

function Plugins({ plugins }: { plugins: readonly Plugin[] }) {
  const wanting = plugins.filter((plugin) => needs(plugin).length > 0);
  return (
    <>
      {wanting.length > 0 && (
        <section className="card warned" aria-labelledby="needs" data-testid="needs">
          <h2 id="needs">{counted(wanting.length, "plugin needs", "plugins need")} you</h2>
          <ul className="plain">
            {wanting.flatMap((plugin) =>
              needs(plugin).map((need) => (
                <li key={`${plugin.id} ${need}`} className="need">
                  <Icon name={NEED_ICONS[need]} className={need === "quarantined" ? "bad" : "warn"} />
                  <span>
                    <Link to="/plugins/$id" params={{ id: plugin.id }}>
                      <Text value={plugin.id} max={120} />
                    </Link>{" "}
                    <NeedText plugin={plugin} need={need} />
                  </span>
                </li>
              )),
            )}
          </ul>
        </section>
      )}
      <section className="card flush" aria-labelledby="all-plugins">
        <div className="card-head">
          <h2 id="all-plugins">All plugins</h2>
          <span className="muted">{counted(plugins.length, "plugin")}; figures since the server started</span>
        </div>
        <PluginTable plugins={plugins} />
      </section>
    </>
  );
}

const NEED_ICONS: Record<Need, IconName> = {
  quarantined: "gap",
  waiting: "clock",
  trouble: "gap",
  degraded: "warning",
  canary: "refresh",
};

/** What is wrong and why it matters, in one sentence. */
function NeedText({ plugin, need }: { plugin: Plugin; need: Need }) {
  switch (need) {
    case "quarantined": {
      const kind = plugin.last_fault?.kind ?? "";
      return (
        <>
          is in quarantine{faultWord(kind) && `: ${faultWord(kind)}`}. What it would have seen is a coverage
          gap.
        </>
      );
    }
    case "waiting": {
      const [first, ...more] = versionsIn(plugin, "waiting");
      return (
        <>
          has version <Text value={first?.version ?? ""} max={40} />
          {more.length > 0 && ` and ${count(more.length)} more`} that asks for{" "}
          {counted(first?.added.length ?? 0, "more right")}. The version in force goes on until you decide.
        </>
      );
    }
    case "trouble": {
      const [first] = stuck(plugin);
      return (
        <>
          could not take version <Text value={first?.version ?? ""} max={40} /> into force: it stays at{" "}
          <Text value={plugin.version} max={40} />.
        </>
      );
    }
    case "degraded":
      return <>faulted or was denied a right lately. It is still called, but may miss things.</>;
    case "canary":
      return <>has a version on trial beside the one in force. It takes over when you promote it.</>;
  }
}

function PluginTable({ plugins }: { plugins: readonly Plugin[] }) {
  return (
    <div className="scroll-x" role="region" aria-label="All plugins" tabIndex={0}>
      <table className="table plugins">
        <caption className="sr-only">Plugins, those that need somebody first</caption>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Plugin</th>
            <th scope="col">Kinds</th>
            <th scope="col">Rights</th>
            <th scope="col" className="number">
              Calls
            </th>
            <th scope="col" className="number">
              Fault rate
            </th>
            <th scope="col" className="number">
              99 % of calls within
            </th>
          </tr>
        </thead>
        <tbody>
          {plugins.map((plugin) => (
            <Row key={plugin.id} plugin={plugin} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ plugin }: { plugin: Plugin }) {
  const faults = faultsOf(plugin);
  const called = plugin.calls > 0;
  return (
    <tr data-plugin={plugin.id}>
      <td>
        <span className="tags">
          {versionsIn(plugin, "waiting").length > 0 && <WaitingTag />}
          <PluginState state={plugin.state} />
        </span>
      </td>
      <td className="wide">
        <Link to="/plugins/$id" params={{ id: plugin.id }}>
          <Text value={plugin.id} max={120} />
        </Link>{" "}
        <span className="muted">
          <Text value={plugin.version} max={40} />
        </span>
        <span className="muted second-line">
          <Text value={plugin.publisher} max={80} />, <Text value={plugin.source} max={120} />
        </span>
      </td>
      <td data-label="Kinds">
        <Text value={plugin.kinds.join(", ")} max={120} />
      </td>
      <td data-label="Rights">
        {plugin.granted.length === 0 ? "none" : `${count(plugin.granted.length)} in force`}
      </td>
      <td className="number" data-label="Calls">
        {count(plugin.calls)}
      </td>
      <td className="number" data-label="Fault rate">
        {faults.share === null ? (
          <span className="muted">no call yet</span>
        ) : (
          <span title={`${counted(faults.failed, "fault")} in ${counted(plugin.calls, "call")}`}>
            {faults.failed === 0 ? "0 %" : percent(faults.share)}
          </span>
        )}
      </td>
      <td className="number" data-label="99 % of calls within">
        {called ? micros(plugin.cost.latency_p99_us) : <span className="muted">–</span>}
      </td>
    </tr>
  );
}
