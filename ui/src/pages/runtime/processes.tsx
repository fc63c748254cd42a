// The processes of a container around an event, as a tree that the keyboard walks (ARIA tree pattern).

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { processTreeQuery } from "../../api/runtime-queries";
import { Icon } from "../../parts/icon";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { counted } from "../../text/number";
import { type ProcessNode, processTree, type TreeLine, treeLines } from "../../text/process-tree";
import { absolute } from "../../text/time";

const route = getRouteApi("/runtime/processes/$event");

export function ProcessesPage() {
  const { event } = route.useParams();
  const tree = useQuery(processTreeQuery(event));
  const top = useMemo(() => processTree(tree.data?.processes ?? []), [tree.data]);
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/runtime">Runtime events</Link>
        <Icon name="right" />
        <Link to="/runtime" search={{ event }}>
          Event
        </Link>
        <Icon name="right" />
      </p>
      <header className="page-head">
        <h1>Processes of the container</h1>
        <p className="muted">
          {tree.data?.container ? (
            <>
              {absolute(tree.data.from)} to {absolute(tree.data.to).slice(11)} in{" "}
              <Link to="/runtime" search={{ container: tree.data.container }} className="mono">
                <Text value={tree.data.container} max={64} />
              </Link>
              .{" "}
            </>
          ) : (
            "Around this event. "
          )}
          The arrows move and open, Enter leads to the event of a process.
        </p>
      </header>
      {tree.isPending ? (
        <Loading rows={8} label="Loading processes" />
      ) : tree.isLoadingError ? (
        <Failure error={tree.error} retry={() => tree.refetch()} what="the processes" />
      ) : top.length === 0 ? (
        <Empty icon="runtime" title="No process of this container was seen">
          <p>
            Alerts name one process each. A tree needs a sensor that tells every start, such as Tetragon:{" "}
            <Link to="/sources" search={{ ask: "new" }}>
              add a source
            </Link>
            .
          </p>
        </Empty>
      ) : (
        <>
          {tree.data.cut && (
            <p className="note">There were more processes than one answer holds: this is not all.</p>
          )}
          <Tree top={top} />
        </>
      )}
    </main>
  );
}

function Tree({ top }: { top: readonly ProcessNode[] }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const lines = treeLines(top, closed);
  const [at, setAt] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const navigate = route.useNavigate();
  const current =
    lines.find((line) => line.node.id === at) ?? lines.find((line) => line.node.asked) ?? lines[0];
  const index = current ? lines.indexOf(current) : -1;

  const go = (line: TreeLine | undefined) => {
    if (!line) return;
    setAt(line.node.id);
    const items = list.current?.querySelectorAll<HTMLElement>("[role=treeitem]");
    items?.[lines.indexOf(line)]?.focus();
  };
  const toggle = (node: ProcessNode, open: boolean) => {
    const next = new Set(closed);
    if (open) next.delete(node.id);
    else next.add(node.id);
    setClosed(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
    const { node, level } = current;
    const open = node.children.length > 0 && !closed.has(node.id);
    switch (event.key) {
      case "ArrowDown":
        go(lines[index + 1]);
        break;
      case "ArrowUp":
        go(lines[index - 1]);
        break;
      case "Home":
        go(lines[0]);
        break;
      case "End":
        go(lines.at(-1));
        break;
      case "ArrowRight":
        if (open) go(lines[index + 1]);
        else if (node.children.length > 0) toggle(node, true);
        break;
      case "ArrowLeft":
        if (open) toggle(node, false);
        else go(lines.slice(0, index).findLast((line) => line.level < level));
        break;
      case "Enter":
        if (node.event) void navigate({ to: "/runtime", search: { event: node.event } });
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  return (
    <section className="card flush" aria-label="Processes">
      <div ref={list} role="tree" aria-label="Processes" className="tree" onKeyDown={onKeyDown}>
        {lines.map((line) => (
          <TreeItem
            key={line.node.id}
            line={line}
            open={!closed.has(line.node.id)}
            current={line === current}
            meant={line.node.asked}
            onFocus={() => setAt(line.node.id)}
            onToggle={() => toggle(line.node, closed.has(line.node.id))}
          />
        ))}
      </div>
      <p className="card-foot muted" role="status">
        {counted(lines.length, "process", "processes")} shown
      </p>
    </section>
  );
}

/** Deeper ones are not drawn further in: a line has to stay readable on a phone. */
const DEPTH_MAX = 12;

function TreeItem({
  line,
  open,
  current,
  meant,
  onFocus,
  onToggle,
}: {
  line: TreeLine;
  open: boolean;
  current: boolean;
  meant: boolean;
  onFocus: () => void;
  onToggle: () => void;
}) {
  const { node, level, place, of } = line;
  const parent = node.children.length > 0;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the tree
    <div
      role="treeitem"
      aria-level={level}
      aria-posinset={place}
      aria-setsize={of}
      aria-expanded={parent ? open : undefined}
      aria-selected={current}
      tabIndex={current ? 0 : -1}
      className={`tree-item depth-${Math.min(level, DEPTH_MAX)}${meant ? " meant" : ""}`}
      onFocus={onFocus}
      onClick={() => parent && onToggle()}
    >
      <span className="tree-mark" aria-hidden="true">
        {parent && <Icon name={open ? "down" : "right"} />}
      </span>
      <span className="tree-body">
        <code className="breaks">
          <Text value={node.command} max={1_000} />
        </code>
        <span className="tree-facts muted">
          {meant && <span className="tag open">This event</span>}
          {node.unseen && (
            <span className="tag" title="Known only because it started another one">
              Start not seen
            </span>
          )}
          {node.pid !== null && <span>pid {node.pid}</span>}
          {node.user && <Text value={node.user} max={80} />}
          {node.started && <span>{absolute(node.started).slice(11)}</span>}
          {node.event && (
            <Link to="/runtime" search={{ event: node.event }} tabIndex={-1}>
              Event
            </Link>
          )}
        </span>
      </span>
    </div>
  );
}
