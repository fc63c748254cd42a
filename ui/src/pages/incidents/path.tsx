// How the things of an incident hang together: arrows with their reasons, and the table that says the same.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { IncidentEdge, IncidentGraph, IncidentNode } from "../../api/runtime";
import { incidentGraphQuery } from "../../api/runtime-queries";
import { AssetLink } from "../../parts/asset-link";
import { SEVERITIES, severityName } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { TwinSwitch } from "../../parts/twin";
import { chains } from "../../text/chains";
import { counted } from "../../text/number";
import { words } from "../../text/path";

/** Rows of the drawing; more would be no picture any more. */
const ROWS_MAX = 40;

export function Path({
  id,
  table,
  onTable,
}: {
  id: string;
  table: boolean;
  onTable: (table: boolean) => void;
}) {
  const graph = useQuery(incidentGraphQuery(id));
  return (
    <section className="card" aria-labelledby="path">
      <div className="card-head">
        <h2 id="path">How it hangs together</h2>
        {(graph.data?.edges.length ?? 0) > 0 && (
          <TwinSwitch table={table} label="Path as" onChange={onTable} />
        )}
      </div>
      {graph.isPending ? (
        <Loading rows={4} label="Loading the path" />
      ) : graph.isLoadingError ? (
        <Failure error={graph.error} retry={() => graph.refetch()} what="the path" />
      ) : graph.data.edges.length === 0 ? (
        <p className="muted">
          Nothing of it is joined to anything else yet: one thing, seen by one kind of sensor.
        </p>
      ) : (
        <>
          {graph.data.cut && (
            <p className="note">There is more than a picture can hold: what is shown is not all.</p>
          )}
          {table ? <EdgeTable graph={graph.data} /> : <Drawing graph={graph.data} />}
        </>
      )}
    </section>
  );
}

/** Severities that are worth a word. */
const RATED: readonly string[] = SEVERITIES.slice(0, 4);

const nodesOf = (graph: IncidentGraph) => new Map(graph.nodes.map((node) => [node.id, node]));

function Drawing({ graph }: { graph: IncidentGraph }) {
  const nodes = nodesOf(graph);
  const rows = chains(graph);
  const node = (id: string): IncidentNode =>
    nodes.get(id) ?? { id, kind: "", name: id, label: id, asset: null, severity: "unknown" };
  return (
    <div className="incident-path">
      {rows.slice(0, ROWS_MAX).map((row) => (
        <ol key={row.map((edge) => `${edge.from} ${edge.edge} ${edge.to}`).join(" ")} className="drawing">
          <li>
            <NodeBox node={node(row[0]?.from ?? "")} tone="source" />
          </li>
          {row.map((edge) => (
            <li key={`${edge.from} ${edge.edge} ${edge.to}`} className="step">
              <span className="arrow">
                <span className="arrow-how">
                  <Text value={words(edge.edge)} max={60} />
                </span>
                <span className="arrow-line" aria-hidden="true" />
                <span className="arrow-why">
                  <Text value={edge.why} max={200} />
                </span>
              </span>
              <NodeBox node={node(edge.to)} />
            </li>
          ))}
        </ol>
      ))}
      {rows.length > ROWS_MAX && (
        <p className="muted">{counted(rows.length - ROWS_MAX, "further row")} stand in the table.</p>
      )}
    </div>
  );
}

function NodeBox({ node, tone = "" }: { node: IncidentNode; tone?: string }) {
  return (
    <span className={`box ${tone}`}>
      <span className="box-kind">
        <Text value={words(node.kind)} max={60} />
        {RATED.includes(node.severity) && ` · ${severityName(node.severity).toLowerCase()}`}
      </span>
      <strong className="box-name">
        <NodeName node={node} />
      </strong>
    </span>
  );
}

function NodeName({ node }: { node: IncidentNode }) {
  const filter = filterOf(node);
  if (!filter && node.asset) return <AssetLink asset={node.asset} />;
  return filter ? (
    <Link to="/runtime" search={filter} preload={false}>
      <Text value={node.label} max={200} />
    </Link>
  ) : (
    <Text value={node.label} max={200} />
  );
}

/** The events of a node, where the list can be filtered by it. */
function filterOf(node: IncidentNode) {
  switch (node.kind) {
    case "container":
      return { container: node.name };
    case "principal":
      return { principal: node.name };
    case "image":
      return node.name.startsWith("sha256:") ? { image: node.name } : null;
    case "workload": {
      const [namespace, ...workload] = node.name.split("/");
      return { namespace: namespace || undefined, workload: workload.join("/") };
    }
    default:
      return null;
  }
}

function EdgeTable({ graph }: { graph: IncidentGraph }) {
  const nodes = nodesOf(graph);
  const name = (id: string) => {
    const node = nodes.get(id);
    return (
      <>
        {node && <span className="muted">{words(node.kind)} </span>}
        {node ? <NodeName node={node} /> : <Text value={id} max={200} />}
      </>
    );
  };
  return (
    <div className="scroll-x" role="region" aria-label="The path as a table" tabIndex={0}>
      <table className="small-table" data-testid="edges">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">How</th>
            <th scope="col">To</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {graph.edges.map((edge: IncidentEdge) => (
            <tr key={`${edge.from} ${edge.edge} ${edge.to}`}>
              <td className="breaks">{name(edge.from)}</td>
              <td>{words(edge.edge)}</td>
              <td className="breaks">{name(edge.to)}</td>
              <td className="breaks">
                <Text value={edge.why} max={300} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
