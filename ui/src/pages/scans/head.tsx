import { TabHead } from "../../parts/tabs";

const TABS = [
  { to: "/scans", name: "Scans" },
  { to: "/scans/imports", name: "Imports" },
] as const;

export const ScansHead = ({ at }: { at: (typeof TABS)[number]["to"] }) => (
  <TabHead title="Scans" at={at} tabs={TABS} />
);
