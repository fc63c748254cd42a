import { Link } from "@tanstack/react-router";
import type { ResourceRow } from "../../api/posture";
import type { InventorySearch } from "../../app/search-posture";
import type { Column } from "../../parts/grid";
import { SeverityLine } from "../../parts/severity";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { VerdictTag } from "../../parts/verdict";
import { kindName } from "../../text/resource";
import { visible } from "../../text/visible";

export function resourceColumns(
  search: InventorySearch,
  scopes: ReadonlyMap<string, string>,
): Column<ResourceRow>[] {
  return [
    {
      id: "name",
      title: "Resource",
      width: "minmax(180px, 2fr)",
      narrow: "line",
      cell: (row) => (
        <Link
          to="/inventory"
          search={{ ...search, resource: row.id }}
          className="cell-link"
          title={visible(row.path)}
          tabIndex={-1}
          data-row
          preload={false}
        >
          <strong>
            <Text value={row.name} max={300} />
          </strong>
        </Link>
      ),
    },
    {
      id: "kind",
      title: "Kind",
      width: "minmax(120px, 1fr)",
      narrow: "meta",
      cell: (row) => (
        <span title={visible(row.kind)}>
          <Text value={kindName(row.kind)} max={120} />
        </span>
      ),
    },
    {
      id: "namespace",
      title: "Namespace",
      width: "minmax(110px, 0.9fr)",
      narrow: "meta",
      cell: (row) =>
        row.namespace ? <Text value={row.namespace} max={200} /> : <span className="muted only-wide">–</span>,
    },
    {
      id: "exposure",
      title: "Internet",
      width: "104px",
      narrow: "meta",
      cell: (row) =>
        row.exposure ? <VerdictTag verdict={row.exposure} /> : <span className="muted only-wide">–</span>,
    },
    {
      id: "findings",
      title: "Open findings",
      width: "minmax(190px, 1.2fr)",
      narrow: "line",
      cell: (row) => <SeverityLine counts={row.findings} />,
    },
    {
      id: "scope",
      title: "Cluster or account",
      width: "minmax(110px, 1fr)",
      narrow: "hide",
      cell: (row) => {
        const name = scopes.get(row.scope) ?? row.scope;
        return (
          <span className="muted-strong" title={visible(name)}>
            <Text value={name} max={200} />
          </span>
        );
      },
    },
    {
      id: "seen",
      title: "Since",
      width: "52px",
      narrow: "hide",
      align: "end",
      cell: (row) => <Time at={row.first_seen_at} short />,
    },
  ];
}
