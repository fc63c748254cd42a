import { Link } from "@tanstack/react-router";

const PAGES = [
  { to: "/compliance", name: "Frameworks" },
  { to: "/compliance/exceptions", name: "Exceptions" },
  { to: "/compliance/evidence", name: "Evidence" },
] as const;

/** The title and the ways between the pages about compliance. */
export function ComplianceHead({ at }: { at: (typeof PAGES)[number]["to"] }) {
  return (
    <>
      <header className="page-head">
        <h1>Compliance</h1>
      </header>
      <nav className="tabs" aria-label="Compliance">
        {PAGES.map((page) => (
          <Link
            key={page.to}
            to={page.to}
            className="tab"
            activeOptions={{ exact: true, includeSearch: false }}
            activeProps={{ "aria-current": page.to === at ? "page" : undefined }}
          >
            {page.name}
          </Link>
        ))}
      </nav>
    </>
  );
}
