import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Neighbour, ResourceDetail } from "../../api/posture";
import { DrawerSection } from "../../parts/drawer";
import { ResourceLink } from "../../parts/resource-link";
import { Text } from "../../parts/text";
import { count } from "../../text/number";
import { words } from "../../text/path";

/** Neighbours of one kind of edge shown before the rest is asked for. */
const FIRST = 12;
const IMAGE = "image:";

/** What a resource is joined to, by the kind of edge. */
export function Joined({ resource }: { resource: ResourceDetail }) {
  const groups = Map.groupBy(resource.neighbours, (each) => each.edge);
  return (
    <DrawerSection title="What it is joined to">
      {groups.size === 0 && <p className="muted">Nothing that the scan read is joined to it.</p>}
      {[...groups].map(([edge, list]) => (
        <Edge key={edge} edge={edge} list={list} scope={resource.scope} />
      ))}
      {resource.neighbours_truncated && (
        <p className="note">There are more: at most 200 are shown in each direction.</p>
      )}
    </DrawerSection>
  );
}

function Edge({ edge, list, scope }: { edge: string; list: readonly Neighbour[]; scope: string }) {
  const [all, setAll] = useState(false);
  const shown = all ? list : list.slice(0, FIRST);
  return (
    <>
      <h4>
        {words(edge)} <span className="muted">{count(list.length)}</span>
      </h4>
      <ul className="joined">
        {shown.map((each) => (
          <li key={each.id}>
            {each.id.startsWith(IMAGE) ? (
              <Link to="/images" search={{ q: each.path }}>
                <Text value={each.path} max={300} />
              </Link>
            ) : (
              <ResourceLink scope={scope} path={each.path} />
            )}
          </li>
        ))}
      </ul>
      {list.length > FIRST && (
        <button type="button" className="button ghost small" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${count(list.length - FIRST)} more`}
          <span className="sr-only"> of {words(edge)}</span>
        </button>
      )}
    </>
  );
}
