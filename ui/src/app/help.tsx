import { Dialog } from "../parts/dialog";
import { setShortcuts, useShortcutsEnabled } from "./shortcuts";

const KEYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "Anywhere",
    [
      ["?", "This sheet"],
      ["/", "Search this page"],
      ["Esc", "Close what is open"],
      ["g o", "Overview"],
      ["g d", "Incidents"],
      ["g f", "Findings"],
      ["g n", "Inventory"],
      ["g t", "Attack paths"],
      ["g c", "Compliance"],
      ["g r", "Runtime events"],
      ["g u", "Sources and sensors"],
      ["g e", "Responses"],
      ["g l", "Rules"],
      ["g m", "ATT&CK map"],
      ["g i", "Images"],
      ["g s", "Scans"],
      ["g p", "Plugins"],
      ["g a", "Advisory data"],
    ],
  ],
  [
    "Lists",
    [
      ["j", "Next row; with the drawer open, next finding"],
      ["k", "Row before"],
      ["Enter", "Open the row"],
      ["Home", "First row"],
      ["End", "Last loaded row"],
    ],
  ],
];

export function HelpSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const enabled = useShortcutsEnabled();
  return (
    <Dialog open={open} title="Keyboard shortcuts" onClose={onClose}>
      <div className="help">
        {KEYS.map(([group, keys]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {keys.map(([key, meaning]) => (
                <div key={key}>
                  <dt>
                    {key.split(" ").map((part) => (
                      <kbd key={part}>{part}</kbd>
                    ))}
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="check">
        <input type="checkbox" checked={enabled} onChange={(event) => setShortcuts(event.target.checked)} />
        Single-key shortcuts are on
      </label>
    </Dialog>
  );
}
