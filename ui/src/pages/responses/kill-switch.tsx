// The kill switch: nothing more is done by any playbook, or by one, until somebody turns it off.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { killSwitchQuery, setKillSwitch } from "../../api/respond-queries";
import { Dialog } from "../../parts/dialog";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { visible } from "../../text/visible";

/** What is stopped now and why, and the button for all. */
export function KillBanner() {
  const state = useQuery(killSwitchQuery);
  const [wish, setWish] = useState<{ playbook: string; on: boolean } | null>(null);
  const items = state.data?.items ?? [];
  const all = items.some((each) => each.playbook === "");
  return (
    <>
      {items.map((each) => (
        <div key={each.playbook} className="stopped" role="status" data-stopped={each.playbook || "all"}>
          <Icon name="stop" />
          <span>
            <strong>
              {each.playbook === "" ? (
                "Every response is stopped"
              ) : (
                <>
                  <Text value={each.playbook} max={80} /> is stopped
                </>
              )}
            </strong>{" "}
            by <Text value={each.by} max={80} /> <Time at={each.at} />: <Text value={each.why} max={400} />
          </span>
          <button
            type="button"
            className="button small"
            onClick={() => setWish({ playbook: each.playbook, on: false })}
          >
            Let it go on
          </button>
        </div>
      ))}
      {state.isError && (
        <p className="error-line" role="alert">
          <Icon name="warning" /> Whether responses are stopped could not be asked: {state.error.message}
        </p>
      )}
      {state.data && !all && (
        <p className="kill">
          <button type="button" className="button" onClick={() => setWish({ playbook: "", on: true })}>
            <Icon name="stop" /> Stop every response
          </button>
        </p>
      )}
      <KillDialog wish={wish} onClose={() => setWish(null)} />
    </>
  );
}

export function KillDialog({
  wish,
  onClose,
}: {
  wish: { playbook: string; on: boolean } | null;
  onClose: () => void;
}) {
  const what = wish?.playbook ? visible(wish.playbook) : "every response";
  return (
    <Dialog
      open={wish !== null}
      title={wish ? (wish.on ? `Stop ${what}?` : `Let ${what} go on?`) : ""}
      onClose={onClose}
    >
      {wish && <KillForm wish={wish} onClose={onClose} />}
    </Dialog>
  );
}

function KillForm({ wish, onClose }: { wish: { playbook: string; on: boolean }; onClose: () => void }) {
  const client = useQueryClient();
  const [why, setWhy] = useState("");
  const set = useMutation({
    mutationFn: () => setKillSwitch(wish.playbook, wish.on ? why.trim() : null),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: killSwitchQuery.queryKey });
      await client.invalidateQueries({ queryKey: ["responses"] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set.mutate();
  };
  return (
    <form className="stack tight" onSubmit={submit}>
      <p>
        {wish.on
          ? "From now on nothing more is done: runs stop before their next act, and none begins. What is in force stays until its lease ends or somebody rolls it back."
          : "Runs that wait go on from where they stopped, as far as what they are about has not changed."}
      </p>
      {wish.on && (
        <Field name="Reason" hint="Everybody who looks at responses sees it.">
          {(id, hint) => (
            <textarea
              id={id}
              className="input"
              required
              rows={2}
              maxLength={500}
              aria-describedby={hint}
              value={why}
              onChange={(event) => setWhy(event.target.value)}
            />
          )}
        </Field>
      )}
      {set.isError && <ProblemLine error={set.error} />}
      <p className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="submit"
          className={wish.on ? "button danger" : "button primary"}
          disabled={set.isPending || (wish.on && why.trim() === "")}
        >
          {set.isPending ? "Waiting for the server …" : wish.on ? "Stop" : "Let it go on"}
        </button>
      </p>
    </form>
  );
}
