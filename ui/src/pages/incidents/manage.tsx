// What people say about an incident. A change is made only to what was seen: the version goes with it. What somebody else
// saves meanwhile is shown, and never takes away what is being typed.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Problem } from "../../api/client";
import type { Disposition, IncidentChange, IncidentRow, IncidentStatus } from "../../api/runtime";
import { changeIncident } from "../../api/runtime-queries";
import { INCIDENT_STATUSES } from "../../app/search-runtime";
import { Field } from "../../parts/field";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { merge } from "../../text/draft";
import { DISPOSITIONS, dispositionName, incidentStatus } from "../../text/runtime";

/** The fields as they stand in the form. */
interface Draft {
  status: string;
  disposition: string;
  assignee: string;
}

const draftOf = (incident: IncidentRow): Draft => ({
  status: incident.status,
  disposition: incident.disposition ?? "",
  assignee: incident.assignee ?? "",
});

/** What turns one into the other; nothing for a field that is the same. */
const changeOf = (from: Draft, to: Draft): IncidentChange => ({
  status: to.status === from.status ? undefined : (to.status as IncidentStatus),
  disposition:
    to.disposition === from.disposition ? undefined : ((to.disposition || null) as Disposition | null),
  assignee: to.assignee.trim() === from.assignee ? undefined : to.assignee.trim() || null,
});

const isEmpty = (change: IncidentChange): boolean =>
  Object.values(change).every((each) => each === undefined);

export function Manage({ incident }: { incident: IncidentRow }) {
  const client = useQueryClient();
  // The incident that the draft was made from.
  const [base, setBase] = useState(incident);
  const [draft, setDraft] = useState(draftOf(incident));
  const [note, setNote] = useState("");
  const [saved, setSaved] = useState<{ before: IncidentRow; after: IncidentRow } | null>(null);
  const seen = draftOf(base);
  const untouched = isEmpty(changeOf(seen, draft)) && note.trim() === "";
  const adopt = (newest: IncidentRow, next: Draft) => {
    setBase(newest);
    setDraft(next);
  };
  // Somebody else's change shows at once where nothing would be lost by it.
  if (incident.version > base.version && untouched) adopt(incident, draftOf(incident));
  const meanwhile = incident.version > base.version ? merge(seen, draft, draftOf(incident)) : null;

  const save = useMutation({
    mutationFn: (what: { from: IncidentRow; change: IncidentChange; back?: boolean }) =>
      changeIncident(what.from.id, what.from.version, what.change),
    onSuccess: ({ incident: after }, { from, back = false }) => {
      adopt(after, draftOf(after));
      setNote("");
      setSaved(back ? null : { before: from, after });
      return client.invalidateQueries({ queryKey: ["incidents"] });
    },
    onError: () => setSaved(null),
  });
  const stale = save.error instanceof Problem && save.error.code === "version-stale" && !meanwhile;
  const wants = draft.status === "closed" && draft.disposition === "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ from: base, change: { ...changeOf(seen, draft), note: note.trim() || undefined } });
  };
  const undo = () => {
    if (saved)
      save.mutate({
        from: saved.after,
        change: changeOf(draftOf(saved.after), draftOf(saved.before)),
        back: true,
      });
  };
  // Taking back is offered as long as nothing else has happened.
  const undoable =
    saved !== null &&
    untouched &&
    saved.after.version === base.version &&
    !isEmpty(changeOf(draftOf(saved.after), draftOf(saved.before)));
  const field = (name: keyof Draft) => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
  });
  return (
    <section className="card" aria-labelledby="manage">
      <h2 id="manage">Status and notes</h2>
      <form className="manage-form" onSubmit={submit}>
        <Field name="Status">
          {(id) => (
            <select id={id} className="input" {...field("status")}>
              {INCIDENT_STATUSES.map((each) => (
                <option key={each} value={each}>
                  {incidentStatus(each)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field name="Assignee">
          {(id) => (
            <input
              id={id}
              className="input"
              data-assign
              maxLength={256}
              autoComplete="off"
              {...field("assignee")}
            />
          )}
        </Field>
        <Field
          name="What it was"
          whole
          hint="From this the precision of each rule is measured: please say it when you close."
        >
          {(id, hint) => (
            <select
              id={id}
              className="input"
              aria-describedby={hint}
              required={wants}
              {...field("disposition")}
            >
              <option value="">not judged yet</option>
              {DISPOSITIONS.map((each) => (
                <option key={each} value={each}>
                  {dispositionName(each)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field name="Note" whole>
          {(id) => (
            <textarea
              id={id}
              className="input"
              rows={3}
              maxLength={4000}
              value={note}
              onChange={(event) => setNote(event.target.value)}
            />
          )}
        </Field>
        {save.isError && !meanwhile && <ProblemLine error={save.error} />}
        {meanwhile && (
          <div className="note whole" role="alert">
            <p>
              Somebody changed this meanwhile
              {meanwhile.theirs.length > 0 && (
                <>
                  :{" "}
                  <Text
                    value={meanwhile.theirs.map((key) => told(key, draftOf(incident))).join(", ")}
                    max={300}
                  />
                </>
              )}
              . {meanwhile.conflicts.length > 0 ? "You changed the same. " : ""}What you typed is still here.
            </p>
            <p className="tags">
              <button
                type="button"
                className="button small"
                onClick={() => {
                  save.reset();
                  adopt(incident, meanwhile.draft);
                }}
              >
                Keep what I typed
              </button>
              <button
                type="button"
                className="button small"
                onClick={() => {
                  save.reset();
                  adopt(incident, draftOf(incident));
                  setNote("");
                }}
              >
                Take theirs
              </button>
            </p>
          </div>
        )}
        <div className="dialog-foot whole">
          {undoable && (
            <p role="status">
              Saved.{" "}
              <button type="button" className="button small" disabled={save.isPending} onClick={undo}>
                Undo
              </button>
            </p>
          )}
          {stale && (
            <button
              type="button"
              className="button"
              onClick={() => void client.invalidateQueries({ queryKey: ["incidents"] })}
            >
              Read what has changed
            </button>
          )}
          <button
            type="submit"
            className="button primary"
            disabled={untouched || save.isPending || meanwhile !== null}
          >
            {save.isPending ? "Waiting for the server …" : "Save"}
          </button>
        </div>
      </form>
    </section>
  );
}

const told = (key: keyof Draft, now: Draft): string => {
  if (key === "status") return `it is ${incidentStatus(now.status).toLowerCase()}`;
  if (key === "assignee") return now.assignee === "" ? "nobody has it" : `${now.assignee} has it`;
  return now.disposition === ""
    ? "it is not judged"
    : `it was ${dispositionName(now.disposition).toLowerCase()}`;
};
