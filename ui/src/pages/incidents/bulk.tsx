// Assigning many incidents, or moving them on. The rows change at once; what the server refuses goes back to what it was.
// Closing is left to each incident's own page: it wants a judgement.

import { type InfiniteData, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Problem } from "../../api/client";
import type { IncidentChange, IncidentRow, IncidentStatus } from "../../api/runtime";
import { changeIncident } from "../../api/runtime-queries";
import type { Page } from "../../api/types";
import { INCIDENT_STATUSES } from "../../app/search-runtime";
import { Text } from "../../parts/text";
import { changeEach, type Outcome } from "../../text/bulk";
import { counted } from "../../text/number";
import { incidentStatus } from "../../text/runtime";

const STATUSES = INCIDENT_STATUSES.filter((each) => each !== "closed");

export function BulkChange({ chosen }: { chosen: IncidentRow[] }) {
  const client = useQueryClient();
  const [status, setStatus] = useState("");
  const [assignee, setAssignee] = useState("");
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<(Outcome<IncidentRow> & { undone: boolean }) | null>(null);

  const show = (rows: ReadonlyMap<string, IncidentRow>) =>
    client.setQueriesData<InfiniteData<Page<IncidentRow>>>({ queryKey: ["incidents", "list"] }, (data) =>
      // The same key has the newest rows under it, which are one page.
      data && "pages" in data
        ? {
            ...data,
            pages: data.pages.map((page) => ({
              ...page,
              items: page.items.map((row) => rows.get(row.id) ?? row),
            })),
          }
        : data,
    );
  const run = async (
    rows: readonly IncidentRow[],
    changeOf: (row: IncidentRow) => IncidentChange,
    undone: boolean,
  ) => {
    setBusy(true);
    setOutcome(null);
    await client.cancelQueries({ queryKey: ["incidents"] });
    show(
      new Map(
        rows.map((row) => {
          const { status: to = row.status, assignee: whom } = changeOf(row);
          return [row.id, { ...row, status: to, assignee: whom === undefined ? row.assignee : whom }];
        }),
      ),
    );
    const result = await changeEach(
      rows,
      async (row) => (await changeIncident(row.id, row.version, changeOf(row))).incident,
      (cause) => cause instanceof Problem && cause.code === "version-stale",
    );
    show(
      new Map([
        ...result.done.map(({ after }) => [after.id, after] as const),
        ...[...result.stale, ...result.failed.map((each) => each.row)].map((row) => [row.id, row] as const),
      ]),
    );
    setOutcome({ ...result, undone });
    setBusy(false);
    void client.invalidateQueries({ queryKey: ["incidents"] });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const whom = assignee.trim();
    void run(
      chosen,
      () => ({
        status: (status || undefined) as IncidentStatus | undefined,
        assignee: whom === "" ? undefined : whom === "-" ? null : whom,
      }),
      false,
    );
  };
  const undo = () => {
    if (!outcome) return;
    const before = new Map(outcome.done.map((each) => [each.after.id, each.before]));
    void run(
      outcome.done.map((each) => each.after),
      (row) => {
        const old = before.get(row.id) ?? row;
        return { status: old.status, assignee: old.assignee, disposition: old.disposition };
      },
      true,
    );
  };
  return (
    <>
      <form className="contents" onSubmit={submit}>
        <label>
          Assign to
          <input
            className="input"
            data-assign
            value={assignee}
            maxLength={256}
            placeholder="name, or - for nobody"
            autoComplete="off"
            onChange={(event) => setAssignee(event.target.value)}
          />
        </label>
        <label>
          Status
          <select className="input" value={status} onChange={(event) => setStatus(event.target.value)}>
            <option value="">as it is</option>
            {STATUSES.map((each) => (
              <option key={each} value={each}>
                {incidentStatus(each)}
              </option>
            ))}
          </select>
        </label>
        <button
          type="submit"
          className="button small primary"
          disabled={busy || (status === "" && assignee.trim() === "")}
        >
          {busy ? "Waiting for the server …" : `Change ${counted(chosen.length, "incident")}`}
        </button>
      </form>
      {outcome && (
        <div className="note" role="status">
          {outcome.undone ? "Taken back: " : "Changed: "}
          {counted(outcome.done.length, "incident")}.{" "}
          {!outcome.undone && outcome.done.length > 0 && (
            <button type="button" className="button small" onClick={undo}>
              Undo
            </button>
          )}
          <Refused rows={outcome.stale} why="Somebody changed it meanwhile, so it was left alone:" />
          {outcome.failed.map(({ row, why }) => (
            <Refused key={row.id} rows={[row]} why={`${why}:`} />
          ))}
        </div>
      )}
    </>
  );
}

function Refused({ rows, why }: { rows: readonly IncidentRow[]; why: string }) {
  if (rows.length === 0) return null;
  return (
    <p>
      {why}{" "}
      {rows.map((row, index) => (
        <span key={row.id}>
          {index > 0 && ", "}
          <Link to="/incidents/$id" params={{ id: row.id }}>
            <Text value={row.title} max={80} />
          </Link>
        </span>
      ))}
    </p>
  );
}
