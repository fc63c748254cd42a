// Who can do something, by the roles and bindings of the cluster. The question is in the address.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { WhoCanAnswer } from "../../api/posture";
import { ANSWERS_MAX, whoCanQuery } from "../../api/posture-queries";
import type { GraphSearch } from "../../app/search-posture";
import { Icon } from "../../parts/icon";
import { ResourceLink } from "../../parts/resource-link";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count, counted } from "../../text/number";
import { ruleWord, subjectBox } from "../../text/path";
import { SubjectName, Unknown } from "./drawing";
import type { ViewProps } from "./page";

type Field = "verb" | "resource" | "namespace" | "group" | "name";

const FIELDS: readonly { field: Field; name: string; hint: string; needed?: boolean }[] = [
  { field: "verb", name: "Verb", hint: "get", needed: true },
  { field: "resource", name: "Resource", hint: "secrets, pods/exec, /metrics", needed: true },
  { field: "namespace", name: "Namespace", hint: "any" },
  { field: "group", name: "API group", hint: "core" },
  { field: "name", name: "Object name", hint: "any" },
];

/** Questions that are asked most, each a click. */
const EXAMPLES: readonly { name: string; question: Pick<GraphSearch, Field> }[] = [
  { name: "read secrets", question: { verb: "get", resource: "secrets" } },
  { name: "exec into pods", question: { verb: "create", resource: "pods/exec" } },
  { name: "create pods", question: { verb: "create", resource: "pods" } },
  {
    name: "bind cluster roles",
    question: { verb: "bind", resource: "clusterroles", group: "rbac.authorization.k8s.io" },
  },
  { name: "impersonate users", question: { verb: "impersonate", resource: "users" } },
];

export function WhoCan({ cluster, search, onChange }: ViewProps) {
  const asked = search.verb !== undefined && search.resource !== undefined;
  const { verb, resource, namespace, group, name } = search;
  const answer = useQuery({
    ...whoCanQuery(cluster.id, { verb, resource, namespace, group, name, limit: ANSWERS_MAX }),
    enabled: asked,
  });
  const ask = (question: Pick<GraphSearch, Field>) =>
    onChange({
      verb: question.verb,
      resource: question.resource,
      namespace: question.namespace,
      group: question.group,
      name: question.name,
    });
  return (
    <div className="stack">
      <section className="card" aria-label="Question">
        <Form key={FIELDS.map(({ field }) => search[field]).join("\u0000")} search={search} onAsk={ask} />
        <p className="examples">
          <span className="muted">Often asked: who can</span>
          {EXAMPLES.map((each) => (
            <button key={each.name} type="button" className="button small" onClick={() => ask(each.question)}>
              {each.name}
            </button>
          ))}
        </p>
      </section>
      {!asked ? (
        <Empty icon="search" title="Ask who can do something">
          <p>Each holder is shown with the binding and the rule that prove it.</p>
        </Empty>
      ) : answer.isPending ? (
        <Loading rows={8} label="Looking for holders" />
      ) : answer.isLoadingError ? (
        <Failure error={answer.error} retry={() => answer.refetch()} what="who can do it" />
      ) : (
        <Answer answer={answer.data} scope={cluster.id} search={search} />
      )}
    </div>
  );
}

function Form({
  search,
  onAsk,
}: {
  search: GraphSearch;
  onAsk: (question: Pick<GraphSearch, Field>) => void;
}) {
  const [values, setValues] = useState(() =>
    Object.fromEntries(FIELDS.map(({ field }) => [field, search[field] ?? ""])),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAsk(Object.fromEntries(FIELDS.map(({ field }) => [field, values[field]?.trim() || undefined])));
  };
  return (
    <form className="who-form" onSubmit={submit}>
      {FIELDS.map(({ field, name, hint, needed }) => (
        <div key={field} className="field">
          <label htmlFor={`who-${field}`}>{name}</label>
          <input
            id={`who-${field}`}
            className="input"
            value={values[field]}
            placeholder={hint}
            required={needed}
            maxLength={512}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            onChange={(event) => setValues({ ...values, [field]: event.target.value })}
          />
        </div>
      ))}
      <button type="submit" className="button primary">
        <Icon name="search" /> Who can
      </button>
    </form>
  );
}

function Answer({ answer, scope, search }: { answer: WhoCanAnswer; scope: string; search: GraphSearch }) {
  return (
    <>
      <p role="status" data-testid="shown">
        <strong>{counted(answer.total, "holder")}</strong>{" "}
        <span className="muted">
          can {search.verb} <Text value={search.resource ?? ""} max={120} />
          {search.namespace ? (
            <>
              {" "}
              in <Text value={search.namespace} max={120} />
            </>
          ) : (
            " in every namespace"
          )}
          .{answer.total > answer.holders.length && ` The first ${count(answer.holders.length)} are here.`}
        </span>
      </p>
      <Unknown unknown={answer.unknown} />
      {answer.holders.length === 0 ? (
        <Empty title="Nobody, as far as is known">
          <p>No role that is bound here allows it.</p>
        </Empty>
      ) : (
        <section className="card flush" aria-label="Holders">
          <div className="scroll-x" role="region" aria-label="Holders, a row for each" tabIndex={0}>
            <table className="table" data-testid="holders">
              <thead>
                <tr>
                  <th scope="col">Who</th>
                  <th scope="col">As</th>
                  <th scope="col">By binding</th>
                  <th scope="col">Rule</th>
                </tr>
              </thead>
              <tbody>
                {answer.holders.map(({ subject, proof }) => {
                  const same = subjectBox(subject).name === subjectBox(proof.subject).name;
                  return (
                    <tr key={`${subject.kind} ${subject.namespace ?? ""} ${subject.name}`}>
                      <th scope="row" className="row-head">
                        <SubjectName subject={subject} scope={scope} />
                      </th>
                      <td data-label="As">
                        {same ? (
                          <span className="muted">itself</span>
                        ) : (
                          <SubjectName subject={proof.subject} scope={scope} />
                        )}
                      </td>
                      <td data-label="By" className="wide">
                        <ResourceLink scope={scope} path={proof.binding} />
                      </td>
                      <td data-label="Rule" className="wide">
                        {ruleWord(proof)} of <ResourceLink scope={scope} path={proof.rule_of} />
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}
