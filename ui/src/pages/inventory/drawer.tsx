// One resource, in the reading order of every page: what is wrong, why it matters here, who owns it, the next safe
// action, the evidence; then what it is joined to.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ResourceDetail } from "../../api/posture";
import { resourceQuery } from "../../api/posture-queries";
import { CopyButton } from "../../parts/copy";
import { Drawer, DrawerSection } from "../../parts/drawer";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { VerdictTag } from "../../parts/verdict";
import { pairsOf } from "../../text/owner";
import { kindName } from "../../text/resource";
import { Action, Wrong } from "./findings";
import { Joined } from "./joined";
import { Matters } from "./matters";
import { Owner } from "./owner";
import { Watched } from "./watched";

interface Props {
  id: string;
  scopes: ReadonlyMap<string, string>;
  modal: boolean;
  position: { index: number; loaded: number } | null;
  onStep: (by: number) => void;
  onClose: () => void;
}

export function ResourceDrawer({ id, scopes, ...frame }: Props) {
  const resource = useQuery(resourceQuery(id));
  return (
    <Drawer what="resource" id={id} {...frame}>
      {resource.isPending ? (
        <Loading rows={10} label="Loading the resource" />
      ) : resource.isLoadingError ? (
        <Failure error={resource.error} retry={() => resource.refetch()} what="this resource" />
      ) : (
        <ResourceBody resource={resource.data} scope={scopes.get(resource.data.scope)} />
      )}
    </Drawer>
  );
}

function ResourceBody({ resource, scope }: { resource: ResourceDetail; scope: string | undefined }) {
  return (
    <>
      <div className="drawer-title">
        <p className="tags">
          <span className="tag">
            <Text value={kindName(resource.kind)} max={120} />
          </span>
          {resource.exposure && <VerdictTag verdict={resource.exposure} />}
        </p>
        <h2>
          <Text value={resource.name} max={300} />
        </h2>
        <p className="lead">
          {resource.namespace ? (
            <>
              In{" "}
              <Link to="/inventory" search={{ scope: resource.scope, namespace: resource.namespace }}>
                <Text value={resource.namespace} max={200} />
              </Link>
              , of{" "}
            </>
          ) : (
            "Of "
          )}
          <Link to="/inventory" search={{ scope: resource.scope }}>
            <Text value={scope ?? resource.scope} max={200} />
          </Link>
          , known since <Time at={resource.first_seen_at} />.
        </p>
      </div>
      <Wrong resource={resource} />
      <Matters resource={resource} />
      <Owner resource={resource} />
      <Action resource={resource} />
      <Watched sensors={resource.sensors} />
      <Joined resource={resource} />
      <Facts resource={resource} />
    </>
  );
}

/** Shown as labels, annotations or facts of their own, or already said above. */
const KNOWN = new Set(["id", "name", "namespace", "kind", "labels", "annotations", "tags", "facts"]);

const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function Facts({ resource }: { resource: ResourceDetail }) {
  const { attributes } = resource;
  const facts = attributes.facts;
  const rest: [string, string][] = [
    ...Object.entries(attributes).filter(([key]) => !KNOWN.has(key)),
    ...(typeof facts === "object" && facts !== null ? Object.entries(facts) : []),
  ]
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([key, value]) => [key.replaceAll("_", " "), asText(value)]);
  return (
    <DrawerSection title="Evidence">
      <Pairs title="Facts" pairs={rest} />
      <Pairs title="Labels" pairs={pairsOf(attributes.labels)} />
      <Pairs title="Tags" pairs={pairsOf(attributes.tags)} />
      <Pairs title="Annotations" pairs={pairsOf(attributes.annotations)} />
      <p className="with-copy muted">
        <code className="breaks">
          <Text value={resource.path} max={1000} />
        </code>
        <CopyButton value={resource.path} label="Copy the path" />
      </p>
    </DrawerSection>
  );
}

function Pairs({ title, pairs }: { title: string; pairs: readonly [string, string][] }) {
  if (pairs.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <dl className="pairs">
        {pairs.map(([key, value]) => (
          <div key={key}>
            <dt className="mono">
              <Text value={key} max={300} />
            </dt>
            <dd>
              <Text value={value} max={600} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
