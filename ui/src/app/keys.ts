// Every shortcut as it is shipped, for the help sheet and for moving them.

import { type Moved, readMoved } from "../text/chords";
import { NAV } from "./nav";
import { stored } from "./stored";

/** `fixed` keys are those of the browser or of lists in general: they cannot be moved. */
export const KEYS: readonly {
  group: string;
  fixed?: boolean;
  keys: readonly (readonly [keys: string, meaning: string])[];
}[] = [
  {
    group: "Anywhere",
    keys: [
      ["?", "This sheet"],
      ["/", "Search this page"],
      ["v", "This view: link, curl, download, save, print"],
      ...NAV.map((item) => [`g ${item.key}`, item.name] as const),
    ],
  },
  {
    group: "Lists",
    keys: [
      ["j", "Next row; with the drawer open, next one"],
      ["k", "Row before"],
      ["x", "Select the row, or take it out; where rows can be selected"],
      ["e", "Assign: the open incident, or the selected ones"],
    ],
  },
  {
    group: "Always these keys",
    fixed: true,
    keys: [
      ["Ctrl K", "Command palette; also ⌘ K"],
      ["Esc", "Close what is open"],
      ["Enter", "Open the row"],
      ["Home", "First row"],
      ["End", "Last loaded row"],
    ],
  },
];

/** The shortcuts that can be moved. */
export const SHIPPED: readonly string[] = KEYS.filter((group) => !group.fixed).flatMap((group) =>
  group.keys.map(([keys]) => keys),
);

export const moved = stored<Moved>("keys", readMoved, (value) =>
  Object.keys(value).length > 0 ? JSON.stringify(value) : null,
);
