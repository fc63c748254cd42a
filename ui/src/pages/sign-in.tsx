import { type Query, type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useId, useState } from "react";
import { Problem, request } from "../api/client";
import { sameAs, sessionQuery, signIn, signInWaysQuery } from "../api/queries";
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
    onSuccess: () => (was ? resume(client, was) : client.resetQueries({ queryKey: sessionQuery.queryKey })),
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
        <Provider was={was} />
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

/** Goes on with what was there before the session ended. */
async function resume(client: QueryClient, was: Session) {
  const now = await request<Session>("/session");
  const others = { predicate: (query: Query) => query.queryKey[0] !== sessionQuery.queryKey[0] };
  // Nothing of somebody else's session may be seen in this one.
  if (sameAs(now) !== sameAs(was)) client.removeQueries(others);
  client.setQueryData(sessionQuery.queryKey, now);
  await client.invalidateQueries(others);
}

/** The way through the identity provider, where there is one, and what became of the last attempt. */
function Provider({ was }: { was: Session | undefined }) {
  const client = useQueryClient();
  const ways = useQuery(signInWaysQuery);
  useEffect(() => {
    if (!was) return;
    // Still nobody is signed in: this page says so already.
    const look = () => void resume(client, was).catch(() => {});
    window.addEventListener("focus", look);
    return () => window.removeEventListener("focus", look);
  }, [client, was]);
  const provider = ways.data?.provider;
  if (!provider) return null;
  const here = new URL(window.location.href);
  const code = here.searchParams.get("sign-in");
  here.searchParams.delete("sign-in");
  const back = encodeURIComponent(here.pathname + here.search);
  return (
    <>
      {code && (
        <p className="error-line" role="alert">
          <Icon name="warning" />
          {REFUSED[code] ?? `The sign-in went wrong (${code}).`}
        </p>
      )}
      {/* This page may hold what somebody was typing: it stays, and goes on when they come back to it. */}
      <a
        className="button primary wide"
        href={was ? provider.href : `${provider.href}?return_to=${back}`}
        target={was ? "_blank" : undefined}
        rel="noreferrer"
      >
        {provider.label}
        {was && " (in a new tab; come back here afterwards)"}
      </a>
      <p className="or muted">or with a token</p>
    </>
  );
}

/** By code; each has a page in the documentation of errors. */
const REFUSED: Record<string, string> = {
  "sign-in-expired": "The sign-in was not begun in this browser, or took longer than 15 minutes. Try again.",
  "sign-in-denied":
    "The identity provider signed nobody in. Try again, or ask whoever runs it to let you use Palisade.",
  "sign-in-no-role": "You are known, and none of your groups has a role here. Ask an administrator for one.",
  "sign-in-name-taken": "A token has your name. Ask an administrator to make that token by another name.",
  "identity-provider-unreachable":
    "The identity provider cannot be reached from the server. Try again later; the server's log has the reason.",
  "identity-provider-answer":
    "The identity provider gave an answer that is of no use. The server's log has the reason.",
  "identity-token-refused":
    "The identity provider's word about you is not believed. The server's log has the reason.",
};

function refusal(error: Error): string {
  if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
    return "This token is not known here. Check that it was copied whole.";
  }
  if (error instanceof Problem) return [error.message, error.detail, error.hint].filter(Boolean).join(" ");
  return error.message;
}
