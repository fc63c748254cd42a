import { Link } from "@tanstack/react-router";
import { isTechnique } from "../text/runtime";
import { Text } from "./text";

/** Techniques of ATT&CK, each leading to its place on the map. */
export function Techniques({ ids }: { ids: readonly string[] }) {
  if (ids.length === 0) return <span className="muted">none named</span>;
  return (
    <span className="tags">
      {ids.map((id) =>
        isTechnique(id) ? (
          <Link key={id} to="/attack-map" search={{ technique: id }} className="tag mono" preload={false}>
            {id}
          </Link>
        ) : (
          <span key={id} className="tag mono">
            <Text value={id} max={40} />
          </span>
        ),
      )}
    </span>
  );
}
