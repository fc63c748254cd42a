// What each rule did in the last days, and how right it was, as measured by what people said about its incidents.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { RuleFigures } from "../../api/runtime";
import { rulesQuery } from "../../api/runtime-queries";
import { DAYS, type RuleSearch } from "../../app/search-runtime";
import { SearchField } from "../../parts/search-field";
import { severityName } from "../../parts/severity";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted, percent } from "../../text/number";
import { visible } from "../../text/visible";
import { Choice } from "../graph/filters";
import { RulesHead } from "./head";
import { judged, noisy, ordered } from "./judge";

const route = getRouteApi("/rules");

/** Rows of the table; the way on is a narrower search. */
const ROWS_MAX = 500;

export function RulesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const days = search.days ?? "30";
  const rules = useQuery(rulesQuery(days));
  const change = useCallback(
    (next: RuleSearch) => void navigate({ search: (before) => ({ ...before, ...next }) }),
    [navigate],
  );
  const setText = useCallback((q: string) => change({ q: q.trim() || undefined }), [change]);
  const shown = useMemo(() => {
    const text = search.q?.toLowerCase();
    const items = rules.data?.items ?? [];
    return ordered(
      text ? items.filter((each) => `${each.rule} ${each.title}`.toLowerCase().includes(text)) : items,
      search.sort,
    );
  }, [rules.data, search.q, search.sort]);
  return (
    <main className="page">
      <RulesHead at="/rules" />
      <div className="stack">
        <div className="toolbar">
          <SearchField value={search.q ?? ""} onChange={setText} label="Search rules" />
          <Choice
            label="In the last"
            value={days}
            options={DAYS.map((each) => [each, `${each} days`] as const)}
            onChange={(each) => change({ days: each })}
          />
          <Choice
            label="Order"
            value={search.sort ?? "hits"}
            options={[
              ["hits", "Most detections"],
              ["precision", "Least precise"],
              ["last", "Latest"],
            ]}
            onChange={(sort) => change({ sort: sort === "hits" ? undefined : sort })}
          />
          <p className="muted" role="status" data-testid="shown">
            {rules.data
              ? shown.length > ROWS_MAX
                ? `The first ${ROWS_MAX} of ${counted(shown.length, "rule")}`
                : counted(shown.length, "rule")
              : ""}
          </p>
        </div>
        {rules.isPending ? (
          <Loading rows={8} label="Loading rules" />
        ) : rules.isLoadingError ? (
          <Failure error={rules.error} retry={() => rules.refetch()} what="rules" />
        ) : shown.length === 0 ? (
          search.q ? (
            <Empty icon="search" title="No rule of that name detected anything">
              <button type="button" className="button" onClick={() => setText("")}>
                Clear the search
              </button>
            </Empty>
          ) : (
            <Empty title={`No rule detected anything in ${days} days`}>
              <p>
                See that <Link to="/sources">events come</Link>, and what the rules{" "}
                <Link to="/attack-map">cover</Link>.
              </p>
            </Empty>
          )
        ) : (
          <RuleTable rules={shown.slice(0, ROWS_MAX)} />
        )}
      </div>
    </main>
  );
}

function RuleTable({ rules }: { rules: readonly RuleFigures[] }) {
  return (
    <section className="card flush" aria-label="Rules">
      <div className="scroll-x" role="region" aria-label="Rules, a row for each" tabIndex={0}>
        <table className="table" data-testid="rules">
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col" className="number">
                Detections
              </th>
              <th scope="col" className="number">
                Suppressed
              </th>
              <th scope="col">Precision</th>
              <th scope="col" className="number">
                Last
              </th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rules.map((each) => (
              <tr key={each.rule}>
                <th scope="row" className="row-head">
                  <span className="mono">
                    <Text value={each.rule} max={200} />
                  </span>{" "}
                  {noisy(each) && (
                    <span
                      className="tag warn"
                      title="Many detections, and few of those that were judged were attacks"
                    >
                      Noisy
                    </span>
                  )}
                  <span className="second-line muted">
                    {severityName(each.severity)}: <Text value={each.title} max={200} />
                  </span>
                </th>
                <td className="number" data-label="Detections">
                  <Link to="/runtime/detections" search={{ rule: each.rule }}>
                    {count(each.detections)}
                  </Link>
                </td>
                <td className="number" data-label="Suppressed">
                  <Link to="/runtime/detections" search={{ rule: each.rule, suppressed: "true" }}>
                    {count(each.suppressed)}
                  </Link>
                </td>
                <td className="wide">
                  {each.precision !== null ? (
                    <>
                      <strong>{percent(each.precision)}</strong>
                      <span className="second-line muted">
                        of {counted(judged(each), "judged incident")}: {count(each.true_positives)} true,{" "}
                        {count(each.benign)} benign, {count(each.false_positives)} false
                      </span>
                    </>
                  ) : (
                    <span className="muted">nobody has judged its incidents</span>
                  )}
                </td>
                <td className="number" data-label="Last">
                  <Time at={each.last} />
                </td>
                <td>
                  <Link
                    to="/rules/suppressions"
                    search={{ ask: "new", rule: each.rule }}
                    className="button small"
                  >
                    Suppress<span className="sr-only"> {visible(each.rule)}</span>
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
