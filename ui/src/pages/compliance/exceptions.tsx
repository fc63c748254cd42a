// Risks that somebody takes for a while: what, where, who owns it, who approved it, until when.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { exceptionsQuery, revokeException } from "../../api/evidence-queries";
import type { Exception } from "../../api/posture";
import type { ExceptionSearch } from "../../app/search-posture";
import { Dialog } from "../../parts/dialog";
import { ProblemLine } from "../../parts/problem-line";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { frameworkName } from "../../text/control";
import { counted } from "../../text/number";
import { words } from "../../text/path";
import { Chip } from "../graph/filters";
import { ExceptionForm } from "./exception-form";
import { ComplianceHead } from "./head";

const route = getRouteApi("/compliance/exceptions");

const FILTERS = ["framework", "control", "rule", "asset", "standing"] as const;
const TONES: Record<string, string> = { active: "open", "not-yet": "", expired: "warn", revoked: "" };

const matches = (each: Exception, search: ExceptionSearch): boolean =>
  (!search.framework || each.framework === search.framework || each.rule !== undefined) &&
  (!search.control || each.control === search.control || each.rule !== undefined) &&
  (!search.rule || each.rule === search.rule) &&
  (!search.asset || each.scope.asset === undefined || each.scope.asset === search.asset) &&
  (!search.standing || each.standing === search.standing);

export function ExceptionsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useQuery(exceptionsQuery);
  const [revoking, setRevoking] = useState<Exception | null>(null);
  const shown = (list.data?.items ?? []).filter((each) => matches(each, search));
  const set = FILTERS.filter((name) => search[name] !== undefined);
  const asking = search.ask === "new";
  return (
    <main className="page">
      <ComplianceHead at="/compliance/exceptions" />
      <div className="stack">
        <div className="toolbar">
          <p className="muted" role="status" data-testid="shown">
            {list.data ? counted(shown.length, "exception") : list.isPending ? "Loading …" : ""}
          </p>
          <span className="push">
            <Link
              to="/compliance/exceptions"
              search={{ ...search, ask: asking ? undefined : "new" }}
              className={asking ? "button" : "button primary"}
            >
              {asking ? "Close the form" : "Accept a risk"}
            </Link>
          </span>
        </div>
        {asking && (
          <ExceptionForm
            search={search}
            onDone={() => void navigate({ search: (before) => ({ ...before, ask: undefined }) })}
          />
        )}
        {set.length > 0 && !asking && (
          <ul className="chips" aria-label="Filters in force">
            {set.map((name) => (
              <Chip
                key={name}
                name={name}
                value={search[name] ?? ""}
                onRemove={() => void navigate({ search: (before) => ({ ...before, [name]: undefined }) })}
              />
            ))}
          </ul>
        )}
        {list.isPending ? (
          <Loading rows={6} label="Loading exceptions" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="exceptions" />
        ) : shown.length === 0 ? (
          <Empty icon="check" title={set.length > 0 ? "No exception matches" : "No risk is accepted"}>
            <p>An exception has an owner, a reason, somebody else who approved it, and an end.</p>
          </Empty>
        ) : (
          <ExceptionTable items={shown} onRevoke={setRevoking} />
        )}
      </div>
      <Dialog open={revoking !== null} title="Revoke this exception?" onClose={() => setRevoking(null)}>
        {revoking && <Revoke exception={revoking} onClose={() => setRevoking(null)} />}
      </Dialog>
    </main>
  );
}

function ExceptionTable({
  items,
  onRevoke,
}: {
  items: readonly Exception[];
  onRevoke: (exception: Exception) => void;
}) {
  return (
    <section className="card flush" aria-label="Exceptions">
      <div className="scroll-x" role="region" aria-label="Exceptions, a row for each" tabIndex={0}>
        <table className="table" data-testid="exceptions">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Where</th>
              <th scope="col">Why</th>
              <th scope="col">Owner, approver</th>
              <th scope="col">Standing</th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <tr key={each.id} data-exception={each.id}>
                <th scope="row" className="row-head">
                  <What exception={each} />
                </th>
                <td className="wide">
                  <Where exception={each} />
                </td>
                <td className="wide">
                  <Text value={each.reason} max={600} />
                </td>
                <td>
                  <Text value={each.owner} max={120} />
                  <span className="second-line muted">
                    approved by <Text value={each.approver} max={120} />, <Time at={each.approved_at} />
                  </span>
                </td>
                <td>
                  <span className={`tag ${TONES[each.standing] ?? ""}`}>{words(each.standing)}</span>
                  <span className="second-line muted">
                    {each.revoked_at ? (
                      <>
                        revoked <Time at={each.revoked_at} />
                      </>
                    ) : (
                      <>
                        {each.standing === "expired" ? "ended" : "ends"} <Time at={each.expires_at} />
                      </>
                    )}
                  </span>
                </td>
                <td>
                  {!each.revoked_at && each.standing !== "expired" && (
                    <button type="button" className="button small" onClick={() => onRevoke(each)}>
                      Revoke<span className="sr-only"> the exception of {each.owner}</span>
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function What({ exception }: { exception: Exception }) {
  if (exception.rule)
    return (
      <Link
        to="/findings"
        search={{ rule: exception.rule, asset: exception.scope.asset, state: "open" }}
        className="mono breaks"
      >
        <Text value={exception.rule} max={200} />
      </Link>
    );
  const name = (
    <>
      <Text value={frameworkName(exception.framework ?? "")} max={120} />{" "}
      <span className="mono">
        <Text value={exception.control ?? ""} max={80} />
      </span>
    </>
  );
  return exception.framework && exception.scope.asset ? (
    <Link
      to="/compliance/$framework/$scope"
      params={{ framework: exception.framework, scope: exception.scope.asset }}
      search={{ q: exception.control }}
    >
      {name}
    </Link>
  ) : (
    name
  );
}

function Where({ exception }: { exception: Exception }) {
  const { asset, label } = exception.scope;
  if (asset !== undefined)
    return (
      <Link to="/inventory" search={{ scope: asset }}>
        <Text value={asset} max={200} />
      </Link>
    );
  return (
    <>
      labelled <Text value={`${label.key}=${label.value}`} max={300} />
    </>
  );
}

function Revoke({ exception, onClose }: { exception: Exception; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeException(exception.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: exceptionsQuery.queryKey });
      await client.invalidateQueries({ queryKey: ["compliance"] });
      onClose();
    },
  });
  return (
    <div className="stack tight">
      <p>
        From now on what it covers counts again. The exception stays in the list with its reason and its
        approver.
      </p>
      <p className="note">
        <Text value={exception.reason} max={600} />
      </p>
      {revoke.isError && <ProblemLine error={revoke.error} />}
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Keep it
        </button>
        <button
          type="button"
          className="button primary"
          disabled={revoke.isPending}
          onClick={() => revoke.mutate()}
        >
          Revoke
        </button>
      </div>
    </div>
  );
}
