import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import type { Cluster, ResourceFacets } from "../../api/posture";
import type { FacetValue } from "../../api/types";
import { toggled } from "../../app/search";
import type { InventorySearch } from "../../app/search-posture";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { count } from "../../text/number";
import { VERDICT_ORDER, verdictMeaning, verdictName } from "../../text/path";
import { kindName } from "../../text/resource";
import { visible } from "../../text/visible";

interface Props {
  facets: UseQueryResult<ResourceFacets>;
  clusters: readonly Cluster[];
  search: InventorySearch;
  onChange: (change: InventorySearch) => void;
}

type Name = "exposure" | "kind" | "namespace" | "scope";

interface Option {
  value: string;
  label: string;
  title: string;
  count: number | undefined;
}

/** Values shown before the rest is asked for. */
const FIRST = 10;

export function ResourceFacetPanel({ facets, clusters, search, onChange }: Props) {
  if (facets.isLoadingError)
    return <Failure error={facets.error} retry={() => facets.refetch()} what="the filters" />;
  if (!facets.data) return <Loading rows={12} label="Loading the filters" />;
  const of = (list: readonly FacetValue[], label: (value: string) => string): Option[] =>
    list.map((each) => ({
      value: String(each.value),
      label: each.label ?? label(String(each.value)),
      title: String(each.value),
      count: each.count,
    }));
  const same = (value: string) => value;
  const exposure = VERDICT_ORDER.map((value) => ({
    value,
    label: verdictName(value),
    title: verdictMeaning(value),
    count: facets.data.exposure.find((each) => each.value === value)?.count ?? 0,
  }));
  const scopes = clusters.map((each) => ({
    value: each.id,
    label: each.name,
    title: each.id,
    count: each.resources,
  }));
  return (
    <>
      <Group
        name="exposure"
        title="From the internet"
        many
        options={exposure}
        search={search}
        onChange={onChange}
      />
      <Group
        name="kind"
        title="Kind"
        many
        options={of(facets.data.kind, kindName)}
        search={search}
        onChange={onChange}
      />
      <Group
        name="namespace"
        title="Namespace or region"
        options={of(facets.data.namespace, same)}
        search={search}
        onChange={onChange}
      />
      <Group name="scope" title="Cluster or account" options={scopes} search={search} onChange={onChange} />
    </>
  );
}

interface GroupProps {
  name: Name;
  title: string;
  many?: boolean;
  options: readonly Option[];
  search: InventorySearch;
  onChange: (change: InventorySearch) => void;
}

function Group({ name, title, many = false, options, search, onChange }: GroupProps) {
  const [all, setAll] = useState(false);
  const value = search[name];
  const on = value === undefined ? [] : many ? value.split(",") : [value];
  // A chosen value that is not among the most frequent must still be there to be taken out.
  const absent = on
    .filter((each) => !options.some((option) => option.value === each))
    .map((each) => ({ value: each, label: each, title: each, count: undefined }));
  const list = [...absent, ...options];
  if (list.length === 0) return null;
  const shown = all ? list : list.filter((each, index) => index < FIRST || on.includes(each.value));
  return (
    <fieldset className="facet">
      <legend>{title}</legend>
      {shown.map((option) => {
        const checked = on.includes(option.value);
        return (
          <label
            key={option.value}
            className={option.count === 0 && !checked ? "facet-row zero" : "facet-row"}
            title={visible(option.title)}
          >
            <input
              type="checkbox"
              checked={checked}
              data-facet={`${name}:${option.value}`}
              onChange={() =>
                onChange({ [name]: many ? toggled(value, option.value) : checked ? undefined : option.value })
              }
            />
            <span className="facet-label">
              <Text value={option.label} max={80} />
            </span>
            <span className="facet-count">{option.count === undefined ? "" : count(option.count)}</span>
          </label>
        );
      })}
      {list.length > FIRST && (
        <button type="button" className="button ghost small" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${count(list.length - shown.length)} more`}
          <span className="sr-only"> values of {title}</span>
        </button>
      )}
    </fieldset>
  );
}
