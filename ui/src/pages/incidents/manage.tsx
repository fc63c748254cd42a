// What people say about an incident. A change is made only to what was seen: the version goes with it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Problem } from "../../api/client";
import type { Disposition, IncidentRow, IncidentStatus } from "../../api/runtime";
import { changeIncident } from "../../api/runtime-queries";
import { INCIDENT_STATUSES } from "../../app/search-runtime";
import { Field } from "../../parts/field";
import { ProblemLine } from "../../parts/problem-line";
import { DISPOSITIONS, dispositionName, incidentStatus } from "../../text/runtime";

export function Manage({ incident }: { incident: IncidentRow }) {
  const client = useQueryClient();
  const [status, setStatus] = useState<string>(incident.status);
  const [disposition, setDisposition] = useState<string>(incident.disposition ?? "");
  const [assignee, setAssignee] = useState(incident.assignee ?? "");
  const [note, setNote] = useState("");
  const save = useMutation({
    mutationFn: () =>
      changeIncident(incident.id, incident.version, {
        status: status === incident.status ? undefined : (status as IncidentStatus),
        disposition:
          disposition === (incident.disposition ?? "")
            ? undefined
            : ((disposition || null) as Disposition | null),
        assignee: assignee.trim() === (incident.assignee ?? "") ? undefined : assignee.trim() || null,
        note: note.trim() || undefined,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["incidents"] }),
  });
  const stale = save.error instanceof Problem && save.error.code === "version-stale";
  const same =
    status === incident.status &&
    disposition === (incident.disposition ?? "") &&
    assignee.trim() === (incident.assignee ?? "") &&
    note.trim() === "";
  const wants = status === "closed" && disposition === "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <section className="card" aria-labelledby="manage">
      <h2 id="manage">Status and notes</h2>
      <form className="manage-form" onSubmit={submit}>
        <Field name="Status">
          {(id) => (
            <select
              id={id}
              className="input"
              value={status}
              onChange={(event) => setStatus(event.target.value)}
            >
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
              value={assignee}
              data-assign
              maxLength={256}
              autoComplete="off"
              onChange={(event) => setAssignee(event.target.value)}
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
              value={disposition}
              onChange={(event) => setDisposition(event.target.value)}
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
        {save.isError && <ProblemLine error={save.error} />}
        <div className="dialog-foot whole">
          {stale && (
            <button
              type="button"
              className="button"
              onClick={() => void client.invalidateQueries({ queryKey: ["incidents"] })}
            >
              Read what has changed
            </button>
          )}
          <button type="submit" className="button primary" disabled={same || save.isPending}>
            {save.isPending ? "Waiting for the server …" : "Save"}
          </button>
        </div>
      </form>
    </section>
  );
}
