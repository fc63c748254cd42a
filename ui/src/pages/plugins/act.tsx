// The dialogs behind every action: what will happen, what speaks for and against it, and then the button.

import type { PluginAction } from "../../api/types";
import { Dialog } from "../../parts/dialog";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { visible } from "../../text/visible";
import { type Acting, Approve } from "./approve";
import { Provenance, RightsChanges, Verdict } from "./evidence";
import { LastFault } from "./health";
import type { Wish } from "./wish";

export function ActDialog({ wish, acting }: { wish: Wish | null; acting: Acting }) {
  return (
    <Dialog open={wish !== null} title={wish ? titleOf(wish) : ""} onClose={acting.cancel}>
      {wish &&
        (wish.verb === "approve" ? (
          <Approve key={wish.version.digest} plugin={wish.plugin} version={wish.version} acting={acting} />
        ) : (
          <Confirm wish={wish} acting={acting} />
        ))}
    </Dialog>
  );
}

function titleOf(wish: Wish): string {
  if (wish.verb === "release") return `Release ${visible(wish.plugin.id)} from quarantine?`;
  const version = `version ${visible(wish.version.version)}`;
  switch (wish.verb) {
    case "approve":
      return `Approve ${version}`;
    case "promote":
      return `Let ${version} take over?`;
    case "activate":
      return `Activate ${version}?`;
    case "retire":
      return `Retire ${version}?`;
  }
}

const WORDS = { release: "Release", promote: "Promote", activate: "Activate", retire: "Retire" } as const;

function Confirm({ wish, acting }: { wish: Exclude<Wish, { verb: "approve" }>; acting: Acting }) {
  const action: PluginAction =
    wish.verb === "release" ? { verb: wish.verb } : { verb: wish.verb, digest: wish.version.digest };
  return (
    <div className="stack tight">
      <Consequence wish={wish} />
      {wish.verb !== "release" && <Provenance version={wish.version} />}
      {acting.error && <ProblemLine error={acting.error} />}
      <p className="dialog-foot">
        <button type="button" className="button" onClick={acting.cancel}>
          Cancel
        </button>
        <button
          type="button"
          className="button primary"
          disabled={acting.pending}
          onClick={() => acting.act(action)}
        >
          {acting.pending ? "Waiting for the server …" : WORDS[wish.verb]}
        </button>
      </p>
    </div>
  );
}

function Consequence({ wish }: { wish: Exclude<Wish, { verb: "approve" }> }) {
  const now = <Text value={wish.plugin.version} max={40} />;
  switch (wish.verb) {
    case "release":
      return (
        <>
          <p>
            It is called again from the next scan on. While it goes on failing, each failed call is a coverage
            gap, and several of them in a short time put it back in quarantine.
          </p>
          <LastFault plugin={wish.plugin} />
        </>
      );
    case "promote":
      return (
        <>
          <p>New calls go to it. Version {now} stays installed, so that you can go back to it.</p>
          <Verdict version={wish.version} />
        </>
      );
    case "activate":
      return (
        <>
          <p>
            New calls go to it, and no longer to version {now}. What was found before stays; the next scan is
            the first that it looks at.
          </p>
          <RightsChanges plugin={wish.plugin} version={wish.version} />
        </>
      );
    case "retire":
      return <p>It is not called any more. Version {now} is not touched and goes on.</p>;
  }
}
