// From an empty installation to the first finding in three steps. Each step knows whether it is done.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useHealth } from "../../api/health";
import { clustersQuery } from "../../api/posture-queries";
import { OPEN } from "../../app/search";
import { CopyButton } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { counted } from "../../text/number";
import { firstCluster, firstScan, firstSource } from "../../text/start";
import { ScanForm } from "../scans/form";

export function StartPage() {
  const { facts } = useHealth();
  const clusters = useQuery(clustersQuery);
  const scans = facts.overview?.images ?? 0;
  const seen = clusters.data?.items.length ?? 0;
  const sources = facts.sources?.length ?? 0;
  const origin = window.location.origin;
  return (
    <main className="page">
      <header className="page-head">
        <h1>Get started</h1>
        <p className="muted">
          Three steps, in any order. The commands want a token in <code>PALISADE_TOKEN</code>:{" "}
          <code>palisade token --help</code> on the server says how to make one.
        </p>
      </header>
      <ol className="stack first-steps">
        <Step
          number={1}
          title="Scan something"
          done={scans > 0 && `${counted(scans, "image or directory", "images and directories")} scanned`}
          to={
            <Link to="/findings" search={OPEN}>
              Its findings
            </Link>
          }
        >
          <p>An image by its name, or a directory of this server. Findings show within seconds.</p>
          <ScanForm />
          <Command label="The same from a shell or a pipeline" text={firstScan(origin)} />
        </Step>
        <Step
          number={2}
          title="Look into a cluster"
          done={seen > 0 && `${counted(seen, "cluster or account", "clusters and accounts")} known`}
          to={<Link to="/inventory">Its inventory</Link>}
        >
          <p>
            Once by what <code>kubectl</code> prints, on any machine and without a right for this server. The
            page then tells exposure, rights and attack paths.
          </p>
          <Command label="Judge it where kubectl works" text={firstCluster()} />
          <p>
            Or let the server follow it, so that a finding opens within seconds of a change: in the
            configuration file, then start the server again.
          </p>
          <Command label="Configuration" text={'[clusters.prod]\ncontext = "prod"\nfollow = true'} />
        </Step>
        <Step
          number={3}
          title="Listen to a sensor"
          done={sources > 0 && `${counted(sources, "source")} of events`}
          to={<Link to="/incidents">Incidents</Link>}
        >
          <p>
            Falco, Tetragon, or the audit log of a cluster or of a cloud account: each gets a door of its own.
          </p>
          <p>
            <Link to="/sources" search={{ ask: "new" }} className="button primary">
              Add a source of events
            </Link>
          </p>
          <Command label="Or on the server" text={firstSource()} />
        </Step>
      </ol>
      <p className="muted">
        <Link to="/system">System health</Link> says at any time what is missing or broken.
      </p>
    </main>
  );
}

function Step(props: {
  number: number;
  title: string;
  done: string | false;
  to: ReactNode;
  children: ReactNode;
}) {
  return (
    <li className="card" data-step={props.number} data-done={props.done !== false}>
      <div className="card-head">
        <h2>
          {props.number}. {props.title}
        </h2>
        {props.done !== false && (
          <p>
            <span className="tag good">
              <Icon name="check" /> {props.done}
            </span>{" "}
            {props.to}
          </p>
        )}
      </div>
      {props.children}
    </li>
  );
}

function Command({ label, text }: { label: string; text: string }) {
  return (
    <div>
      <p className="with-copy muted">
        {label}
        <CopyButton value={text} label={`Copy: ${label}`} />
      </p>
      <pre className="code" tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
    </div>
  );
}
