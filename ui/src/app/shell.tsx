import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { sessionQuery, signOut } from "../api/queries";
import type { Session } from "../api/types";
import { SignIn } from "../pages/sign-in";
import { Icon, type IconName } from "../parts/icon";
import { Failure, Loading } from "../parts/states";
import { Text } from "../parts/text";
import { DataBanner } from "./banner";
import { HelpSheet } from "./help";
import { OPEN } from "./search";
import { useShortcuts } from "./shortcuts";
import { type Theme, useTheme } from "./theme";

const NAV: readonly {
  to:
    | "/"
    | "/incidents"
    | "/runtime"
    | "/sources"
    | "/responses"
    | "/rules"
    | "/attack-map"
    | "/findings"
    | "/inventory"
    | "/graph"
    | "/compliance"
    | "/images"
    | "/scans"
    | "/plugins"
    | "/advisories";
  key: string;
  icon: IconName;
  name: string;
}[] = [
  { to: "/", key: "o", icon: "overview", name: "Overview" },
  { to: "/incidents", key: "d", icon: "incidents", name: "Incidents" },
  { to: "/findings", key: "f", icon: "findings", name: "Findings" },
  { to: "/inventory", key: "n", icon: "inventory", name: "Inventory" },
  { to: "/graph", key: "t", icon: "graph", name: "Attack paths" },
  { to: "/compliance", key: "c", icon: "compliance", name: "Compliance" },
  { to: "/runtime", key: "r", icon: "runtime", name: "Runtime events" },
  { to: "/sources", key: "u", icon: "sources", name: "Sources and sensors" },
  { to: "/responses", key: "e", icon: "responses", name: "Responses" },
  { to: "/rules", key: "l", icon: "rules", name: "Rules" },
  { to: "/attack-map", key: "m", icon: "attack", name: "ATT&CK map" },
  { to: "/images", key: "i", icon: "images", name: "Images" },
  { to: "/scans", key: "s", icon: "scans", name: "Scans" },
  { to: "/plugins", key: "p", icon: "plugins", name: "Plugins" },
  { to: "/advisories", key: "a", icon: "advisories", name: "Advisory data" },
];

const THEMES: readonly { theme: Theme; icon: IconName; name: string }[] = [
  { theme: "system", icon: "system", name: "System theme" },
  { theme: "light", icon: "sun", name: "Light theme" },
  { theme: "dark", icon: "moon", name: "Dark theme" },
];

/** The frame of every page; without a session, the sign-in page in its place, so that the address is kept. */
export function Shell() {
  const session = useQuery(sessionQuery);
  const [theme, setTheme] = useTheme();
  if (session.data) return <Frame session={session.data} theme={theme} setTheme={setTheme} />;
  if (session.data === null) return <SignIn />;
  return (
    <main className="alone">
      {session.isError ? (
        <Failure error={session.error} retry={() => session.refetch()} what="your session" />
      ) : (
        <Loading rows={3} label="Loading Palisade" />
      )}
    </main>
  );
}

function Frame({
  session,
  theme,
  setTheme,
}: {
  session: Session;
  theme: Theme;
  setTheme: (theme: Theme) => void;
}) {
  const [help, setHelp] = useState(false);
  const [menu, setMenu] = useState(false);
  const navigate = useNavigate();
  const client = useQueryClient();
  const path = useRouterState({ select: (state) => state.location.pathname });

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu
  useEffect(() => {
    setMenu(false);
  }, [path]);
  useEffect(() => {
    const name = NAV.find((item) => (item.to === "/" ? path === "/" : path.startsWith(item.to)))?.name;
    document.title = name ? `${name} · Palisade` : "Palisade";
  }, [path]);

  useShortcuts({
    "?": () => setHelp(true),
    "/": () => {
      const field = document.querySelector<HTMLInputElement>("[data-search]");
      field?.focus();
      field?.select();
      return field !== null;
    },
    ...Object.fromEntries(
      NAV.map((item) => [
        `g ${item.key}`,
        () => void navigate({ to: item.to, search: item.to === "/findings" ? OPEN : {} }),
      ]),
    ),
  });

  const leave = async () => {
    await signOut().catch(() => undefined);
    // The shell watches the session and shows the sign-in page; then nothing of the old session may stay in memory.
    client.setQueryData(sessionQuery.queryKey, null);
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
  };

  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="side">
        <div className="side-top">
          <Link to="/" className="brand">
            <img src="/favicon.svg" alt="" width="22" height="22" />
            Palisade
          </Link>
          <button
            type="button"
            className="button ghost square menu-button"
            aria-expanded={menu}
            aria-controls="side-menu"
            onClick={() => setMenu(!menu)}
          >
            <Icon name={menu ? "close" : "menu"} />
            <span className="sr-only">Menu</span>
          </button>
        </div>
        <div id="side-menu" className={menu ? "side-menu open" : "side-menu"}>
          <nav aria-label="Main">
            {NAV.map((item) => (
              <Link
                key={item.to}
                to={item.to}
                search={item.to === "/findings" ? OPEN : {}}
                className="nav-link"
                activeOptions={{ exact: item.to === "/", includeSearch: false }}
                activeProps={{ "aria-current": "page" }}
              >
                <Icon name={item.icon} />
                {item.name}
              </Link>
            ))}
          </nav>
          <div className="side-bottom">
            <div className="themes" role="group" aria-label="Theme">
              {THEMES.map((each) => (
                <button
                  key={each.theme}
                  type="button"
                  className="button ghost square"
                  aria-pressed={theme === each.theme}
                  title={each.name}
                  onClick={() => setTheme(each.theme)}
                >
                  <Icon name={each.icon} />
                  <span className="sr-only">{each.name}</span>
                </button>
              ))}
            </div>
            <button type="button" className="nav-link" onClick={() => setHelp(true)}>
              <Icon name="help" />
              Shortcuts <kbd>?</kbd>
            </button>
            <button type="button" className="nav-link" onClick={leave}>
              <Icon name="out" />
              Sign out
            </button>
            <p className="side-note">
              <Text value={session.tenant} /> · <Text value={session.token_name} />
              <br />
              Palisade <Text value={session.version} />
            </p>
          </div>
        </div>
      </header>
      <div className="content" id="main" tabIndex={-1}>
        <DataBanner />
        <Outlet />
      </div>
      <HelpSheet open={help} onClose={() => setHelp(false)} />
    </div>
  );
}
