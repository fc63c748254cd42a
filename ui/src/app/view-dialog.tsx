// What can be done with the rows on the screen: hand them on, keep them, take them along.

import { useRouterState } from "@tanstack/react-router";
import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { allRows, DOWNLOAD_MAX, type Format, save } from "../api/download";
import { CopyButton } from "../parts/copy";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { ProblemLine } from "../parts/problem-line";
import { Text } from "../parts/text";
import { count } from "../text/number";
import { curl, exportOf, type ViewRequest, viewRequest } from "../text/view-request";
import { visible } from "../text/visible";
import { pageOf } from "./nav";
import { density, times } from "./stored";
import { addressName, NAME_MAX, VIEWS_MAX, views, withView } from "./views";

const EXPORTS = { openvex: "OpenVEX", cyclonedx: "CycloneDX VEX", ocsf: "OCSF" } as const;

export function ViewDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} title="This view" onClose={onClose}>
      {open && <Ways onClose={onClose} />}
    </Dialog>
  );
}

function Ways({ onClose }: { onClose: () => void }) {
  const at = useRouterState({ select: (state) => state.location });
  const view = viewRequest(at.pathname, at.search);
  const page = pageOf(at.pathname)?.name ?? "Palisade";
  return (
    <div className="stack">
      <section>
        <h3>Hand it on</h3>
        <p className="with-copy">
          Link with every filter
          <CopyButton value={window.location.href} label="Copy the link" shown />
        </p>
        {view && (
          <>
            <p className="with-copy">
              The same {view.rows} from a shell
              <CopyButton value={curl(window.location.origin, view)} label="Copy as curl" shown />
            </p>
            <pre className="code" tabIndex={0} role="region" aria-label="As curl">
              <Text value={curl(window.location.origin, view)} lines />
            </pre>
          </>
        )}
      </section>
      {view && <Download key={at.href} view={view} />}
      <section>
        <h3>Print</h3>
        <p className="muted">
          Without the menu, with every row that is loaded. The browser's print window also makes PDF files.
        </p>
        <button
          type="button"
          className="button"
          onClick={() => {
            onClose();
            // The dialog has to be gone from the paper.
            setTimeout(() => window.print(), 0);
          }}
        >
          Print or save as PDF
        </button>
      </section>
      <Keep key={at.href} to={at.href} name={addressName(page, at.search)} />
      <Looks />
    </div>
  );
}

function Download({ view }: { view: ViewRequest }) {
  const [loaded, setLoaded] = useState<number | null>(null);
  const [outcome, setOutcome] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const start = async (format: Format) => {
    const control = new AbortController();
    running.current = control;
    setOutcome("");
    setError(null);
    setLoaded(0);
    try {
      const all = await allRows(view, control.signal, setLoaded);
      save(view.rows, format, all);
      setOutcome(
        all.cut
          ? `The first ${count(all.rows.length)} ${view.rows} are in the file. There are more: narrow the filter.`
          : `All ${count(all.rows.length)} ${view.rows} are in the file.`,
      );
    } catch (cause) {
      if (!control.signal.aborted) setError(cause instanceof Error ? cause : new Error(String(cause)));
    } finally {
      setLoaded(null);
    }
  };
  return (
    <section>
      <h3>Take it along</h3>
      <div className="toolbar">
        {(["csv", "ndjson"] as const).map((format) => (
          <button
            key={format}
            type="button"
            className="button"
            disabled={loaded !== null}
            onClick={() => void start(format)}
          >
            Download {format.toUpperCase()}
          </button>
        ))}
        {(["openvex", "cyclonedx", "ocsf"] as const).map((format) => {
          const href = exportOf(view, format);
          return (
            href && (
              <a key={format} className="button" href={href} download>
                {EXPORTS[format]}, all rows
              </a>
            )
          );
        })}
        {loaded !== null && (
          <button type="button" className="button ghost" onClick={() => running.current?.abort()}>
            Stop
          </button>
        )}
      </div>
      <p className="muted" role="status">
        {loaded === null
          ? outcome || `At most ${count(DOWNLOAD_MAX)} rows, with the filters and the order of this view.`
          : `${count(loaded)} ${view.rows} read …`}
      </p>
      {error !== null && <ProblemLine error={error} />}
    </section>
  );
}

function Keep({ to, name: suggested }: { to: string; name: string }) {
  const list = views.use();
  const id = useId();
  const [name, setName] = useState(list.find((view) => view.to === to)?.name ?? suggested);
  const kept = list.find((view) => view.to === to);
  const full = list.length >= VIEWS_MAX && !list.some((view) => view.name === name.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "" && !full)
      views.set(
        withView(
          list.filter((view) => view.to !== to),
          { name: name.trim(), to },
        ),
      );
  };
  return (
    <section>
      <h3>Keep it in the menu</h3>
      <form className="toolbar" onSubmit={submit}>
        <label className="sr-only" htmlFor={id}>
          Name of the view
        </label>
        <input
          id={id}
          className="input view-name"
          value={name}
          maxLength={NAME_MAX}
          required
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="button" disabled={full || (kept && kept.name === name.trim())}>
          {kept ? "Rename" : "Save the view"}
        </button>
      </form>
      <p className="muted">
        {full
          ? `There are ${VIEWS_MAX} views already: remove one first.`
          : "Saved views stay in this browser; its link is the way to share one."}
      </p>
      {list.length > 0 && (
        <ul className="plain">
          {list.map((view) => (
            <li key={view.name} className="with-copy">
              <Text value={view.name} max={NAME_MAX} />
              <button
                type="button"
                className="button ghost small"
                aria-label={`Remove the view ${visible(view.name)}`}
                onClick={() => views.set(list.filter((each) => each !== view))}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Looks() {
  return (
    <section>
      <h3>Looks</h3>
      <label className="check">
        <input
          type="checkbox"
          checked={density.use() === "compact"}
          onChange={(event) => density.set(event.target.checked ? "compact" : "comfortable")}
        />
        Compact rows
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={times.use() === "utc"}
          onChange={(event) => times.set(event.target.checked ? "utc" : "relative")}
        />
        Times in UTC instead of “3 days ago”
      </label>
    </section>
  );
}
