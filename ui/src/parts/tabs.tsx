import { Link, type LinkProps } from "@tanstack/react-router";

/** The title of a group of pages and the ways between them. */
export function TabHead({
  title,
  at,
  tabs,
}: {
  title: string;
  at: string;
  tabs: readonly { to: NonNullable<LinkProps["to"]>; name: string }[];
}) {
  return (
    <>
      <header className="page-head">
        <h1>{title}</h1>
      </header>
      <nav className="tabs" aria-label={title}>
        {tabs.map((tab) => (
          <Link
            key={tab.to}
            to={tab.to}
            search={{}}
            className="tab"
            activeOptions={{ exact: true, includeSearch: false }}
            activeProps={{ "aria-current": tab.to === at ? "page" : undefined }}
          >
            {tab.name}
          </Link>
        ))}
      </nav>
    </>
  );
}
