// The one place that speaks HTTP. Same origin only: the session cookie is HttpOnly and SameSite=Strict, and every
// unsafe request carries the header that a cross-site form cannot set.

import type { ProblemBody } from "./types";

export const API = "/api/v1";

/** Longest time a request may take; a screen that waits longer should say so instead. */
const TIMEOUT_MS = 30_000;

/** An answer that is not a success, as RFC 9457 problem details where the server gave them. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint: string;

  constructor(status: number, body: ProblemBody) {
    super(body.title ?? (status === 0 ? "The server did not answer" : `The server answered ${status}`));
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? (status === 0 ? "unreachable" : `http-${status}`);
    this.detail = body.detail ?? "";
    this.hint = body.hint ?? "";
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** `?a=1&b=2` of the values that are set, or nothing. */
export function queryString(query: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}

interface Options {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Query;
  body?: unknown;
  /** Bytes as they are, instead of a body of JSON. */
  raw?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Not below `/api/v1`: the probes. */
  root?: boolean;
}

export async function request<T>(path: string, options: Options = {}): Promise<T> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (method !== "GET") headers["x-palisade-request"] = "1";
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (options.raw) headers["content-type"] = "application/octet-stream";
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${options.root ? "" : API}${path}${queryString(options.query ?? {})}`, {
      method,
      headers,
      body: options.raw ?? (options.body === undefined ? null : JSON.stringify(options.body)),
      credentials: "same-origin",
      redirect: "error",
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    });
    text = await response.text();
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new Problem(0, {
      detail: timeout.aborted ? `No answer within ${TIMEOUT_MS / 1000} seconds.` : "The connection failed.",
      hint: "Check that `palisade serve` is running, then try again.",
    });
  }
  if (!response.ok) throw new Problem(response.status, readProblem(text));
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Problem(response.status, {
      title: "The server’s answer could not be read",
      code: "unreadable-answer",
      hint: "The page and the server may be of different versions: reload the page.",
    });
  }
}

function readProblem(text: string): ProblemBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as ProblemBody) : {};
  } catch {
    return {};
  }
}
