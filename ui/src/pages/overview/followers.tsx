// How following clusters goes, and of those that are not followed why.

import type { Follower } from "../../api/posture";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";

export function Followers({ followers }: { followers: readonly Follower[] }) {
  if (followers.length === 0) return null;
  return (
    <section className="card" aria-labelledby="followed">
      <h2 id="followed">Followed clusters</h2>
      <ul className="followers">
        {followers.map((each) => (
          <li key={each.name} data-follow={each.state}>
            <Icon name={each.state === "following" && !each.reason ? "check" : "warning"} />
            <span>
              <strong>
                <Text value={each.name} />
              </strong>{" "}
              <Standing follower={each} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Standing({ follower }: { follower: Follower }) {
  const reason = follower.reason && (
    <span className="follow-reason">
      <Text value={follower.reason} />
    </span>
  );
  switch (follower.state) {
    case "following":
      return (
        <>
          followed since <Time at={follower.since} />, last change <Time at={follower.changed_at} />
          {follower.lag_ms !== null && `, stored ${(follower.lag_ms / 1000).toFixed(1)} s after it came`}
          {reason}
        </>
      );
    case "starting":
      return <>is read for the first time</>;
    case "stopped":
      return <>is not followed: no process reports on it any more{reason}</>;
    default:
      return <>is not followed{reason}</>;
  }
}
