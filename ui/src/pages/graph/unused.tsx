// Rights of an account that nobody uses: users, roles, passwords and access keys, the privileged ones first.

import { useQuery } from "@tanstack/react-query";
import type { UnusedRight, UnusedRightsAnswer } from "../../api/posture";
import { unusedRightsQuery } from "../../api/posture-queries";
import { UNUSED_DAYS } from "../../app/search-posture";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { resourceBox, words } from "../../text/path";
import { BoxName, Unknown } from "./drawing";
import { Choice } from "./filters";
import type { ViewProps } from "./page";

const DEFAULT_DAYS = "90";
const DAYS = UNUSED_DAYS.map((days) => [days, `${days} days`] as const);

export function Unused({ cluster, search, onChange }: ViewProps) {
  const { days = DEFAULT_DAYS } = search;
  const answer = useQuery(unusedRightsQuery(cluster.id, Number(days)));
  return (
    <div className="stack">
      <div className="toolbar graph-tools">
        <Choice
          label="Not used for"
          value={days}
          options={DAYS}
          onChange={(value) => onChange({ days: value === DEFAULT_DAYS ? undefined : value })}
        />
      </div>
      {answer.isPending ? (
        <Loading rows={8} label="Looking for unused rights" />
      ) : answer.isLoadingError ? (
        <Failure error={answer.error} retry={() => answer.refetch()} what="unused rights" />
      ) : (
        <Answer answer={answer.data} scope={cluster.id} />
      )}
    </div>
  );
}

function Answer({ answer, scope }: { answer: UnusedRightsAnswer; scope: string }) {
  return (
    <>
      <p role="status" data-testid="shown">
        <strong>{counted(answer.total, "right")}</strong>{" "}
        <span className="muted">
          of which nothing was used in the {count(answer.days)} days up to the scan, <Time at={answer.at} />.
          {answer.total > answer.items.length && ` The first ${count(answer.items.length)} are here.`}
        </span>
      </p>
      <Unknown unknown={answer.unknown} />
      {answer.items.length === 0 ? (
        <Empty title="Nothing is unused">
          <p>As far as AWS tells when users, roles, passwords and keys were last used.</p>
        </Empty>
      ) : (
        <section className="card flush" aria-label="Unused rights">
          <div className="scroll-x" role="region" aria-label="Unused rights, a row for each" tabIndex={0}>
            <table className="table" data-testid="unused">
              <thead>
                <tr>
                  <th scope="col">Identity</th>
                  <th scope="col">What</th>
                  <th scope="col">Last used</th>
                  <th scope="col" className="number">
                    Days
                  </th>
                  <th scope="col">Rights</th>
                </tr>
              </thead>
              <tbody>
                {answer.items.map((item) => (
                  <Row key={`${item.identity} ${item.kind} ${item.key ?? ""}`} item={item} scope={scope} />
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

function Row({ item, scope }: { item: UnusedRight; scope: string }) {
  return (
    <tr>
      <th scope="row" className="row-head">
        <BoxName box={resourceBox(item.identity)} scope={scope} />
      </th>
      <td data-label="What">
        {words(item.kind)}
        {item.key !== null && ` ${item.key}`}
      </td>
      <td data-label="Last used">
        {item.last_used ? <Text value={item.last_used} max={40} /> : <span className="muted">never</span>}
      </td>
      <td className="number" data-label="Days">
        {count(item.days)}
      </td>
      <td data-label="Rights">
        {item.privileged ? (
          <span className="tag bad">Privileged</span>
        ) : (
          <span className="muted">not privileged</span>
        )}
      </td>
    </tr>
  );
}
