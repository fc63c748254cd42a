// Which stretch of time is looked at. It ends up in the address as two moments in UTC.

import { useId } from "react";
import { isBackwards, lastHours, PRESETS, type Range, readMoment, toField } from "../text/range";
import { Icon } from "./icon";
import { Popover } from "./popover";

export function TimeRange({ range, onChange }: { range: Range; onChange: (range: Range) => void }) {
  const id = useId();
  const set = range.from !== undefined || range.to !== undefined;
  const field = (name: "from" | "to", label: string) => (
    <div className="field">
      <label htmlFor={`${id}-${name}`}>{label}</label>
      <input
        id={`${id}-${name}`}
        type="datetime-local"
        className="input"
        // Typed part by part: what is no moment yet changes nothing.
        defaultValue={toField(range[name])}
        key={range[name] ?? ""}
        aria-invalid={isBackwards(range) || undefined}
        onBlur={(event) => {
          const moment = readMoment(event.target.value);
          if (moment !== range[name] && (moment !== undefined || event.target.value === ""))
            onChange({ ...range, [name]: moment });
        }}
      />
    </div>
  );
  return (
    <Popover
      label="Time"
      button={
        <>
          <Icon name="clock" /> {set ? "Time, narrowed" : "Any time"}
        </>
      }
    >
      <div className="plain">
        {PRESETS.map(([hours, name]) => (
          <button
            key={hours}
            type="button"
            className="button small"
            onClick={() => onChange(lastHours(hours, Date.now()))}
          >
            {name}
          </button>
        ))}
        {field("from", "From, in UTC")}
        {field("to", "Before, in UTC")}
        {isBackwards(range) && (
          <p className="error-line" role="alert">
            The end is before the beginning.
          </p>
        )}
        {set && (
          <button
            type="button"
            className="button ghost small"
            onClick={() => onChange({ from: undefined, to: undefined })}
          >
            Any time
          </button>
        )}
      </div>
    </Popover>
  );
}
