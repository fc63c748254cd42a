import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { Empty } from "../parts/states";
import { Text } from "../parts/text";

/** A fault of this page’s own code, or a part of it that could not be fetched, as after an upgrade of the server. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <main className="page" role="alert">
      <Empty icon="warning" title="This page could not be drawn">
        <p>
          Nothing was changed on the server. If the server was upgraded since this page was opened, reloading
          helps.
        </p>
        <p className="mono muted">
          <Text value={error instanceof Error ? error.message : String(error)} max={400} />
        </p>
        <p className="tags">
          <button type="button" className="button primary" onClick={() => window.location.reload()}>
            Reload
          </button>
          <button
            type="button"
            className="button"
            onClick={() => {
              reset();
              void router.navigate({ to: "/" });
            }}
          >
            Go to the overview
          </button>
        </p>
      </Empty>
    </main>
  );
}
