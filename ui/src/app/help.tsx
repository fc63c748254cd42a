import { useState } from "react";
import { Dialog } from "../parts/dialog";
import { conflict, keysOf, readChord } from "../text/chords";
import { KEYS, moved, SHIPPED } from "./keys";
import { shortcuts } from "./shortcuts";

export function HelpSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const enabled = shortcuts.use() === "on";
  const own = moved.use();
  const [changing, setChanging] = useState(false);
  return (
    <Dialog open={open} title="Keyboard shortcuts" onClose={onClose}>
      <div className="help">
        {KEYS.map(({ group, fixed, keys }) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {keys.map(([shipped, meaning]) => (
                <div key={shipped}>
                  <dt>
                    {changing && !fixed ? (
                      <KeysField key={keysOf(shipped, own)} shipped={shipped} meaning={meaning} />
                    ) : (
                      keysOf(shipped, fixed ? {} : own)
                        .split(" ")
                        .map((part) => <kbd key={part}>{part}</kbd>)
                    )}
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div className="toolbar help-foot">
        <label className="check">
          <input
            type="checkbox"
            checked={enabled}
            onChange={(event) => shortcuts.set(event.target.checked ? "on" : "off")}
          />
          Single-key shortcuts are on
        </label>
        <button
          type="button"
          className="button"
          aria-pressed={changing}
          onClick={() => setChanging(!changing)}
        >
          Change keys
        </button>
        {Object.keys(own).length > 0 && (
          <button type="button" className="button ghost" onClick={() => moved.set({})}>
            Back to the shipped keys
          </button>
        )}
      </div>
    </Dialog>
  );
}

/** One key or two, such as `g f`; what would hide another shortcut is not taken. */
function KeysField({ shipped, meaning }: { shipped: string; meaning: string }) {
  const [text, setText] = useState(keysOf(shipped, moved.get()));
  const keys = readChord(text);
  const other = keys === null ? undefined : conflict(shipped, keys, SHIPPED, moved.get());
  const bad = keys === null ? "One key, or two with a space between" : other && `Taken by “${other}”`;
  const take = () => {
    if (keys === null || bad) return;
    const { [shipped]: _before, ...rest } = moved.get();
    moved.set(keys === shipped ? rest : { ...rest, [shipped]: keys });
  };
  return (
    <>
      <input
        className="input keys"
        aria-label={`Keys for: ${meaning}`}
        aria-invalid={bad ? true : undefined}
        title={bad || undefined}
        value={text}
        maxLength={5}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === "Enter" && take()}
      />
      {bad && (
        <span className="keys-bad" role="alert">
          {bad}
        </span>
      )}
    </>
  );
}
