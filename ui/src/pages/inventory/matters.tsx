// Why a resource matters here: whether the internet gets to it, by which objects, and how far somebody inside of it gets.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ResourceDetail } from "../../api/posture";
import { attackPathsQuery, exposureQuery } from "../../api/posture-queries";
import { DrawerSection } from "../../parts/drawer";
import { ResourceLink } from "../../parts/resource-link";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { VerdictTag } from "../../parts/verdict";
import { counted } from "../../text/number";
import { doorName, goalName, portWord, verdictMeaning } from "../../text/path";
import { isAccount, isWorkload } from "../../text/resource";

export function Matters({ resource }: { resource: ResourceDetail }) {
  const inside = isWorkload(resource.kind);
  return (
    <DrawerSection title="Why it matters here">
      {resource.exposure !== "" && <Exposure resource={resource} />}
      {inside && <Reach resource={resource} />}
      {resource.exposure === "" && !inside && (
        <p className="muted">
          Nothing leads from the internet to it directly. What it is joined to, below, may be reached.
        </p>
      )}
    </DrawerSection>
  );
}

function Exposure({ resource }: { resource: ResourceDetail }) {
  const exposure = useQuery(exposureQuery(resource.scope));
  const found = exposure.data?.workloads.find((each) => each.workload === resource.path);
  return (
    <>
      <p>
        <VerdictTag verdict={resource.exposure} /> {verdictMeaning(resource.exposure)}.
      </p>
      {exposure.isPending && <Loading rows={2} label="Loading the proof" />}
      {exposure.isError && (
        <Failure error={exposure.error} retry={() => exposure.refetch()} what="the proof" />
      )}
      {found && (
        <ul className="plain">
          {found.entries.map((entry) => (
            <li key={JSON.stringify(entry)} className="evidence">
              <span>
                {doorName(entry.door)}, {portWord(entry)}: internet
                {entry.path.map((path) => (
                  <span key={path}>
                    {" "}
                    → <ResourceLink scope={resource.scope} path={path} />
                  </span>
                ))}
              </span>
              <span className="muted sentence">
                <Text value={entry.why} max={400} />
                {entry.policies.map((path) => (
                  <span key={path}>
                    , <ResourceLink scope={resource.scope} path={path} />
                  </span>
                ))}
              </span>
            </li>
          ))}
        </ul>
      )}
      {exposure.data && !found && (
        <p className="muted">The proof is not among the answers that were given.</p>
      )}
      {found && (
        <p>
          <Link to="/graph" search={{ cluster: resource.scope, view: "exposure", workload: resource.path }}>
            Ways in as a drawing
          </Link>
        </p>
      )}
    </>
  );
}

function Reach({ resource }: { resource: ResourceDetail }) {
  const paths = useQuery(
    attackPathsQuery(resource.scope, { from: "all", workload: resource.path, limit: 50 }),
  );
  if (paths.isPending) return <Loading rows={2} label="Loading attack paths" />;
  if (paths.isLoadingError)
    return <Failure error={paths.error} retry={() => paths.refetch()} what="attack paths from it" />;
  const search = { cluster: resource.scope, from: "all", workload: resource.path } as const;
  if (paths.data.paths.length === 0)
    return (
      <p>
        From {isAccount(resource.scope) ? "it" : "inside of it"} no path leads to{" "}
        {isAccount(resource.scope)
          ? "every right or a privileged role"
          : "a node, another namespace or the whole cluster"}
        , as far as is known.{" "}
        {paths.data.unknown.length > 0 && (
          <Link to="/graph" search={search}>
            {counted(paths.data.unknown.length, "thing")} not known
          </Link>
        )}
      </p>
    );
  return (
    <>
      <p>Somebody with its rights gets to:</p>
      <ul className="reach">
        {paths.data.paths.map((path) => (
          <li key={path.goal}>
            <Link to="/graph" search={{ ...search, goal: path.goal }}>
              {goalName(path.goal)}
            </Link>{" "}
            <span className="muted">in {counted(path.steps.length, "step")}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
