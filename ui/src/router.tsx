import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { findingSearch, parseSearch, stringifySearch } from "./app/search";
import {
  complianceSearch,
  controlSearch,
  evidenceSearch,
  exceptionSearch,
  graphSearch,
  inventorySearch,
} from "./app/search-posture";
import { Shell } from "./app/shell";
import { Broken } from "./pages/broken";
import { NotFound } from "./pages/not-found";
import { OverviewPage } from "./pages/overview/page";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const text = (raw: Record<string, unknown>, key: string): string | undefined => {
  const value = raw[key];
  return typeof value === "string" && value !== "" ? value.slice(0, 512) : undefined;
};

const overview = createRoute({ getParentRoute: () => root, path: "/", component: OverviewPage });

const findings = createRoute({
  getParentRoute: () => root,
  path: "/findings",
  validateSearch: findingSearch,
  component: lazyRouteComponent(() => import("./pages/findings/page"), "FindingsPage"),
});

const inventory = createRoute({
  getParentRoute: () => root,
  path: "/inventory",
  validateSearch: inventorySearch,
  component: lazyRouteComponent(() => import("./pages/inventory/page"), "InventoryPage"),
});

const graph = createRoute({
  getParentRoute: () => root,
  path: "/graph",
  validateSearch: graphSearch,
  component: lazyRouteComponent(() => import("./pages/graph/page"), "GraphPage"),
});

const compliance = createRoute({
  getParentRoute: () => root,
  path: "/compliance",
  validateSearch: complianceSearch,
  component: lazyRouteComponent(() => import("./pages/compliance/list"), "CompliancePage"),
});

const exceptions = createRoute({
  getParentRoute: () => root,
  path: "/compliance/exceptions",
  validateSearch: exceptionSearch,
  component: lazyRouteComponent(() => import("./pages/compliance/exceptions"), "ExceptionsPage"),
});

const evidence = createRoute({
  getParentRoute: () => root,
  path: "/compliance/evidence",
  validateSearch: evidenceSearch,
  component: lazyRouteComponent(() => import("./pages/compliance/evidence"), "EvidencePage"),
});

const framework = createRoute({
  getParentRoute: () => root,
  path: "/compliance/$framework/$scope",
  validateSearch: controlSearch,
  component: lazyRouteComponent(() => import("./pages/compliance/page"), "FrameworkPage"),
});

const images = createRoute({
  getParentRoute: () => root,
  path: "/images",
  validateSearch: (raw: Record<string, unknown>): { q?: string } => ({ q: text(raw, "q") }),
  component: lazyRouteComponent(() => import("./pages/images/list"), "ImagesPage"),
});

const image = createRoute({
  getParentRoute: () => root,
  path: "/images/$id",
  validateSearch: (raw: Record<string, unknown>): { tab?: "packages" | "scans" | "layers"; q?: string } => {
    const tab = (["packages", "scans", "layers"] as const).find((each) => each === raw.tab);
    return { tab, q: text(raw, "q") };
  },
  component: lazyRouteComponent(() => import("./pages/images/page"), "ImagePage"),
});

const scans = createRoute({
  getParentRoute: () => root,
  path: "/scans",
  component: lazyRouteComponent(() => import("./pages/scans/list"), "ScansPage"),
});

const scan = createRoute({
  getParentRoute: () => root,
  path: "/scans/$id",
  component: lazyRouteComponent(() => import("./pages/scans/page"), "ScanPage"),
});

const plugins = createRoute({
  getParentRoute: () => root,
  path: "/plugins",
  component: lazyRouteComponent(() => import("./pages/plugins/list"), "PluginsPage"),
});

const plugin = createRoute({
  getParentRoute: () => root,
  path: "/plugins/$id",
  component: lazyRouteComponent(() => import("./pages/plugins/page"), "PluginPage"),
});

const advisories = createRoute({
  getParentRoute: () => root,
  path: "/advisories",
  component: lazyRouteComponent(() => import("./pages/advisories/page"), "AdvisoriesPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    findings,
    inventory,
    graph,
    compliance,
    exceptions,
    evidence,
    framework,
    images,
    image,
    scans,
    scan,
    plugins,
    plugin,
    advisories,
  ]),
  parseSearch,
  stringifySearch,
  defaultErrorComponent: Broken,
  defaultPreload: "intent",
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
