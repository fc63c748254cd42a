// How this installation does: what is wrong, why it matters, what to do, the worst first.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { readinessQuery, useHealth } from "../../api/health";
import { overviewQuery } from "../../api/queries";
import { CopyButton } from "../../parts/copy";
import { Icon, type IconName } from "../../parts/icon";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { healthOf, type Level } from "../../text/health";
import { count, counted } from "../../text/number";

const SIGNS: Record<Level, readonly [icon: IconName, tag: string, word: string]> = {
  bad: ["warning", "tag bad", "Broken"],
  unknown: ["gap", "tag", "Unknown"],
  warn: ["warning", "tag warn", "Look"],
  good: ["check", "tag good", "Well"],
};

export function SystemPage() {
  const { facts, pending } = useHealth();
  const ready = useQuery(readinessQuery);
  const overview = useQuery(overviewQuery);
  const lines = healthOf(facts, Date.now());
  const wrong = lines.filter((line) => line.level !== "good").length;
  const scrape = `curl --fail --silent --show-error --header "Authorization: Bearer $PALISADE_TOKEN" '${window.location.origin}/api/v1/metrics'`;
  return (
    <main className="page">
      <header className="page-head">
        <h1>System health</h1>
        {!pending && (
          <p className="muted" role="status">
            {wrong === 0 ? "Everything that was asked is well." : `${counted(wrong, "area")} to look at.`}
          </p>
        )}
      </header>
      {ready.isLoadingError ? (
        <Failure error={ready.error} retry={() => ready.refetch()} what="whether the server is ready" />
      ) : (
        ready.data &&
        !ready.data.ready && (
          <section className="card failure" role="alert">
            <h2>The server takes no work</h2>
            <p>
              <Text value={ready.data.why} max={600} />
            </p>
          </section>
        )
      )}
      {pending ? (
        <Loading rows={8} label="Asking how everything does" />
      ) : (
        <ul className="card flush health" aria-label="Areas">
          {lines.map((line) => {
            const [icon, tag, word] = SIGNS[line.level];
            return (
              <li key={line.area}>
                <span className={tag}>
                  <Icon name={icon} /> {word}
                </span>
                <div>
                  <h2>{line.area}</h2>
                  <p>
                    <Link to={line.to} data-health={line.area}>
                      {line.says}
                    </Link>
                  </p>
                  {line.why && (
                    <p className="muted">
                      {line.why} <Text value={line.next ?? ""} max={300} />.
                    </p>
                  )}
                </div>
              </li>
            );
          })}
        </ul>
      )}
      {overview.data && (
        <section className="card" aria-labelledby="system-size">
          <h2 id="system-size">What is kept</h2>
          <p>
            <Link to="/images">{counted(overview.data.images, "image")}</Link> with{" "}
            {count(overview.data.packages)} packages.
          </p>
        </section>
      )}
      <section className="card" aria-labelledby="system-metrics">
        <h2 id="system-metrics">For a monitoring system</h2>
        <p>
          Figures in the format of Prometheus, and two probes that need no token: <code>/livez</code> and{" "}
          <code>/readyz</code>.
        </p>
        <p className="with-copy">
          <code className="breaks">{scrape}</code>
          <CopyButton value={scrape} label="Copy the command" />
        </p>
      </section>
    </main>
  );
}
