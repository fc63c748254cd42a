// Who and what took part in an incident, as far as its events name them.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import type { IncidentRow } from "../../api/runtime";
import { timelineQuery } from "../../api/runtime-queries";
import { AssetLink } from "../../parts/asset-link";
import { Text } from "../../parts/text";
import { count } from "../../text/number";
import { type Cast, castOf, storyOf } from "../../text/story";

/** Names that are shown of each sort; the timeline has them all. */
const SHOWN_MAX = 8;

export function Who({ incident }: { incident: IncidentRow }) {
  const timeline = useQuery(timelineQuery(incident.id));
  const cast = useMemo(() => castOf(storyOf(timeline.data?.items ?? []).seen), [timeline.data]);
  return (
    <section className="card" aria-labelledby="who">
      <h2 id="who">Who and what</h2>
      <dl className="facts-list">
        <Names name="Assets" all={incident.assets} show={(asset) => <AssetLink asset={asset} />} />
        <CastRows cast={cast} />
      </dl>
      {incident.assets.length === 0 && <p className="muted">No asset is named by its events.</p>}
    </section>
  );
}

function CastRows({ cast }: { cast: Cast }) {
  const from = new Map(cast.principals.map((each) => [each.name, each.from]));
  return (
    <>
      <Names
        name="Principals"
        all={[...from.keys()]}
        show={(name) => (
          <>
            <Link to="/runtime" search={{ principal: name }}>
              <Text value={name} max={200} />
            </Link>
            {(from.get(name)?.length ?? 0) > 0 && (
              <span className="muted">
                {" "}
                from <Text value={from.get(name)?.join(", ") ?? ""} max={200} />
              </span>
            )}
          </>
        )}
      />
      <Names name="Users" all={cast.users} show={(user) => <Text value={user} max={120} />} />
      <Names
        name="Commands"
        all={cast.commands}
        show={(command) => (
          <code className="breaks">
            <Text value={command} max={400} />
          </code>
        )}
      />
      <Names name="Connections to" all={cast.destinations} show={(each) => <Text value={each} max={200} />} />
      <Names
        name="Images"
        all={cast.images}
        show={(image) => (
          <Link to="/runtime" search={{ image }}>
            <Text value={image} max={200} />
          </Link>
        )}
      />
      <Names name="Nodes" all={cast.nodes} show={(node) => <Text value={node} max={120} />} />
    </>
  );
}

function Names(props: { name: string; all: readonly string[]; show: (each: string) => ReactNode }) {
  if (props.all.length === 0) return null;
  return (
    <>
      <dt>{props.name}</dt>
      <dd>
        <ul className="plain">
          {props.all.slice(0, SHOWN_MAX).map((each) => (
            <li key={each}>{props.show(each)}</li>
          ))}
          {props.all.length > SHOWN_MAX && (
            <li className="muted">
              and {count(props.all.length - SHOWN_MAX)} more, which the timeline names
            </li>
          )}
        </ul>
      </dd>
    </>
  );
}
