// Other systems that are told of findings, and the tickets there.

import { queryOptions } from "@tanstack/react-query";
import { request } from "./client";

export type TicketPer = "finding" | "fix" | "owner";

export interface Destination {
  name: string;
  plugin: string;
  settings: Record<string, unknown>;
  filter: string;
  per: TicketPer;
  enabled: boolean;
  interval_seconds: number;
  version: number;
  changed_at: string;
  changed_by: string;
}

export interface Ticket {
  key: string;
  title: string;
  open: boolean;
  waiting: boolean;
  id?: string | null;
  url?: string | null;
  status?: string | null;
  standing?: string | null;
  told_at?: string | null;
  attempts: number;
  next_at?: string | null;
  dead_at?: string | null;
  error_code?: string | null;
  error?: string | null;
}

export interface TicketDelivery {
  id: string;
  key: string;
  notice: string;
  at: string;
  outcome: string;
  message: string;
}

/** How a destination is to be; the version is the one that was seen, 0 for none. */
export interface DestinationWish {
  plugin: string;
  settings: Record<string, unknown>;
  filter: string;
  per: TicketPer;
  enabled: boolean;
  interval_seconds: number;
  version: number;
}

/** Often enough to follow a ticket on its way. */
const FOLLOW_MS = 5_000;

const path = (name: string) => `/destinations/${encodeURIComponent(name)}`;

export const destinationsQuery = queryOptions({
  queryKey: ["destinations"],
  queryFn: ({ signal }) => request<{ items: Destination[] }>("/destinations", { signal }),
});

export const ticketsQuery = (name: string) =>
  queryOptions({
    queryKey: ["destinations", name, "tickets"],
    queryFn: ({ signal }) =>
      request<{ items: Ticket[]; next?: string | null }>(`${path(name)}/tickets`, { signal }),
    refetchInterval: FOLLOW_MS,
  });

export const deliveriesQuery = (name: string) =>
  queryOptions({
    queryKey: ["destinations", name, "deliveries"],
    queryFn: ({ signal }) => request<{ items: TicketDelivery[] }>(`${path(name)}/deliveries`, { signal }),
    refetchInterval: FOLLOW_MS,
  });

export const putDestination = (name: string, body: DestinationWish) =>
  request<Destination>(path(name), { method: "PUT", body });

export const removeDestination = (name: string) => request<void>(path(name), { method: "DELETE" });

export const testDestination = (name: string) =>
  request<{ would: string; url?: string | null }>(`${path(name)}/test`, { method: "POST" });

export const replayDestination = (name: string) =>
  request<{ tickets: number }>(`${path(name)}/replay`, { method: "POST" });
