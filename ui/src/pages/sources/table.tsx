import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { clustersQuery } from "../../api/posture-queries";
import type { EventSource, SourceToken } from "../../api/runtime";
import { removeSource, rotateSource, switchSource } from "../../api/runtime-queries";
import { Dialog } from "../../parts/dialog";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { formatName } from "../../text/runtime";
import { visible } from "../../text/visible";

type Verb = "rotate" | "disable" | "enable" | "remove";
interface Wish {
  verb: Verb;
  source: EventSource;
}

const TITLES: Record<Verb, string> = {
  rotate: "Make a new token for",
  disable: "Switch off",
  enable: "Switch on",
  remove: "Remove",
};
const CONSEQUENCES: Record<Verb, string> = {
  rotate: "The old token stops working at once: its sender is refused until it has the new one.",
  disable: "Its sender is refused from now on, and what it would have told is not seen. Its events stay.",
  enable: "Its sender is let in again with the token that it has.",
  remove: "Its token stops working, and its sensors are no longer watched. Its events stay.",
};

export function SourceTable({
  items,
  onToken,
}: {
  items: readonly EventSource[];
  onToken: (made: SourceToken) => void;
}) {
  const [wish, setWish] = useState<Wish | null>(null);
  return (
    <section className="card flush" aria-label="Sources">
      <div className="scroll-x" role="region" aria-label="Sources, a row for each" tabIndex={0}>
        <table className="table" data-testid="sources">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col" className="number">
                Events
              </th>
              <th scope="col">Health</th>
              <th scope="col" className="number">
                Last event
              </th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <tr key={each.name} data-source={each.name}>
                <th scope="row" className="row-head">
                  <Link to="/sources" search={{ source: each.name }} className="mono">
                    <Text value={each.name} max={60} />
                  </Link>{" "}
                  {each.disabled && <span className="tag warn">Switched off</span>}
                  <span className="second-line muted">
                    {formatName(each.format)}
                    {each.cluster && (
                      <>
                        , cluster <ClusterName uid={each.cluster} />
                      </>
                    )}
                  </span>
                </th>
                <td className="number" data-label="Events">
                  <Link to="/runtime" search={{ source: each.name }} data-count="events">
                    {count(each.events)}
                  </Link>
                </td>
                <td className="wide">
                  <SourceHealth source={each} />
                </td>
                <td className="number" data-label="Last event">
                  <Time at={each.last_at} />
                </td>
                <td>
                  <span className="tags row-actions">
                    <Link
                      to="/sources"
                      search={{ setup: each.name }}
                      className="button small"
                      resetScroll={false}
                    >
                      Configuration<span className="sr-only"> for {visible(each.name)}</span>
                    </Link>
                    {(["rotate", each.disabled ? "enable" : "disable", "remove"] as const).map((verb) => (
                      <button
                        key={verb}
                        type="button"
                        className="button small"
                        onClick={() => setWish({ verb, source: each })}
                      >
                        {verb === "rotate" ? "New token" : TITLES[verb]}
                        <span className="sr-only"> {visible(each.name)}</span>
                      </button>
                    ))}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Dialog
        open={wish !== null}
        title={wish ? `${TITLES[wish.verb]} ${visible(wish.source.name)}?` : ""}
        onClose={() => setWish(null)}
      >
        {wish && <Confirm wish={wish} onToken={onToken} onClose={() => setWish(null)} />}
      </Dialog>
    </section>
  );
}

/** A cluster as the last scan of it called it; by its uid where none was scanned. */
function ClusterName({ uid }: { uid: string }) {
  const clusters = useQuery(clustersQuery);
  const scanned = clusters.data?.items.find((each) => each.id === `k8s:${uid}`);
  return (
    <span title={uid}>
      <Text value={scanned?.name ?? uid} max={60} />
    </span>
  );
}

/** What went wrong with what it sent; the counts lead to the events that there are. */
function SourceHealth({ source }: { source: EventSource }) {
  const fine = source.problems + source.late + source.drops === 0;
  if (fine && source.last_at === null)
    return (
      <>
        <span className="muted">nothing has come yet</span>
        <span className="second-line">
          <Link to="/sources" search={{ setup: source.name }} resetScroll={false}>
            Set up its sender
          </Link>
        </span>
      </>
    );
  return (
    <>
      <span className="tags">
        {fine && <span className="muted">nothing amiss</span>}
        {source.drops > 0 && (
          <Link
            to="/sources"
            search={{ source: source.name, sensor: "blind" }}
            className="tag bad"
            title="Events that sensors lost before they could send them"
          >
            {counted(source.drops, "event")} lost
          </Link>
        )}
        {source.problems > 0 && (
          <span className="tag warn" title="Entries that could not be read as this format">
            {counted(source.problems, "problem")}
          </span>
        )}
        {source.late > 0 && (
          <span className="tag warn" title="Events that came after their time had been judged">
            {count(source.late)} late
          </span>
        )}
        {source.repeated > 0 && <span className="muted">{counted(source.repeated, "repeat")} left out</span>}
      </span>
      {source.last_problem && (
        <span className="second-line muted">
          <Text value={source.last_problem} max={300} />
        </span>
      )}
    </>
  );
}

function Confirm({
  wish,
  onToken,
  onClose,
}: {
  wish: Wish;
  onToken: (made: SourceToken) => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: async (): Promise<SourceToken | null> => {
      const { name } = wish.source;
      if (wish.verb === "rotate") return rotateSource(name);
      if (wish.verb === "remove") await removeSource(name);
      else await switchSource(name, wish.verb === "enable");
      return null;
    },
    onSuccess: async (made) => {
      onClose();
      if (made) onToken(made);
      await client.invalidateQueries({ queryKey: ["runtime"] });
    },
  });
  return (
    <div className="stack tight">
      <p>{CONSEQUENCES[wish.verb]}</p>
      {act.isError && <ProblemLine error={act.error} />}
      <p className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="button primary"
          disabled={act.isPending}
          onClick={() => act.mutate()}
        >
          {act.isPending
            ? "Waiting for the server …"
            : wish.verb === "rotate"
              ? "Make it"
              : TITLES[wish.verb]}
        </button>
      </p>
    </div>
  );
}
