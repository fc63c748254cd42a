// One event: what it says, what it is joined by, and the sensor's own object unchanged.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { EventDetail } from "../../api/runtime";
import { detectionQuery, eventQuery } from "../../api/runtime-queries";
import type { EventSearch } from "../../app/search-runtime";
import { AssetLink } from "../../parts/asset-link";
import { CopyButton } from "../../parts/copy";
import { Drawer, DrawerSection } from "../../parts/drawer";
import type { DrawerFrame } from "../../parts/listing";
import { SeverityBadge } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Techniques } from "../../parts/techniques";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { counted } from "../../text/number";
import { callOf, commandOf, eventKind, networkOf } from "../../text/runtime";
import { absolute } from "../../text/time";
import { visible } from "../../text/visible";
import { EventSeverity } from "./severity";

interface Props extends DrawerFrame {
  id: string;
  onFilter: (filter: EventSearch) => void;
}

export function EventDrawer({ id, onFilter, ...frame }: Props) {
  const event = useQuery(eventQuery(id));
  return (
    <Drawer what="event" id={id} {...frame}>
      {event.isPending ? (
        <Loading rows={10} label="Loading the event" />
      ) : event.isLoadingError ? (
        <Failure error={event.error} retry={() => event.refetch()} what="this event" />
      ) : (
        <EventBodyView detail={event.data} onFilter={onFilter} />
      )}
    </Drawer>
  );
}

/** What the list can be narrowed to, by this event. */
const JOINS = [
  ["container", "Container"],
  ["workload", "Workload"],
  ["namespace", "Namespace"],
  ["image", "Image"],
  ["principal", "Principal"],
  ["source", "Source"],
] as const;

/** Detections that are named; each is asked for by itself. */
const PROVES_MAX = 8;

/** Enough to know it again; the whole is in the title. */
const shorter = (value: string): string => (value.length > 44 ? `${value.slice(0, 40)}…` : value);

function EventBodyView({
  detail,
  onFilter,
}: {
  detail: EventDetail;
  onFilter: (filter: EventSearch) => void;
}) {
  const { event, body, detections } = detail;
  const raw = JSON.stringify(body.raw ?? null, null, 2);
  const joins = JOINS.flatMap(([key, name]) => {
    const value = event[key];
    return value ? [{ key, name, value }] : [];
  });
  return (
    <>
      <h2 className="drawer-title">
        <Text value={event.title} max={400} />
      </h2>
      <p className="tags">
        <EventSeverity severity={event.severity} />
        <span className="tag">{eventKind(event.kind)}</span>
        {event.late && <span className="tag warn">Late</span>}
      </p>
      <dl className="facts-list event-facts">
        <Row name="When">
          {absolute(event.time)}{" "}
          <span className="muted">
            (<Time at={event.time} />)
          </span>
        </Row>
        <Row name="Received">
          <Time at={event.received_at} /> by{" "}
          <Link to="/sources" search={{ source: event.source }}>
            <Text value={event.source} max={60} />
          </Link>{" "}
          from <Text value={event.origin} max={40} />
        </Row>
        <Row name="Asset">
          <AssetLink asset={event.asset} />
        </Row>
        <Row name="Rule" show={body.rule?.name}>
          <Text value={body.rule?.name ?? ""} max={200} />{" "}
          {body.rule?.techniques && body.rule.techniques.length > 0 && (
            <Techniques ids={body.rule.techniques} />
          )}
        </Row>
        <Row name="Command" show={commandOf(body)}>
          <code className="breaks">
            <Text value={commandOf(body)} max={2_000} />
          </code>
        </Row>
        <Row name="Started by" show={body.process?.parent && commandOf({ process: body.process.parent })}>
          <code className="breaks">
            <Text
              value={commandOf(body.process?.parent ? { process: body.process.parent } : {})}
              max={2_000}
            />
          </code>
        </Row>
        <Row name="User" show={body.process?.user ?? body.process?.uid?.toString()}>
          <Text value={body.process?.user ?? `uid ${body.process?.uid}`} max={120} />
        </Row>
        <Row name="File" show={body.file?.path}>
          <code className="breaks">
            <Text value={body.file?.path ?? ""} max={2_000} />
          </code>
        </Row>
        <Row name="Connection" show={body.network && networkOf(body.network)}>
          <Text value={body.network ? networkOf(body.network) : ""} max={400} />
        </Row>
        <Row name="Call" show={body.api && callOf(body.api)}>
          <Text value={body.api ? callOf(body.api) : ""} max={400} />
        </Row>
        <Row name="Actor" show={body.actor?.name}>
          <Text value={body.actor?.name ?? ""} max={300} />
          {body.actor?.sourceIps && body.actor.sourceIps.length > 0 && (
            <>
              {" "}
              from <Text value={body.actor.sourceIps.join(", ")} max={200} />
            </>
          )}
        </Row>
        <Row name="Container" show={body.container?.name ?? body.container?.image}>
          <Text value={[body.container?.name, body.container?.image].filter(Boolean).join(", ")} max={300} />
        </Row>
        <Row name="Node" show={event.node}>
          <Text value={event.node ?? ""} max={200} />
        </Row>
      </dl>
      {event.container && (
        <p>
          <Link to="/runtime/processes/$event" params={{ event: event.id }} className="button">
            Processes of this container
          </Link>
        </p>
      )}
      {detections.length > 0 && (
        <DrawerSection title={`What it proves (${detections.length})`}>
          <ul className="joined">
            {detections.slice(0, PROVES_MAX).map((each) => (
              <Proved key={each} id={each} />
            ))}
          </ul>
          {detections.length > PROVES_MAX && (
            <p className="muted">and {counted(detections.length - PROVES_MAX, "further detection")}</p>
          )}
        </DrawerSection>
      )}
      {joins.length > 0 && (
        <DrawerSection title="More like this">
          <ul className="joins">
            {joins.map(({ key, name, value }) => (
              <li key={key}>
                <button
                  type="button"
                  className="button small"
                  title={visible(value)}
                  onClick={() => onFilter({ [key]: value })}
                >
                  <span className="muted">{name}</span> <Text value={shorter(value)} />
                </button>
              </li>
            ))}
          </ul>
        </DrawerSection>
      )}
      <DrawerSection title="As the sensor said it">
        <p className="with-copy">
          <span className="muted">Unchanged, as it came</span>
          <CopyButton value={raw} label="Copy what the sensor said" />
        </p>
        <pre className="code raw" tabIndex={0}>
          <Text value={raw} lines max={16_000} />
        </pre>
        <p className="muted mono breaks">
          <Text value={event.id} max={300} />
        </p>
      </DrawerSection>
    </>
  );
}

/** A detection by its title; by its id until that is known, or where it is no longer kept. */
function Proved({ id }: { id: string }) {
  const found = useQuery({ ...detectionQuery(id), retry: false });
  const detection = found.data?.detection;
  return (
    <li className="tags">
      {detection && <SeverityBadge severity={detection.severity} />}
      <Link to="/runtime/detections" search={{ detection: id }} className={detection ? "" : "mono breaks"}>
        <Text value={detection?.title ?? id} max={300} />
      </Link>
    </li>
  );
}

/** A fact; with `show`, only where there is something to show. */
export function Row(props: { name: string; show?: unknown; children: ReactNode }) {
  if ("show" in props && !props.show) return null;
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </>
  );
}
