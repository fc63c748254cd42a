import type { UseQueryResult } from "@tanstack/react-query";
import type { Facets } from "../../api/types";
import type { FindingSearch } from "../../app/search";
import { SeverityMark, severityName } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { shortName } from "../../text/name";
import { count } from "../../text/number";
import { visible } from "../../text/visible";
import { clicked, excluded, GROUPS, options } from "./facet-options";
import { facetWord } from "./words";

interface Props {
  facets: UseQueryResult<Facets>;
  search: FindingSearch;
  onChange: (change: FindingSearch) => void;
}

/** The filters beside the list, each value with the number of findings that it would leave. */
export function FacetPanel({ facets, search, onChange }: Props) {
  if (facets.isLoadingError)
    return <Failure error={facets.error} retry={() => facets.refetch()} what="the filters" />;
  if (!facets.data) return <Loading rows={12} label="Loading the filters" />;
  const data = facets.data;
  return (
    <>
      {GROUPS.map((group) => {
        const list = options(group, data, search);
        if (list.length === 0) return null;
        return (
          <fieldset key={group.name} className="facet">
            <legend>{group.title}</legend>
            {list.map((option) => (
              <label
                key={option.value}
                className={option.count === 0 && !option.on ? "facet-row zero" : "facet-row"}
              >
                <input
                  type="checkbox"
                  checked={option.on}
                  data-facet={`${group.name}:${option.value}`}
                  onChange={(event) => {
                    const without = (event.nativeEvent as MouseEvent).altKey
                      ? excluded(group, option.value, search)
                      : null;
                    onChange(without ?? clicked(group, option.value, search));
                  }}
                />
                <span
                  className="facet-label"
                  title={group.fixed ? "With Alt: all but this" : visible(option.label)}
                >
                  {group.name === "severity" ? (
                    <>
                      <SeverityMark severity={option.value} /> {severityName(option.value)}
                    </>
                  ) : (
                    <Text
                      value={
                        group.name === "asset" ? shortName(option.label) : facetWord(group.name, option.label)
                      }
                      max={80}
                    />
                  )}
                </span>
                <span className="facet-count">{option.count === undefined ? "" : count(option.count)}</span>
              </label>
            ))}
          </fieldset>
        );
      })}
      {data.capped && <p className="muted">Very many findings match: the figures are lower bounds.</p>}
    </>
  );
}
