// The detail beside a list, or over it where the screen is narrow.

import { type ReactNode, useEffect, useRef } from "react";
import { count } from "../text/number";
import { Icon } from "./icon";

interface Props {
  /** What it shows, such as `finding`. */
  what: string;
  /** Which one: another one starts at its top. */
  id: string;
  modal: boolean;
  position: { index: number; loaded: number } | null;
  onStep: (by: number) => void;
  onClose: () => void;
  children: ReactNode;
}

export function Drawer({ what, id, modal, position, onStep, onClose, children }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const name = what.charAt(0).toUpperCase() + what.slice(1);
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
  // biome-ignore lint/correctness/useExhaustiveDependencies: another one starts at its top
  useEffect(() => {
    body.current?.scrollTo(0, 0);
  }, [id]);
  return (
    <div
      ref={panel}
      className="drawer"
      role="dialog"
      aria-modal={modal || undefined}
      aria-label={name}
      tabIndex={-1}
    >
      <header className="drawer-head">
        <button
          type="button"
          className="button ghost square"
          disabled={!position || position.index <= 0}
          onClick={() => onStep(-1)}
          aria-label={`Previous ${what}`}
          title="Previous (k)"
        >
          <Icon name="up" />
        </button>
        <button
          type="button"
          className="button ghost square"
          disabled={!position || position.index >= position.loaded - 1}
          onClick={() => onStep(1)}
          aria-label={`Next ${what}`}
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
          aria-label={`Close the ${what}`}
          title="Close (Esc)"
        >
          <Icon name="close" />
        </button>
      </header>
      <div className="drawer-body" ref={body} tabIndex={0} role="region" aria-label={`${name} detail`}>
        {children}
      </div>
    </div>
  );
}

export function DrawerSection({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="drawer-section">
      <h3>{title}</h3>
      {children}
    </section>
  );
}
