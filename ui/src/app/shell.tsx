import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useLayoutEffect, useRef, useState } from "react";
import { sameAs, sessionQuery, signOut } from "../api/queries";
import type { Session } from "../api/types";
import { SignIn } from "../pages/sign-in";
import { AddressLink } from "../parts/address-link";
import { Icon, type IconName } from "../parts/icon";
import { Failure, Loading } from "../parts/states";
import { Text } from "../parts/text";
import { absolute } from "../text/time";
import { DataBanner } from "./banner";
import { HelpSheet } from "./help";
import { usePrinting } from "./narrow";
import { NAV, pageOf } from "./nav";
import type { Command } from "./palette";
import { OPEN } from "./search";
import { useShortcuts } from "./shortcuts";
import { StaleBanner } from "./stale";
import { density, times } from "./stored";
import { type Theme, useTheme } from "./theme";
import { NAME_MAX, useVisits, views } from "./views";

const Palette = lazy(() => import("./palette").then((all) => ({ default: all.Palette })));
const ViewDialog = lazy(() => import("./view-dialog").then((all) => ({ default: all.ViewDialog })));

const THEMES: readonly { theme: Theme; icon: IconName; name: string }[] = [
  { theme: "system", icon: "system", name: "System theme" },
  { theme: "light", icon: "sun", name: "Light theme" },
  { theme: "dark", icon: "moon", name: "Dark theme" },
  { theme: "contrast", icon: "contrast", name: "High-contrast theme" },
];

/** The frame of every page; without a session, the sign-in page in its place, so that the address is kept. When a session
 * runs out, the frame stays, unseen, below the sign-in: who comes back finds what they were typing. */
export function Shell() {
  const session = useQuery(sessionQuery);
  const [theme, setTheme] = useTheme();
  const [kept, setKept] = useState<Session | null>(null);
  if (session.data && session.data !== kept) setKept(session.data);
  const shown = session.data ?? kept;
  if (shown)
    return (
      <>
        <div key={sameAs(shown)} className={session.data ? "contents" : undefined} hidden={!session.data}>
          <Frame session={shown} theme={theme} setTheme={setTheme} onLeave={() => setKept(null)} />
        </div>
        {!session.data && <Expired was={shown} />}
      </>
    );
  if (session.data === null) return <SignIn />;
  return (
    <main className="alone">
      {session.isLoadingError ? (
        <Failure error={session.error} retry={() => session.refetch()} what="your session" />
      ) : (
        <Loading rows={3} label="Loading Palisade" />
      )}
    </main>
  );
}

/** Above whatever was open, and not to be closed but by signing in. */
function Expired({ was }: { was: Session }) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => ref.current?.showModal(), []);
  return (
    <dialog
      ref={ref}
      className="expired"
      aria-label="Sign in again"
      onClose={() => ref.current?.isConnected && ref.current.showModal()}
    >
      <SignIn was={was} />
    </dialog>
  );
}

function Frame({
  session,
  theme,
  setTheme,
  onLeave,
}: {
  session: Session;
  theme: Theme;
  setTheme: (theme: Theme) => void;
  onLeave: () => void;
}) {
  const [open, setOpen] = useState<"help" | "view" | "palette" | null>(null);
  const close = () => setOpen(null);
  // Once opened, a dialog stays in the document: only so does it give the focus back.
  const [seen] = useState(new Set<typeof open>());
  seen.add(open);
  const saved = views.use();
  const [menu, setMenu] = useState(false);
  const navigate = useNavigate();
  const client = useQueryClient();
  const path = useRouterState({ select: (state) => state.location.pathname });

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu
  useEffect(() => {
    setMenu(false);
  }, [path]);
  useEffect(() => {
    const name = pageOf(path)?.name;
    document.title = name ? `${name} · Palisade` : "Palisade";
  }, [path]);

  useShortcuts({
    "?": () => setOpen("help"),
    v: () => setOpen("view"),
    e: () => {
      const field = document.querySelector<HTMLElement>("[data-assign]");
      field?.focus();
      return field !== null;
    },
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

  useVisits();
  useDensity();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      if (event.altKey || event.shiftKey) return;
      event.preventDefault();
      setOpen((before) => (before === "palette" ? null : before === null ? "palette" : before));
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const leave = async () => {
    await signOut().catch(() => undefined);
    // The shell watches the session and shows the sign-in page; then nothing of the old session may stay in memory.
    onLeave();
    client.setQueryData(sessionQuery.queryKey, null);
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
  };

  const actions: Command[] = [
    { group: "Action", name: "This view: link, curl, download, save", keys: "v", run: () => setOpen("view") },
    { group: "Action", name: "Print or save as PDF", run: () => window.print() },
    { group: "Action", name: "Keyboard shortcuts", keys: "?", run: () => setOpen("help") },
    ...THEMES.map((each) => ({ group: "Action", name: each.name, run: () => setTheme(each.theme) })),
    {
      group: "Action",
      name: "Compact or comfortable rows",
      run: () => density.set(density.get() === "compact" ? "comfortable" : "compact"),
    },
    {
      group: "Action",
      name: "Times in UTC or relative",
      run: () => times.set(times.get() === "utc" ? "relative" : "utc"),
    },
    { group: "Action", name: "Sign out", run: () => void leave() },
  ];

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
          {saved.length > 0 && (
            <nav aria-label="Saved views" className="side-views">
              <p className="muted">Saved views</p>
              {saved.map((view) => (
                <AddressLink key={view.name} to={view.to} className="nav-link" onGo={() => setMenu(false)}>
                  <Text value={view.name} max={NAME_MAX} />
                </AddressLink>
              ))}
            </nav>
          )}
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
            <button type="button" className="nav-link" onClick={() => setOpen("palette")}>
              <Icon name="search" />
              Go to or do <kbd>Ctrl K</kbd>
            </button>
            <button type="button" className="nav-link" onClick={() => setOpen("view")}>
              <Icon name="link" />
              This view <kbd>v</kbd>
            </button>
            <button type="button" className="nav-link" onClick={() => setOpen("help")}>
              <Icon name="help" />
              Shortcuts <kbd>?</kbd>
            </button>
            <button type="button" className="nav-link" onClick={leave}>
              <Icon name="out" />
              Sign out
            </button>
            <p className="side-note">
              <Text value={session.tenant} /> · <Text value={session.token_name} />
              {session.permissions.every((one) => one.endsWith(":read")) && " · reads only"}
              <br />
              Palisade <Text value={session.version} />
            </p>
          </div>
        </div>
      </header>
      <div className="content" id="main" tabIndex={-1}>
        <PrintHead tenant={session.tenant} />
        <DataBanner />
        <StaleBanner />
        <Outlet />
      </div>
      <HelpSheet open={open === "help"} onClose={close} />
      <Suspense>
        {seen.has("view") && <ViewDialog open={open === "view"} onClose={close} />}
        {seen.has("palette") && <Palette open={open === "palette"} actions={actions} onClose={close} />}
      </Suspense>
    </div>
  );
}

/** Compact rows are also a matter of style. */
function useDensity() {
  const chosen = density.use();
  useEffect(() => {
    document.documentElement.dataset.density = chosen;
  }, [chosen]);
}

/** Stands above what is printed. */
function PrintHead({ tenant }: { tenant: string }) {
  // Drawn again when the printing begins, so that the time is that of the paper.
  usePrinting();
  return (
    <p className="print-only">
      Palisade · <Text value={tenant} /> · printed {absolute(new Date().toISOString())} ·{" "}
      <Text value={window.location.href} max={500} />
    </p>
  );
}
