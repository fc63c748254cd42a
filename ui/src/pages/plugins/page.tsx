import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { actOnPlugin, pluginQuery } from "../../api/queries";
import type { Plugin, PluginAction } from "../../api/types";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { ActDialog } from "./act";
import { Banners } from "./banners";
import { Interests, Limits, Rules } from "./facts";
import { Health, HostCalls } from "./health";
import { Logs } from "./logs";
import { Rights } from "./rights";
import { PluginState } from "./state";
import { Versions } from "./versions";
import { type Ask, type Wish, wishFor } from "./wish";

const route = getRouteApi("/plugins/$id");

export function PluginPage() {
  const { id } = route.useParams();
  const plugin = useQuery(pluginQuery(id));
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/plugins">Plugins</Link>
        <Icon name="right" />
      </p>
      {plugin.isPending ? (
        <Loading rows={8} label="Loading the plugin" />
      ) : plugin.isLoadingError ? (
        <Failure error={plugin.error} retry={() => plugin.refetch()} what="this plugin" />
      ) : (
        <PluginView key={id} plugin={plugin.data} />
      )}
    </main>
  );
}

const DONE: Record<PluginAction["verb"], string> = {
  approve: "Approved with the rights that you ticked.",
  promote: "Promoted: new calls go to it.",
  activate: "Activated: new calls go to it.",
  retire: "Retired: it is not called any more.",
  release: "Released: it is called again from the next scan on.",
};

function PluginView({ plugin }: { plugin: Plugin }) {
  const [wish, setWish] = useState<Wish | null>(null);
  const [done, setDone] = useState("");
  const said = useRef<HTMLParagraphElement>(null);
  const client = useQueryClient();
  const action = useMutation({
    mutationFn: (wanted: PluginAction) => actOnPlugin(plugin.id, wanted),
    onSuccess: async (_, wanted) => {
      await client.invalidateQueries({ queryKey: ["plugins"] });
      setWish(null);
      setDone(DONE[wanted.verb]);
    },
    // Refused is often late: somebody else was quicker. The page behind the dialog then shows what is now.
    onError: () => client.invalidateQueries({ queryKey: ["plugins"] }),
  });
  // The button that opened the dialog is often gone by now, and the focus with it.
  useEffect(() => {
    if (done) said.current?.focus();
  }, [done]);
  const ask: Ask = (verb, version) => {
    action.reset();
    setDone("");
    setWish(wishFor(plugin, verb, version));
  };
  return (
    <>
      <Head plugin={plugin} />
      <p ref={said} tabIndex={-1} role="status" className={done ? "verdict good done" : "sr-only"}>
        {done && <Icon name="check" />} {done}
      </p>
      <Banners plugin={plugin} ask={ask} />
      <div className="two">
        <div className="stack">
          <Health plugin={plugin} />
          <HostCalls plugin={plugin} />
        </div>
        <div className="stack">
          <Rights plugin={plugin} />
          <Logs plugin={plugin} />
        </div>
      </div>
      <Versions plugin={plugin} ask={ask} />
      <div className="two">
        <Interests plugin={plugin} />
        <div className="stack">
          <Limits plugin={plugin} />
          <Rules plugin={plugin} />
        </div>
      </div>
      <ActDialog
        wish={wish}
        acting={{
          pending: action.isPending,
          error: action.error,
          act: action.mutate,
          cancel: () => setWish(null),
        }}
      />
    </>
  );
}

function Head({ plugin }: { plugin: Plugin }) {
  const facts: [string, string][] = [
    ["Publisher", plugin.publisher],
    ["From", plugin.source],
    ["Kinds", plugin.kinds.join(", ")],
    ["Contract", plugin.contract],
    ["Licence", plugin.license],
  ];
  return (
    <header className="page-head">
      <h1>
        <Text value={plugin.id} max={120} />{" "}
        <span className="muted">
          <Text value={plugin.version} max={40} />
        </span>
      </h1>
      <p>
        <PluginState state={plugin.state} /> <Text value={plugin.description} max={600} />
      </p>
      <dl className="meta">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Text value={value} max={200} />
            </dd>
          </div>
        ))}
        <div>
          <dt>Digest</dt>
          <dd>
            <Digest value={plugin.digest} />
          </dd>
        </div>
      </dl>
    </header>
  );
}
