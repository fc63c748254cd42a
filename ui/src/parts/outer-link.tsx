import type { ReactNode } from "react";
import { safeLink } from "../text/link";

/** A link out of this page, to an address that is somebody else's word; its text alone where that is no address to go to. */
export function OuterLink({
  to,
  className,
  children,
}: {
  to: string | null | undefined;
  className?: string | undefined;
  children: ReactNode;
}) {
  const href = to ? safeLink(to) : null;
  return href ? (
    <a className={className} href={href} target="_blank" rel="noreferrer noopener nofollow">
      {children}
      <span className="sr-only"> (opens a new tab)</span>
    </a>
  ) : (
    <span className={className}>{children}</span>
  );
}
