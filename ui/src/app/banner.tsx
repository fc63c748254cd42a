import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { advisoriesQuery } from "../api/queries";
import { Icon } from "../parts/icon";
import { count } from "../text/number";

/** Says on every page when the data that judges packages is missing or only a sample. */
export function DataBanner() {
  const { data } = useQuery(advisoriesQuery);
  if (!data) return null;
  if (data.loaded === false) {
    return (
      <aside className="banner" aria-label="Advisory data">
        <Icon name="warning" />
        <span>No advisory data is loaded: packages are listed, but none of them can be judged.</span>
        <Link to="/advisories">What to do</Link>
      </aside>
    );
  }
  if (!data.sample) return null;
  return (
    <aside className="banner" aria-label="Advisory data">
      <Icon name="warning" />
      <span>Built-in sample of {count(data.records ?? 0)} advisories: results are not complete.</span>
      <Link to="/advisories">What this means</Link>
    </aside>
  );
}
