// What is not told any more, by whom, why, and until when. Nothing is suppressed for ever.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Suppression } from "../../api/runtime";
import { addSuppression, endSuppression, suppressionsQuery } from "../../api/runtime-queries";
import type { SuppressionSearch } from "../../app/search-runtime";
import { Dialog } from "../../parts/dialog";
import { Field } from "../../parts/field";
import { Chips } from "../../parts/filters";
import { ProblemLine } from "../../parts/problem-line";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { RulesHead } from "./head";

const route = getRouteApi("/rules/suppressions");

/** The end of that day, in universal time. */
const endOf = (day: string): string => `${day}T23:59:59Z`;
const dayFrom = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

export function SuppressionsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useQuery(suppressionsQuery);
  const [ending, setEnding] = useState<Suppression | null>(null);
  const asking = search.ask === "new";
  const shown = (list.data?.items ?? []).filter(
    (each) =>
      (asking || !search.rule || each.rule === search.rule) &&
      (asking || !search.asset || each.asset === search.asset) &&
      (!search.standing || (search.standing === "active") === each.active),
  );
  const filtered = !asking && (search.rule ?? search.asset ?? search.standing) !== undefined;
  return (
    <main className="page">
      <RulesHead at="/rules/suppressions" />
      <div className="stack">
        <div className="toolbar">
          <p className="muted" role="status" data-testid="shown">
            {list.data ? counted(shown.length, "suppression") : ""}
          </p>
          <span className="push">
            <Link
              to="/rules/suppressions"
              search={{ ...search, ask: asking ? undefined : "new" }}
              className={asking ? "button" : "button primary"}
            >
              {asking ? "Close the form" : "Suppress something"}
            </Link>
          </span>
        </div>
        {asking && (
          <SuppressionForm
            key={`${search.rule} ${search.asset}`}
            search={search}
            onDone={() => void navigate({ search: {} })}
          />
        )}
        {!asking && (
          <Chips
            names={["rule", "asset", "standing"] as const}
            search={search}
            onChange={(change) => void navigate({ search: (before) => ({ ...before, ...change }) })}
          />
        )}
        {list.isPending ? (
          <Loading rows={6} label="Loading suppressions" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="suppressions" />
        ) : shown.length === 0 ? (
          <Empty title={filtered ? "No suppression matches" : "Nothing is suppressed"}>
            <p>
              Suppress what is meant to happen, as narrowly as it goes: its detections are kept and counted,
              but open no incident. Start from <Link to="/rules">a noisy rule</Link>.
            </p>
          </Empty>
        ) : (
          <SuppressionTable items={shown} onEnd={setEnding} />
        )}
      </div>
      <Dialog open={ending !== null} title="End this suppression?" onClose={() => setEnding(null)}>
        {ending && <End suppression={ending} onClose={() => setEnding(null)} />}
      </Dialog>
    </main>
  );
}

function SuppressionTable({
  items,
  onEnd,
}: {
  items: readonly Suppression[];
  onEnd: (suppression: Suppression) => void;
}) {
  return (
    <section className="card flush" aria-label="Suppressions">
      <div className="scroll-x" role="region" aria-label="Suppressions, a row for each" tabIndex={0}>
        <table className="table" data-testid="suppressions">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Why</th>
              <th scope="col" className="number">
                Suppressed
              </th>
              <th scope="col">Until</th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => {
              const over = !each.active;
              return (
                <tr key={each.id} data-suppression={each.id}>
                  <th scope="row" className="row-head">
                    <span className="mono">
                      <Text value={each.rule} max={200} />
                    </span>
                    <span className="second-line muted">
                      on <Text value={each.asset === "*" ? "every asset" : each.asset} max={300} />
                    </span>
                    {each.filter && (
                      <code className="second-line">
                        <Text value={each.filter} max={400} />
                      </code>
                    )}
                  </th>
                  <td className="wide">
                    <Text value={each.reason} max={600} />
                    <span className="second-line muted">
                      by <Text value={each.owner} max={120} />, <Time at={each.created_at} />
                    </span>
                  </td>
                  <td className="number" data-label="Suppressed">
                    <Link
                      to="/runtime/detections"
                      search={{
                        suppressed: "true",
                        rule: each.rule.includes("*") ? undefined : each.rule,
                      }}
                    >
                      {count(each.hits)}
                    </Link>
                    {each.last_hit && (
                      <span className="second-line muted">
                        <Time at={each.last_hit} />
                      </span>
                    )}
                  </td>
                  <td>
                    <span className={over ? "tag" : "tag open"}>{over ? "Over" : "Active"}</span>
                    <span className="second-line muted">
                      <Time at={each.ended_at ?? each.expires_at} />
                    </span>
                  </td>
                  <td>
                    {!over && (
                      <button type="button" className="button small" onClick={() => onEnd(each)}>
                        End it
                      </button>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function SuppressionForm({ search, onDone }: { search: SuppressionSearch; onDone: () => void }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState({
    rule: search.rule ?? "",
    asset: search.asset ?? "",
    filter: "",
    reason: "",
    owner: "",
    expires: dayFrom(30),
  });
  const field = (name: keyof typeof draft) => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
  });
  const add = useMutation({
    mutationFn: () =>
      addSuppression({
        rule: draft.rule.trim(),
        asset: draft.asset.trim(),
        filter: draft.filter.trim() || undefined,
        reason: draft.reason.trim(),
        owner: draft.owner.trim(),
        expires_at: endOf(draft.expires),
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: suppressionsQuery.queryKey });
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  const wide = draft.rule.trim() === "*" || draft.asset.trim() === "*";
  return (
    <form className="card exception-form hinted" aria-label="Suppress detections" onSubmit={submit}>
      <Field name="Rule" hint="With * for any part">
        {(id, hint) => (
          <input
            id={id}
            className="input mono"
            required
            maxLength={1024}
            spellCheck={false}
            aria-describedby={hint}
            {...field("rule")}
          />
        )}
      </Field>
      <Field name="Asset" hint="With * for any part; * alone is everywhere">
        {(id, hint) => (
          <input
            id={id}
            className="input mono"
            required
            maxLength={1024}
            spellCheck={false}
            aria-describedby={hint}
            {...field("asset")}
          />
        )}
      </Field>
      <Field name="Ends after the day (UTC)">
        {(id) => (
          <input
            id={id}
            type="date"
            className="input"
            required
            min={dayFrom(0)}
            max={dayFrom(365)}
            {...field("expires")}
          />
        )}
      </Field>
      <Field
        name="Only where, optional"
        whole
        hint="A filter over the event, such as process.binary:/usr/bin/backup"
      >
        {(id, hint) => (
          <input
            id={id}
            className="input mono"
            maxLength={4096}
            spellCheck={false}
            aria-describedby={hint}
            {...field("filter")}
          />
        )}
      </Field>
      <Field name="Owner">
        {(id) => <input id={id} className="input" required maxLength={256} {...field("owner")} />}
      </Field>
      <Field name="Reason" whole>
        {(id) => (
          <textarea id={id} className="input" required rows={2} maxLength={2000} {...field("reason")} />
        )}
      </Field>
      {wide && (
        <p className="note whole" role="status">
          This is wide: an attack that looks like it will open no incident either. Name the rule and the asset
          where you can.
        </p>
      )}
      {add.isError && <ProblemLine error={add.error} />}
      <div className="dialog-foot whole">
        <button type="submit" className="button primary" disabled={add.isPending}>
          {add.isPending ? "Waiting for the server …" : "Suppress"}
        </button>
      </div>
    </form>
  );
}

function End({ suppression, onClose }: { suppression: Suppression; onClose: () => void }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => endSuppression(suppression.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: suppressionsQuery.queryKey });
      onClose();
    },
  });
  return (
    <div className="stack tight">
      <p>
        From now on what it covers is told again. What it has suppressed so far stays suppressed, and it stays
        in the list.
      </p>
      <p className="note">
        <Text value={suppression.reason} max={600} />
      </p>
      {end.isError && <ProblemLine error={end.error} />}
      <p className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Keep it
        </button>
        <button
          type="button"
          className="button primary"
          disabled={end.isPending}
          onClick={() => end.mutate()}
        >
          End it
        </button>
      </p>
    </div>
  );
}
