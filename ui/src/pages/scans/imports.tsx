// Reports of other tools: what became of each, and a form that says what would become of one before it does.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import {
  type ImportOutcome,
  importsQuery,
  type ReportImport,
  sendImport,
  tryImport,
  waits,
} from "../../api/imports";
import { Field } from "../../parts/field";
import { ProblemLine } from "../../parts/problem-line";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { ScansHead } from "./head";
import { ScanStateTag } from "./state";

export function ImportsPage() {
  const list = useQuery(importsQuery);
  return (
    <main className="page">
      <ScansHead at="/scans/imports" />
      <section className="card" aria-labelledby="new-import">
        <h2 id="new-import">Import a report</h2>
        <ImportForm />
      </section>
      <section className="card flush" aria-labelledby="all-imports">
        <div className="card-head">
          <h2 id="all-imports">All imports</h2>
          {list.data && (
            <span className="muted" role="status">
              {counted(list.data.items.length, "import")}
              {list.data.next ? ", the latest" : ""}
            </span>
          )}
        </div>
        {list.isPending ? (
          <Loading rows={4} label="Loading imports" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="imports" />
        ) : list.data.items.length === 0 ? (
          <Empty icon="scans" title="No report was imported yet">
            <p>
              What Trivy, Grype, Semgrep, gitleaks, Prowler, kube-bench and others find joins what Palisade
              finds: the same finding of two tools is one.
            </p>
          </Empty>
        ) : (
          <ImportTable items={list.data.items} />
        )}
      </section>
    </main>
  );
}

function ImportTable({ items }: { items: readonly ReportImport[] }) {
  return (
    <div className="scroll-x" role="region" aria-label="Imports, latest first" tabIndex={0}>
      <table className="table" data-testid="imports">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Source</th>
            <th scope="col">What became of it</th>
            <th scope="col">Sent</th>
          </tr>
        </thead>
        <tbody>
          {items.map((each) => (
            <tr key={each.id}>
              <td>
                <ScanStateTag state={each.state} />
              </td>
              <th scope="row" className="row-head">
                <Link to="/findings" search={{ found_by: each.source, state: "open" }}>
                  {each.source}
                </Link>
                {each.outcome && (
                  <span className="second-line muted">
                    <Text
                      value={[each.outcome.tool, each.outcome.tool_version].filter(Boolean).join(" ")}
                      max={80}
                    />
                  </span>
                )}
              </th>
              <td className="wide">
                {each.outcome ? (
                  <Outcome outcome={each.outcome} />
                ) : each.error ? (
                  <Text value={each.error.message} max={300} />
                ) : (
                  <span className="muted">{waits(each) ? "It waits for its turn" : "–"}</span>
                )}
              </td>
              <td>
                <Time at={each.submitted_at} />
                <span className="second-line muted">
                  by <Text value={each.by} max={120} />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Things of one report that are told one by one. */
const TOLD_MAX = 20;

function Outcome({ outcome }: { outcome: ImportOutcome }) {
  return (
    <>
      <ul className="plain">
        {outcome.targets.slice(0, TOLD_MAX).map((target) => (
          <li key={`${target.asset} ${target.scan}`}>
            <Link to="/findings" search={{ asset: target.asset }}>
              <Text value={target.name} max={120} />
            </Link>{" "}
            <span className="muted">{figures(target.summary)}</span>
          </li>
        ))}
        {outcome.targets.length > TOLD_MAX && (
          <li className="muted">and {count(outcome.targets.length - TOLD_MAX)} more</li>
        )}
        {outcome.targets.length === 0 && <li className="muted">It is about nothing.</li>}
      </ul>
      {outcome.gaps.length > 0 && (
        <details>
          <summary>
            {outcome.skipped > 0
              ? `${counted(outcome.skipped, "result")} cannot be used, so that nothing was closed`
              : `${counted(outcome.gaps.length, "thing")} that the tool could not say`}
          </summary>
          <ul className="plain">
            {outcome.gaps.slice(0, TOLD_MAX).map((gap) => (
              <li key={`${gap.subject} ${gap.reason}`}>
                <code>
                  <Text value={gap.subject} max={120} />
                </code>{" "}
                <Text value={gap.reason} max={200} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function figures(summary: ImportOutcome["targets"][number]["summary"]): string {
  if (summary.superseded) return "older than what was imported before: nothing changes";
  const all = [
    [summary.opened, "new"],
    [summary.reopened, "back"],
    [summary.changed, "changed"],
    [summary.fixed, "gone"],
    [summary.elsewhere, "found by others still"],
    [summary.hidden, "kept open"],
    [summary.unchanged, "as before"],
  ] as const;
  const told = all.filter(([number]) => number > 0).map(([number, word]) => `${count(number)} ${word}`);
  return told.length > 0 ? told.join(", ") : "no findings";
}

const FORMATS = [
  "sarif",
  "trivy-json",
  "grype-json",
  "cyclonedx",
  "kube-bench",
  "prowler-ocsf",
  "ocsf",
  "gitleaks",
  "semgrep",
] as const;
const KINDS = ["repository", "host", "image", "directory", "cluster", "account"] as const;

function ImportForm() {
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [draft, setDraft] = useState({ source: "", format: "", kind: "", target: "" });
  const ask = {
    source: draft.source.trim(),
    format: draft.format || undefined,
    kind: draft.kind || undefined,
    target: draft.target.trim() || undefined,
  };
  const tried = useMutation({ mutationFn: (report: File) => tryImport(ask, report) });
  const sent = useMutation({
    mutationFn: (report: File) => sendImport(ask, report),
    onSuccess: async () => {
      tried.reset();
      await client.invalidateQueries({ queryKey: importsQuery.queryKey });
    },
  });
  const touch = (next: () => void) => {
    next();
    tried.reset();
    sent.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    if (tried.data) sent.mutate(file);
    else tried.mutate(file);
  };
  const text = (key: "source" | "target") => ({
    className: "input",
    autoComplete: "off",
    value: draft[key],
    onChange: (event: { target: { value: string } }) =>
      touch(() => setDraft({ ...draft, [key]: event.target.value })),
  });
  return (
    <form className="exception-form hinted" aria-label="Import a report" onSubmit={submit}>
      <Field
        name="Report"
        hint="SARIF, Trivy, Grype, CycloneDX, kube-bench, Prowler, OCSF, gitleaks or Semgrep, as JSON"
      >
        {(id, hint) => (
          <input
            id={id}
            type="file"
            required
            className="input"
            aria-describedby={hint}
            onChange={(event) => touch(() => setFile(event.target.files?.[0] ?? null))}
          />
        )}
      </Field>
      <Field name="Source" hint="Its next report about the same thing closes what is gone">
        {(id, hint) => (
          <input
            id={id}
            required
            maxLength={64}
            pattern="[A-Za-z0-9._\-]+"
            placeholder="trivy-ci"
            aria-describedby={hint}
            {...text("source")}
          />
        )}
      </Field>
      <Choice
        name="Format"
        hint="An empty list may be of several"
        none="As the content tells"
        words={FORMATS}
        value={draft.format}
        onChoose={(format) => touch(() => setDraft({ ...draft, format }))}
      />
      <Choice
        name="Kind of thing"
        hint="Where the report does not say so"
        none="As the report says"
        words={KINDS}
        value={draft.kind}
        onChoose={(kind) => touch(() => setDraft({ ...draft, kind }))}
      />
      <Field name="Name of the thing" hint="Where the report does not say so">
        {(id, hint) => (
          <input
            id={id}
            maxLength={1024}
            placeholder="github.com/team/app"
            aria-describedby={hint}
            {...text("target")}
          />
        )}
      </Field>
      {tried.data && (
        <div className="note whole" role="status" data-testid="tried">
          <p>
            <strong>What would become of it</strong>
          </p>
          <Outcome outcome={tried.data} />
        </div>
      )}
      {tried.isError && <ProblemLine error={tried.error} />}
      {sent.isError && <ProblemLine error={sent.error} />}
      {sent.data && (
        <p className="note whole" role="status">
          The report is kept, and will be merged.
        </p>
      )}
      <div className="dialog-foot whole">
        <button
          type="submit"
          className="button primary"
          disabled={!file || draft.source.trim() === "" || tried.isPending || sent.isPending}
        >
          {tried.isPending || sent.isPending
            ? "Waiting for the server …"
            : tried.data
              ? "Import it"
              : "Look what would become of it"}
        </button>
      </div>
    </form>
  );
}

function Choice({
  name,
  hint,
  none,
  words,
  value,
  onChoose,
}: {
  name: string;
  hint: string;
  none: string;
  words: readonly string[];
  value: string;
  onChoose: (word: string) => void;
}) {
  return (
    <Field name={name} hint={hint}>
      {(id, about) => (
        <select
          id={id}
          className="input"
          aria-describedby={about}
          value={value}
          onChange={(event) => onChoose(event.target.value)}
        >
          <option value="">{none}</option>
          {words.map((word) => (
            <option key={word}>{word}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
