import { type ReactNode, useId } from "react";

/** A control under its label. */
export function Field({
  name,
  hint,
  grow = false,
  whole = false,
  children,
}: {
  name: string;
  hint?: ReactNode;
  grow?: boolean;
  whole?: boolean;
  children: (id: string, hint: string | undefined) => ReactNode;
}) {
  const id = useId();
  const about = hint ? `${id}-hint` : undefined;
  return (
    <div className={whole ? "field whole" : grow ? "field grow" : "field"}>
      <label htmlFor={id}>{name}</label>
      {children(id, about)}
      {hint && (
        <p id={about} className="muted hint">
          {hint}
        </p>
      )}
    </div>
  );
}
