import { useCallback, useEffect, useState } from "react";
import { recall, remember } from "./memory";

export type Theme = "system" | "dark" | "light" | "contrast";

const KEY = "theme";

const stored = (): Theme => {
  const value = recall(KEY);
  return value === "dark" || value === "light" || value === "contrast" ? value : "system";
};

/** The chosen theme, and the way to choose another. `system` follows the operating system. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(stored);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  const choose = useCallback((next: Theme) => {
    remember(KEY, next === "system" ? null : next);
    setTheme(next);
  }, []);
  return [theme, choose];
}
