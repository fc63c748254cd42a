import { Link } from "@tanstack/react-router";
import { Empty } from "../parts/states";

export function NotFound() {
  return (
    <main className="page">
      <Empty icon="search" title="There is no such page">
        <p>The address may be from another version, or mistyped.</p>
        <Link to="/" className="button">
          Go to the overview
        </Link>
      </Empty>
    </main>
  );
}
