import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { resourceId, resourceName } from "../text/resource";
import { visible } from "../text/visible";
import { Text } from "./text";

interface Props {
  scope: string;
  path: string;
  /** The whole path instead of kind and name. */
  whole?: boolean;
  children?: ReactNode;
}

/** Leads to a resource in the inventory. */
export function ResourceLink({ scope, path, whole = false, children }: Props) {
  const { kind, namespace, name } = resourceName(path);
  return (
    <Link
      to="/inventory"
      search={{ scope, resource: resourceId(scope, path) }}
      className="resource-link"
      title={visible(path)}
      preload={false}
    >
      {children ??
        (whole || kind === "" ? (
          <Text value={path} max={1000} />
        ) : (
          <>
            <Text value={kind} max={80} />{" "}
            <Text value={namespace ? `${namespace}/${name}` : name} max={300} />
          </>
        ))}
    </Link>
  );
}
