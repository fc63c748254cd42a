// The clusters and accounts in three figures. Each is asked for by itself, so that none keeps the overview waiting.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { assessmentsQuery, clustersQuery, resourceFacetsQuery } from "../../api/posture-queries";
import { controlsOf, frameworkName, told } from "../../text/control";
import { count, counted } from "../../text/number";
import { Fact } from "./fact";
import { Followers } from "./followers";

export function Clusters() {
  const clusters = useQuery(clustersQuery);
  const some = (clusters.data?.items.length ?? 0) > 0;
  const exposed = useQuery({ ...resourceFacetsQuery({ exposure: "open" }), enabled: some });
  const assessments = useQuery({ ...assessmentsQuery, enabled: some });
  if (!clusters.data) return null;
  if (!some) return <Followers followers={clusters.data.followers} />;
  const worst = assessments.data?.items
    .filter((row) => typeof row.summary.score === "number")
    .sort((a, b) => (a.summary.score ?? 0) - (b.summary.score ?? 0))[0];
  const resources = clusters.data.items.reduce((sum, each) => sum + each.resources, 0);
  return (
    <>
      <ul className="facts" aria-label="Clusters and accounts">
        <Fact
          icon="inventory"
          name="Clusters and accounts"
          value={clusters.data.items.length}
          tone="calm"
          note={`With ${counted(resources, "resource")}`}
        >
          <Link to="/inventory" data-posture="clusters" />
        </Fact>
        {exposed.data && (
          <Fact
            icon="globe"
            name="Exposed workloads"
            value={exposed.data.matching}
            tone="bad"
            note={
              exposed.data.matching > 0
                ? "Traffic from the internet gets to them"
                : "Nothing is open to the internet, as far as is known"
            }
          >
            <Link to="/inventory" search={{ exposure: "open" }} data-posture="exposed" />
          </Fact>
        )}
        {worst && (
          <Fact
            icon="compliance"
            name={`Lowest score: ${frameworkName(worst.framework)}`}
            value={worst.summary.score ?? 0}
            tone="warn"
            note={`of 100, covers ${count(told(worst.summary))} of ${counted(controlsOf(worst.summary), "control")}`}
          >
            <Link
              to="/compliance/$framework/$scope"
              params={{ framework: worst.framework, scope: worst.scope }}
              preload={false}
              data-posture="framework"
            />
          </Fact>
        )}
      </ul>
      <Followers followers={clusters.data.followers} />
    </>
  );
}
