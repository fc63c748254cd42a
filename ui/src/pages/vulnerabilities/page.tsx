// Vulnerabilities as few things to decide about: by CVE, by the update that ends them, by where they are.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { facetsQuery, wholeFindingsQuery } from "../../api/queries";
import { type FindingSearch, findingSearch, OPEN } from "../../app/search";
import { useShortcuts } from "../../app/shortcuts";
import { type Column, Grid, type GridHandle } from "../../parts/grid";
import { Icon } from "../../parts/icon";
import { SearchField } from "../../parts/search-field";
import { SEVERITIES, SeverityBadge, severityName } from "../../parts/severity";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { GROUPINGS, type Group, type Grouping, groupsOf } from "../../text/groups";
import { shortName } from "../../text/name";
import { count, counted, percent } from "../../text/number";
import { Choice } from "../graph/filters";

const route = getRouteApi("/vulnerabilities");

const BY: Record<Grouping, { name: string; one: string; many: string }> = {
  cve: { name: "Vulnerability", one: "vulnerability", many: "vulnerabilities" },
  fix: { name: "Update", one: "update", many: "updates" },
  asset: { name: "Asset", one: "asset", many: "assets" },
};

export function VulnerabilitiesPage() {
  const { by = "cve", severity, kev, fixable, q } = route.useSearch();
  const navigate = route.useNavigate();
  const filter = useMemo(
    () => findingSearch({ ...OPEN, class: "vulnerability", severity, kev, fixable, q }),
    [severity, kev, fixable, q],
  );
  const list = useQuery(wholeFindingsQuery({ ...filter, sort: "severity" }));
  const facets = useQuery(facetsQuery({ ...filter }));
  const groups = useMemo(() => groupsOf(list.data?.rows ?? [], by), [list.data, by]);
  const columns = useMemo(() => columnsOf(by, filter), [by, filter]);
  const grid = useRef<GridHandle>(null);
  const [cursor, setCursor] = useState(-1);
  const change = (next: Record<string, string | undefined>) => {
    setCursor(-1);
    void navigate({ search: (before) => ({ ...before, ...next }) });
  };
  const setText = useCallback(
    (text: string) => void navigate({ search: (before) => ({ ...before, q: text.trim() || undefined }) }),
    [navigate],
  );
  const open = (index: number) => {
    const group = groups[index];
    if (group) void navigate({ to: "/findings", search: rowsOf(group, by, filter) });
  };
  const step = (by: number) => {
    setCursor(Math.min(groups.length - 1, Math.max(0, cursor + by)));
    grid.current?.focus();
  };
  useShortcuts({ j: () => step(1), k: () => step(-1) });
  const { one, many } = BY[by];
  const read = list.data?.rows.length ?? 0;
  return (
    <main className="split">
      <div className="split-main">
        <header className="page-head tight">
          <h1>Vulnerabilities</h1>
          <p className="muted" role="status" data-testid="shown">
            {list.isPending ? (
              "Reading the findings …"
            ) : (
              <>
                {counted(groups.length, one, many)} of{" "}
                <Link to="/findings" search={filter}>
                  {counted(facets.data?.matching ?? read, "open finding")}
                </Link>
              </>
            )}
          </p>
        </header>
        <div className="toolbar">
          <SearchField value={q ?? ""} onChange={setText} label="Search ids, packages, titles" />
          <Choice
            label="By"
            value={by}
            options={GROUPINGS.map((each) => [each, BY[each].name] as const)}
            onChange={(each) => change({ by: each === "cve" ? undefined : each })}
          />
          <Choice
            label="Severity"
            value={severity ?? ""}
            options={[
              ["", "Any"],
              ["critical,high", "Critical and high"],
              ...SEVERITIES.map((each) => [each, severityName(each)] as const),
            ]}
            onChange={(each) => change({ severity: each || undefined })}
          />
          <label className="check">
            <input
              type="checkbox"
              checked={kev === "true"}
              onChange={(event) => change({ kev: event.target.checked ? "true" : undefined })}
            />
            Known exploited
          </label>
          <label className="check">
            <input
              type="checkbox"
              checked={fixable === "true"}
              onChange={(event) => change({ fixable: event.target.checked ? "true" : undefined })}
            />
            Fix available
          </label>
        </div>
        {list.data?.cut && (
          <p className="note">
            Grouped are the worst {count(read)} of {count(facets.data?.matching ?? read)} findings: what is
            below them is not in these figures. A narrower filter shows it.
          </p>
        )}
        <div className="list alone-list">
          {list.isPending ? (
            <Loading rows={12} label="Reading the findings" />
          ) : list.isLoadingError ? (
            <Failure error={list.error} retry={() => list.refetch()} what="the findings" />
          ) : groups.length === 0 ? (
            <Nothing by={by} narrowed={Boolean(severity || kev || fixable || q)} read={read} />
          ) : (
            <Grid
              ref={grid}
              label={many.charAt(0).toUpperCase() + many.slice(1)}
              columns={columns}
              rows={groups}
              rowId={(group) => group.key}
              total={groups.length}
              cursor={cursor}
              onCursor={setCursor}
              onOpen={open}
              cardLines={4}
              rowHeight={48}
            />
          )}
        </div>
      </div>
    </main>
  );
}

/** The findings behind a group, in the words of their list. */
function rowsOf(group: Group, by: Grouping, filter: FindingSearch): FindingSearch {
  if (by === "cve") return { ...filter, rule: group.worst.rule };
  if (by === "asset") return { ...filter, asset: group.worst.asset.id };
  return { ...filter, package: group.worst.package?.name, fixable: "true" };
}

function Nothing({ by, narrowed, read }: { by: Grouping; narrowed: boolean; read: number }) {
  if (by === "fix" && read > 0)
    return (
      <Empty icon="wrench" title="No update ends any of these">
        <p>
          No version with a fix is known. Look at them by asset, and keep what is exposed from the internet.
        </p>
        <Link
          to="/vulnerabilities"
          search={(before) => ({ ...before, by: "asset" as const })}
          className="button"
        >
          Group by asset
        </Link>
      </Empty>
    );
  return narrowed ? (
    <Empty icon="filter" title="No vulnerability matches these filters">
      <Link to="/vulnerabilities" className="button">
        Show all
      </Link>
    </Empty>
  ) : (
    <Empty title="No open vulnerability is known">
      <p>
        That is only as good as the scans and the advisories: look at the gaps of{" "}
        <Link to="/images">each image</Link> and the age of the <Link to="/advisories">advisory data</Link>{" "}
        before you call it clean.
      </p>
      <Link to="/start" className="button">
        Get started
      </Link>
    </Empty>
  );
}

function columnsOf(by: Grouping, filter: FindingSearch): Column<Group>[] {
  const link = (group: Group, value: number, more: FindingSearch = {}) => (
    <Link to="/findings" search={{ ...rowsOf(group, by, filter), ...more }} tabIndex={-1}>
      {count(value)}
      {more.fixable === undefined && (
        <span className="only-narrow"> {value === 1 ? "finding" : "findings"}</span>
      )}
    </Link>
  );
  const name: Column<Group> = {
    id: "name",
    title: BY[by].name,
    width: "minmax(190px, 2.4fr)",
    narrow: "lead",
    cell: (group) => (
      <Link
        to="/findings"
        search={rowsOf(group, by, filter)}
        className="cell-link two-lines"
        tabIndex={-1}
        data-row
        preload={false}
      >
        <strong className={by === "cve" ? "mono" : undefined}>
          <Text
            value={
              by === "cve"
                ? group.worst.rule
                : by === "asset"
                  ? shortName(group.worst.asset.name)
                  : `Update ${group.worst.package?.name ?? ""}`
            }
            max={160}
          />
        </strong>{" "}
        <span className="muted second">
          <Text
            value={
              by === "cve"
                ? group.worst.title
                : by === "asset"
                  ? group.worst.asset.kind
                  : `ends ${counted(group.findings, "finding")} in ${counted(group.assets, "asset")}`
            }
            max={200}
          />
        </span>
      </Link>
    ),
  };
  return [
    {
      id: "severity",
      title: "Worst",
      width: "102px",
      narrow: "lead",
      cell: (group) => <SeverityBadge severity={group.worst.severity} />,
    },
    name,
    ...(by === "fix"
      ? []
      : [
          {
            id: "package",
            title: by === "cve" ? "Package" : "Packages",
            width: "minmax(110px, 1.2fr)",
            narrow: "line" as const,
            cell: (group: Group) => <Text value={group.packages.join(", ")} max={120} />,
          },
        ]),
    {
      id: "versions",
      title: by === "asset" ? "Can be fixed" : "Fixed in",
      width: "minmax(100px, 1.1fr)",
      narrow: "line",
      cell: (group) =>
        by === "asset" ? (
          link(group, group.fixable, { fixable: "true" })
        ) : group.versions.length === 0 ? (
          <span className="muted">no fix known</span>
        ) : (
          <span className="mono fixed-version">
            <Text value={group.versions.join(", ")} max={100} />
          </span>
        ),
    },
    {
      id: "kev",
      title: "KEV",
      width: "58px",
      narrow: "meta",
      cell: (group) =>
        group.kev ? (
          <span className="tag bad" title="Known to be exploited, by CISA’s catalogue">
            <Icon name="flame" /> KEV
          </span>
        ) : (
          <span className="muted only-wide">–</span>
        ),
    },
    {
      id: "epss",
      title: "EPSS",
      width: "56px",
      narrow: "hide",
      align: "end",
      cell: (group) => (group.epss === null ? <span className="muted">–</span> : percent(group.epss)),
    },
    ...(by === "cve"
      ? []
      : [
          {
            id: "rules",
            title: "CVEs",
            width: "56px",
            narrow: "hide" as const,
            align: "end" as const,
            cell: (group: Group) => count(group.rules),
          },
        ]),
    {
      id: "findings",
      title: "Findings",
      width: "70px",
      narrow: "meta",
      align: "end",
      cell: (group) => link(group, group.findings),
    },
    ...(by === "asset"
      ? []
      : [
          {
            id: "assets",
            title: "Assets",
            width: "60px",
            narrow: "hide" as const,
            align: "end" as const,
            cell: (group: Group) => count(group.assets),
          },
        ]),
    {
      id: "age",
      title: "Age",
      width: "48px",
      narrow: "hide",
      align: "end",
      cell: (group) => <Time at={group.first_seen_at} short />,
    },
  ];
}
