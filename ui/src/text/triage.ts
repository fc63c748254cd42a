// What people say of findings, between what is typed and what the server is asked. Pure.

import type { FindingChange, FindingDetail, FindingRow, FindingSelection, Triage } from "../api/types";

/** The fields as they stand in a form. */
export interface Draft {
  /** Empty: as it is. */
  status: Triage | "";
  reason: string;
  justification: string;
  owner: string;
  approver: string;
  /** A day, `YYYY-MM-DD`. */
  until: string;
  assignee: string;
  /** Separated by commas. */
  tags: string;
  comment: string;
}

export const EMPTY: Draft = {
  status: "",
  reason: "",
  justification: "",
  owner: "",
  approver: "",
  until: "",
  assignee: "",
  tags: "",
  comment: "",
};

/** Why a finding is none, in the words of OpenVEX. */
export const JUSTIFICATIONS: readonly (readonly [string, string])[] = [
  ["component_not_present", "What is said to be there is not"],
  ["vulnerable_code_not_present", "The component is there without that code"],
  ["vulnerable_code_not_in_execute_path", "The code never runs"],
  ["vulnerable_code_cannot_be_controlled_by_adversary", "Nobody who attacks reaches what it does"],
  ["inline_mitigations_already_exist", "Something keeps it from doing harm"],
];

/** Whether a finding that stands so is kept and not counted. */
export const isAside = (status: string): boolean => status === "accepted" || status === "false-positive";

export const tagsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ""),
  ),
];

export function draftOf(finding: FindingRow & Pick<FindingDetail, "decision">): Draft {
  const { decision } = finding;
  return {
    status: finding.status,
    reason: decision?.reason ?? "",
    justification: decision?.justification ?? "",
    owner: decision?.owner ?? "",
    approver: decision?.approver ?? "",
    until: decision?.until?.slice(0, 10) ?? "",
    assignee: finding.assignee ?? "",
    tags: (finding.tags ?? []).join(", "),
    comment: "",
  };
}

const DECISION = ["reason", "justification", "owner", "approver", "until"] as const;

const said = (text: string): string | undefined => text.trim() || undefined;

/** Why it is set aside, as the server wants it with this status. */
function decision(draft: Draft): FindingChange {
  if (draft.status === "accepted") {
    return {
      reason: said(draft.reason),
      owner: said(draft.owner),
      approver: said(draft.approver),
      until: draft.until ? `${draft.until}T23:59:59Z` : undefined,
    };
  }
  if (draft.status === "false-positive") {
    return { reason: said(draft.reason), justification: said(draft.justification) };
  }
  return {};
}

/** What turns one finding into the other; nothing for what is the same. */
export function changeOf(from: Draft, to: Draft): FindingChange {
  const [had, has] = [tagsOf(from.tags), tagsOf(to.tags)];
  const added = has.filter((tag) => !had.includes(tag));
  const removed = had.filter((tag) => !has.includes(tag));
  const stands =
    to.status !== "" &&
    (to.status !== from.status || (isAside(to.status) && DECISION.some((name) => to[name] !== from[name])));
  return {
    ...(stands ? { status: to.status as Triage, ...decision(to) } : {}),
    assignee: to.assignee.trim() === from.assignee ? undefined : to.assignee.trim() || null,
    add_tags: added.length > 0 ? added : undefined,
    remove_tags: removed.length > 0 ? removed : undefined,
    comment: said(to.comment),
  };
}

/** What becomes of each of many: what is left empty stays; `-` takes the assignee away. */
export function changeOfMany(draft: Draft): FindingChange {
  const tags = tagsOf(draft.tags);
  const whom = draft.assignee.trim();
  return {
    ...(draft.status === "" ? {} : { status: draft.status, ...decision(draft) }),
    assignee: whom === "" ? undefined : whom === "-" ? null : whom,
    add_tags: tags.length > 0 ? tags : undefined,
    comment: said(draft.comment),
  };
}

export const isEmpty = (change: FindingChange): boolean =>
  Object.values(change).every((each) => each === undefined);

const LISTS = ["severity", "state", "class", "status"];
const FLAGS = ["kev", "fixable", "suppressed", "overdue"];

/** The filter of an address as a selection of findings. */
export function selectionOf(filter: Record<string, string | undefined>): FindingSelection {
  const selection: FindingSelection = {};
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined) continue;
    selection[name] = LISTS.includes(name)
      ? value.split(",")
      : FLAGS.includes(name)
        ? value === "true"
        : value;
  }
  return selection;
}
