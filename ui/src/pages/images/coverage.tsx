import type { Coverage } from "../../api/types";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";

/** Gaps drawn at first; a broken image may have thousands. */
const GAPS_MAX = 100;

/** What was seen and what was not. It stands beside the findings, because "none found" means nothing without it. */
export function CoverageStatement({ coverage }: { coverage: Coverage | null | undefined }) {
  if (!coverage) {
    return (
      <section className="card" aria-labelledby="coverage">
        <h2 id="coverage">Coverage</h2>
        <p className="muted">No scan of this has finished yet, so nothing is known about it.</p>
      </section>
    );
  }
  const gaps = coverage.gaps ?? [];
  const ecosystems = coverage.ecosystems ?? [];
  return (
    <section className="card" aria-labelledby="coverage" data-testid="coverage">
      <div className="card-head">
        <h2 id="coverage">Coverage</h2>
        {coverage.complete ? (
          <span className="tag good">
            <Icon name="check" /> Complete
          </span>
        ) : (
          <span className="tag warn" data-gaps={gaps.length}>
            <Icon name="gap" /> {gaps.length > 0 ? counted(gaps.length, "gap") : "Incomplete"}
          </span>
        )}
      </div>
      <p>
        {coverage.complete
          ? "Every file that an analyzer asked for was read, and every ecosystem had advisories."
          : "Some of this image could not be looked at or judged. What follows may hide findings."}
      </p>
      {gaps.length > 0 && (
        <div className="gaps" role="region" aria-label="Coverage gaps" tabIndex={0}>
          <ul>
            {gaps.slice(0, GAPS_MAX).map((gap) => (
              <li key={`${gap.code}\u0000${gap.subject}\u0000${gap.reason}`} data-gap={gap.code}>
                <span className="tag warn mono">{gap.code}</span>{" "}
                <code className="breaks">
                  <Text value={gap.subject} max={400} />
                </code>
                <span className="sentence">
                  <Text value={gap.reason} max={600} />
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
      {gaps.length > GAPS_MAX && (
        <p className="muted">and {count(gaps.length - GAPS_MAX)} more in the scan’s report</p>
      )}
      {ecosystems.length > 0 && (
        <div className="scroll-x" role="region" aria-label="Ecosystems" tabIndex={0}>
          <table className="small-table">
            <thead>
              <tr>
                <th scope="col">Ecosystem</th>
                <th scope="col" className="number">
                  Packages
                </th>
                <th scope="col" className="number">
                  Advisories
                </th>
              </tr>
            </thead>
            <tbody>
              {ecosystems.map((each) => (
                <tr key={each.ecosystem}>
                  <td>
                    <Text value={each.ecosystem} max={80} />
                  </td>
                  <td className="number">{count(each.packages)}</td>
                  <td className="number">
                    {each.records === 0 ? <span className="tag warn">no data</span> : count(each.records)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <dl className="facts-list">
        {(coverage.analyzers ?? []).map((each) => (
          <div key={each.digest} className="contents">
            <dt>Looked at by</dt>
            <dd>
              <Text value={each.plugin} max={100} /> <Text value={each.version} max={40} />{" "}
              <Digest value={each.digest} />
            </dd>
          </div>
        ))}
        <dt>Judged by</dt>
        <dd>
          {coverage.advisories ? (
            <>
              <Text value={coverage.advisories.source} max={200} />
              {coverage.advisories.as_of && (
                <>
                  , as of <Time at={coverage.advisories.as_of} />
                </>
              )}
            </>
          ) : (
            <span className="muted">no advisory data</span>
          )}
        </dd>
      </dl>
    </section>
  );
}
