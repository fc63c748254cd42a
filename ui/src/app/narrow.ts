import { useSyncExternalStore } from "react";

function media(query: string) {
  const list = typeof window === "undefined" ? null : window.matchMedia(query);
  return {
    subscribe: (listener: () => void) => {
      list?.addEventListener("change", listener);
      return () => list?.removeEventListener("change", listener);
    },
    get: () => list?.matches ?? false,
  };
}

const phone = media("(max-width: 719px)");
const overlay = media("(max-width: 1099px)");

/** Tables become cards. The width is also in `styles/`. */
export const useNarrow = (): boolean => useSyncExternalStore(phone.subscribe, phone.get);

/** The drawer lies over the list instead of beside it. */
export const useDrawerOverlay = (): boolean => useSyncExternalStore(overlay.subscribe, overlay.get);

/** The page is on its way to paper: what is drawn only while in view has to be there in full. */
export const usePrinting = (): boolean => useSyncExternalStore(subscribePrint, () => onPaper || paper.get());

const paper = media("print");
let onPaper = false;

function subscribePrint(listener: () => void) {
  const begin = () => {
    onPaper = true;
    listener();
  };
  const end = () => {
    onPaper = false;
    listener();
  };
  window.addEventListener("beforeprint", begin);
  window.addEventListener("afterprint", end);
  const stop = paper.subscribe(listener);
  return () => {
    window.removeEventListener("beforeprint", begin);
    window.removeEventListener("afterprint", end);
    stop();
  };
}
