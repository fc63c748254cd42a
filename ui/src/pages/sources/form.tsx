import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { clustersQuery } from "../../api/posture-queries";
import type { SourceToken } from "../../api/runtime";
import { addSource, sourcesQuery } from "../../api/runtime-queries";
import { Field } from "../../parts/field";
import { ProblemLine } from "../../parts/problem-line";
import { formatName, isOfCluster } from "../../text/runtime";
import { visible } from "../../text/visible";

const PREFIX = "k8s:";

/** A new source; its token is in the answer, and nowhere else ever again. */
export function SourceForm({
  formats,
  onDone,
}: {
  /** What the server can read. */
  formats: readonly string[];
  onDone: (made: SourceToken) => void;
}) {
  const client = useQueryClient();
  const clusters = useQuery(clustersQuery);
  const [name, setName] = useState("");
  const [format, setFormat] = useState(formats[0] ?? "");
  const [cluster, setCluster] = useState("");
  const known = (clusters.data?.items ?? []).filter((each) => each.id.startsWith(PREFIX));
  const add = useMutation({
    mutationFn: () =>
      addSource({
        name: name.trim(),
        format,
        cluster: isOfCluster(format) && cluster.trim() ? cluster.trim() : undefined,
      }),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: sourcesQuery.queryKey });
      onDone(made);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form className="card exception-form hinted" aria-label="Add a source" onSubmit={submit}>
      <Field name="Name" hint="Small letters, digits and hyphens; it is in the address">
        {(id, hint) => (
          <input
            id={id}
            className="input mono"
            required
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
      <Field name="What it sends">
        {(id) => (
          <select
            id={id}
            className="input"
            value={format}
            onChange={(event) => setFormat(event.target.value)}
          >
            {formats.map((each) => (
              <option key={each} value={each}>
                {formatName(each)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {isOfCluster(format) && (
        <Field
          name="Cluster"
          hint="These events do not say where they are from. Without it they are not joined to the inventory."
        >
          {(id, hint) => (
            <select
              id={id}
              className="input"
              aria-describedby={hint}
              value={cluster}
              onChange={(event) => setCluster(event.target.value)}
            >
              <option value="">not told</option>
              {known.map((each) => (
                <option key={each.id} value={each.id.slice(PREFIX.length)}>
                  {visible(each.name)}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {add.isError && <ProblemLine error={add.error} />}
      <div className="dialog-foot whole">
        <button type="submit" className="button primary" disabled={add.isPending}>
          {add.isPending ? "Waiting for the server …" : "Add it and show its token"}
        </button>
      </div>
    </form>
  );
}
