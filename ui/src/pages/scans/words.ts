import type { ScanState } from "../../api/types";

const WORDS: Record<ScanState, string> = {
  queued: "Queued",
  running: "Running",
  finished: "Finished",
  failed: "Failed",
};

export const stateWord = (state: string): string => WORDS[state as ScanState] ?? state;

const TONE: Record<ScanState, string> = { queued: "", running: "busy", finished: "good", failed: "bad" };

export const stateTone = (state: string): string => TONE[state as ScanState] ?? "";
