// Changing many findings: first what it would change, then a job of the server that can be followed, called off and taken
// back, however many they are.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import {
  actOnFindingJob,
  changeFindings,
  findingJobQuery,
  isUnderWay,
  previewFindings,
} from "../../api/queries";
import type { FindingJob, FindingRow, FindingSelection } from "../../api/types";
import { Dialog } from "../../parts/dialog";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { count, counted } from "../../text/number";
import { changeOfMany, EMPTY, isEmpty } from "../../text/triage";
import { TriageFields } from "./triage-fields";

interface Props {
  chosen: FindingRow[];
  /** The filter that the rows came from. */
  filter: FindingSelection;
  /** How many findings match it; absent while nobody has counted. */
  matching: number | undefined;
}

/** Findings that can be named one by one. */
const NAMED_MAX = 1_000;

export function BulkTriage({ chosen, filter, matching }: Props) {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false);
  const [draft, setDraft] = useState(EMPTY);
  const [job, setJob] = useState<FindingJob | null>(null);
  const change = changeOfMany(draft);
  const named = chosen.slice(0, NAMED_MAX);
  const more = Object.keys(filter).length > 0 && (matching ?? 0) > named.length;
  const many = {
    change,
    filter: all && more ? filter : { fingerprints: named.map((row) => row.fingerprint) },
  };
  const tried = useMutation({ mutationFn: previewFindings });
  const done = useMutation({
    mutationFn: changeFindings,
    onSuccess: (accepted) => {
      setJob(accepted);
      setOpen(false);
      tried.reset();
    },
  });
  const undo = useMutation({
    mutationFn: (id: string) => actOnFindingJob(id, "undo"),
    onSuccess: setJob,
  });
  const asked = useQuery({ ...findingJobQuery(job?.id ?? ""), enabled: job !== null });
  const now = asked.data ?? job ?? undefined;
  const over = now !== undefined && !isUnderWay(now);
  useEffect(() => {
    if (over) {
      void client.invalidateQueries({ queryKey: ["findings"] });
      void client.invalidateQueries({ queryKey: ["overview"] });
    }
  }, [over, client]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (tried.data) done.mutate(many);
    else tried.mutate(many);
  };
  const touch = (next: () => void) => {
    next();
    tried.reset();
    done.reset();
  };
  return (
    <>
      <button type="button" className="button small primary" data-bulk onClick={() => setOpen(true)}>
        Change …
      </button>
      {now && (
        <div className="note" role="status">
          <Progress job={now} />{" "}
          {isUnderWay(now) ? (
            <button
              type="button"
              className="button small"
              onClick={() => void actOnFindingJob(now.id, "cancel").finally(() => asked.refetch())}
            >
              Call off
            </button>
          ) : (
            now.changed > 0 &&
            !now.undone_by && (
              <button
                type="button"
                className="button small"
                disabled={undo.isPending}
                onClick={() => undo.mutate(now.id)}
              >
                Undo
              </button>
            )
          )}
          {undo.isError && <ProblemLine error={undo.error} />}
        </div>
      )}
      {open && (
        <Dialog open title="Change findings" onClose={() => setOpen(false)}>
          <form className="manage-form" onSubmit={submit}>
            {more && (
              <fieldset className="plain whole">
                <legend>Which</legend>
                <label className="check">
                  <input
                    type="radio"
                    name="which"
                    checked={!all}
                    onChange={() => touch(() => setAll(false))}
                  />
                  The {chosen.length > NAMED_MAX && "first "}
                  {counted(named.length, "finding")} selected
                </label>
                <label className="check">
                  <input type="radio" name="which" checked={all} onChange={() => touch(() => setAll(true))} />
                  All {count(matching ?? 0)} that match the filter
                </label>
              </fieldset>
            )}
            <TriageFields many draft={draft} onChange={(next) => touch(() => setDraft(next))} />
            {tried.data && (
              <div className="note whole" role="status">
                <p>
                  <strong>{counted(tried.data.matched, "finding")} would be changed.</strong> It can be taken
                  back.
                </p>
                <ul className="plain">
                  {tried.data.examples.slice(0, 5).map((row) => (
                    <li key={row.fingerprint}>
                      <span className="mono">
                        <Text value={row.rule} max={60} />
                      </span>{" "}
                      <Text value={row.title} max={80} />
                    </li>
                  ))}
                  {tried.data.matched > 5 && (
                    <li className="muted">and {count(tried.data.matched - 5)} more</li>
                  )}
                </ul>
              </div>
            )}
            {tried.isError && <ProblemLine error={tried.error} />}
            {done.isError && <ProblemLine error={done.error} />}
            <div className="dialog-foot whole">
              <button
                type="submit"
                className="button primary"
                disabled={isEmpty(change) || tried.isPending || done.isPending || tried.data?.matched === 0}
              >
                {tried.isPending || done.isPending
                  ? "Waiting for the server …"
                  : tried.data
                    ? `Change ${counted(tried.data.matched, "finding")}`
                    : "Look what would be changed"}
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

function Progress({ job }: { job: FindingJob }) {
  const skipped = job.skipped > 0 && `, ${count(job.skipped)} left as they were`;
  if (isUnderWay(job)) {
    return (
      <>
        {job.undoes ? "Taking back" : "Changing"} {count(job.changed + job.skipped)} of {count(job.matched)}{" "}
        findings …
      </>
    );
  }
  if (job.state === "failed") {
    return (
      <>
        It failed after {counted(job.changed, "finding")}: <Text value={job.error ?? ""} max={300} />
      </>
    );
  }
  return (
    <>
      {job.state === "cancelled" ? "Called off. " : ""}
      {job.undoes ? "Taken back" : "Changed"}: {counted(job.changed, "finding")}
      {skipped}.
    </>
  );
}
