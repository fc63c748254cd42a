import { TabHead } from "../../parts/tabs";

const TABS = [
  { to: "/responses", name: "Runs" },
  { to: "/responses/playbooks", name: "Playbooks" },
  { to: "/responses/ledger", name: "Ledger" },
] as const;

export const ResponsesHead = ({ at }: { at: (typeof TABS)[number]["to"] }) => (
  <TabHead title="Responses" at={at} tabs={TABS} />
);
