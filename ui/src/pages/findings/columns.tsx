import { Link } from "@tanstack/react-router";
import type { FindingRow } from "../../api/types";
import type { FindingSearch } from "../../app/search";
import type { Column } from "../../parts/grid";
import { Icon } from "../../parts/icon";
import { RiskMark } from "../../parts/risk";
import { SeverityBadge } from "../../parts/severity";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { shortName } from "../../text/name";
import { percent } from "../../text/number";
import { subjectOf } from "../../text/subject";
import { visible } from "../../text/visible";
import { fixWord, triageWord } from "./words";

/** The columns of the findings table; the ids stand in the URL when one is switched off. */
export function findingColumns(search: FindingSearch): Column<FindingRow>[] {
  return [
    {
      id: "severity",
      title: "Severity",
      width: "102px",
      narrow: "lead",
      sortable: true,
      cell: (row) => <SeverityBadge severity={row.severity} />,
    },
    {
      id: "risk",
      title: "Risk",
      width: "66px",
      narrow: "meta",
      sortable: true,
      cell: (row) => <RiskMark risk={row.risk} />,
    },
    {
      id: "rule",
      title: "Finding",
      width: "minmax(190px, 2.4fr)",
      narrow: "lead",
      cell: (row) => (
        <Link
          to="/findings"
          search={{ ...search, finding: row.fingerprint }}
          className="cell-link two-lines"
          tabIndex={-1}
          data-row
          preload={false}
        >
          <strong className="mono">
            <Text value={subjectOf(row).rule} max={120} />
          </strong>{" "}
          <span className="muted second">
            <Text value={subjectOf(row).sentence} max={300} />
          </span>
        </Link>
      ),
    },
    {
      id: "package",
      title: "Subject",
      width: "minmax(100px, 1.1fr)",
      narrow: "line",
      sortable: true,
      cell: (row) =>
        row.package ? (
          <span className="two-lines" title={visible(row.package.name)}>
            <Text value={row.package.name} max={200} />{" "}
            <span className="muted second">{row.package.type}</span>
          </span>
        ) : (
          <ObjectName name={subjectOf(row).object} />
        ),
    },
    {
      id: "fix",
      title: "Installed → fixed",
      width: "minmax(128px, 1.3fr)",
      narrow: "meta",
      cell: (row) =>
        row.class === "misconfiguration" ? (
          <span className="muted">–</span>
        ) : (
          <span className="versions two-lines mono">
            {row.package && <Text value={row.package.version} max={80} />}
            <span className="second">
              <span className="muted" aria-hidden="true">
                {" → "}
              </span>
              <span className="sr-only"> fixed in </span>
              {row.fix.versions?.[0] ? (
                <span className="fixed-version">
                  <Text value={row.fix.versions[0]} max={80} />
                </span>
              ) : (
                <span className="muted">{fixWord(row.fix.state)}</span>
              )}
            </span>
          </span>
        ),
    },
    {
      id: "asset",
      title: "Asset",
      width: "minmax(104px, 1.2fr)",
      narrow: "line",
      cell: (row) => (
        <span title={visible(row.asset.name)} className="muted-strong">
          <Text value={shortName(row.asset.name)} max={200} />
        </span>
      ),
    },
    {
      id: "kev",
      title: "KEV",
      width: "58px",
      narrow: "meta",
      cell: (row) =>
        row.kev ? (
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
      cell: (row) =>
        row.epss ? (
          <span title={`Likelier than ${percent(row.epss.percentile)} of all vulnerabilities`}>
            {percent(row.epss.score)}
          </span>
        ) : (
          <span className="muted">–</span>
        ),
    },
    {
      id: "state",
      title: "State",
      width: "112px",
      narrow: "meta",
      cell: (row) => <StateTag row={row} />,
    },
    {
      id: "assignee",
      title: "Assignee",
      width: "88px",
      narrow: "hide",
      cell: (row) =>
        row.assignee ? <Text value={row.assignee} max={80} /> : <span className="muted">–</span>,
    },
    {
      id: "due",
      title: "Due",
      width: "104px",
      narrow: "hide",
      align: "end",
      cell: (row) => <Due row={row} />,
    },
    {
      id: "age",
      title: "Age",
      width: "42px",
      narrow: "hide",
      align: "end",
      cell: (row) => <Time at={row.first_seen_at} short />,
    },
    {
      id: "last_seen",
      title: "Last seen",
      width: "96px",
      narrow: "hide",
      align: "end",
      sortable: true,
      cell: (row) => <Time at={row.last_seen_at} short />,
    },
  ];
}

export function StateTag({ row }: { row: FindingRow }) {
  if (row.state === "fixed") return <span className="tag good">Fixed</span>;
  if (row.suppressed) return <span className="tag">Suppressed</span>;
  if (row.status !== "open") return <span className="tag">{triageWord(row.status)}</span>;
  return <span className="tag open">Open</span>;
}

/** When it has to be gone. */
export function Due({ row }: { row: FindingRow }) {
  if (!row.due_at) return <span className="muted">–</span>;
  if (Date.parse(row.due_at) < Date.now()) {
    return (
      <span className="tag bad">
        <Icon name="clock" /> <Time at={row.due_at} />
      </span>
    );
  }
  return <Time at={row.due_at} />;
}

/** `shop/Deployment web` on two lines, the name first. */
function ObjectName({ name }: { name: string }) {
  if (name === "") return <span className="muted">–</span>;
  const space = name.lastIndexOf(" ");
  return (
    <span className="two-lines" title={visible(name)}>
      <Text value={name.slice(space + 1)} max={200} />{" "}
      <span className="muted second">
        <Text value={name.slice(0, Math.max(space, 0))} max={200} />
      </span>
    </span>
  );
}
