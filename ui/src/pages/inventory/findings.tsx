// What is wrong with a resource, and what to do first.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ResourceDetail } from "../../api/posture";
import { worstQuery } from "../../api/posture-queries";
import { type FindingSearch, OPEN } from "../../app/search";
import { DrawerSection } from "../../parts/drawer";
import { Icon } from "../../parts/icon";
import { SEVERITIES, SeverityBadge, SeverityMark } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count } from "../../text/number";
import { subjectOf } from "../../text/subject";

/** The findings on a resource, as the findings list filters them. */
const onIt = (resource: ResourceDetail): FindingSearch => ({
  ...OPEN,
  asset: resource.scope,
  subject: resource.path,
});

const totalOf = (resource: ResourceDetail): number =>
  SEVERITIES.reduce((sum, severity) => sum + (resource.findings[severity] ?? 0), 0);

export function Wrong({ resource }: { resource: ResourceDetail }) {
  const total = totalOf(resource);
  const worst = useQuery({ ...worstQuery(resource.scope, resource.path), enabled: total > 0 });
  const search = onIt(resource);
  return (
    <DrawerSection title="What is wrong">
      {total === 0 ? (
        <p>No finding is open on it. That is only as good as what the scan could read.</p>
      ) : (
        <>
          <p className="counts">
            <Link to="/findings" search={search} data-count="resource:all">
              {total === 1 ? "1 open finding" : `${count(total)} open findings`}
            </Link>
            {SEVERITIES.filter((severity) => (resource.findings[severity] ?? 0) > 0).map((severity) => (
              <Link
                key={severity}
                to="/findings"
                search={{ ...search, severity }}
                className={`sev-count sev-${severity}`}
                data-count={`resource:${severity}`}
              >
                <SeverityMark severity={severity} /> {count(resource.findings[severity] ?? 0)} {severity}
              </Link>
            ))}
          </p>
          {worst.isPending ? (
            <Loading rows={3} label="Loading its worst findings" />
          ) : worst.isLoadingError ? (
            <Failure error={worst.error} retry={() => worst.refetch()} what="its findings" />
          ) : (
            <ul className="worst">
              {worst.data.items.map((row) => (
                <li key={row.fingerprint}>
                  <SeverityBadge severity={row.severity} />
                  <Link to="/findings" search={{ ...search, finding: row.fingerprint }}>
                    <Text value={subjectOf(row).sentence} max={200} />
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </DrawerSection>
  );
}

export function Action({ resource }: { resource: ResourceDetail }) {
  const total = totalOf(resource);
  const worst = useQuery({ ...worstQuery(resource.scope, resource.path), enabled: total > 0 });
  const first = worst.data?.items[0];
  if (total > 0 && !first) return null;
  return (
    <DrawerSection title="Next safe action">
      {first ? (
        <>
          <p className="action">
            <Icon name="wrench" />
            <Link to="/findings" search={{ ...onIt(resource), finding: first.fingerprint }}>
              <strong>Start with the worst finding</strong>
            </Link>
          </p>
          <p className="muted">
            Its page says what to change where the resource comes from, as a patch where the rule knows one.
          </p>
        </>
      ) : (
        <p>None on this resource itself: look at what it is joined to.</p>
      )}
    </DrawerSection>
  );
}
