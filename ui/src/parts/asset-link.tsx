import { Link } from "@tanstack/react-router";
import { assetName, assetPlace } from "../text/runtime";
import { visible } from "../text/visible";
import { ResourceLink } from "./resource-link";
import { Text } from "./text";

/** Leads to the asset of an event, as far as there is a page about it. */
export function AssetLink({ asset }: { asset: string }) {
  if (asset === "") return <span className="muted">not known</span>;
  const place = assetPlace(asset);
  if (place)
    return (
      <ResourceLink scope={place.scope} path={place.path}>
        <Text value={assetName(asset)} max={300} />
      </ResourceLink>
    );
  if (/^sha256:[0-9a-f]{64}$/.test(asset))
    return (
      <Link to="/images/$id" params={{ id: asset }} preload={false} className="mono" title={asset}>
        {asset.slice(0, 19)}…
      </Link>
    );
  if (asset.startsWith("arn:"))
    return (
      <Link
        to="/inventory"
        search={{ resource: asset }}
        preload={false}
        className="breaks"
        title={visible(asset)}
      >
        <Text value={asset} max={300} />
      </Link>
    );
  return <Text value={asset} max={300} />;
}
