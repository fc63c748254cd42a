// Who can do something in an account, by policies of identities and resources. The question is in the address.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import type { AccountHolder, AccountWhoCanAnswer } from "../../api/posture";
import { ANSWERS_MAX, accountWhoCanQuery } from "../../api/posture-queries";
import { Icon } from "../../parts/icon";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count, counted } from "../../text/number";
import { principalBox, words } from "../../text/path";
import { BoxName, StatementView, Unknown } from "./drawing";
import type { ViewProps } from "./page";

/** Questions that are asked most, each a click. */
const EXAMPLES: readonly { name: string; action: string }[] = [
  { name: "pass any role", action: "iam:PassRole" },
  { name: "make access keys", action: "iam:CreateAccessKey" },
  { name: "read objects of every bucket", action: "s3:GetObject" },
  { name: "read secrets", action: "secretsmanager:GetSecretValue" },
];

export function AccountWhoCan({ cluster, search, onChange }: ViewProps) {
  const { verb: action, resource } = search;
  const asked = action !== undefined && resource !== undefined;
  const answer = useQuery({
    ...accountWhoCanQuery(cluster.id, { action, resource, limit: ANSWERS_MAX }),
    enabled: asked,
  });
  const ask = (verb: string, of: string) => onChange({ verb, resource: of });
  return (
    <div className="stack">
      <section className="card" aria-label="Question">
        <Form key={`${action}\u0000${resource}`} action={action} resource={resource} onAsk={ask} />
        <p className="examples">
          <span className="muted">Often asked: who can</span>
          {EXAMPLES.map((each) => (
            <button
              key={each.name}
              type="button"
              className="button small"
              onClick={() => ask(each.action, "*")}
            >
              {each.name}
            </button>
          ))}
        </p>
      </section>
      {!asked ? (
        <Empty icon="search" title="Ask who can do something">
          <p>Each holder is shown with the statements that say so, and with what they depend on.</p>
        </Empty>
      ) : answer.isPending ? (
        <Loading rows={8} label="Looking for holders" />
      ) : answer.isLoadingError ? (
        <Failure error={answer.error} retry={() => answer.refetch()} what="who can do it" />
      ) : (
        <Answer answer={answer.data} scope={cluster.id} action={action} resource={resource} />
      )}
    </div>
  );
}

function Form({
  action = "",
  resource = "",
  onAsk,
}: {
  action: string | undefined;
  resource: string | undefined;
  onAsk: (action: string, resource: string) => void;
}) {
  const [asked, setAsked] = useState({ action, resource });
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const [what, of] = [asked.action.trim(), asked.resource.trim()];
    if (what && of) onAsk(what, of);
  };
  return (
    <form className="who-form" onSubmit={submit}>
      <div className="field">
        <label htmlFor={`${id}-action`}>Action</label>
        <input
          id={`${id}-action`}
          className="input"
          value={asked.action}
          placeholder="s3:GetObject"
          required
          maxLength={1024}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setAsked({ ...asked, action: event.target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-resource`}>Resource</label>
        <input
          id={`${id}-resource`}
          className="input"
          value={asked.resource}
          placeholder="arn:aws:s3:::invoices/2026, or * for any"
          required
          maxLength={1024}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setAsked({ ...asked, resource: event.target.value })}
        />
      </div>
      <button type="submit" className="button primary">
        <Icon name="search" /> Who can
      </button>
    </form>
  );
}

function Answer({
  answer,
  scope,
  action,
  resource,
}: {
  answer: AccountWhoCanAnswer;
  scope: string;
  action: string;
  resource: string;
}) {
  return (
    <>
      <p role="status" data-testid="shown">
        <strong>{counted(answer.total, "holder")}</strong>{" "}
        <span className="muted">
          can, or may, <Text value={action} max={120} /> on <Text value={resource} max={200} />.
          {answer.total > answer.holders.length && ` The first ${count(answer.holders.length)} are here.`}
        </span>
      </p>
      <Unknown unknown={answer.unknown} />
      {answer.holders.length === 0 ? (
        <Empty title="Nobody, as far as is known">
          <p>No policy that was read allows it.</p>
        </Empty>
      ) : (
        <section className="card flush" aria-label="Holders">
          <div className="scroll-x" role="region" aria-label="Holders, a row for each" tabIndex={0}>
            <table className="table" data-testid="holders">
              <thead>
                <tr>
                  <th scope="col">Who</th>
                  <th scope="col">Decision</th>
                  <th scope="col">By</th>
                </tr>
              </thead>
              <tbody>
                {answer.holders.map((holder) => (
                  <Row key={JSON.stringify(holder.principal)} holder={holder} scope={scope} />
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

function Row({ holder: { principal, answer }, scope }: { holder: AccountHolder; scope: string }) {
  const certain = answer.decision === "allowed";
  return (
    <tr>
      <th scope="row" className="row-head">
        <BoxName box={principalBox(principal)} scope={scope} />
      </th>
      <td data-label="Decision">
        <span className={certain ? "tag bad" : "tag warn"}>{words(answer.decision)}</span>
      </td>
      <td className="wide">
        {answer.proofs.map((statement) => (
          <StatementView key={JSON.stringify(statement)} statement={statement} scope={scope} />
        ))}
        {answer.unread.map((each) => (
          <span key={each} className="grant">
            not read: <Text value={each} max={300} />
          </span>
        ))}
      </td>
    </tr>
  );
}
