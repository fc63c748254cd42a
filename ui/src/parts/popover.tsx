// A small panel under a button, on the browser's own popover: it closes on Escape and on a click elsewhere.

import { type ReactNode, useId, useRef, useState } from "react";

export function Popover({
  button,
  label,
  children,
}: {
  button: ReactNode;
  label: string;
  children: ReactNode;
}) {
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const place = () => {
    if (!panel.current || !trigger.current) return;
    const at = trigger.current.getBoundingClientRect();
    const width = 220;
    panel.current.style.top = `${at.bottom + 4}px`;
    panel.current.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
  };
  return (
    <>
      <button ref={trigger} type="button" className="button" popoverTarget={id} onClick={place}>
        {button}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        className="popover"
        role="group"
        aria-label={label}
        onBeforeToggle={(event) => setOpen(event.newState === "open")}
      >
        {open && children}
      </div>
    </>
  );
}
