import { type Query, useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { Problem, request } from "../api/client";
import { sameAs, sessionQuery, signIn } from "../api/queries";
import type { Session } from "../api/types";
import { Icon } from "../parts/icon";

/** `was`: the session that ran out, which may be taken up again. */
export function SignIn({ was }: { was?: Session }) {
  const client = useQueryClient();
  const field = useId();
  const help = useId();
  const [token, setToken] = useState("");
  const enter = useMutation({
    mutationFn: () => signIn(token.trim()),
    onSuccess: async () => {
      if (!was) return client.resetQueries({ queryKey: sessionQuery.queryKey });
      const now = await request<Session>("/session");
      const others = { predicate: (query: Query) => query.queryKey[0] !== sessionQuery.queryKey[0] };
      // Nothing of somebody else's session may be seen in this one.
      if (sameAs(now) !== sameAs(was)) client.removeQueries(others);
      client.setQueryData(sessionQuery.queryKey, now);
      await client.invalidateQueries(others);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim() !== "") enter.mutate();
  };
  return (
    <main className="alone">
      <form className="card sign-in" onSubmit={submit}>
        <div className="brand large">
          <img src="/favicon.svg" alt="" width="32" height="32" />
          Palisade
        </div>
        <h1>Sign in{was && " again"}</h1>
        {was && <p>Your session has ended. Nothing that you typed is lost.</p>}
        <label htmlFor={field}>Access token</label>
        <input
          id={field}
          className="input mono"
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          placeholder="pal_…"
          value={token}
          aria-describedby={help}
          aria-invalid={enter.isError}
          onChange={(event) => setToken(event.target.value)}
        />
        {enter.isError && (
          <p className="error-line" role="alert">
            <Icon name="warning" />
            {refusal(enter.error)}
          </p>
        )}
        <button
          type="submit"
          className="button primary wide"
          disabled={enter.isPending || token.trim() === ""}
        >
          {enter.isPending ? "Signing in …" : "Sign in"}
        </button>
        <p id={help} className="muted">
          The first token is printed once, on the terminal where <code>palisade serve</code> was started for
          the first time, next to this address. It starts with <code>pal_</code>. This page stores nothing of
          it: the server answers with a session cookie that scripts cannot read.
        </p>
      </form>
    </main>
  );
}

function refusal(error: Error): string {
  if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
    return "This token is not known here. Check that it was copied whole.";
  }
  if (error instanceof Problem) return [error.message, error.detail, error.hint].filter(Boolean).join(" ");
  return error.message;
}
