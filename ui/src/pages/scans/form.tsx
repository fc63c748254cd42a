import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useRef, useState } from "react";
import { Problem } from "../../api/client";
import { scanQuery, submitScan } from "../../api/queries";
import type { NewScan } from "../../api/types";
import { Icon } from "../../parts/icon";

const LABELS = {
  image: "Image reference",
  directory: "Directory on the server",
  cluster: "Name in the configuration, or directory of objects on the server",
  account: "Name in the configuration, or collected file on the server",
};

const HINTS = {
  image: "A registry reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE on the server.",
  directory: "A root file system or any directory that the server may read. Nothing in it is run.",
  account:
    "An account under [accounts], collected by its plugin; or a file that palisade account collect wrote. Credentials stay on the server.",
  cluster:
    "A cluster under [clusters], read through its API server; or a directory of files that kubectl get --all-namespaces --output json wrote, one for every kind.",
};

const KINDS = [
  ["image", "Image", "registry.example/team/app:1.4"],
  ["directory", "Directory", "/srv/rootfs"],
  ["cluster", "Cluster", "production"],
  ["account", "Account", "production"],
] as const;

/** `crypto.randomUUID` exists in secure contexts only, and this page may be served over plain http in a lab. */
function key(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Submits a scan and goes to its page, where it is followed. */
export function ScanForm() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [kind, setKind] = useState<NewScan["kind"]>("image");
  const [reference, setReference] = useState("");
  const [platform, setPlatform] = useState("");
  const fields = useId();
  // One key for one wish: clicking again after a lost answer must not make a second scan.
  const idempotency = useRef({ wish: "", key: "" });

  const submit = useMutation({
    mutationFn: () => {
      const scan: NewScan = {
        kind,
        reference: reference.trim(),
        ...(kind === "image" && platform ? { platform } : {}),
      };
      const wish = JSON.stringify(scan);
      if (idempotency.current.wish !== wish) idempotency.current = { wish, key: key() };
      return submitScan(scan, idempotency.current.key);
    },
    onSuccess: (scan) => {
      idempotency.current = { wish: "", key: "" };
      client.setQueryData(scanQuery(scan.id).queryKey, scan);
      void client.invalidateQueries({ queryKey: ["scans", "list"] });
      void client.invalidateQueries({ queryKey: ["overview"] });
      void navigate({ to: "/scans/$id", params: { id: scan.id } });
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (reference.trim() !== "") submit.mutate();
  };
  const error = submit.error;
  return (
    <form className="scan-form" onSubmit={onSubmit} aria-label="Start a scan">
      <fieldset className="segments">
        <legend className="sr-only">What to scan</legend>
        {KINDS.map(([value, name]) => (
          <label key={value} className={kind === value ? "segment on" : "segment"}>
            <input
              type="radio"
              name={`${fields}-kind`}
              value={value}
              checked={kind === value}
              onChange={() => setKind(value)}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <div className="field grow">
        <label htmlFor={`${fields}-ref`}>{LABELS[kind]}</label>
        <input
          id={`${fields}-ref`}
          name="reference"
          className="input mono"
          value={reference}
          required
          maxLength={1024}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="none"
          placeholder={KINDS.find(([value]) => value === kind)?.[2]}
          aria-describedby={`${fields}-hint`}
          aria-invalid={submit.isError}
          onChange={(event) => setReference(event.target.value)}
        />
      </div>
      {kind === "image" && (
        <div className="field">
          <label htmlFor={`${fields}-platform`}>Platform</label>
          <select
            id={`${fields}-platform`}
            className="input"
            value={platform}
            onChange={(event) => setPlatform(event.target.value)}
          >
            <option value="">The server’s own</option>
            <option value="linux/amd64">linux/amd64</option>
            <option value="linux/arm64">linux/arm64</option>
            <option value="linux/arm/v7">linux/arm/v7</option>
            <option value="linux/s390x">linux/s390x</option>
            <option value="linux/ppc64le">linux/ppc64le</option>
          </select>
        </div>
      )}
      <button type="submit" className="button primary" disabled={submit.isPending || reference.trim() === ""}>
        <Icon name="scans" /> {submit.isPending ? "Submitting …" : "Scan"}
      </button>
      <p id={`${fields}-hint`} className="muted hint">
        {HINTS[kind]}
      </p>
      {error && (
        <p className="error-line" role="alert">
          <Icon name="warning" />
          {error instanceof Problem
            ? [error.message, error.detail, error.hint].filter(Boolean).join(" ")
            : error.message}
        </p>
      )}
    </form>
  );
}
