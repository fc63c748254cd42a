import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

/** A link to an address of this page that is known only as text, such as a saved view. */
export function AddressLink({
  to,
  className,
  onGo,
  children,
}: {
  to: string;
  className?: string;
  onGo?: () => void;
  children: ReactNode;
}) {
  const router = useRouter();
  const go = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    router.history.push(to);
    onGo?.();
  };
  return (
    <a href={to} className={className} onClick={go}>
      {children}
    </a>
  );
}
