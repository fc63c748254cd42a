// The pages of the main menu, with the key that leads to each after `g`.

import type { IconName } from "../parts/icon";

export const NAV: readonly {
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
    | "/vulnerabilities"
    | "/graph"
    | "/compliance"
    | "/images"
    | "/scans"
    | "/integrations"
    | "/plugins"
    | "/advisories"
    | "/report"
    | "/audit"
    | "/system"
    | "/start";
  key: string;
  icon: IconName;
  name: string;
}[] = [
  { to: "/", key: "o", icon: "overview", name: "Overview" },
  { to: "/incidents", key: "d", icon: "incidents", name: "Incidents" },
  { to: "/findings", key: "f", icon: "findings", name: "Findings" },
  { to: "/vulnerabilities", key: "v", icon: "vulnerabilities", name: "Vulnerabilities" },
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
  { to: "/integrations", key: "k", icon: "link", name: "Integrations" },
  { to: "/plugins", key: "p", icon: "plugins", name: "Plugins" },
  { to: "/advisories", key: "a", icon: "advisories", name: "Advisory data" },
  { to: "/report", key: "w", icon: "report", name: "Report" },
  { to: "/audit", key: "h", icon: "clock", name: "Audit log" },
  { to: "/system", key: "y", icon: "health", name: "System health" },
  { to: "/start", key: "b", icon: "start", name: "Get started" },
];

/** The menu's page that an address belongs to; the overview is itself alone. */
export const pageOf = (path: string) =>
  NAV.find((item) => (item.to === "/" ? path === "/" : path === item.to || path.startsWith(`${item.to}/`)));
