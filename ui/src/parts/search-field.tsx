import { useEffect, useId, useRef, useState } from "react";
import { hasFilters, type Known, type Parsed, type QueryError, readQuery, writeQuery } from "../text/query";
import { Icon } from "./icon";

/** Long enough that a word is one request, short enough to feel live. */
const SETTLE_MS = 220;

/** A search box whose settled text is the caller's state; `/` focuses it. */
export function SearchField({
  value,
  onChange,
  label,
  known,
  filters,
  onFilters,
}: {
  value: string;
  onChange: (text: string) => void;
  label: string;
  /** Filters that can be typed, such as `severity:high`. */
  known?: Known;
  /** Those in force, to be read back as text. */
  filters?: Record<string, string>;
  /** `whole`: the text was made from all filters in force, so that one that is missing was taken out. */
  onFilters?: (parsed: Parsed, whole: boolean) => void;
}) {
  const [text, setText] = useState(value);
  const [error, setError] = useState<QueryError | null>(null);
  const note = useId();
  const whole = useRef(false);
  const sent = useRef(value);
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    setError(null);
    // A filter is finished by Enter; half of one is no text to search for.
    if (text === sent.current || (known && hasFilters(text, known))) return;
    const timer = setTimeout(() => {
      sent.current = text;
      onChange(text);
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text, onChange, known]);
  const finish = () => {
    if (!known) return;
    const parsed = readQuery(text, known);
    if ("message" in parsed) return setError(parsed);
    sent.current = parsed.text;
    setText(parsed.text);
    onFilters?.(parsed, whole.current);
    whole.current = false;
  };
  return (
    <div className="search">
      <Icon name="search" />
      <input
        type="search"
        className="input"
        data-search
        aria-label={label}
        placeholder={label}
        value={text}
        maxLength={known ? 1_000 : 200}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? note : undefined}
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && known) {
            event.preventDefault();
            finish();
          }
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          if (text === "") event.currentTarget.blur();
          else setText("");
        }}
      />
      <kbd>/</kbd>
      {known && filters && Object.keys(filters).length > 0 && (
        <button
          type="button"
          className="button ghost small as-text"
          title="Write the filters as text"
          onClick={(event) => {
            whole.current = true;
            setText(writeQuery({ filters, text: value }));
            event.currentTarget.closest(".search")?.querySelector("input")?.focus();
          }}
        >
          As text
        </button>
      )}
      {error && (
        <p id={note} role="alert" className="error-line">
          {error.message} (column {error.column})
        </p>
      )}
    </div>
  );
}
