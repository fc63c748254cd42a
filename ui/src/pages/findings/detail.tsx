import { Link } from "@tanstack/react-router";
import { Fragment } from "react";
import type { FindingDetail } from "../../api/types";
import { CopyButton, Digest } from "../../parts/copy";
import { DrawerSection as Section } from "../../parts/drawer";
import { Icon } from "../../parts/icon";
import { ResourceLink } from "../../parts/resource-link";
import { SeverityBadge } from "../../parts/severity";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { safeLink } from "../../text/link";
import { percent } from "../../text/number";
import { remedy } from "../../text/remedy";
import { StateTag } from "./columns";
import { RiskFacts } from "./risk";
import { TriageSection } from "./triage";
import { facetWord, fixWord } from "./words";

export function FindingBody({ finding }: { finding: FindingDetail }) {
  return (
    <>
      <div className="drawer-title">
        <p className="tags">
          <SeverityBadge severity={finding.severity} />
          <StateTag row={finding} />
          {finding.kev && (
            <span className="tag bad">
              <Icon name="flame" /> Known exploited
            </span>
          )}
          <span className="tag">{facetWord("class", finding.class)}</span>
        </p>
        <h2>
          <span className="mono">
            <Text value={finding.rule} max={200} />
          </span>
        </h2>
        <p className="lead">
          <Text value={finding.title} max={600} />
        </p>
        {finding.suppressed && (
          <p className="note">
            Kept, but does not count: <Text value={finding.suppressed.reason} />{" "}
            <code className="muted">{finding.suppressed.code}</code>
          </p>
        )}
        {finding.description && finding.description !== finding.title && (
          <details className="description" open={finding.description.length < 600}>
            <summary>Description</summary>
            <p>
              <Text value={finding.description} lines />
            </p>
          </details>
        )}
      </div>
      <Matters finding={finding} />
      <TriageSection finding={finding} />
      <Owner finding={finding} />
      <Action finding={finding} />
      <EvidenceSection finding={finding} />
      <WhySection finding={finding} />
      <History finding={finding} />
      <Ids finding={finding} />
    </>
  );
}

function Matters({ finding }: { finding: FindingDetail }) {
  const { kev_detail: kev, epss, cvss = [] } = finding;
  return (
    <Section title="Why it matters here">
      <RiskFacts finding={finding} />
      <dl className="facts-list">
        <dt>Severity</dt>
        <dd>
          {finding.severity}, says <Text value={finding.severity_source || "nobody"} max={200} />
        </dd>
        {finding.class === "vulnerability" && (
          <>
            <dt>Exploited</dt>
            <dd>
              {kev ? (
                <>
                  In CISA’s catalogue since {kev.added}
                  {kev.due && <>, to be mended by {kev.due}</>}
                  {kev.ransomware && (
                    <>
                      {" "}
                      <span className="tag bad">Ransomware</span>
                    </>
                  )}
                </>
              ) : finding.kev ? (
                "In CISA’s catalogue of known exploited vulnerabilities"
              ) : (
                <span className="muted">Not in CISA’s catalogue</span>
              )}
            </dd>
            <dt>Likely soon</dt>
            <dd>
              {epss ? (
                <>
                  EPSS {percent(epss.score)} within 30 days{" "}
                  <span className="muted">(likelier than {percent(epss.percentile)} of all)</span>
                </>
              ) : (
                <span className="muted">No EPSS prediction</span>
              )}
            </dd>
          </>
        )}
      </dl>
      {cvss.length > 0 && (
        <div className="scroll-x" role="region" aria-label="CVSS ratings" tabIndex={0}>
          <table className="small-table">
            <thead>
              <tr>
                <th scope="col">CVSS</th>
                <th scope="col">Score</th>
                <th scope="col">Vector</th>
                <th scope="col">Source</th>
              </tr>
            </thead>
            <tbody>
              {cvss.map((each) => (
                <tr key={`${each.source} ${each.vector}`}>
                  <td>{each.version}</td>
                  <td className="number">{each.score.toFixed(1)}</td>
                  <td className="mono breaks">
                    <Text value={each.vector} max={200} />
                  </td>
                  <td>
                    <Text value={each.source} max={80} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}

function AssetLink({ asset }: { asset: FindingDetail["asset"] }) {
  const name = <Text value={asset.name} max={300} />;
  return asset.kind === "cluster" ? (
    <Link to="/inventory" search={{ scope: asset.id }}>
      {name}
    </Link>
  ) : (
    <Link to="/images/$id" params={{ id: asset.id }}>
      {name}
    </Link>
  );
}

function Owner({ finding }: { finding: FindingDetail }) {
  const pkg = finding.package;
  return (
    <Section title="Who owns it">
      <dl className="facts-list">
        <dt>Asset</dt>
        <dd>
          <AssetLink asset={finding.asset} /> <span className="muted">{finding.asset.kind}</span>
        </dd>
        {pkg && (
          <>
            <dt>Package</dt>
            <dd>
              <Link to="/findings" search={{ state: "open", package: pkg.name }}>
                <Text value={pkg.name} max={200} />
              </Link>{" "}
              <span className="mono">
                <Text value={pkg.version} max={100} />
              </span>{" "}
              <span className="tag">{pkg.type}</span>
            </dd>
            {pkg.source && (
              <>
                <dt>Built from</dt>
                <dd>
                  source <Text value={pkg.source.name} max={200} />{" "}
                  {pkg.source.version && (
                    <span className="mono">
                      <Text value={pkg.source.version} max={100} />
                    </span>
                  )}
                </dd>
              </>
            )}
            {pkg.owner && (
              <>
                <dt>Brought by</dt>
                <dd>
                  <Text value={pkg.owner.name} max={200} /> <span className="tag">{pkg.owner.type}</span>
                </dd>
              </>
            )}
            <dt>Package URL</dt>
            <dd className="with-copy">
              <code className="breaks">
                <Text value={pkg.purl} max={400} />
              </code>
              <CopyButton value={pkg.purl} label="Copy the package URL" />
            </dd>
          </>
        )}
      </dl>
    </Section>
  );
}

function Action({ finding }: { finding: FindingDetail }) {
  const versions = finding.fix.versions ?? [];
  const nearest = versions[0];
  const pkg = finding.package;
  if (finding.state === "fixed") {
    return (
      <Section title="Next safe action">
        <p>None: the latest scan of this asset looked here and did not find it again.</p>
      </Section>
    );
  }
  if (!pkg && finding.class === "misconfiguration") return <Patch finding={finding} />;
  if (!pkg || nearest === undefined) {
    return (
      <Section title="Next safe action">
        <p>
          {finding.fix.state === "fixed"
            ? "A fix exists, but the record names no version."
            : `No version to upgrade to: ${fixWord(finding.fix.state)}.`}{" "}
          {finding.fix.state === "not-fixed" &&
            "Watch the vendor, or remove the package where it is not needed."}
          {finding.fix.state === "wont-fix" &&
            "Remove the package, or move to a release that does not have it."}
          {finding.fix.state === "end-of-life" && "Move to a release that is still maintained."}
        </p>
      </Section>
    );
  }
  const way = remedy(pkg, nearest);
  return (
    <Section title="Next safe action">
      <p className="action">
        <Icon name="wrench" />
        <strong>
          <Text value={way.sentence} max={400} />
        </strong>
        {way.safe && <CopyButton value={nearest} label="Copy the fixed version" />}
      </p>
      {way.command ? (
        <div className="command">
          <code>{way.command}</code>
          <CopyButton value={way.command} label="Copy the command" />
        </div>
      ) : (
        <p className="muted">Then build the image again and scan it: this finding closes by itself.</p>
      )}
      {versions.length > 1 && (
        <p className="muted">
          Also free of it: <Text value={versions.slice(1, 12).join(", ")} />
        </p>
      )}
    </Section>
  );
}

/** What to do about an object: the rule says it in words, and where the plugin knows it, the change to this very object. */
function Patch({ finding }: { finding: FindingDetail }) {
  const patch = finding.proof?.patch;
  const text = Array.isArray(patch) && patch.length > 0 ? JSON.stringify(patch, null, 2) : "";
  return (
    <Section title="Next safe action">
      <p>
        {text
          ? "Change the object where it comes from, as the description says. As a JSON Patch of this very object:"
          : "Change the object where it comes from, as the description says."}
      </p>
      {text && (
        <div className="command">
          <code className="lines">
            <Text value={text} max={4000} lines />
          </code>
          <CopyButton value={text} label="Copy the patch" />
        </div>
      )}
      <p className="muted">When the next scan sees the change, this finding closes by itself.</p>
    </Section>
  );
}

function Compared({ proof }: { proof: FindingDetail["proof"] }) {
  if (!proof || (proof.found === undefined && proof.wanted === undefined)) return null;
  return (
    <dl className="facts-list">
      <dt>Found</dt>
      <dd className="mono breaks">
        <Text value={JSON.stringify(proof.found ?? null)} max={1000} />
      </dd>
      <dt>Wanted</dt>
      <dd className="mono breaks">
        <Text value={JSON.stringify(proof.wanted ?? null)} max={1000} />
      </dd>
    </dl>
  );
}

function EvidenceSection({ finding }: { finding: FindingDetail }) {
  const { evidence = [], records = [] } = finding;
  return (
    <Section title="Evidence">
      {evidence.length === 0 && records.length === 0 && <p className="muted">The report carries none.</p>}
      {evidence.length > 0 && (
        <ul className="plain">
          {evidence.map((each) => (
            <li key={`${each.path}\u0000${each.inner ?? ""}\u0000${each.method}`} className="evidence">
              <code className="breaks">
                {finding.asset.kind === "cluster" ? (
                  <ResourceLink scope={finding.asset.id} path={each.path} whole />
                ) : (
                  <>
                    /<Text value={each.path} max={1000} />
                  </>
                )}
                {each.inner && (
                  <>
                    <span className="muted"> inside </span>
                    <Text value={each.inner} max={1000} />
                  </>
                )}
              </code>
              <span className="muted">
                read as <Text value={each.method} max={60} />, {each.confidence} confidence
              </span>
            </li>
          ))}
        </ul>
      )}
      <Compared proof={finding.proof} />
      {records.length > 0 && (
        <>
          <h4>Feed records</h4>
          <ul className="plain">
            {records.map((record) => (
              <li key={`${record.id} ${record.ecosystem} ${record.package}`} className="evidence">
                <span>
                  <strong className="mono">
                    <Text value={record.id} max={120} />
                  </strong>{" "}
                  <span className="muted">
                    <Text value={record.ecosystem} max={60} /> · <Text value={record.package} max={120} /> ·
                    changed <Time at={record.modified} />
                  </span>
                </span>
                <span className="sentence">
                  <Text value={record.reason} max={1000} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}

function WhySection({ finding }: { finding: FindingDetail }) {
  const why = finding.why;
  if (!why) return null;
  return (
    <Section title="Why do I see this">
      <ol className="steps">
        {why.steps.map((step) => (
          <li key={step}>
            <Text value={step} max={1000} />
          </li>
        ))}
      </ol>
      <dl className="facts-list">
        {why.plugins.map((plugin) => (
          <div key={plugin.digest} className="contents">
            <dt>Read by</dt>
            <dd>
              <Link to="/plugins/$id" params={{ id: plugin.plugin }}>
                <Text value={plugin.plugin} max={100} />
              </Link>{" "}
              <Text value={plugin.version} max={40} /> <Digest value={plugin.digest} />
            </dd>
          </div>
        ))}
        <dt>Judged by</dt>
        <dd>
          {why.advisories ? (
            <>
              <Text value={why.advisories.source} max={200} />, as of <Time at={why.advisories.as_of} />{" "}
              <Digest value={why.advisories.digest} />
            </>
          ) : (
            <span className="muted">no advisory data</span>
          )}
        </dd>
        <dt>Seen in</dt>
        <dd>
          <Link to="/scans/$id" params={{ id: why.scan }}>
            scan {why.scan.slice(0, 8)}
          </Link>
        </dd>
      </dl>
    </Section>
  );
}

function History({ finding }: { finding: FindingDetail }) {
  const history = finding.history ?? [];
  return (
    <Section title="History">
      <ol className="timeline">
        {history.map((event) => (
          <li
            key={`${event.at} ${event.transition} ${event.scan ?? event.actor}`}
            className={`event ${event.transition}`}
          >
            <strong>{event.transition}</strong> <Time at={event.at} />
            {event.actor && (
              <>
                {" "}
                by <Text value={event.actor} max={120} />
              </>
            )}
            <span className="muted">
              <Text value={event.note} lines max={600} />
            </span>
          </li>
        ))}
      </ol>
      <p className="muted">
        First seen <Time at={finding.first_seen_at} />, last seen <Time at={finding.last_seen_at} />, found by{" "}
        <Finders names={finding.found_by ?? []} />.
      </p>
    </Section>
  );
}

/** Links shown at first; a record may carry hundreds. */
const LINKS_MAX = 200;

function Ids({ finding }: { finding: FindingDetail }) {
  const { ids = [], references = [] } = finding;
  return (
    <Section title="Ids and references">
      <p className="tags">
        {(ids.length > 0 ? ids : [finding.rule]).map((id) => (
          <span key={id} className="tag mono">
            <Text value={id} max={120} />
          </span>
        ))}
      </p>
      {references.length > 0 && (
        <ul className="plain links">
          {references.slice(0, LINKS_MAX).map((text) => {
            const href = safeLink(text);
            return (
              <li key={text}>
                {href ? (
                  <a href={href} target="_blank" rel="noreferrer noopener nofollow">
                    <Text value={text} max={200} />
                    <Icon name="link" />
                    <span className="sr-only"> (opens a new tab)</span>
                  </a>
                ) : (
                  <Text value={text} max={200} />
                )}
              </li>
            );
          })}
        </ul>
      )}
      {references.length > LINKS_MAX && (
        <p className="muted">and {references.length - LINKS_MAX} more in the record</p>
      )}
      <p className="with-copy muted">
        Fingerprint <code className="breaks">{finding.fingerprint}</code>
        <CopyButton value={finding.fingerprint} label="Copy the fingerprint" />
      </p>
    </Section>
  );
}

function Finders({ names }: { names: readonly string[] }) {
  return names.map((name, index) => (
    <Fragment key={name}>
      {index > 0 && ", "}
      <Link to="/findings" search={{ found_by: name }}>
        {name === "palisade" ? "Palisade" : name}
      </Link>
    </Fragment>
  ));
}
