// The one place where rights are given. Nothing new is ticked beforehand, and what goes to the server is exactly what is shown.

import { type FormEvent, useId, useRef, useState } from "react";
import type { Plugin, PluginAction, PluginVersion } from "../../api/types";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { count, counted } from "../../text/number";
import {
  explain,
  hostGranted,
  hostProblem,
  needsHost,
  type Offer,
  offers,
  withHost,
} from "../../text/rights";
import { Provenance } from "./evidence";
import { inForce } from "./judge";

export interface Acting {
  pending: boolean;
  error: Error | null;
  act: (action: PluginAction) => void;
  cancel: () => void;
}

interface Choice {
  allowed: boolean;
  host: string;
}

/** The line as it is granted. A host that is not there yet leaves it as it was asked for. */
const granted = (line: string, host: string): string =>
  needsHost(line) && hostProblem(host) === null ? withHost(line, host) : line;

export function Approve({
  plugin,
  version,
  acting,
}: {
  plugin: Plugin;
  version: PluginVersion;
  acting: Acting;
}) {
  const [offered] = useState(() => offers(plugin.granted, version));
  const [choices, setChoices] = useState<Record<string, Choice>>(() =>
    Object.fromEntries(
      offered.map(({ line, held }) => [line, { allowed: held, host: hostGranted(line, plugin.granted) }]),
    ),
  );
  const [tried, setTried] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const choice = (line: string): Choice => choices[line] ?? { allowed: false, host: "" };
  const change = (line: string, to: Partial<Choice>) =>
    setChoices((before) => ({ ...before, [line]: { ...choice(line), ...to } }));
  const open = ({ line }: Offer) =>
    choice(line).allowed && needsHost(line) && hostProblem(choice(line).host) !== null;
  const chosen = offered.filter(({ line }) => choice(line).allowed);

  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const first = offered.findIndex(open);
    if (first >= 0) {
      form.current?.querySelector<HTMLInputElement>(`[data-host="${first}"]`)?.focus();
      return;
    }
    const rights = [...new Set(chosen.map(({ line }) => granted(line, choice(line).host)))];
    acting.act({ verb: "approve", digest: version.digest, rights });
  };
  const group = (title: string, fresh: boolean) => {
    const lines = offered.filter((offer) => offer.fresh === fresh);
    if (lines.length === 0) return null;
    return (
      <fieldset className="offers">
        <legend>
          {title} <span className="muted">({counted(lines.length, "right")})</span>
        </legend>
        {lines.map((offer) => (
          <OfferRow
            key={offer.line}
            index={offered.indexOf(offer)}
            offer={offer}
            inForceNow={plugin.granted}
            choice={choice(offer.line)}
            problem={tried && open(offer) ? hostProblem(choice(offer.line).host) : null}
            onChange={(to) => change(offer.line, to)}
          />
        ))}
      </fieldset>
    );
  };

  return (
    <form ref={form} className="stack tight" onSubmit={onSubmit} noValidate>
      <p>
        {inForce(plugin, version) ? (
          "It is not called until you approve it."
        ) : (
          <>
            Version <Text value={plugin.version} max={40} /> goes on until you decide; then new calls go to
            this one.
          </>
        )}{" "}
        Tick what it may do. What is not ticked is refused at the call and counted.
      </p>
      <Provenance version={version} />
      {group("New: the version in force does not ask for it", true)}
      {group("Asked for by the version in force too", false)}
      {acting.error && <ProblemLine error={acting.error} />}
      <p className="dialog-foot">
        <span className="muted" role="status">
          {count(chosen.length)} of {counted(offered.length, "right")} ticked
        </span>
        <button type="button" className="button" onClick={acting.cancel}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={acting.pending}>
          {acting.pending
            ? "Waiting for the server …"
            : chosen.length === 0
              ? "Approve without any right"
              : `Approve with ${counted(chosen.length, "right")}`}
        </button>
      </p>
    </form>
  );
}

function OfferRow({
  offer,
  inForceNow,
  index,
  choice,
  problem,
  onChange,
}: {
  offer: Offer;
  inForceNow: readonly string[];
  index: number;
  choice: Choice;
  problem: string | null;
  onChange: (to: Partial<Choice>) => void;
}) {
  const id = useId();
  const { line, held, why } = offer;
  return (
    <div className="offer" data-offer>
      <label className="check">
        <input
          type="checkbox"
          checked={choice.allowed}
          aria-describedby={`${id}-why`}
          onChange={(event) => onChange({ allowed: event.target.checked })}
        />
        <code className="breaks">
          <Text value={granted(line, choice.host)} max={600} />
        </code>
        {held && <span className="tag">In force now</span>}
      </label>
      <div id={`${id}-why`} className="offer-why muted">
        <p>{explain(line, inForceNow)}</p>
        {why && (
          <p>
            Its author says: <Text value={why} max={600} />
          </p>
        )}
      </div>
      {needsHost(line) && (
        <div className="field offer-host">
          <label htmlFor={`${id}-host`}>Host, with a port where it is not 443</label>
          <input
            id={`${id}-host`}
            data-host={index}
            className="input mono"
            value={choice.host}
            maxLength={260}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="none"
            placeholder="api.example.com"
            // Naming a host is not approving: that takes the button.
            onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
            disabled={!choice.allowed}
            aria-invalid={problem !== null}
            aria-describedby={problem === null ? undefined : `${id}-problem`}
            onChange={(event) => onChange({ host: event.target.value.trim() })}
          />
          {problem !== null && (
            <p id={`${id}-problem`} className="error-line">
              {problem}
            </p>
          )}
        </div>
      )}
    </div>
  );
}
