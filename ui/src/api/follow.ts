// Follows one scan by server-sent events until it ends.
//
// A browser allows six connections to a host over HTTP/1.1, over all its tabs. A hidden tab therefore gives its
// stream back and takes it up again when it is shown; the first event after that is the scan as it now stands.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { API } from "./client";
import { scanQuery } from "./queries";
import type { Scan, ScanState } from "./types";

export const ended = (state: ScanState): boolean => state === "finished" || state === "failed";

export type Stream = "connecting" | "live" | "waiting" | "ended";

/** Writes each event into the query of the scan, and tells how the stream does. */
export function useFollowScan(id: string, state: ScanState | undefined): Stream {
  const client = useQueryClient();
  const [stream, setStream] = useState<Stream>("connecting");
  const over = state !== undefined && ended(state);

  useEffect(() => {
    if (over) {
      setStream("ended");
      return;
    }
    let source: EventSource | null = null;
    const close = () => {
      source?.close();
      source = null;
    };
    const open = () => {
      close();
      source = new EventSource(`${API}/scans/${encodeURIComponent(id)}/events`);
      source.addEventListener("open", () => setStream("live"));
      source.addEventListener("error", () => setStream("waiting"));
      source.addEventListener("scan", (event) => {
        let scan: Scan;
        try {
          scan = JSON.parse(event.data) as Scan;
        } catch {
          return;
        }
        client.setQueryData(scanQuery(id).queryKey, scan);
        if (!ended(scan.state)) return;
        close();
        setStream("ended");
        for (const key of ["overview", "findings", "images", "plugins"]) {
          void client.invalidateQueries({ queryKey: [key] });
        }
        void client.invalidateQueries({ queryKey: ["scans", "list"] });
      });
    };
    const visibility = () => (document.hidden ? close() : open());
    visibility();
    document.addEventListener("visibilitychange", visibility);
    // A proxy that swallows streams must not leave the page waiting for ever.
    const poll = setInterval(() => {
      if (!document.hidden && source?.readyState !== EventSource.OPEN) {
        void client.invalidateQueries({ queryKey: scanQuery(id).queryKey });
      }
    }, 5_000);
    return () => {
      close();
      clearInterval(poll);
      document.removeEventListener("visibilitychange", visibility);
    };
  }, [client, id, over]);

  return stream;
}
