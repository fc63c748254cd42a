// What rules and sensors judged to be a threat, with the events that prove it.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { DetectionDetail, Detection as DetectionRow } from "../../api/runtime";
import { detectionQuery, detectionsQuery, newestDetections } from "../../api/runtime-queries";
import { DETECTION_TEXTS, type DetectionSearch } from "../../app/search-runtime";
import { AssetLink } from "../../parts/asset-link";
import { Drawer, DrawerSection } from "../../parts/drawer";
import { Chips } from "../../parts/filters";
import type { Column } from "../../parts/grid";
import { type DrawerFrame, Listing } from "../../parts/listing";
import { SearchField } from "../../parts/search-field";
import { SEVERITIES, SeverityBadge, severityName } from "../../parts/severity";
import { Empty, Failure, Loading } from "../../parts/states";
import { Techniques } from "../../parts/techniques";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { TimeRange } from "../../parts/time-range";
import { commandOf } from "../../text/runtime";
import { proofOf } from "../../text/story";
import { absoluteSpan } from "../../text/time";
import { visible } from "../../text/visible";
import { Choice } from "../graph/filters";
import { Row } from "./event-drawer";
import { RuntimeHead } from "./head";

const route = getRouteApi("/runtime/detections");

const CHIPS = ["severity", "suppressed", "late", ...DETECTION_TEXTS] as const;

const isSuppression = (by: string): boolean => by.startsWith("suppression:");
/** What keeps it quiet: people, or that it is what this workload always does. */
const quietWord = (by: string): string => (isSuppression(by) ? "Suppressed" : "Usual here");

const COLUMNS: Column<DetectionRow>[] = [
  {
    id: "severity",
    title: "Severity",
    width: "104px",
    narrow: "lead",
    cell: (row) => <SeverityBadge severity={row.severity} />,
  },
  {
    id: "title",
    title: "What was detected",
    width: "minmax(150px, 3fr)",
    narrow: "line",
    cell: (row) => (
      <>
        <strong>
          <Text value={row.title} max={300} />
        </strong>{" "}
        {row.suppressed_by && <span className="tag">{quietWord(row.suppressed_by)}</span>}
        <span className="second-line muted mono">
          <Text value={row.rule} max={120} />
        </span>
      </>
    ),
  },
  {
    id: "asset",
    title: "Asset",
    width: "minmax(140px, 1.6fr)",
    narrow: "line",
    cell: (row) => <AssetLink asset={row.asset} />,
  },
  {
    id: "techniques",
    title: "Techniques",
    width: "minmax(100px, 1fr)",
    narrow: "hide",
    cell: (row) => <Techniques ids={row.techniques.slice(0, 2)} />,
  },
  {
    id: "time",
    title: "Last seen",
    width: "112px",
    narrow: "meta",
    align: "end",
    cell: (row) => <Time at={row.last} />,
  },
];

export function DetectionsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filter = useMemo(() => {
    const { detection: _detection, severity, ...rest } = search;
    return { ...rest, severity_min: severity };
  }, [search]);
  const list = useInfiniteQuery(detectionsQuery(filter));
  const change = useCallback(
    (next: DetectionSearch) =>
      void navigate({ search: (before) => ({ ...before, detection: undefined, ...next }) }),
    [navigate],
  );
  const setText = useCallback((q: string) => change({ q: q.trim() || undefined }), [change]);
  const open = (detection: string | undefined, replace: boolean) =>
    void navigate({ search: (before) => ({ ...before, detection }), replace });
  return (
    <Listing
      head={<RuntimeHead at="/runtime/detections" />}
      toolbar={
        <>
          <div className="toolbar">
            <SearchField value={search.q ?? ""} onChange={setText} label="Search detections" />
            <TimeRange range={search} onChange={({ from, to }) => change({ from, to })} />
            <Choice
              label="From severity"
              value={search.severity ?? ""}
              options={[
                ["", "Any"],
                ...SEVERITIES.slice(0, 4).map((each) => [each, severityName(each)] as const),
              ]}
              onChange={(severity) => change({ severity: severity || undefined })}
            />
            <Choice
              label="Suppressed"
              value={search.suppressed ?? ""}
              options={[
                ["", "Both"],
                ["false", "No"],
                ["true", "Yes"],
              ]}
              onChange={(suppressed) => change({ suppressed: suppressed || undefined })}
            />
          </div>
          <Chips
            names={CHIPS}
            search={search}
            word={(name, value) =>
              name === "severity"
                ? `${severityName(value)} and worse`
                : value === "true"
                  ? "yes"
                  : value === "false"
                    ? "no"
                    : value
            }
            onChange={change}
          />
        </>
      }
      list={list}
      newest={newestDetections(filter)}
      cardLines={5}
      one="detection"
      columns={COLUMNS}
      besideHidden={["asset", "techniques"]}
      rowId={(row) => row.id}
      opened={search.detection}
      onOpen={(row, beside) => open(row.id, beside)}
      onClose={() => open(undefined, false)}
      empty={
        CHIPS.some((name) => search[name] !== undefined) ? (
          <Empty icon="filter" title="No detection matches these filters">
            <Link to="/runtime/detections" className="button">
              Show all detections
            </Link>
          </Empty>
        ) : (
          <Empty title="Nothing was detected">
            <p>
              See first that <Link to="/runtime">events</Link> come, that{" "}
              <Link to="/sources">no sensor is blind</Link>, and what the rules{" "}
              <Link to="/attack-map">cover</Link>.
            </p>
          </Empty>
        )
      }
      drawer={(frame) => search.detection && <DetectionDrawer id={search.detection} {...frame} />}
    />
  );
}

function DetectionDrawer({ id, ...frame }: DrawerFrame & { id: string }) {
  const detection = useQuery(detectionQuery(id));
  return (
    <Drawer what="detection" id={id} {...frame}>
      {detection.isPending ? (
        <Loading rows={10} label="Loading the detection" />
      ) : detection.isLoadingError ? (
        <Failure error={detection.error} retry={() => detection.refetch()} what="this detection" />
      ) : (
        <Detection detail={detection.data} />
      )}
    </Drawer>
  );
}

function Detection({ detail }: { detail: DetectionDetail }) {
  const { detection, events } = detail;
  const command = commandOf(detection.subject ?? {});
  return (
    <>
      <h2 className="drawer-title">
        <Text value={detection.title} max={400} />
      </h2>
      <p className="tags">
        <SeverityBadge severity={detection.severity} />
        {detection.suppressed_by &&
          (isSuppression(detection.suppressed_by) ? (
            <Link to="/rules/suppressions" className="tag">
              {quietWord(detection.suppressed_by)}
            </Link>
          ) : (
            <span className="tag" title={visible(detection.suppressed_by)}>
              {quietWord(detection.suppressed_by)}
            </span>
          ))}
        {detection.late && <span className="tag warn">Late</span>}
      </p>
      <dl className="facts-list event-facts">
        <Row name="When">
          {absoluteSpan(detection.first, detection.last)}{" "}
          <span className="muted">
            (<Time at={detection.last} />)
          </span>
        </Row>
        <Row name="Asset">
          <AssetLink asset={detection.asset} />
        </Row>
        <Row name="What" show={proofOf(detection.subject)}>
          <code className="breaks">
            <Text value={proofOf(detection.subject)} max={2_000} />
          </code>
        </Row>
        <Row name="Actor" show={detection.subject?.actor?.name ?? detection.subject?.process?.user}>
          <Text
            value={[
              detection.subject?.actor?.name ?? detection.subject?.process?.user,
              ...(detection.subject?.actor?.sourceIps ?? []),
            ].join(", ")}
            max={300}
          />
        </Row>
        <Row name="Rule">
          <Link to="/rules" search={{ q: detection.rule }} className="mono breaks">
            <Text value={detection.rule} max={200} />
          </Link>
        </Row>
        <Row name="Judged by">
          {detection.plugin === "sensor" ? (
            "the sensor itself"
          ) : (
            <>
              the plugin <Text value={detection.rule.split("/")[0] ?? ""} max={80} />{" "}
              <code title={detection.plugin}>{detection.plugin.slice(0, 19)}…</code>
            </>
          )}
        </Row>
        <Row name="Techniques">
          <Techniques ids={detection.techniques} />
        </Row>
        <Row name="Command" show={command}>
          <code className="breaks">
            <Text value={command} max={2_000} />
          </code>
        </Row>
        <Row name="Found">
          <Time at={detection.found_at} />
        </Row>
      </dl>
      <DrawerSection title="Next safe action">
        <p className="tags">
          {detection.asset && (
            <Link to="/incidents" search={{ asset: detection.asset }} className="button">
              Incidents of this asset
            </Link>
          )}
          <Link
            to="/rules/suppressions"
            search={{ ask: "new", rule: detection.rule, asset: detection.asset || undefined }}
            className="button"
          >
            Suppress it here
          </Link>
        </p>
      </DrawerSection>
      <DrawerSection title={`Evidence: its events (${events.length})`}>
        {events.length === 0 && <p className="muted">None of its events is kept any more.</p>}
        <ul className="joined">
          {events.map((event) => (
            <li key={event.id}>
              <Link to="/runtime" search={{ event: event.id }} className="breaks">
                <Text value={event.title} max={200} />
              </Link>{" "}
              <span className="muted">
                <Time at={event.time} />
              </span>
            </li>
          ))}
        </ul>
        <pre className="code raw" tabIndex={0}>
          <Text value={JSON.stringify(detection.evidence, null, 2) ?? ""} lines max={16_000} />
        </pre>
      </DrawerSection>
    </>
  );
}
