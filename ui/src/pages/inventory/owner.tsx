import { useQuery } from "@tanstack/react-query";
import type { ResourceDetail } from "../../api/posture";
import { resourceQuery } from "../../api/posture-queries";
import { DrawerSection } from "../../parts/drawer";
import { ResourceLink } from "../../parts/resource-link";
import { Text } from "../../parts/text";
import { type Owner as Named, ownersOf } from "../../text/owner";
import { words } from "../../text/path";

/** Edges to what made it: there it is changed, and there an owner may be named. */
const MADE_BY = ["owned-by", "generated-by"];

export function Owner({ resource }: { resource: ResourceDetail }) {
  const own = ownersOf(resource.attributes);
  const namespace = resource.neighbours.find((each) => each.edge === "in");
  const makers = resource.neighbours.filter((each) => MADE_BY.includes(each.edge));
  const of = useQuery({
    ...resourceQuery(namespace?.id ?? ""),
    enabled: own.length === 0 && namespace !== undefined,
  });
  const inherited = own.length === 0 && of.data ? ownersOf(of.data.attributes) : [];
  return (
    <DrawerSection title="Who owns it">
      {own.length > 0 && <Names names={own} />}
      {inherited.length > 0 && namespace && (
        <>
          <Names names={inherited} />
          <p className="muted">
            Says its <ResourceLink scope={resource.scope} path={namespace.path} />.
          </p>
        </>
      )}
      {own.length === 0 && inherited.length === 0 && !of.isFetching && (
        <p className="muted">
          No label or annotation of it{namespace ? " or of its namespace" : ""} names an owner or a team.
        </p>
      )}
      {makers.length > 0 && (
        <p>
          {makers.map((each) => (
            <span key={each.id} className="list-item">
              {words(each.edge)} <ResourceLink scope={resource.scope} path={each.path} />
            </span>
          ))}
        </p>
      )}
    </DrawerSection>
  );
}

function Names({ names }: { names: readonly Named[] }) {
  return (
    <dl className="facts-list">
      {names.map((name) => (
        <div key={`${name.key} ${name.value}`} className="contents">
          <dt>
            <Text value={name.key} max={200} />
          </dt>
          <dd>
            <strong>
              <Text value={name.value} max={300} />
            </strong>
          </dd>
        </div>
      ))}
    </dl>
  );
}
