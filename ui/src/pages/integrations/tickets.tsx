import { useQuery } from "@tanstack/react-query";
import { deliveriesQuery, type Ticket, ticketsQuery } from "../../api/destinations";
import { OuterLink } from "../../parts/outer-link";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { counted } from "../../text/number";
import { visible } from "../../text/visible";

/** Tickets that are not as they ought to be come first. */
const rank = (ticket: Ticket) =>
  ticket.dead_at ? 0 : ticket.attempts > 0 ? 1 : ticket.waiting ? 2 : ticket.open ? 3 : 4;

/** The tickets of a destination. */
export function Tickets({ name }: { name: string }) {
  const list = useQuery(ticketsQuery(name));
  const items = [...(list.data?.items ?? [])].sort((a, b) => rank(a) - rank(b));
  return (
    <section className="card flush" aria-labelledby="tickets">
      <div className="card-head">
        <h2 id="tickets">
          Tickets in <Text value={name} max={60} />
        </h2>
        {list.data && (
          <span className="muted" role="status">
            {counted(items.length, "ticket")}
            {list.data.next ? ", the first part" : ""}
          </span>
        )}
      </div>
      {list.isPending ? (
        <Loading rows={4} label="Loading tickets" />
      ) : list.isLoadingError ? (
        <Failure error={list.error} retry={() => list.refetch()} what="tickets" />
      ) : items.length === 0 ? (
        <Empty icon="link" title="There is no ticket yet">
          <p>Tickets are made for what is open and fits the filter, within seconds of a scan or an import.</p>
        </Empty>
      ) : (
        <div className="scroll-x" role="region" aria-label={`Tickets in ${visible(name)}`} tabIndex={0}>
          <table className="table" data-testid="tickets">
            <thead>
              <tr>
                <th scope="col">Ticket</th>
                <th scope="col">State</th>
                <th scope="col">What is wrong with telling it</th>
                <th scope="col">Last told</th>
              </tr>
            </thead>
            <tbody>
              {items.map((each) => (
                <tr key={each.key}>
                  <th scope="row" className="row-head">
                    <OuterLink to={each.url}>
                      <Text value={each.title || each.key} max={200} />
                    </OuterLink>
                    <span className="second-line muted">
                      {each.id ? <Text value={each.id} max={80} /> : "not made yet"}
                    </span>
                  </th>
                  <td>
                    <Standing ticket={each} />
                    {each.status && (
                      <span className="second-line muted">
                        there: <Text value={each.status} max={60} />
                      </span>
                    )}
                  </td>
                  <td className="wide">
                    {each.error ? (
                      <>
                        <Text value={each.error} max={400} />
                        <span className="second-line muted">
                          {counted(each.attempts, "attempt")}
                          {each.next_at && (
                            <>
                              , the next <Time at={each.next_at} />
                            </>
                          )}
                        </span>
                      </>
                    ) : (
                      <span className="muted">nothing</span>
                    )}
                  </td>
                  <td data-label="Last told">
                    <Time at={each.told_at ?? null} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Standing({ ticket }: { ticket: Ticket }) {
  if (ticket.dead_at)
    return (
      <span
        className="tag bad"
        title="It failed for three days; tell the destination again to try it once more"
      >
        given up
      </span>
    );
  if (ticket.waiting)
    return ticket.attempts > 0 ? (
      <span className="tag warn">failing</span>
    ) : (
      <span className="tag">on the way</span>
    );
  return <span className="tag">{ticket.open ? "open" : "resolved"}</span>;
}

/** Attempts that are shown. */
const SHOWN = 50;

/** Every attempt to tell something, newest first. */
export function Deliveries({ name }: { name: string }) {
  const list = useQuery(deliveriesQuery(name));
  const items = list.data?.items ?? [];
  return (
    <section className="card flush" aria-labelledby="deliveries">
      <div className="card-head">
        <h2 id="deliveries">Deliveries</h2>
        {list.data && (
          <span className="muted">
            {items.length > SHOWN
              ? `the newest ${SHOWN} of ${items.length}`
              : counted(items.length, "attempt")}
          </span>
        )}
      </div>
      {list.isPending ? (
        <Loading rows={4} label="Loading deliveries" />
      ) : list.isLoadingError ? (
        <Failure error={list.error} retry={() => list.refetch()} what="deliveries" />
      ) : items.length === 0 ? (
        <Empty icon="link" title="Nothing was told yet" />
      ) : (
        <div className="scroll-x" role="region" aria-label={`Deliveries to ${visible(name)}`} tabIndex={0}>
          <table className="table" data-testid="deliveries">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Outcome</th>
                <th scope="col">What was said</th>
              </tr>
            </thead>
            <tbody>
              {items.slice(0, SHOWN).map((each) => (
                <tr key={each.id}>
                  <td>
                    <Time at={each.at} />
                  </td>
                  <th scope="row" className="row-head">
                    <span className={each.outcome === "told" ? "tag" : "tag warn"}>
                      <Text value={each.outcome} max={60} />
                    </span>
                  </th>
                  <td className="wide">
                    <Text value={each.message} max={400} />
                    <span className="second-line muted mono">
                      <Text value={each.key} max={120} />
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
