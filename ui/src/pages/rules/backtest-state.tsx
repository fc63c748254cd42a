import type { Backtest } from "../../api/runtime";

const NAMES: Record<string, string> = {
  queued: "Waits its turn",
  running: "Judging",
  finished: "Finished",
  failed: "Failed",
  cancelled: "Called off",
};

export const BacktestTag = ({ backtest }: { backtest: Backtest }) => (
  <span
    className={backtest.state === "failed" ? "tag warn" : backtest.state === "running" ? "tag open" : "tag"}
  >
    {NAMES[backtest.state] ?? backtest.state}
  </span>
);

/** What a backtest tries, in a line. */
export function tried(backtest: Backtest): string {
  const parts = [...backtest.files];
  if (backtest.candidate) {
    parts.push(`${backtest.candidate.plugin} ${backtest.candidate.digest.slice(0, 19)}`);
  }
  const what = parts.join(", ") || "no rules of your own";
  return backtest.instead ? `${what} in place of your own rules` : what;
}
