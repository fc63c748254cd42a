import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { AttackAnswer, Cluster } from "../../api/posture";
import type { GraphSearch } from "../../app/search-posture";
import { count, counted } from "../../text/number";
import { placeBox, stepKey, techniqueName } from "../../text/path";
import { isAccount } from "../../text/resource";
import { BoxName, Certainty, Grants } from "./drawing";

/** Choke points shown; the ones that cut most are first. */
const MOST = 10;

/** A step's key as words; keys are made by `stepKey`. */
export function viaName(via: string): string {
  const [from = "", technique = "", to = ""] = via.split(" > ");
  const last = (place: string) => place.trim().split(" ").at(-1) ?? "";
  const name = (place: string) => (place.trim().includes(" ") ? last(place) : place.trim());
  return `${name(from)} → ${techniqueName(technique)} → ${name(to)}`;
}

/** Steps whose removal ends many paths: what to mend first. */
export function ChokePoints({
  answer,
  cluster,
  search,
}: {
  answer: AttackAnswer;
  cluster: Cluster;
  search: GraphSearch;
}) {
  const points = answer.choke_points.slice(0, MOST);
  if (points.length === 0) return null;
  const account = isAccount(cluster.id);
  return (
    <section className="card flush" aria-labelledby="choke">
      <div className="card-head">
        <h2 id="choke">Choke points</h2>
        <span className="muted">
          Ways to {account ? "every right or a privileged role" : "the whole cluster or a node"}, by what ends
          most of them
        </span>
      </div>
      <div className="scroll-x" role="region" aria-label="Choke points, a row for each" tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Proof</th>
              <th scope="col" className="number">
                Ends
              </th>
              <th scope="col" className="number">
                On shortest
              </th>
            </tr>
          </thead>
          <tbody>
            {points.map((point) => {
              const key = stepKey(point.step);
              return (
                <tr key={key}>
                  <td className="wide">
                    <BoxName box={placeBox(point.step.from)} scope={cluster.id} />{" "}
                    <span className="tag">{techniqueName(point.step.technique)}</span>{" "}
                    <BoxName box={placeBox(point.step.to)} scope={cluster.id} />{" "}
                    <Certainty certainty={point.step.certainty} />
                  </td>
                  <td className="wide muted">
                    {point.step.grants.length > 0 ? (
                      <Grants grants={point.step.grants} scope={cluster.id} />
                    ) : (
                      point.step.why
                    )}
                  </td>
                  <td className="number" data-label="Ends">
                    <ViaLink via={key} search={search} plain={account}>
                      {counted(point.cuts, "path")}
                    </ViaLink>
                  </td>
                  <td className="number" data-label="On shortest">
                    <ViaLink via={key} search={search} shortest={point.on_shortest} plain={account}>
                      {counted(point.on_shortest, "path")}
                    </ViaLink>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {answer.choke_points.length > MOST && (
        <p className="card-foot muted">
          The first {count(MOST)} of {count(answer.choke_points.length)} that the answer names.
        </p>
      )}
    </section>
  );
}

/**
 * Leads to the paths that have a step. The figures are over all goals and workloads, so those filters go. In accounts they
 * are over sets that a step leads into too, of which a path shows one member: there they lead nowhere.
 */
function ViaLink({
  via,
  search,
  shortest,
  plain,
  children,
}: {
  via: string;
  search: GraphSearch;
  shortest?: number;
  plain: boolean;
  children: ReactNode;
}) {
  if (plain) return children;
  const current = search.via === via ? "true" : undefined;
  return (
    <Link
      to="/graph"
      search={{ ...search, goal: undefined, workload: undefined, via: current ? undefined : via }}
      activeOptions={{ exact: true }}
      activeProps={{ "aria-current": current }}
      inactiveProps={{ "aria-current": current }}
      data-choke={shortest}
    >
      {children}
    </Link>
  );
}
