import { useEffect, useState } from "react";
import { timeLeft } from "../../text/runtime";
import { absolute } from "../../text/time";

/** How long a lease still holds. Whoever has it read out hears it once, not every minute. */
export function Lease({ until }: { until: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  const left = timeLeft(until, now);
  return (
    <time dateTime={until} title={absolute(until)} className="muted-strong">
      {left === "over" ? "lease is over" : `${left} left`}
    </time>
  );
}
