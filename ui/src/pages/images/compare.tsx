// Two images or directories side by side: which packages came, went or changed, and what that did to the findings.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { request } from "../../api/client";
import { imageQuery, WHOLE_MAX, wholeFindingsQuery, wholePackagesQuery } from "../../api/queries";
import type { FindingRow, ImageRow, Page } from "../../api/types";
import { OPEN } from "../../app/search";
import { type Column, Grid } from "../../parts/grid";
import { Icon } from "../../parts/icon";
import { SeverityBadge } from "../../parts/severity";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { type Change, compare, type PackageChange } from "../../text/compare";
import { shortName } from "../../text/name";
import { count, counted } from "../../text/number";
import { Choice } from "../graph/filters";

const route = getRouteApi("/images/compare");

const WORDS: Record<Change, string> = { added: "Added", removed: "Removed", changed: "Other version" };
/** New findings shown before the rows are asked for. */
const SHOWN = 20;

export function ComparePage() {
  const { a, b } = route.useSearch();
  return (
    <main className="page">
      <header className="page-head">
        <p className="crumbs">
          <Link to="/images">Images</Link>
          <Icon name="right" />
        </p>
        <h1>Compare</h1>
        <p className="muted">What the second has that the first has not, as of the last scan of each.</p>
      </header>
      <Choose a={a} b={b} />
      {a && b ? (
        a === b ? (
          <Empty title="Both are the same">
            <p>Choose another one to see a difference.</p>
          </Empty>
        ) : (
          <Compared key={`${a} ${b}`} a={a} b={b} />
        )
      ) : (
        <Empty icon="images" title="Choose two">
          <p>An image before and after a change, or the image of today and the one that runs.</p>
        </Empty>
      )}
    </main>
  );
}

function Choose({ a, b }: { a: string | undefined; b: string | undefined }) {
  const navigate = route.useNavigate();
  // The latest scanned ones; any other is reached from its own page.
  const list = useQuery({
    queryKey: ["images", "latest"],
    queryFn: ({ signal }) => request<Page<ImageRow>>("/images", { query: { limit: 500 }, signal }),
  });
  const items = list.data?.items ?? [];
  const options = (chosen: string | undefined) => [
    ["", "choose …"] as const,
    ...(chosen && !items.some((each) => each.id === chosen) ? [[chosen, shortName(chosen)] as const] : []),
    ...items.map((each) => [each.id, shortName(each.name)] as const),
  ];
  const set = (change: { a?: string | undefined; b?: string | undefined }) =>
    void navigate({ search: (before) => ({ ...before, ...change }) });
  return (
    <div className="toolbar">
      <Choice
        label="Before"
        value={a ?? ""}
        options={options(a)}
        onChange={(id) => set({ a: id || undefined })}
      />
      <Choice
        label="After"
        value={b ?? ""}
        options={options(b)}
        onChange={(id) => set({ b: id || undefined })}
      />
      {a && b && (
        <button type="button" className="button" onClick={() => set({ a: b, b: a })}>
          Swap
        </button>
      )}
    </div>
  );
}

const open = (asset: string): Record<string, string> => ({ state: "open", suppressed: "false", asset });

function Compared({ a, b }: { a: string; b: string }) {
  const asked = [
    useQuery(imageQuery(a)),
    useQuery(imageQuery(b)),
    useQuery(wholePackagesQuery(a)),
    useQuery(wholePackagesQuery(b)),
    useQuery(wholeFindingsQuery(open(a))),
    useQuery(wholeFindingsQuery(open(b))),
  ] as const;
  const [imageA, imageB, packagesA, packagesB, findingsA, findingsB] = asked;
  const found = useMemo(
    () =>
      packagesA.data && packagesB.data && findingsA.data && findingsB.data
        ? compare(
            { packages: packagesA.data.rows, findings: findingsA.data.rows },
            { packages: packagesB.data.rows, findings: findingsB.data.rows },
          )
        : null,
    [packagesA.data, packagesB.data, findingsA.data, findingsB.data],
  );
  const failed = asked.find((each) => each.isLoadingError);
  if (failed) return <Failure error={failed.error} retry={() => failed.refetch()} what="one of the two" />;
  if (!found || !imageA.data || !imageB.data) return <Loading rows={10} label="Comparing" />;
  const cut = [packagesA, packagesB, findingsA, findingsB].some((each) => each.data?.cut);
  const blind = [imageA.data, imageB.data].filter((image) => (image.gaps ?? 0) > 0);
  return (
    <div className="stack">
      {cut && (
        <p className="note">
          Only the first {count(WHOLE_MAX)} packages and findings of each are compared: the rest is not in
          these figures.
        </p>
      )}
      {blind.length > 0 && (
        <p className="note">
          A difference may be one of sight:{" "}
          {blind.map((image, index) => (
            <span key={image.id}>
              {index > 0 && " and "}
              <Link to="/images/$id" params={{ id: image.id }}>
                <Text value={shortName(image.name)} max={80} />
              </Link>{" "}
              has {counted(image.gaps ?? 0, "gap")}
            </span>
          ))}
          .
        </p>
      )}
      <section className="card" aria-labelledby="compare-wrong">
        <h2 id="compare-wrong">
          {found.fresh.length === 0
            ? "No open finding came with it"
            : `${counted(found.fresh.length, "open finding")} came with it`}
        </h2>
        <p>
          {found.gone.length === 0
            ? "None is"
            : found.gone.length === 1
              ? "1 is"
              : `${count(found.gone.length)} are`}{" "}
          gone, {count(found.both)} {found.both === 1 ? "is" : "are"} in both:{" "}
          <Link to="/findings" search={{ ...OPEN, asset: a }}>
            all of the first
          </Link>
          ,{" "}
          <Link to="/findings" search={{ ...OPEN, asset: b }}>
            all of the second
          </Link>
          .
        </p>
        <Findings title="Came" rows={found.fresh} />
        <Findings title="Gone" rows={found.gone} />
      </section>
      <Packages rows={found.packages} same={found.same} a={a} b={b} />
    </div>
  );
}

function Findings({ title, rows }: { title: string; rows: readonly FindingRow[] }) {
  const [all, setAll] = useState(false);
  if (rows.length === 0) return null;
  return (
    <>
      <h3>
        {title} <span className="muted">{count(rows.length)}</span>
      </h3>
      <ul className="rows">
        {rows.slice(0, all ? undefined : SHOWN).map((row) => (
          <li key={row.fingerprint}>
            <Link
              to="/findings"
              search={{ state: row.state, asset: row.asset.id, finding: row.fingerprint }}
              className="row-link"
            >
              <SeverityBadge severity={row.severity} />
              <span className="row-main">
                <strong className="mono">
                  <Text value={row.rule} max={80} />
                </strong>{" "}
                <span className="muted">
                  <Text value={row.title} max={160} />
                </span>
              </span>
              <span className="row-side muted">
                <Text
                  value={row.package ? `${row.package.name} ${row.package.version}` : row.class}
                  max={80}
                />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {!all && rows.length > SHOWN && (
        <button type="button" className="button small" onClick={() => setAll(true)}>
          Show all {count(rows.length)}
        </button>
      )}
    </>
  );
}

function columns(a: string, b: string): Column<PackageChange>[] {
  const number = (value: number) => (value === 0 ? <span className="muted">0</span> : count(value));
  const list = (versions: readonly string[]) =>
    versions.length === 0 ? (
      <span className="muted">–</span>
    ) : (
      <span className="mono">
        <Text value={versions.join(", ")} max={160} />
      </span>
    );
  return [
    {
      id: "name",
      title: "Package",
      width: "minmax(140px, 2fr)",
      narrow: "lead",
      cell: (row) => (
        <>
          <Link
            to="/findings"
            search={{ ...OPEN, asset: row.change === "removed" ? a : b, package: row.name }}
            className="cell-link"
            tabIndex={-1}
            title="Its open findings"
          >
            <Text value={row.name} max={200} />
          </Link>{" "}
          <span className="tag">{row.type}</span>
        </>
      ),
    },
    {
      id: "change",
      title: "Change",
      width: "108px",
      narrow: "meta",
      cell: (row) => <span className="tag">{WORDS[row.change]}</span>,
    },
    {
      id: "before",
      title: "Before",
      width: "minmax(90px, 1fr)",
      narrow: "line",
      cell: (row) => list(row.before),
    },
    {
      id: "after",
      title: "After",
      width: "minmax(90px, 1fr)",
      narrow: "line",
      cell: (row) => list(row.after),
    },
    {
      id: "gone",
      title: "Gone",
      width: "56px",
      narrow: "hide",
      align: "end",
      cell: (row) => number(row.gone),
    },
    {
      id: "fresh",
      title: "Came",
      width: "56px",
      narrow: "hide",
      align: "end",
      cell: (row) => number(row.fresh),
    },
  ];
}

function Packages({
  rows,
  same,
  a,
  b,
}: {
  rows: readonly PackageChange[];
  same: number;
  a: string;
  b: string;
}) {
  const { change } = route.useSearch();
  const navigate = route.useNavigate();
  const [cursor, setCursor] = useState(-1);
  const shown = rows.filter((row) => change === undefined || row.change === change);
  const cols = useMemo(() => columns(a, b), [a, b]);
  return (
    <section aria-labelledby="compare-packages">
      <div className="toolbar">
        <h2 id="compare-packages">Packages</h2>
        <Choice
          label="Show"
          value={change ?? ""}
          options={[
            ["", `All differences (${rows.length})`],
            ...(["added", "removed", "changed"] as const).map(
              (each) =>
                [each, `${WORDS[each]} (${rows.filter((row) => row.change === each).length})`] as const,
            ),
          ]}
          onChange={(each) =>
            void navigate({
              search: (before) => ({ ...before, change: (each || undefined) as Change | undefined }),
            })
          }
        />
        <p className="muted" role="status">
          {count(same)} {same === 1 ? "is" : "are"} the same in both
        </p>
      </div>
      <div className="list boxed">
        {shown.length === 0 ? (
          <Empty title="No difference between the packages" />
        ) : (
          <Grid
            label="Packages that differ"
            columns={cols}
            rows={shown}
            rowId={(row) => `${row.type} ${row.name}`}
            total={shown.length}
            cursor={cursor}
            onCursor={setCursor}
            cardLines={3}
          />
        )}
      </div>
    </section>
  );
}
