import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Playbook } from "../../api/respond";
import { killSwitchQuery, playbooksQuery } from "../../api/respond-queries";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { counted } from "../../text/number";
import { words } from "../../text/path";
import { timeLeft } from "../../text/runtime";
import { ResponsesHead } from "./head";
import { KillBanner, KillDialog } from "./kill-switch";

/** Those that may begin by themselves stand before those that people start; else the order of the server. */
const inForceFirst = (all: readonly Playbook[]): Playbook[] =>
  [...all].sort((a, b) => Number(b.enabled) - Number(a.enabled));

export function PlaybooksPage() {
  const playbooks = useQuery(playbooksQuery);
  const stopped = useQuery(killSwitchQuery);
  const [wish, setWish] = useState<{ playbook: string; on: boolean } | null>(null);
  return (
    <main className="page">
      <ResponsesHead at="/responses/playbooks" />
      <div className="stack">
        <KillBanner />
        {playbooks.isPending ? (
          <Loading rows={8} label="Loading playbooks" />
        ) : playbooks.isLoadingError ? (
          <Failure error={playbooks.error} retry={() => playbooks.refetch()} what="playbooks" />
        ) : playbooks.data.items.length === 0 ? (
          <Empty icon="responses" title="There is no playbook">
            <p>
              Name files or directories under <code>[respond] playbooks</code> in the configuration.
            </p>
          </Empty>
        ) : (
          <ul className="plugin-list" data-testid="playbooks">
            {inForceFirst(playbooks.data.items).map((each) => (
              <PlaybookCard
                key={each.name}
                playbook={each}
                stopped={stopped.data?.items.some((stop) => stop.playbook === each.name) ?? false}
                onStop={() => setWish({ playbook: each.name, on: true })}
              />
            ))}
          </ul>
        )}
      </div>
      <KillDialog wish={wish} onClose={() => setWish(null)} />
    </main>
  );
}

function PlaybookCard({
  playbook,
  stopped,
  onStop,
}: {
  playbook: Playbook;
  stopped: boolean;
  onStop: () => void;
}) {
  return (
    <li className="card">
      <div className="card-head">
        <h2>
          <Text value={playbook.name} max={80} />
        </h2>
        <span className="tags">
          <span className={playbook.enabled ? "tag open" : "tag"}>{playbook.enabled ? "On" : "Off"}</span>
          <Link to="/responses" search={{ playbook: playbook.name }}>
            Its runs
          </Link>
          {playbook.enabled && !stopped && (
            <button type="button" className="button small" onClick={onStop}>
              <Icon name="stop" /> Stop<span className="sr-only"> {playbook.name}</span>
            </button>
          )}
        </span>
      </div>
      <p>
        <Text value={playbook.description} max={600} />
      </p>
      {!playbook.enabled && (
        <p className="muted">
          It proposes nothing by itself until <code>[respond] enable</code> names it.
        </p>
      )}
      <ol className="acts" aria-label="Steps">
        {playbook.steps.map((step) => (
          <li key={step.id}>
            <span className="tag mono">
              <Text value={step.action} max={60} />
            </span>{" "}
            <span className="muted">
              <Text value={words(step.class)} max={60} />
            </span>
          </li>
        ))}
      </ol>
      <dl className="meta">
        <div>
          <dt>Trigger</dt>
          <dd>
            {playbook.trigger ? (
              <code className="breaks">
                <Text value={playbook.trigger} max={500} />
              </code>
            ) : (
              "people only"
            )}
          </dd>
        </div>
        <div>
          <dt>Needs</dt>
          <dd>{playbook.approvals === 0 ? "no approval" : counted(playbook.approvals, "approval")}</dd>
        </div>
        <div>
          <dt>Lease</dt>
          <dd>
            {playbook.leaseSeconds
              ? timeLeft(new Date(playbook.leaseSeconds * 1_000).toISOString(), 0)
              : "none"}
          </dd>
        </div>
        <div>
          <dt>From</dt>
          <dd>
            <Text value={playbook.origin} max={120} />
          </dd>
        </div>
        <div>
          <dt>Digest</dt>
          <dd>
            <Digest value={playbook.digest} />
          </dd>
        </div>
      </dl>
    </li>
  );
}
