import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import {
  type Destination,
  destinationsQuery,
  putDestination,
  removeDestination,
  replayDestination,
  testDestination,
  ticketsQuery,
} from "../../api/destinations";
import { Dialog } from "../../parts/dialog";
import { OuterLink } from "../../parts/outer-link";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { visible } from "../../text/visible";
import { perName } from "./words";

type Verb = "test" | "replay" | "switch" | "remove";
interface Wish {
  verb: Verb;
  of: Destination;
}

const titleOf = ({ verb, of }: Wish): string =>
  ({
    test: "Test",
    replay: "Tell again",
    switch: of.enabled ? "Switch off" : "Switch on",
    remove: "Remove",
  })[verb];

const consequenceOf = ({ verb, of }: Wish): string =>
  ({
    test: "The plugin signs in and looks whether it could make a ticket. It makes none.",
    replay: "What was given up, and what waits for another attempt, is tried at once.",
    switch: of.enabled
      ? "Nothing is told any more. When it is switched on again, it is told how things stand then."
      : "It is told how things stand now.",
    remove: "Its tickets stay in the other system, and are not told of anything any more.",
  })[verb];

export function DestinationTable({
  items,
  chosen,
}: {
  items: readonly Destination[];
  chosen: string | undefined;
}) {
  const [wish, setWish] = useState<Wish | null>(null);
  return (
    <section className="card flush" aria-label="Destinations">
      <div className="scroll-x" role="region" aria-label="Destinations, a row for each" tabIndex={0}>
        <table className="table" data-testid="destinations">
          <thead>
            <tr>
              <th scope="col">Destination</th>
              <th scope="col">What it is told</th>
              <th scope="col">Tickets</th>
              <th scope="col">Changed</th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <tr key={each.name} data-destination={each.name}>
                <th scope="row" className="row-head">
                  <Link
                    to="/integrations"
                    search={{ name: each.name }}
                    aria-current={each.name === chosen ? "true" : undefined}
                    className="mono"
                  >
                    <Text value={each.name} max={60} />
                  </Link>{" "}
                  {!each.enabled && <span className="tag warn">Switched off</span>}
                  <span className="second-line muted">
                    by <Text value={each.plugin} max={80} />
                  </span>
                </th>
                <td className="wide">
                  <Link to="/findings" search={{ filter: each.filter || undefined, state: "open" }}>
                    {each.filter ? <Text value={each.filter} max={160} /> : "all open findings"}
                  </Link>
                  <span className="second-line muted">{perName(each.per)}</span>
                </td>
                <td className="wide">
                  <State name={each.name} />
                </td>
                <td data-label="Changed">
                  <Time at={each.changed_at} />
                  <span className="second-line muted">
                    by <Text value={each.changed_by} max={80} />
                  </span>
                </td>
                <td>
                  <span className="tags row-actions">
                    {(["test", "replay"] as const).map((verb) => (
                      <Act key={verb} wish={{ verb, of: each }} onAct={setWish} />
                    ))}
                    <Link
                      to="/integrations"
                      search={{ name: each.name, ask: "change" }}
                      className="button small"
                      resetScroll={false}
                    >
                      Change<span className="sr-only"> {visible(each.name)}</span>
                    </Link>
                    {(["switch", "remove"] as const).map((verb) => (
                      <Act key={verb} wish={{ verb, of: each }} onAct={setWish} />
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
        title={wish ? `${titleOf(wish)} ${visible(wish.of.name)}?` : ""}
        onClose={() => setWish(null)}
      >
        {wish && <Confirm wish={wish} onClose={() => setWish(null)} />}
      </Dialog>
    </section>
  );
}

function Act({ wish, onAct }: { wish: Wish; onAct: (wish: Wish) => void }) {
  return (
    <button type="button" className="button small" onClick={() => onAct(wish)}>
      {titleOf(wish)}
      <span className="sr-only"> {visible(wish.of.name)}</span>
    </button>
  );
}

/** How its tickets stand, as far as the first part of them tells. */
function State({ name }: { name: string }) {
  const tickets = useQuery(ticketsQuery(name));
  if (!tickets.data) return <span className="muted">{tickets.isError ? "not known" : "…"}</span>;
  const { items, next } = tickets.data;
  const open = items.filter((each) => each.open).length;
  const dead = items.filter((each) => each.dead_at).length;
  const failing = items.filter((each) => each.waiting && each.attempts > 0 && !each.dead_at).length;
  const waiting = items.filter((each) => each.waiting && each.attempts === 0).length;
  return (
    <Link to="/integrations" search={{ name }} className="tags">
      <span>
        {count(open)}
        {next ? " or more" : ""} open
      </span>
      {waiting > 0 && <span className="tag">{count(waiting)} on the way</span>}
      {failing > 0 && <span className="tag warn">{count(failing)} failing</span>}
      {dead > 0 && <span className="tag bad">{count(dead)} given up</span>}
    </Link>
  );
}

function Confirm({ wish, onClose }: { wish: Wish; onClose: () => void }) {
  const client = useQueryClient();
  const { of, verb } = wish;
  const act = useMutation({
    mutationFn: async (): Promise<{ said: string; url?: string | null | undefined }> => {
      if (verb === "test") {
        const { would, url } = await testDestination(of.name);
        return { said: `It would go well. It would make ${would}.`, url };
      }
      if (verb === "replay") {
        const { tickets } = await replayDestination(of.name);
        return { said: `${counted(tickets, "ticket")} will be tried at once.` };
      }
      if (verb === "remove") {
        await removeDestination(of.name);
        return { said: "It is gone." };
      }
      const { plugin, settings, filter, per, interval_seconds, version } = of;
      const enabled = !of.enabled;
      await putDestination(of.name, { plugin, settings, filter, per, interval_seconds, version, enabled });
      return { said: enabled ? "It is switched on." : "It is switched off." };
    },
    onSuccess: async () => {
      if (verb === "remove" || verb === "switch") onClose();
      if (verb === "remove") {
        // What is gone is asked for nothing more.
        client.setQueryData(destinationsQuery.queryKey, (list) =>
          list ? { items: list.items.filter((each) => each.name !== of.name) } : list,
        );
        client.removeQueries({ queryKey: [...destinationsQuery.queryKey, of.name] });
      }
      await client.invalidateQueries({ queryKey: destinationsQuery.queryKey });
    },
  });
  return (
    <div className="stack tight">
      <p>{consequenceOf(wish)}</p>
      {act.isError && <ProblemLine error={act.error} />}
      {act.data && (
        <p role="status" data-testid="said">
          <OuterLink to={act.data.url}>
            <Text value={act.data.said} max={500} />
          </OuterLink>
        </p>
      )}
      <p className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {act.data ? "Close" : "Cancel"}
        </button>
        {!act.data && (
          <button
            type="button"
            className="button primary"
            disabled={act.isPending}
            onClick={() => act.mutate()}
          >
            {act.isPending ? "Waiting for the server …" : titleOf(wish)}
          </button>
        )}
      </p>
    </div>
  );
}
