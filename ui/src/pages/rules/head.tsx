import { TabHead } from "../../parts/tabs";

const TABS = [
  { to: "/rules", name: "Rules" },
  { to: "/rules/suppressions", name: "Suppressions" },
] as const;

export const RulesHead = ({ at }: { at: (typeof TABS)[number]["to"] }) => (
  <TabHead title="Rules and suppressions" at={at} tabs={TABS} />
);
