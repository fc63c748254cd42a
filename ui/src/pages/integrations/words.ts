// Words of destinations.

import type { TicketPer } from "../../api/destinations";

export const PERS: readonly TicketPer[] = ["fix", "finding", "owner"];

export const perName = (per: TicketPer): string =>
  ({
    fix: "one ticket for each fix",
    finding: "one ticket for each finding",
    owner: "one ticket for each owner",
  })[per];
