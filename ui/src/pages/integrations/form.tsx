import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { type Destination, destinationsQuery, putDestination, type TicketPer } from "../../api/destinations";
import { pluginsQuery } from "../../api/queries";
import { Field } from "../../parts/field";
import { ProblemLine } from "../../parts/problem-line";
import { visible } from "../../text/visible";
import { PERS, perName } from "./words";

/** What the settings of a plugin begin with. */
const SETTINGS: Record<string, Record<string, unknown>> = {
  "palisade.redmine": { url: "https://redmine.example", project: "security" },
  "palisade.jira": { url: "https://company.atlassian.net", project: "SEC", "issue-type": "Task" },
  "palisade.github": { owner: "", repository: "" },
  "palisade.gitlab": { url: "https://gitlab.example", project: 42 },
  "palisade.servicenow": { url: "https://company.service-now.com", fields: { assignment_group: "" } },
  "palisade.slack": { channel: "C0123456789" },
};

const settingsOf = (plugin: string) => JSON.stringify(SETTINGS[plugin] ?? {}, null, 2);

/** The object that a text is, or why it is none. */
function read(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value))
      return value as Record<string, unknown>;
    return "The settings have to be an object: { … }.";
  } catch (error) {
    return `The settings are no JSON: ${error instanceof Error ? error.message : "unreadable"}`;
  }
}

/** A new destination, or another word on one that there is. */
export function DestinationForm({
  before,
  onDone,
}: {
  before?: Destination | undefined;
  onDone: (made: Destination) => void;
}) {
  const client = useQueryClient();
  const plugins = useQuery(pluginsQuery);
  const notifiers = (plugins.data?.items ?? []).filter((each) => each.kinds.includes("notifier"));
  const [name, setName] = useState(before?.name ?? "");
  const [chosen, setChosen] = useState(before?.plugin ?? "");
  const plugin = chosen || notifiers[0]?.id || "";
  const [typed, setTyped] = useState(before ? JSON.stringify(before.settings, null, 2) : "");
  const settings = typed || settingsOf(plugin);
  const [filter, setFilter] = useState(before?.filter ?? "severity>=high");
  const [per, setPer] = useState<TicketPer>(before?.per ?? "fix");
  const [pause, setPause] = useState(String(before?.interval_seconds ?? 0));
  const parsed = read(settings);
  const put = useMutation({
    mutationFn: (usable: Record<string, unknown>) =>
      putDestination(name.trim(), {
        plugin,
        settings: usable,
        filter: filter.trim(),
        per,
        enabled: before?.enabled ?? true,
        interval_seconds: Number(pause) || 0,
        version: before?.version ?? 0,
      }),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: destinationsQuery.queryKey });
      onDone(made);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typeof parsed !== "string") put.mutate(parsed);
  };
  return (
    <form
      className="card exception-form hinted"
      aria-label={before ? `Change ${visible(before.name)}` : "Add a destination"}
      onSubmit={submit}
    >
      <Field name="Name" hint="Small letters, digits and hyphens; it is in the address">
        {(id, hint) => (
          <input
            id={id}
            className="input mono"
            required
            readOnly={before !== undefined}
            maxLength={40}
            pattern="[a-z0-9\-]+"
            title="Small letters, digits and hyphens"
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            aria-describedby={hint}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field name="Told by" hint="A plugin of kind notifier">
        {(id, hint) => (
          <select
            id={id}
            className="input"
            required
            aria-describedby={hint}
            value={plugin}
            onChange={(event) => {
              setChosen(event.target.value);
              setTyped("");
            }}
          >
            {before && !notifiers.some((each) => each.id === before.plugin) && (
              <option value={before.plugin}>{visible(before.plugin)} (not loaded)</option>
            )}
            {notifiers.map((each) => (
              <option key={each.id} value={each.id}>
                {visible(each.id)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field name="What one ticket is about">
        {(id) => (
          <select
            id={id}
            className="input"
            value={per}
            onChange={(event) => setPer(event.target.value as TicketPer)}
          >
            {PERS.map((each) => (
              <option key={each} value={each}>
                {perName(each)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field
        name="Which open findings"
        hint={
          <>
            In the language of <Link to="/findings">the list of findings</Link>, such as severity&gt;=high
            fixable:true; empty: all
          </>
        }
      >
        {(id, hint) => (
          <input
            id={id}
            className="input mono"
            autoComplete="off"
            spellCheck={false}
            aria-describedby={hint}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
        )}
      </Field>
      <Field name="Seconds between two notices about one ticket" hint="0: each change at once; at most a day">
        {(id, hint) => (
          <input
            id={id}
            className="input"
            type="number"
            min={0}
            max={86400}
            step={1}
            required
            aria-describedby={hint}
            value={pause}
            onChange={(event) => setPause(event.target.value)}
          />
        )}
      </Field>
      <Field
        whole
        name="Settings"
        hint={
          <>
            JSON, as{" "}
            {plugin ? (
              <Link to="/plugins/$id" params={{ id: plugin }}>
                the plugin
              </Link>
            ) : (
              "the plugin"
            )}{" "}
            says. Keys and passwords do not belong here: they stand in the configuration of the platform under
            [plugins.secrets], and the plugin names them.
          </>
        }
      >
        {(id, hint) => (
          <textarea
            id={id}
            className="input mono"
            rows={6}
            spellCheck={false}
            aria-describedby={hint}
            aria-invalid={typeof parsed === "string"}
            value={settings}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
      </Field>
      {typeof parsed === "string" && <ProblemLine error={new Error(parsed)} />}
      {put.isError && <ProblemLine error={put.error} />}
      {plugins.data && notifiers.length === 0 && (
        <p className="note whole">
          No plugin of kind notifier is loaded, so nothing could be told. <Link to="/plugins">Plugins</Link>
        </p>
      )}
      <div className="dialog-foot whole">
        <button
          type="submit"
          className="button primary"
          disabled={put.isPending || typeof parsed === "string" || plugin === ""}
        >
          {put.isPending ? "Waiting for the server …" : before ? "Change it" : "Add it"}
        </button>
      </div>
    </form>
  );
}
