import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { groupsQuery } from "../../api/queries";
import type { FindingGroup } from "../../api/types";
import { OPEN } from "../../app/search";
import { RiskMark } from "../../parts/risk";
import { Failure } from "../../parts/states";
import { Text } from "../../parts/text";
import { counted } from "../../text/number";

/** Acts that are told: more would be a list, which there is. */
const ACTS = 5;

const UPDATES = { ...OPEN, fixable: "true" };

/** What to do first: the updates that take most risk away. */
export function FirstActs() {
  const groups = useQuery(groupsQuery({ ...UPDATES, by: "package" }));
  if (groups.isLoadingError)
    return <Failure error={groups.error} retry={() => groups.refetch()} what="what to do first" />;
  const acts = groups.data?.items.slice(0, ACTS) ?? [];
  if (acts.length === 0) return null;
  return (
    <section className="card flush" aria-labelledby="first">
      <div className="card-head">
        <h2 id="first">Do first</h2>
        <Link to="/findings" search={{ ...OPEN, sort: "risk" }}>
          All, highest risk first
        </Link>
      </div>
      <ul className="rows">
        {acts.map((act) => (
          <li key={act.value}>
            <Act act={act} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Act({ act }: { act: FindingGroup }) {
  const [version, ...others] = act.fixed_in ?? [];
  return (
    <Link to="/findings" search={{ ...UPDATES, package: act.value, sort: "risk" }} className="row-link">
      <RiskMark risk={act.risk} />
      <span className="row-main">
        <strong>
          Update <Text value={act.label} max={120} />
        </strong>{" "}
        {version && (
          <span className="muted mono">
            fixes in <Text value={version} max={60} />
            {others.length > 0 && ` and ${others.length} more`}
          </span>
        )}
      </span>
      <span className="row-side muted">
        {counted(act.count, "finding")} on {counted(act.assets, "asset")}
      </span>
      <span className="row-side">{act.kev > 0 && <span className="tag bad">{act.kev} exploited</span>}</span>
    </Link>
  );
}
