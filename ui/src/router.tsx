import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { AuditFilter } from "./api/audit";
import {
  compareSearch,
  findingSearch,
  parseSearch,
  stringifySearch,
  vulnerabilitySearch,
} from "./app/search";
import {
  complianceSearch,
  controlSearch,
  evidenceSearch,
  exceptionSearch,
  graphSearch,
  inventorySearch,
} from "./app/search-posture";
import {
  attackSearch,
  backtestSearch,
  detectionSearch,
  eventSearch,
  incidentSearch,
  integrationSearch,
  ledgerSearch,
  responseSearch,
  ruleSearch,
  sourceSearch,
  suppressionSearch,
  twinSearch,
} from "./app/search-runtime";
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

const compare = createRoute({
  getParentRoute: () => root,
  path: "/images/compare",
  validateSearch: compareSearch,
  component: lazyRouteComponent(() => import("./pages/images/compare"), "ComparePage"),
});

const vulnerabilities = createRoute({
  getParentRoute: () => root,
  path: "/vulnerabilities",
  validateSearch: vulnerabilitySearch,
  component: lazyRouteComponent(() => import("./pages/vulnerabilities/page"), "VulnerabilitiesPage"),
});

const imports = createRoute({
  getParentRoute: () => root,
  path: "/scans/imports",
  component: lazyRouteComponent(() => import("./pages/scans/imports"), "ImportsPage"),
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

const incidents = createRoute({
  getParentRoute: () => root,
  path: "/incidents",
  validateSearch: incidentSearch,
  component: lazyRouteComponent(() => import("./pages/incidents/list"), "IncidentsPage"),
});

const incident = createRoute({
  getParentRoute: () => root,
  path: "/incidents/$id",
  validateSearch: twinSearch,
  component: lazyRouteComponent(() => import("./pages/incidents/page"), "IncidentPage"),
});

const events = createRoute({
  getParentRoute: () => root,
  path: "/runtime",
  validateSearch: eventSearch,
  component: lazyRouteComponent(() => import("./pages/runtime/events"), "EventsPage"),
});

const detections = createRoute({
  getParentRoute: () => root,
  path: "/runtime/detections",
  validateSearch: detectionSearch,
  component: lazyRouteComponent(() => import("./pages/runtime/detections"), "DetectionsPage"),
});

const processes = createRoute({
  getParentRoute: () => root,
  path: "/runtime/processes/$event",
  component: lazyRouteComponent(() => import("./pages/runtime/processes"), "ProcessesPage"),
});

const sources = createRoute({
  getParentRoute: () => root,
  path: "/sources",
  validateSearch: sourceSearch,
  component: lazyRouteComponent(() => import("./pages/sources/page"), "SourcesPage"),
});

const integrations = createRoute({
  getParentRoute: () => root,
  path: "/integrations",
  validateSearch: integrationSearch,
  component: lazyRouteComponent(() => import("./pages/integrations/page"), "IntegrationsPage"),
});

const responses = createRoute({
  getParentRoute: () => root,
  path: "/responses",
  validateSearch: responseSearch,
  component: lazyRouteComponent(() => import("./pages/responses/list"), "ResponsesPage"),
});

const playbooks = createRoute({
  getParentRoute: () => root,
  path: "/responses/playbooks",
  component: lazyRouteComponent(() => import("./pages/responses/playbooks"), "PlaybooksPage"),
});

const ledger = createRoute({
  getParentRoute: () => root,
  path: "/responses/ledger",
  validateSearch: ledgerSearch,
  component: lazyRouteComponent(() => import("./pages/responses/ledger"), "LedgerPage"),
});

const response = createRoute({
  getParentRoute: () => root,
  path: "/responses/$id",
  component: lazyRouteComponent(() => import("./pages/responses/page"), "ResponsePage"),
});

const attackMap = createRoute({
  getParentRoute: () => root,
  path: "/attack-map",
  validateSearch: attackSearch,
  component: lazyRouteComponent(() => import("./pages/attack/page"), "AttackPage"),
});

const rules = createRoute({
  getParentRoute: () => root,
  path: "/rules",
  validateSearch: ruleSearch,
  component: lazyRouteComponent(() => import("./pages/rules/rules"), "RulesPage"),
});

const suppressions = createRoute({
  getParentRoute: () => root,
  path: "/rules/suppressions",
  validateSearch: suppressionSearch,
  component: lazyRouteComponent(() => import("./pages/rules/suppressions"), "SuppressionsPage"),
});

const backtests = createRoute({
  getParentRoute: () => root,
  path: "/rules/backtests",
  validateSearch: backtestSearch,
  component: lazyRouteComponent(() => import("./pages/rules/backtests"), "BacktestsPage"),
});

const backtest = createRoute({
  getParentRoute: () => root,
  path: "/rules/backtests/$id",
  component: lazyRouteComponent(() => import("./pages/rules/backtest"), "BacktestPage"),
});

const system = createRoute({
  getParentRoute: () => root,
  path: "/system",
  component: lazyRouteComponent(() => import("./pages/system/page"), "SystemPage"),
});

const start = createRoute({
  getParentRoute: () => root,
  path: "/start",
  component: lazyRouteComponent(() => import("./pages/start/page"), "StartPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: (raw: Record<string, unknown>): AuditFilter => ({
    actor: text(raw, "actor"),
    action: text(raw, "action"),
    subject: text(raw, "subject"),
  }),
  component: lazyRouteComponent(() => import("./pages/audit/page"), "AuditPage"),
});

const report = createRoute({
  getParentRoute: () => root,
  path: "/report",
  component: lazyRouteComponent(() => import("./pages/report/page"), "ReportPage"),
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
    compare,
    image,
    vulnerabilities,
    imports,
    scans,
    scan,
    plugins,
    plugin,
    advisories,
    incidents,
    incident,
    events,
    detections,
    processes,
    sources,
    integrations,
    responses,
    playbooks,
    ledger,
    response,
    attackMap,
    rules,
    suppressions,
    backtests,
    backtest,
    audit,
    system,
    start,
    report,
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
