import type { EventSource } from "../../api/runtime";
import { CopyButton } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { doorAddress, snippetsOf, TOKEN_PLACE } from "../../text/snippets";

/** Configuration for the sender of a source; with its token only right after it was made. */
export function Setup({
  source,
  token,
  onDone,
}: {
  source: EventSource;
  token?: string;
  onDone: () => void;
}) {
  const origin = window.location.origin;
  return (
    <div className="stack tight">
      {token ? (
        <>
          <p className="need">
            <Icon name="warning" className="warn" />
            <strong>This is shown once. Copy it now; whoever loses it makes a new one.</strong>
          </p>
          <p className="secret">
            <code className="breaks" data-testid="token">
              {token}
            </code>
            <CopyButton value={token} label="Copy the token" />
          </p>
        </>
      ) : (
        <p className="muted">
          The token was shown when it was made. Put it where <code>{TOKEN_PLACE}</code> stands, or make a new
          one.
        </p>
      )}
      <p>
        It opens <code className="breaks">{doorAddress(origin, source.name)}</code> and nothing else.
      </p>
      {origin.startsWith("http:") && (
        <p className="note">
          This page came without TLS, so the address below has none either: the token would cross the network
          as it is. Put a proxy with TLS before this server.
        </p>
      )}
      {snippetsOf(source.format, source.name, origin, token ?? "").map((each) => (
        <section key={each.title} className="snippet">
          <div className="card-head">
            <h3>{each.title}</h3>
            <span className="with-copy muted">
              {each.file}
              <CopyButton value={each.text} label={`Copy the configuration: ${each.title}`} />
            </span>
          </div>
          <pre className="code" tabIndex={0}>
            {each.text}
          </pre>
          {each.note && <p className="muted">{each.note}</p>}
        </section>
      ))}
      <p className="dialog-foot">
        <button type="button" className="button primary" onClick={onDone}>
          {token ? "I have copied it" : "Close"}
        </button>
      </p>
    </div>
  );
}
