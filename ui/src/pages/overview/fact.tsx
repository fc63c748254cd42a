import type { ReactElement, ReactNode } from "react";
import { Icon, type IconName } from "../../parts/icon";
import { count } from "../../text/number";

/** A figure that leads to its rows: the link is the child, and the whole tile is its target. */
export function Fact(props: {
  icon: IconName;
  name: string;
  value: number;
  note: string;
  tone: "bad" | "good" | "warn" | "calm";
  children: ReactElement<{ className?: string; children?: ReactNode }>;
}) {
  const link = props.children;
  return (
    <li className={props.value > 0 ? `fact ${props.tone}` : "fact"}>
      <span className="fact-name">
        <Icon name={props.icon} />
        {props.name}
      </span>
      <span className="fact-value">
        <link.type {...link.props} className="fact-link">
          {count(props.value)}
          <span className="sr-only"> {props.name}</span>
        </link.type>
      </span>
      <span className="muted">{props.note}</span>
    </li>
  );
}
