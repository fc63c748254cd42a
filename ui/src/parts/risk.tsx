/** A risk as a number with a bar of its length: what is long is read first. */
export function RiskMark({ risk }: { risk: number }) {
  return (
    <span className="risk" title={`Risk ${risk} of 100`}>
      <span className="risk-number">{risk}</span>
      <span className="risk-bar" aria-hidden="true">
        <span className="risk-fill" style={{ inlineSize: `${Math.max(0, Math.min(100, risk))}%` }} />
      </span>
    </span>
  );
}
