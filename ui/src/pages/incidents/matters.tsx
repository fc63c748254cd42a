// Why an incident matters here: what is known about its assets beside the events.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Problem } from "../../api/client";
import { resourceQuery } from "../../api/posture-queries";
import type { IncidentRow } from "../../api/runtime";
import { timelineQuery } from "../../api/runtime-queries";
import { AssetLink } from "../../parts/asset-link";
import { SeverityLine } from "../../parts/severity";
import { Text } from "../../parts/text";
import { VerdictTag } from "../../parts/verdict";
import { counted } from "../../text/number";
import { assetPlace } from "../../text/runtime";
import { storyOf } from "../../text/story";

/** Assets that are asked about; the others are a click away. */
const ASKED_MAX = 4;

export function Matters({ incident }: { incident: IncidentRow }) {
  const asked = incident.assets.filter((asset) => assetPlace(asset)).slice(0, ASKED_MAX);
  const timeline = useQuery(timelineQuery(incident.id));
  const worse = useMemo(
    () => [...new Set(storyOf(timeline.data?.items ?? []).seen.flatMap((each) => each.worse))],
    [timeline.data],
  );
  return (
    <section className="card" aria-labelledby="matters">
      <h2 id="matters">Why it matters here</h2>
      <ul className="plain">
        <li>
          {incident.sources > 1
            ? `${counted(incident.sources, "source")} that know nothing of each other tell of it.`
            : "One source alone tells of it: nothing else confirms it yet."}
        </li>
        {incident.assets.length > 1 && (
          <li>It has spread over {counted(incident.assets.length, "asset")}.</li>
        )}
        {worse.map((each) => (
          <li key={each}>
            It happened <Text value={each} max={200} />.
          </li>
        ))}
        {asked.map((asset) => (
          <Posture key={asset} asset={asset} />
        ))}
      </ul>
      {asked.length === 0 && (
        <p className="muted">
          None of its assets is in a cluster that was scanned, so nothing is known about their exposure or
          their vulnerabilities. <Link to="/scans">Scan the cluster</Link> to know.
        </p>
      )}
    </section>
  );
}

function Posture({ asset }: { asset: string }) {
  const resource = useQuery({ ...resourceQuery(asset), retry: false });
  if (resource.isPending) return null;
  const missing = resource.error instanceof Problem && resource.error.status === 404;
  const place = assetPlace(asset);
  return (
    <li className="tags">
      <AssetLink asset={asset} />
      {resource.data ? (
        <>
          <VerdictTag verdict={resource.data.exposure ?? ""} />
          <Link
            to="/findings"
            search={{ asset: place?.scope, subject: place?.path, state: "open", suppressed: "false" }}
          >
            <SeverityLine counts={resource.data.findings} />
          </Link>
        </>
      ) : (
        <span className="muted">
          {missing
            ? "is not in the inventory: it is newer than the last scan of its cluster, or gone"
            : "could not be looked up"}
        </span>
      )}
    </li>
  );
}
