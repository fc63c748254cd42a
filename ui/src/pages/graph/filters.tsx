import { useId } from "react";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { visible } from "../../text/visible";

export function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, name: string])[];
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="select labelled">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A filter in force that can be taken out. */
export function Chip({ name, value, onRemove }: { name: string; value: string; onRemove: () => void }) {
  return (
    <li className="chip">
      <span className="muted">{name}</span> <Text value={value} max={120} />
      <button type="button" onClick={onRemove} aria-label={`Remove the filter ${name} ${visible(value)}`}>
        <Icon name="close" />
      </button>
    </li>
  );
}
