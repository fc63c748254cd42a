import { TabHead } from "../../parts/tabs";

const TABS = [
  { to: "/runtime", name: "Events" },
  { to: "/runtime/detections", name: "Detections" },
] as const;

export const RuntimeHead = ({ at }: { at: (typeof TABS)[number]["to"] }) => (
  <TabHead title="Runtime events" at={at} tabs={TABS} />
);
