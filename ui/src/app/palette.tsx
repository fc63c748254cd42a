// Everything by name: pages, saved and recent views, searches, and what can be done anywhere.

import { useRouter } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { Dialog } from "../parts/dialog";
import { Text } from "../parts/text";
import { keysOf } from "../text/chords";
import { ranked } from "../text/rank";
import { moved } from "./keys";
import { NAV } from "./nav";
import { OPEN, stringifySearch } from "./search";
import { recent, views } from "./views";

export interface Command {
  group: string;
  name: string;
  keys?: string | undefined;
  run: () => void;
}

/** Pages that can be searched, and what for. */
const SEARCHES = [
  ["/findings", "findings", OPEN],
  ["/inventory", "the inventory", {}],
  ["/images", "images", {}],
  ["/incidents", "incidents", {}],
  ["/runtime", "runtime events", {}],
] as const;

/** More than fit on a screen help nobody. */
const SHOWN = 40;

export function Palette({
  open,
  actions,
  onClose,
}: {
  open: boolean;
  actions: readonly Command[];
  onClose: () => void;
}) {
  return (
    <Dialog open={open} title="Go to or do" onClose={onClose}>
      {open && <Commands actions={actions} onClose={onClose} />}
    </Dialog>
  );
}

function Commands({ actions, onClose }: { actions: readonly Command[]; onClose: () => void }) {
  const router = useRouter();
  const base = useId();
  const own = moved.use();
  const saved = views.use();
  const visited = recent.use();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const go = (to: string) => () => router.history.push(to);
  const all: Command[] = [
    ...saved.map((view) => ({ group: "View", name: view.name, run: go(view.to) })),
    ...NAV.map((item) => ({
      group: "Page",
      name: item.name,
      keys: `g ${item.key}`,
      run: go(item.to + (item.to === "/findings" ? stringifySearch({ ...OPEN }) : "")),
    })),
    ...actions,
    ...visited.map((view) => ({ group: "Recent", name: view.name, run: go(view.to) })),
  ];
  const text = typed.trim();
  const found = [
    ...ranked(all, text, (command) => command.name),
    ...(text === ""
      ? []
      : SEARCHES.map(([to, what, first]) => ({
          group: "Search",
          name: `Search ${what} for “${text}”`,
          keys: undefined,
          run: go(to + stringifySearch({ ...first, q: text.slice(0, 200) })),
        }))),
  ].slice(0, SHOWN);
  const here = Math.min(at, found.length - 1);
  const take = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    // After the dialog has given the focus back, so that the command may take it.
    setTimeout(command.run, 0);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + 8, PageUp: here - 8 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = Math.max(0, Math.min(found.length - 1, to));
      setAt(next);
      document.getElementById(`${base}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(found[here]);
    }
  };
  return (
    <>
      <input
        className="input"
        role="combobox"
        aria-label="Page, view, action or text to search for"
        placeholder="Page, view, action or text to search for"
        aria-expanded="true"
        aria-controls={base}
        aria-activedescendant={here >= 0 ? `${base}-${here}` : undefined}
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        ref={field}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={base} role="listbox" aria-label="Commands" className="palette">
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the field, which keeps the focus
          <div
            key={`${command.group} ${command.name}`}
            id={`${base}-${index}`}
            role="option"
            aria-selected={index === here}
            className="palette-row"
            onClick={() => take(command)}
          >
            <Text value={command.name} max={120} />
            <span className="muted">
              {command.keys &&
                keysOf(command.keys, own)
                  .split(" ")
                  .map((key) => <kbd key={key}>{key}</kbd>)}{" "}
              {command.group}
            </span>
          </div>
        ))}
      </div>
    </>
  );
}
