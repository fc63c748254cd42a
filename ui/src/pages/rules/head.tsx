import { TabHead } from "../../parts/tabs";

const TABS = [
  { to: "/rules", name: "Rules" },
  { to: "/rules/suppressions", name: "Suppressions" },
  { to: "/rules/backtests", name: "Backtests" },
] as const;

export const RulesHead = ({ at }: { at: (typeof TABS)[number]["to"] }) => (
  <TabHead title="Rules" at={at} tabs={TABS} />
);
