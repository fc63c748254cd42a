import type { UseQueryResult } from "@tanstack/react-query";
import type { FacetName, Facets } from "../../api/types";
import { type FindingSearch, toggled } from "../../app/search";
import { SEVERITIES, SeverityMark, severityName } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count } from "../../text/number";
import { facetWord } from "./words";

interface Group {
  name: FacetName;
  title: string;
  /** Values that are always offered; the others come from the data. */
  fixed?: readonly string[];
  many: boolean;
}

const GROUPS: readonly Group[] = [
  { name: "severity", title: "Severity", fixed: SEVERITIES, many: true },
  { name: "state", title: "State", fixed: ["open", "fixed"], many: true },
  { name: "kev", title: "Exploitation", fixed: ["true", "false"], many: false },
  { name: "fixable", title: "Fix", fixed: ["true", "false"], many: false },
  { name: "suppressed", title: "Suppression", fixed: ["false", "true"], many: false },
  { name: "asset", title: "Asset", many: false },
  { name: "package", title: "Package", many: false },
];

interface Option {
  value: string;
  label: string;
  count: number | undefined;
}

function options(group: Group, facets: Facets, chosen: readonly string[]): Option[] {
  const counted = (facets[group.name] ?? []).map((each) => ({
    value: String(each.value),
    label: each.label ?? String(each.value),
    count: each.count,
  }));
  const find = (value: string) => counted.find((each) => each.value === value);
  if (group.fixed) {
    const known = facets[group.name] !== undefined;
    return group.fixed
      .map((value) => ({ value, label: value, count: find(value)?.count ?? (known ? 0 : undefined) }))
      .filter((each) => {
        const rare = ["negligible", "none", "unknown"].includes(each.value);
        return !rare || (each.count ?? 0) > 0 || chosen.includes(each.value);
      });
  }
  const missing = chosen
    .filter((value) => !find(value))
    .map((value) => ({ value, label: value, count: undefined }));
  return [...missing, ...counted];
}

export function FacetPanel({
  facets,
  search,
  onChange,
}: {
  facets: UseQueryResult<Facets>;
  search: FindingSearch;
  onChange: (change: FindingSearch) => void;
}) {
  if (facets.isError)
    return <Failure error={facets.error} retry={() => facets.refetch()} what="the filters" />;
  if (!facets.data) return <Loading rows={12} label="Loading the filters" />;
  const data = facets.data;
  return (
    <>
      {GROUPS.map((group) => {
        const chosen = search[group.name]?.split(",") ?? [];
        const list = options(
          group,
          data,
          group.many ? chosen : search[group.name] ? [search[group.name] ?? ""] : [],
        );
        if (list.length === 0) return null;
        return (
          <fieldset key={group.name} className="facet">
            <legend>{group.title}</legend>
            {list.map((option) => {
              const on = group.many ? chosen.includes(option.value) : search[group.name] === option.value;
              return (
                <label
                  key={option.value}
                  className={option.count === 0 && !on ? "facet-row zero" : "facet-row"}
                >
                  <input
                    type="checkbox"
                    checked={on}
                    data-facet={`${group.name}:${option.value}`}
                    onChange={() =>
                      onChange({
                        [group.name]: group.many
                          ? toggled(search[group.name], option.value)
                          : on
                            ? undefined
                            : option.value,
                      })
                    }
                  />
                  <span className="facet-label">
                    {group.name === "severity" ? (
                      <>
                        <SeverityMark severity={option.value} /> {severityName(option.value)}
                      </>
                    ) : (
                      <Text value={facetWord(group.name, option.label)} max={80} />
                    )}
                  </span>
                  <span className="facet-count">{option.count === undefined ? "" : count(option.count)}</span>
                </label>
              );
            })}
          </fieldset>
        );
      })}
    </>
  );
}

/** Rows that match, by adding up a facet that every row has exactly one value of. */
export function totalOf(facets: Facets | undefined, search: FindingSearch): number | undefined {
  const values = facets?.severity;
  if (!values) return undefined;
  const chosen = search.severity?.split(",");
  return values
    .filter((each) => !chosen || chosen.includes(String(each.value)))
    .reduce((sum, each) => sum + each.count, 0);
}
