// What people say of one finding. A change is made only to what was seen; what somebody else saves meanwhile is laid under
// what is being typed, and said.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Problem } from "../../api/client";
import { changeFinding, findingQuery } from "../../api/queries";
import type { FindingChange, FindingDetail, Triage } from "../../api/types";
import { DrawerSection as Section } from "../../parts/drawer";
import { OuterLink } from "../../parts/outer-link";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { merge } from "../../text/draft";
import { changeOf, draftOf, isEmpty, JUSTIFICATIONS } from "../../text/triage";
import { Due } from "./columns";
import { TriageFields } from "./triage-fields";
import { triageWord } from "./words";

/** One click away: what needs no reason. */
const AT_ONCE: readonly (readonly [Triage, string])[] = [
  ["acknowledged", "Acknowledge"],
  ["in-progress", "Mending it"],
];
const WITH_REASON: readonly (readonly [Triage, string])[] = [
  ["accepted", "Accept the risk …"],
  ["false-positive", "False positive …"],
];

export function TriageSection({ finding }: { finding: FindingDetail }) {
  const client = useQueryClient();
  const [base, setBase] = useState(finding);
  const [draft, setDraft] = useState(draftOf(finding));
  const [open, setOpen] = useState(false);
  const [theirs, setTheirs] = useState(false);
  const [saved, setSaved] = useState<{ before: FindingDetail; after: FindingDetail } | null>(null);
  if (finding.version > base.version || finding.fingerprint !== base.fingerprint) {
    const other = finding.fingerprint !== base.fingerprint;
    const untouched = other || isEmpty(changeOf(draftOf(base), draft));
    setTheirs(!untouched);
    setDraft(untouched ? draftOf(finding) : merge(draftOf(base), draft, draftOf(finding)).draft);
    setBase(finding);
    if (other) {
      setOpen(false);
      setSaved(null);
    }
  }
  const save = useMutation({
    mutationFn: (what: { from: FindingDetail; change: FindingChange; back?: boolean }) =>
      changeFinding(what.from.fingerprint, what.from.version, what.change),
    onSuccess: (after, { from, back = false }) => {
      setBase(after);
      setDraft(draftOf(after));
      setTheirs(false);
      setOpen(false);
      setSaved(back ? null : { before: from, after });
      client.setQueryData(findingQuery(after.fingerprint).queryKey, after);
      void client.invalidateQueries({ queryKey: ["findings", "list"] });
      void client.invalidateQueries({ queryKey: ["findings", "facets"] });
      void client.invalidateQueries({ queryKey: ["overview"] });
    },
    onError: (error, { from }) => {
      setSaved(null);
      if (error instanceof Problem && error.code === "version-stale")
        void client.invalidateQueries({ queryKey: findingQuery(from.fingerprint).queryKey });
    },
  });
  const change = changeOf(draftOf(base), draft);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ from: base, change });
  };
  const begin = (status: Triage) => {
    setDraft({ ...draftOf(base), status });
    setOpen(true);
  };
  const undoable = saved !== null && saved.after.version === base.version;
  return (
    <Section title="Where it stands">
      <Standing finding={finding} />
      <p className="tags">
        {AT_ONCE.filter(([status]) => status !== finding.status).map(([status, name]) => (
          <button
            key={status}
            type="button"
            className="button small"
            disabled={save.isPending}
            onClick={() => save.mutate({ from: base, change: { status } })}
          >
            {name}
          </button>
        ))}
        {WITH_REASON.filter(([status]) => status !== finding.status).map(([status, name]) => (
          <button key={status} type="button" className="button small" onClick={() => begin(status)}>
            {name}
          </button>
        ))}
        <button
          type="button"
          className="button small"
          aria-expanded={open}
          onClick={() => (open ? setOpen(false) : begin(base.status))}
        >
          Assign, tag, comment …
        </button>
      </p>
      {undoable && (
        <p role="status">
          Saved.{" "}
          <button
            type="button"
            className="button small"
            disabled={save.isPending}
            onClick={() =>
              save.mutate({
                from: saved.after,
                change: changeOf(draftOf(saved.after), draftOf(saved.before)),
                back: true,
              })
            }
          >
            Undo
          </button>
        </p>
      )}
      {theirs && (
        <p className="note" role="alert">
          Somebody changed this meanwhile. What you typed is still here, over what they saved.
        </p>
      )}
      {save.isError && <ProblemLine error={save.error} />}
      {open && (
        <form className="manage-form" onSubmit={submit} aria-label="What is said of the finding">
          <TriageFields draft={draft} onChange={setDraft} />
          <div className="dialog-foot whole">
            <button type="button" className="button ghost" onClick={() => setOpen(false)}>
              Cancel
            </button>
            <button type="submit" className="button primary" disabled={isEmpty(change) || save.isPending}>
              {save.isPending ? "Waiting for the server …" : "Save"}
            </button>
          </div>
        </form>
      )}
    </Section>
  );
}

/** What was said so far. */
function Standing({ finding }: { finding: FindingDetail }) {
  const { decision } = finding;
  const justification = JUSTIFICATIONS.find(([word]) => word === decision?.justification)?.[1];
  return (
    <dl className="facts-list">
      <dt>Status</dt>
      <dd>
        {triageWord(finding.status)}
        {finding.acknowledged_at && (
          <span className="muted">
            , taken up <Time at={finding.acknowledged_at} />
          </span>
        )}
      </dd>
      <dt>Assignee</dt>
      <dd>
        {finding.assignee ? (
          <Link to="/findings" search={{ state: "open", assignee: finding.assignee }}>
            <Text value={finding.assignee} max={200} />
          </Link>
        ) : (
          <span className="muted">nobody</span>
        )}
      </dd>
      {(finding.tickets ?? []).length > 0 && (
        <>
          <dt>Tickets</dt>
          <dd className="tags">
            {(finding.tickets ?? []).map((ticket) => (
              <TicketLink key={`${ticket.destination} ${ticket.id}`} ticket={ticket} />
            ))}
          </dd>
        </>
      )}
      {finding.due_at && (
        <>
          <dt>Due</dt>
          <dd>
            <Due row={finding} /> <span className="muted">{finding.due_at.slice(0, 10)}</span>
          </dd>
        </>
      )}
      {(finding.tags ?? []).length > 0 && (
        <>
          <dt>Tags</dt>
          <dd className="tags">
            {(finding.tags ?? []).map((tag) => (
              <Link key={tag} to="/findings" search={{ tag }} className="tag">
                <Text value={tag} max={80} />
              </Link>
            ))}
          </dd>
        </>
      )}
      {decision && (
        <>
          <dt>Because</dt>
          <dd>
            {justification && `${justification}. `}
            <Text value={decision.reason} lines max={2_000} />
            <span className="muted">
              {" "}
              Written down by <Text value={decision.by} max={200} /> <Time at={decision.at} />
            </span>
          </dd>
        </>
      )}
      {decision?.owner && (
        <>
          <dt>Risk taken by</dt>
          <dd>
            <Text value={decision.owner} max={200} />
            {decision.approver && (
              <>
                , approved by <Text value={decision.approver} max={200} />
              </>
            )}
            {decision.until && `, until ${decision.until.slice(0, 10)}`}
          </dd>
        </>
      )}
    </dl>
  );
}

/** Where it is in the other system, whose address is that system's word. */
function TicketLink({ ticket }: { ticket: NonNullable<FindingDetail["tickets"]>[number] }) {
  return (
    <OuterLink to={ticket.url} className="tag">
      {ticket.destination} <Text value={ticket.id} max={80} />
    </OuterLink>
  );
}
