// One finding, in the reading order of every page: what is wrong, why it matters here, who owns it, the next safe
// action, the evidence.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { findingQuery } from "../../api/queries";
import { Icon } from "../../parts/icon";
import { Failure, Loading } from "../../parts/states";
import { count } from "../../text/number";
import { FindingBody } from "./detail";

interface Props {
  fingerprint: string;
  modal: boolean;
  position: { index: number; loaded: number } | null;
  onStep: (by: number) => void;
  onClose: () => void;
}

export function FindingDrawer({ fingerprint, modal, position, onStep, onClose }: Props) {
  const finding = useQuery(findingQuery(fingerprint));
  const panel = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  // The focus moves in once, when the drawer opens; stepping leaves it where it is.
  useEffect(() => {
    panel.current?.focus({ preventScroll: true });
  }, []);
  // Lying over the page, it leaves nothing beneath it to tab into; the list makes itself inert.
  useEffect(() => {
    if (!modal) return;
    const beneath = document.querySelectorAll<HTMLElement>(".side, .banner, .skip");
    for (const each of beneath) each.inert = true;
    return () => {
      for (const each of beneath) each.inert = false;
    };
  }, [modal]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another finding starts at its top
  useEffect(() => {
    body.current?.scrollTo(0, 0);
  }, [fingerprint]);
  return (
    <div
      ref={panel}
      className="drawer"
      role="dialog"
      aria-modal={modal || undefined}
      aria-label="Finding"
      tabIndex={-1}
    >
      <header className="drawer-head">
        <button
          type="button"
          className="button ghost square"
          disabled={!position || position.index <= 0}
          onClick={() => onStep(-1)}
          aria-label="Previous finding"
          title="Previous (k)"
        >
          <Icon name="up" />
        </button>
        <button
          type="button"
          className="button ghost square"
          disabled={!position || position.index >= position.loaded - 1}
          onClick={() => onStep(1)}
          aria-label="Next finding"
          title="Next (j)"
        >
          <Icon name="down" />
        </button>
        <span className="muted">
          {position ? `Row ${count(position.index + 1)}` : "Not among the rows shown"}
        </span>
        <button
          type="button"
          className="button ghost square push"
          onClick={onClose}
          aria-label="Close the finding"
          title="Close (Esc)"
        >
          <Icon name="close" />
        </button>
      </header>
      <div className="drawer-body" ref={body} tabIndex={0} role="region" aria-label="Finding detail">
        {finding.isPending ? (
          <Loading rows={10} label="Loading the finding" />
        ) : finding.isError ? (
          <Failure error={finding.error} retry={() => finding.refetch()} what="this finding" />
        ) : (
          <FindingBody finding={finding.data} />
        )}
      </div>
    </div>
  );
}
