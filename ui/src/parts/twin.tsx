// A drawing and the table that says the same. The switch is a pair of radio buttons, so that the keyboard works it.

import { useId } from "react";
import { Icon, type IconName } from "./icon";

const WAYS: readonly { way: "drawing" | "table"; icon: IconName; name: string }[] = [
  { way: "drawing", icon: "graph", name: "Drawing" },
  { way: "table", icon: "table", name: "Table" },
];

export function TwinSwitch({
  table,
  label,
  onChange,
}: {
  table: boolean;
  label: string;
  onChange: (table: boolean) => void;
}) {
  const name = useId();
  return (
    <div className="segments" role="radiogroup" aria-label={label}>
      {WAYS.map((each) => {
        const on = (each.way === "table") === table;
        return (
          <label key={each.way} className={on ? "segment on" : "segment"}>
            <input
              type="radio"
              name={name}
              checked={on}
              data-twin={each.way}
              onChange={() => onChange(each.way === "table")}
            />
            <Icon name={each.icon} /> {each.name}
          </label>
        );
      })}
    </div>
  );
}
