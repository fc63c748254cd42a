// Rules are tried on what has happened before they judge what will.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type ChangeEvent, type FormEvent, useState } from "react";
import type { Backtest } from "../../api/runtime";
import { backtestsQuery, submitBacktest } from "../../api/runtime-queries";
import { Field } from "../../parts/field";
import { ProblemLine } from "../../parts/problem-line";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { BacktestTag, tried } from "./backtest-state";
import { RulesHead } from "./head";

const route = getRouteApi("/rules/backtests");

const DAYS = ["1", "7", "30"] as const;

export function BacktestsPage() {
  const { ask } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useQuery(backtestsQuery);
  const asking = ask === "new";
  return (
    <main className="page">
      <RulesHead at="/rules/backtests" />
      <div className="stack">
        <div className="toolbar">
          <p className="muted" role="status" data-testid="shown">
            {list.data ? counted(list.data.items.length, "backtest") : ""}
          </p>
          <span className="push">
            <Link
              to="/rules/backtests"
              search={{ ask: asking ? undefined : "new" }}
              className={asking ? "button" : "button primary"}
            >
              {asking ? "Close the form" : "Try rules"}
            </Link>
          </span>
        </div>
        {asking && (
          <BacktestForm
            onDone={(id) => void navigate({ to: "/rules/backtests/$id", params: { id }, search: {} })}
          />
        )}
        {list.isPending ? (
          <Loading rows={6} label="Loading backtests" />
        ) : list.isError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="backtests" />
        ) : list.data.items.length === 0 ? (
          !asking && (
            <Empty title="No rules were tried yet">
              <p>
                A backtest judges stored events twice, by the rules in force and by those you try, and shows
                what would be different. Nothing of it becomes an incident.{" "}
                <Link to="/rules/backtests" search={{ ask: "new" }}>
                  Try rules of your own
                </Link>
                .
              </p>
            </Empty>
          )
        ) : (
          <BacktestTable items={list.data.items} />
        )}
      </div>
    </main>
  );
}

function BacktestTable({ items }: { items: readonly Backtest[] }) {
  return (
    <section className="card flush" aria-label="Backtests">
      <div className="scroll-x" role="region" aria-label="Backtests, a row for each" tabIndex={0}>
        <table className="table" data-testid="backtests">
          <thead>
            <tr>
              <th scope="col">Tried</th>
              <th scope="col">State</th>
              <th scope="col" className="number">
                Events
              </th>
              <th scope="col">Of the time</th>
              <th scope="col">Asked for</th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <tr key={each.id}>
                <th scope="row" className="row-head">
                  <Link to="/rules/backtests/$id" params={{ id: each.id }}>
                    <Text value={tried(each)} max={200} />
                  </Link>
                </th>
                <td>
                  <BacktestTag backtest={each} />
                </td>
                <td className="number" data-label="Events">
                  {count(each.events)}
                </td>
                <td>
                  <Time at={each.from} /> <span className="muted">to</span> <Time at={each.to} />
                </td>
                <td>
                  <Time at={each.submitted_at} />
                  <span className="second-line muted">
                    by <Text value={each.asked_by} max={120} />
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Most bytes of a request's rules that the form sends; the server takes a mebibyte. */
const BYTES_MAX = 900_000;

function BacktestForm({ onDone }: { onDone: (id: string) => void }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState({ name: "rule.yml", text: "", days: "7" as string, instead: false });
  const [files, setFiles] = useState<{ name: string; text: string }[]>([]);
  const submit = useMutation({
    mutationFn: () => {
      const typed = draft.text.trim() ? [{ name: draft.name.trim() || "rule.yml", text: draft.text }] : [];
      return submitBacktest({
        rules: [...typed, ...files],
        instead: draft.instead,
        from: new Date(Date.now() - Number(draft.days) * 86_400_000).toISOString(),
      });
    },
    onSuccess: async (accepted) => {
      await client.invalidateQueries({ queryKey: backtestsQuery.queryKey, exact: true });
      onDone(accepted.id);
    },
  });
  const choose = async (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = [...(event.target.files ?? [])];
    setFiles(await Promise.all(chosen.map(async (file) => ({ name: file.name, text: await file.text() }))));
  };
  const size = files.reduce((sum, file) => sum + file.text.length, draft.text.length);
  const empty = size === 0 && !draft.instead;
  return (
    <form
      className="card exception-form hinted"
      aria-label="Try rules"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        submit.mutate();
      }}
    >
      <Field name="Rules" whole hint="YAML in Sigma's language, or a list of rules in Falco's">
        {(id, hint) => (
          <textarea
            id={id}
            className="input mono"
            rows={12}
            spellCheck={false}
            aria-describedby={hint}
            value={draft.text}
            onChange={(event) => setDraft({ ...draft, text: event.target.value })}
          />
        )}
      </Field>
      <Field name="Name of the file" hint="What errors call it">
        {(id, hint) => (
          <input
            id={id}
            className="input mono"
            maxLength={256}
            aria-describedby={hint}
            value={draft.name}
            onChange={(event) => setDraft({ ...draft, name: event.target.value })}
          />
        )}
      </Field>
      <Field name="Or files" hint={files.length > 0 ? counted(files.length, "file") : "As many as you like"}>
        {(id, hint) => (
          <input
            id={id}
            type="file"
            multiple
            accept=".yml,.yaml"
            className="input"
            aria-describedby={hint}
            onChange={(event) => void choose(event)}
          />
        )}
      </Field>
      <Field name="Events of the last">
        {(id) => (
          <select
            id={id}
            className="input"
            value={draft.days}
            onChange={(event) => setDraft({ ...draft, days: event.target.value })}
          >
            {DAYS.map((days) => (
              <option key={days} value={days}>
                {counted(Number(days), "day")}
              </option>
            ))}
          </select>
        )}
      </Field>
      <label className="check whole">
        <input
          type="checkbox"
          checked={draft.instead}
          onChange={(event) => setDraft({ ...draft, instead: event.target.checked })}
        />{" "}
        In place of your own rules; those that are built in judge on both sides
      </label>
      {size > BYTES_MAX && (
        <p className="note whole" role="status">
          That is more than fits in one request. Try fewer files at a time.
        </p>
      )}
      {submit.isError && <ProblemLine error={submit.error} />}
      <div className="dialog-foot whole">
        <button
          type="submit"
          className="button primary"
          disabled={submit.isPending || empty || size > BYTES_MAX}
        >
          {submit.isPending ? "Waiting for the server …" : "Judge stored events by them"}
        </button>
      </div>
    </form>
  );
}
