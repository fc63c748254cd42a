import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { pluginsQuery } from "../../api/queries";
import type { Plugin } from "../../api/types";
import { Digest } from "../../parts/copy";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count, counted } from "../../text/number";
import { PluginState } from "./state";

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
      ) : plugins.isError ? (
        <Failure error={plugins.error} retry={() => plugins.refetch()} what="plugins" />
      ) : plugins.data.items.length === 0 ? (
        <Empty icon="plugins" title="No plugin is loaded">
          <p>Without one, nothing can be scanned. `palisade doctor` says why none was found.</p>
        </Empty>
      ) : (
        <ul className="plugin-list">
          {plugins.data.items.map((plugin) => (
            <li key={plugin.digest} className="card">
              <Card plugin={plugin} />
            </li>
          ))}
        </ul>
      )}
    </main>
  );
}

function Card({ plugin }: { plugin: Plugin }) {
  const faults = plugin.faults.reduce((sum, fault) => sum + fault.count, 0);
  return (
    <>
      <div className="card-head">
        <h2>
          <Link to="/plugins/$id" params={{ id: plugin.id }}>
            <Text value={plugin.id} max={120} />
          </Link>{" "}
          <span className="muted">
            <Text value={plugin.version} max={40} />
          </span>
        </h2>
        <PluginState state={plugin.state} />
      </div>
      <p>
        <Text value={plugin.description} max={400} />
      </p>
      <dl className="meta">
        <div>
          <dt>Publisher</dt>
          <dd>
            <Text value={plugin.publisher} max={100} />
          </dd>
        </div>
        <div>
          <dt>Kinds</dt>
          <dd>{plugin.kinds.join(", ")}</dd>
        </div>
        <div>
          <dt>Rights</dt>
          <dd>
            {plugin.asked.length === 0
              ? "asks for none"
              : `${plugin.granted.length} of ${counted(plugin.asked.length, "request")} granted`}
          </dd>
        </div>
        <div>
          <dt>Calls</dt>
          <dd>{count(plugin.calls)}</dd>
        </div>
        <div>
          <dt>Faults</dt>
          <dd>{faults === 0 ? "none" : count(faults)}</dd>
        </div>
        <div>
          <dt>Digest</dt>
          <dd>
            <Digest value={plugin.digest} />
          </dd>
        </div>
      </dl>
    </>
  );
}
