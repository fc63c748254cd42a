// Filters in force as chips, and choices of one of a few words.

import { Chip } from "../pages/graph/filters";

/** The filters in force, each of which can be taken out. */
export function Chips<K extends string>({
  names,
  search,
  word = (_, value) => value,
  onChange,
}: {
  names: readonly K[];
  search: { [key in K]?: string | undefined };
  word?: (name: K, value: string) => string;
  onChange: (change: { [key in K]?: undefined }) => void;
}) {
  const set = names.filter((name) => search[name] !== undefined);
  if (set.length === 0) return null;
  return (
    <ul className="chips" aria-label="Filters in force">
      {set.map((name) => (
        <Chip
          key={name}
          name={name === "q" ? "text" : name}
          value={word(name, search[name] ?? "")}
          onRemove={() => onChange({ [name]: undefined } as { [key in K]?: undefined })}
        />
      ))}
      {set.length > 1 && (
        <li>
          <button
            type="button"
            className="button ghost small"
            onClick={() =>
              onChange(Object.fromEntries(set.map((name) => [name, undefined])) as { [key in K]?: undefined })
            }
          >
            Clear all
          </button>
        </li>
      )}
    </ul>
  );
}
