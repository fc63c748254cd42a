// Saved views: a name for an address. They are kept in this browser; the link of a view is the way to share it.

import { useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { viewRequest } from "../text/view-request";
import { pageOf } from "./nav";
import { type Stored, stored } from "./stored";

export interface View {
  name: string;
  /** Path and search of this page, never another origin. */
  to: string;
}

export const VIEWS_MAX = 40;
export const RECENT_MAX = 8;
export const NAME_MAX = 80;
const ADDRESS_MAX = 4_096;

/** A path of this page. A browser drops tabs and line ends from addresses, and what is left could be another host. */
const PATH = /^\/(?![/\\])[^\p{Cc}]*$/u;

/** Storage is no more to be trusted than a link: only paths of this page are kept. */
export function readViews(text: string | null, most: number): View[] {
  let raw: unknown;
  try {
    raw = JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
  if (!Array.isArray(raw)) return [];
  return raw
    .filter(
      (each): each is View =>
        typeof each?.name === "string" &&
        each.name.trim() !== "" &&
        typeof each.to === "string" &&
        each.to.length <= ADDRESS_MAX &&
        PATH.test(each.to),
    )
    .map((each) => ({ name: each.name.slice(0, NAME_MAX), to: each.to }))
    .slice(0, most);
}

const list = (key: string, most: number): Stored<View[]> =>
  stored(
    key,
    (text) => readViews(text, most),
    (views) => (views.length > 0 ? JSON.stringify(views) : null),
  );

export const views = list("views", VIEWS_MAX);
export const recent = list("recent", RECENT_MAX);

/** A name stands for one address: saving under it again moves it. */
export function withView(before: readonly View[], view: View): View[] {
  const at = before.findIndex((each) => each.name === view.name);
  return at < 0 ? [...before, view] : before.map((each, index) => (index === at ? view : each));
}

/** The latest first, each address once. */
export const withRecent = (before: readonly View[], view: View): View[] =>
  [view, ...before.filter((each) => each.to !== view.to)].slice(0, RECENT_MAX);

/** What a person would call an address: the page, then its filters. */
export function addressName(page: string, search: Record<string, unknown>): string {
  const words = Object.entries(search)
    .filter(([key, value]) => typeof value === "string" && value !== "" && !OWN.includes(key))
    .map(([key, value]) => `${key}:${String(value)}`);
  return [page, ...words].join(" ").slice(0, NAME_MAX);
}

/** Keys that are about what is open, not about which rows there are. */
const OWN = ["hide", "finding", "resource", "event", "detection", "sort"];

/** An address is one that was visited once somebody has stayed on it for so long. */
const VISIT_MS = 2_000;

/** Remembers the filtered lists that were looked at. */
export function useVisits(): void {
  const at = useRouterState({ select: (state) => state.location });
  useEffect(() => {
    const page = pageOf(at.pathname);
    const asked = viewRequest(at.pathname, at.search);
    if (!page || !asked) return;
    const name = addressName(page.name, at.search);
    if (name === page.name) return;
    const timer = setTimeout(() => {
      if (!views.get().some((view) => view.to === at.href))
        recent.set(withRecent(recent.get(), { name, to: at.href }));
    }, VISIT_MS);
    return () => clearTimeout(timer);
  }, [at]);
}
