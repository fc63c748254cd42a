// The fields of what people say of findings, of one or of many. What goes with a status stands there only with it.

import { TRIAGES } from "../../app/search";
import { Field } from "../../parts/field";
import { type Draft, isAside, JUSTIFICATIONS } from "../../text/triage";
import { triageWord } from "./words";

export function TriageFields({
  draft,
  onChange,
  many = false,
}: {
  draft: Draft;
  onChange: (draft: Draft) => void;
  many?: boolean;
}) {
  const field = (name: keyof Draft) => ({
    className: "input",
    value: draft[name],
    onChange: (event: { target: { value: string } }) => onChange({ ...draft, [name]: event.target.value }),
  });
  const accepted = draft.status === "accepted";
  return (
    <>
      <Field name="Status">
        {(id) => (
          <select id={id} data-status {...field("status")}>
            {many && <option value="">as it is</option>}
            {TRIAGES.filter((each) => each !== "reopened" || draft.status === each).map((each) => (
              <option key={each} value={each}>
                {triageWord(each)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field name="Assignee">
        {(id) => (
          <input
            id={id}
            data-assign
            maxLength={200}
            autoComplete="off"
            placeholder={many ? "name, or - for nobody" : ""}
            {...field("assignee")}
          />
        )}
      </Field>
      {accepted && (
        <>
          <Field name="Owner of the risk">
            {(id) => <input id={id} required maxLength={200} autoComplete="off" {...field("owner")} />}
          </Field>
          <Field name="Approved by" hint="Somebody else than the owner.">
            {(id, hint) => (
              <input
                id={id}
                required
                maxLength={200}
                autoComplete="off"
                aria-describedby={hint}
                {...field("approver")}
              />
            )}
          </Field>
          <Field name="Until" hint="Then it counts again.">
            {(id, hint) => <input id={id} type="date" required aria-describedby={hint} {...field("until")} />}
          </Field>
        </>
      )}
      {draft.status === "false-positive" && (
        <Field name="Why it is none" whole>
          {(id) => (
            <select id={id} {...field("justification")}>
              <option value="">none of these</option>
              {JUSTIFICATIONS.map(([word, text]) => (
                <option key={word} value={word}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {isAside(draft.status) && (
        <Field name="Reason" whole>
          {(id) => <textarea id={id} rows={2} required maxLength={10_000} {...field("reason")} />}
        </Field>
      )}
      <Field name={many ? "Add tags" : "Tags"} whole hint="Separated by commas.">
        {(id, hint) => <input id={id} autoComplete="off" aria-describedby={hint} {...field("tags")} />}
      </Field>
      <Field name="Comment" whole>
        {(id) => <textarea id={id} rows={2} maxLength={10_000} {...field("comment")} />}
      </Field>
    </>
  );
}
