import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { addException, exceptionsQuery } from "../../api/evidence-queries";
import type { NewException } from "../../api/posture";
import { assessmentsQuery, clustersQuery } from "../../api/posture-queries";
import type { ExceptionSearch } from "../../app/search-posture";
import { ProblemLine } from "../../parts/problem-line";
import { frameworkName } from "../../text/control";

/** The end of that day, in universal time. */
const endOf = (day: string): string => `${day}T23:59:59Z`;

interface Draft {
  about: "rule" | "control";
  rule: string;
  framework: string;
  control: string;
  where: "asset" | "label";
  asset: string;
  key: string;
  value: string;
  owner: string;
  approver: string;
  reason: string;
  expires: string;
}

function exceptionOf(draft: Draft): NewException {
  const about =
    draft.about === "rule"
      ? { rule: draft.rule.trim() }
      : { framework: draft.framework, control: draft.control.trim() };
  const scope =
    draft.where === "asset"
      ? { asset: draft.asset }
      : { label: { key: draft.key.trim(), value: draft.value.trim() } };
  return {
    ...about,
    scope,
    owner: draft.owner.trim(),
    approver: draft.approver.trim(),
    reason: draft.reason.trim(),
    expires_at: endOf(draft.expires),
  };
}

/** A new exception. The server decides whether it is one: it wants another approver than the owner, and an end. */
export function ExceptionForm({ search, onDone }: { search: ExceptionSearch; onDone: () => void }) {
  const client = useQueryClient();
  const clusters = useQuery(clustersQuery);
  const assessments = useQuery(assessmentsQuery);
  const frameworks = [...new Set(assessments.data?.items.map((each) => each.framework))];
  const scopes = clusters.data?.items ?? [];
  const [draft, setDraft] = useState<Draft>({
    about: search.rule ? "rule" : "control",
    rule: search.rule ?? "",
    framework: search.framework ?? "",
    control: search.control ?? "",
    where: "asset",
    asset: search.asset ?? "",
    key: "",
    value: "",
    owner: "",
    approver: "",
    reason: "",
    expires: "",
  });
  const field = (name: keyof Draft) => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
  });
  const add = useMutation({
    mutationFn: () => addException(exceptionOf(draft)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: exceptionsQuery.queryKey });
      await client.invalidateQueries({ queryKey: ["compliance"] });
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form className="card exception-form" aria-label="Accept a risk" onSubmit={submit}>
      <Field name="Accept">
        {(id) => (
          <select id={id} className="input" {...field("about")}>
            <option value="control">a control of a framework</option>
            <option value="rule">a rule</option>
          </select>
        )}
      </Field>
      {draft.about === "rule" ? (
        <Field name="Rule" grow>
          {(id) => (
            <input id={id} className="input" required maxLength={512} spellCheck={false} {...field("rule")} />
          )}
        </Field>
      ) : (
        <>
          <Field name="Framework">
            {(id) => (
              <select id={id} className="input" required {...field("framework")}>
                <option value="">choose one</option>
                {frameworks.map((each) => (
                  <option key={each} value={each}>
                    {frameworkName(each)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field name="Control" grow>
            {(id) => (
              <input
                id={id}
                className="input"
                required
                maxLength={128}
                spellCheck={false}
                {...field("control")}
              />
            )}
          </Field>
        </>
      )}
      <Field name="Where">
        {(id) => (
          <select id={id} className="input" {...field("where")}>
            <option value="asset">in a cluster or account</option>
            <option value="label">on what has a label</option>
          </select>
        )}
      </Field>
      {draft.where === "asset" ? (
        <Field name="Cluster or account" grow>
          {(id) => (
            <select id={id} className="input" required {...field("asset")}>
              <option value="">choose one</option>
              {scopes.map((each) => (
                <option key={each.id} value={each.id}>
                  {each.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      ) : (
        <>
          <Field name="Label">
            {(id) => (
              <input
                id={id}
                className="input"
                required
                maxLength={317}
                spellCheck={false}
                {...field("key")}
              />
            )}
          </Field>
          <Field name="Value" grow>
            {(id) => (
              <input
                id={id}
                className="input"
                required
                maxLength={253}
                spellCheck={false}
                {...field("value")}
              />
            )}
          </Field>
        </>
      )}
      <Field name="Owner of the risk">
        {(id) => <input id={id} className="input" required maxLength={256} {...field("owner")} />}
      </Field>
      <Field name="Approved by somebody else">
        {(id) => <input id={id} className="input" required maxLength={256} {...field("approver")} />}
      </Field>
      <Field name="Ends after the day (UTC)">
        {(id) => (
          <input
            id={id}
            type="date"
            className="input"
            required
            min={new Date().toISOString().slice(0, 10)}
            {...field("expires")}
          />
        )}
      </Field>
      <Field name="Reason" whole>
        {(id) => (
          <textarea id={id} className="input" required rows={3} maxLength={2000} {...field("reason")} />
        )}
      </Field>
      {add.isError && <ProblemLine error={add.error} />}
      <div className="dialog-foot whole">
        <button type="submit" className="button primary" disabled={add.isPending}>
          Accept the risk
        </button>
      </div>
    </form>
  );
}

function Field({
  name,
  grow = false,
  whole = false,
  children,
}: {
  name: string;
  grow?: boolean;
  whole?: boolean;
  children: (id: string) => ReactNode;
}) {
  const id = useId();
  return (
    <div className={whole ? "field whole" : grow ? "field grow" : "field"}>
      <label htmlFor={id}>{name}</label>
      {children(id)}
    </div>
  );
}
