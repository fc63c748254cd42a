// What the rules cover of ATT&CK, and what was seen of it: as a matrix by tactic and as the table that says the same.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { AttackMap, AttackTechnique } from "../../api/runtime";
import { attackMapQuery, navigatorAddress } from "../../api/runtime-queries";
import { type AttackSearch, COVERS, DAYS } from "../../app/search-runtime";
import { Dialog } from "../../parts/dialog";
import { Icon, type IconName } from "../../parts/icon";
import { Empty, Failure, Loading } from "../../parts/states";
import { Techniques } from "../../parts/techniques";
import { Text } from "../../parts/text";
import { TwinSwitch } from "../../parts/twin";
import {
  type Cover,
  columnsOf,
  coverCounts,
  coverName,
  coverOf,
  coverShort,
  platformName,
} from "../../text/cover";
import { count, counted, percent } from "../../text/number";
import { isTechnique, tacticName, techniqueAddress } from "../../text/runtime";
import { visible } from "../../text/visible";
import { Choice } from "../graph/filters";

const route = getRouteApi("/attack-map");

const ICONS: Record<Cover, IconName> = { tested: "check", through: "graph", untested: "clock", none: "gap" };

export function AttackPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const asked = { days: search.days ?? "30", platform: search.platform };
  const map = useQuery(attackMapQuery(asked));
  const change = (next: AttackSearch) =>
    void navigate({ search: (before) => ({ ...before, ...next }), resetScroll: false });
  const open = map.data?.techniques.find((each) => each.id === search.technique);
  return (
    <main className="page wide-page">
      <header className="page-head">
        <h1>ATT&CK map</h1>
        <p className="muted">
          A technique counts as covered only by a rule with a test that was replayed and fired.
          {map.data?.attack && (
            <>
              {" "}
              ATT&CK <Text value={map.data.attack} max={20} />.
            </>
          )}
        </p>
      </header>
      <div className="stack">
        <div className="toolbar">
          <Choice
            label="Platform"
            value={search.platform ?? ""}
            options={[
              ["", "All"],
              ["containers", "Containers"],
              ["iaas", "Cloud (IaaS)"],
            ]}
            onChange={(platform) => change({ platform: platform || undefined })}
          />
          <Choice
            label="Detections of the last"
            value={search.days ?? "30"}
            options={DAYS.map((days) => [days, `${days} days`] as const)}
            onChange={(days) => change({ days })}
          />
          <TwinSwitch
            table={search.as === "table"}
            label="Map as"
            onChange={(table) => change({ as: table ? "table" : undefined })}
          />
          <span className="push">
            <a className="button" href={navigatorAddress(search.platform)} download>
              Layer for the Navigator
            </a>
          </span>
        </div>
        {map.isPending ? (
          <Loading rows={12} label="Loading the map" />
        ) : map.isLoadingError ? (
          <Failure error={map.error} retry={() => map.refetch()} what="the map" />
        ) : map.data.techniques.length === 0 ? (
          <Empty icon="attack" title="No technique is known">
            <p>The server was built without the data of ATT&CK.</p>
          </Empty>
        ) : (
          <Shown map={map.data} search={search} />
        )}
      </div>
      <Dialog
        open={open !== undefined}
        title={open ? `${open.id} ${visible(open.name)}` : ""}
        onClose={() => change({ technique: undefined })}
      >
        {open && map.data && <TechniqueDetail technique={open} map={map.data} />}
      </Dialog>
    </main>
  );
}

const TONES: Record<Cover, string> = { tested: "good", through: "good", untested: "warn", none: "" };

function Shown({ map, search }: { map: AttackMap; search: AttackSearch }) {
  const counts = useMemo(() => coverCounts(map.techniques), [map]);
  const shown = useMemo(
    () =>
      search.cover
        ? { ...map, techniques: map.techniques.filter((each) => coverOf(each) === search.cover) }
        : map,
    [map, search.cover],
  );
  return (
    <>
      <section className="card" aria-label="Coverage">
        <ul className="meta">
          {map.platforms.map((each) => (
            <li key={each.platform}>
              <strong className="tile-value">
                <Link
                  to="/attack-map"
                  search={{ ...search, platform: each.platform, cover: undefined }}
                  resetScroll={false}
                >
                  {percent(each.techniques > 0 ? each.covered / each.techniques : 0)}
                </Link>
              </strong>{" "}
              <span className="muted">
                of {counted(each.techniques, "technique")} of {platformName(each.platform)} are covered,{" "}
                {count(each.tested)} by rules of their own
              </span>
            </li>
          ))}
        </ul>
        <ul className="status-links" aria-label="Filter by cover">
          {COVERS.map((cover) => (
            <li key={cover}>
              <Link
                to="/attack-map"
                search={{ ...search, cover: search.cover === cover ? undefined : cover }}
                aria-current={search.cover === cover ? "true" : undefined}
                resetScroll={false}
                data-count={`cover:${cover}`}
              >
                <Icon name={ICONS[cover]} /> {coverName(cover)}: {count(counts[cover])}
              </Link>
            </li>
          ))}
        </ul>
      </section>
      {search.as === "table" ? (
        <TechniqueTable techniques={shown.techniques} search={search} />
      ) : (
        <Matrix map={shown} search={search} />
      )}
    </>
  );
}

const coveredIn = (techniques: readonly AttackTechnique[]): number => {
  const counts = coverCounts(techniques);
  return counts.tested + counts.through;
};

function Matrix({ map, search }: { map: AttackMap; search: AttackSearch }) {
  return (
    <div className="scroll-x matrix-frame" role="region" aria-label="Matrix by tactic" tabIndex={0}>
      <ul className="matrix">
        {columnsOf(map.techniques).map((column) => (
          <li key={column.id} className="tactic">
            <h2>
              <Text value={column.name} max={60} />
              <span className="muted">
                {count(coveredIn(column.techniques))} of {count(column.techniques.length)}
              </span>
            </h2>
            <ul>
              {column.techniques.map((each) => (
                <li key={each.id}>
                  <TechniqueCell
                    technique={each}
                    search={search}
                    under={column.techniques.some((above) => each.id.startsWith(`${above.id}.`))}
                  />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </div>
  );
}

function TechniqueCell({
  technique,
  search,
  under,
}: {
  technique: AttackTechnique;
  search: AttackSearch;
  /** It stands right under the technique that it is a part of. */
  under: boolean;
}) {
  const cover = coverOf(technique);
  return (
    <Link
      to="/attack-map"
      search={{ ...search, technique: technique.id }}
      resetScroll={false}
      preload={false}
      className={`technique cover-${cover}${under ? " sub" : ""}`}
      data-technique={technique.id}
    >
      <span className="technique-id">
        <Icon name={ICONS[cover]} />
        {technique.id}
        <span className="sr-only">, {coverShort(cover)}</span>
        {technique.detections > 0 && (
          <strong className="hits">
            {count(technique.detections)}
            <span className="sr-only"> {technique.detections === 1 ? "detection" : "detections"}</span>
          </strong>
        )}
      </span>
      <span className="technique-name">
        <Text value={technique.name} max={80} />
      </span>
    </Link>
  );
}

function TechniqueTable({
  techniques,
  search,
}: {
  techniques: readonly AttackTechnique[];
  search: AttackSearch;
}) {
  return (
    <section className="card flush" aria-label="Techniques">
      <div className="scroll-x" role="region" aria-label="Techniques, a row for each" tabIndex={0}>
        <table className="table" data-testid="techniques">
          <thead>
            <tr>
              <th scope="col">Technique</th>
              <th scope="col">Tactics</th>
              <th scope="col">Cover</th>
              <th scope="col" className="number">
                Rules
              </th>
              <th scope="col" className="number">
                Detections
              </th>
            </tr>
          </thead>
          <tbody>
            {techniques.map((each) => {
              const cover = coverOf(each);
              return (
                <tr key={each.id}>
                  <th scope="row" className="row-head">
                    <Link
                      to="/attack-map"
                      search={{ ...search, technique: each.id }}
                      resetScroll={false}
                      preload={false}
                    >
                      <span className="mono">{each.id}</span> <Text value={each.name} max={80} />
                    </Link>
                  </th>
                  <td className="wide">{each.tactics.map(tacticName).join(", ")}</td>
                  <td>
                    <span className={`tag ${TONES[cover]}`}>
                      <Icon name={ICONS[cover]} /> {coverShort(cover)}
                    </span>
                  </td>
                  <td className="number" data-label="Rules">
                    {count(each.rules.length)}
                  </td>
                  <td className="number" data-label="Detections">
                    <Link
                      to="/runtime/detections"
                      search={{ technique: each.id, suppressed: "false" }}
                      preload={false}
                    >
                      {count(each.detections)}
                    </Link>
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

function TechniqueDetail({ technique, map }: { technique: AttackTechnique; map: AttackMap }) {
  const cover = coverOf(technique);
  return (
    <div className="stack tight">
      <p className="need">
        <Icon name={ICONS[cover]} className={TONES[cover] === "good" ? "" : "warn"} />
        <span>
          {coverName(cover)}
          {cover === "none" &&
            ": nobody would notice it here. Add a rule with a test, or accept that it is not seen."}
        </span>
      </p>
      <dl className="facts-list">
        <dt>Tactics</dt>
        <dd>{technique.tactics.map(tacticName).join(", ")}</dd>
        <dt>Platforms</dt>
        <dd>
          <Text value={technique.platforms.map(platformName).join(", ")} max={200} />
        </dd>
        <dt>In {map.days} days</dt>
        <dd>
          <Link to="/runtime/detections" search={{ technique: technique.id, suppressed: "false" }}>
            {counted(technique.detections, "detection")}
          </Link>{" "}
          ·{" "}
          <Link to="/incidents" search={{ technique: technique.id }}>
            incidents
          </Link>
        </dd>
      </dl>
      {technique.rules.length > 0 && (
        <>
          <h3>Rules</h3>
          <ul className="plain">
            {technique.rules.map((rule) => (
              <li key={rule} className="tags">
                <Link to="/rules" search={{ q: rule }} className="mono breaks">
                  <Text value={rule} max={160} />
                </Link>
                <span className={technique.proofs.includes(rule) ? "tag good" : "tag warn"}>
                  {technique.proofs.includes(rule) ? "Tested" : "No test that fired"}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {technique.through.length > 0 && (
        <p className="tags">
          <span className="muted">Through its sub-techniques</span> <Techniques ids={technique.through} />
        </p>
      )}
      {isTechnique(technique.id) && (
        <p>
          <a href={techniqueAddress(technique.id)} target="_blank" rel="noreferrer noopener">
            What MITRE says about it <Icon name="link" />
          </a>
        </p>
      )}
    </div>
  );
}
