import type { FindingDetail, RiskTerm } from "../../api/types";
import { ResourceLink } from "../../parts/resource-link";
import { RiskMark } from "../../parts/risk";
import { formula, termName } from "../../text/risk";

/** How much a finding matters here, with every term of the sum and the place that decided. */
export function RiskFacts({ finding }: { finding: FindingDetail }) {
  const terms = finding.risk_terms ?? [];
  if (terms.length === 0) return null;
  const origin = finding.risk_origin;
  return (
    <details className="risk-terms">
      <summary>
        Risk <RiskMark risk={finding.risk ?? 0} />{" "}
        <span className="muted">of 100, and how it is reckoned</span>
      </summary>
      {origin && (
        <p>
          Where it counts most: <ResourceLink scope={origin.scope} path={origin.path} />
        </p>
      )}
      <div className="scroll-x" role="region" aria-label="What the risk is made of" tabIndex={0}>
        <table className="small-table">
          <thead>
            <tr>
              <th scope="col">Term</th>
              <th scope="col">Value</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {terms.map((term) => (
              <Term key={term.name} term={term} />
            ))}
          </tbody>
        </table>
      </div>
      <p className="muted mono breaks">{formula(terms)}</p>
    </details>
  );
}

function Term({ term }: { term: RiskTerm }) {
  const { name, unit } = termName(term.name);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="number">
        {unit === "added" ? "+" : ""}
        {term.value}
        {unit === "points" ? "" : " %"}
      </td>
      <td>{term.why}</td>
    </tr>
  );
}
