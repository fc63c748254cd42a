// How score and coverage went, as a drawing and as the table that says the same.

import { Link } from "@tanstack/react-router";
import type { AssessmentDetail, TrendPoint } from "../../api/posture";
import { Time } from "../../parts/time";
import { TwinSwitch } from "../../parts/twin";
import { controlsOf, told } from "../../text/control";
import { count, counted, percent } from "../../text/number";
import { absolute } from "../../text/time";

interface Props {
  assessment: AssessmentDetail;
  table: boolean;
  onTable: (table: boolean) => void;
}

const WIDTH = 640;
const HEIGHT = 140;
const LEFT = 30;
const TOP = 8;
const BOTTOM = 20;

const share = (point: TrendPoint): number =>
  (100 * told(point.summary)) / Math.max(1, controlsOf(point.summary));

export function Trend({ assessment, table, onTable }: Props) {
  const points = [...assessment.trend].reverse();
  return (
    <section className="card" aria-labelledby="trend">
      <div className="card-head">
        <h2 id="trend">Trend</h2>
        {points.length > 1 && <TwinSwitch table={table} label="Trend as" onChange={onTable} />}
      </div>
      {points.length < 2 ? (
        <p className="muted">
          Assessed once so far, <Time at={points[0]?.at ?? assessment.at} />. A trend shows from the second
          scan on.
        </p>
      ) : table ? (
        <TrendTable assessment={assessment} />
      ) : (
        <Chart points={points} />
      )}
    </section>
  );
}

function Chart({ points }: { points: readonly TrendPoint[] }) {
  const times = points.map((point) => Date.parse(point.at));
  const first = times[0] ?? 0;
  const span = Math.max(1, (times.at(-1) ?? 0) - first);
  const x = (index: number) => LEFT + 6 + ((WIDTH - LEFT - 12) * ((times[index] ?? first) - first)) / span;
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / 100);
  const line = (value: (point: TrendPoint) => number | null | undefined) =>
    points
      .flatMap((point, index) => {
        const at = value(point);
        return typeof at === "number" ? [`${x(index).toFixed(1)},${y(at).toFixed(1)}`] : [];
      })
      .join(" ");
  const last = points.at(-1);
  const start = points[0];
  const words = `Score from ${start?.summary.score ?? "none"} to ${last?.summary.score ?? "none"}, coverage from ${percent(
    (start ? share(start) : 0) / 100,
  )} to ${percent((last ? share(last) : 0) / 100)}, over ${counted(points.length, "assessment")}`;
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words}>
        {[0, 50, 100].map((value) => (
          <g key={value}>
            <line className="chart-rule" x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
            <text className="chart-word" x={LEFT - 6} y={y(value) + 4} textAnchor="end">
              {value}
            </text>
          </g>
        ))}
        <polyline className="chart-told" points={line(share)} />
        <polyline className="chart-score" points={line((point) => point.summary.score)} />
        {points.map((point, index) =>
          typeof point.summary.score === "number" ? (
            <circle
              key={point.scan}
              className="chart-point"
              cx={x(index)}
              cy={y(point.summary.score)}
              r={points.length > 60 ? 1.5 : 3}
            />
          ) : null,
        )}
        <text className="chart-word" x={LEFT} y={HEIGHT - 4}>
          {absolute(start?.at ?? "").slice(0, 10)}
        </text>
        <text className="chart-word" x={WIDTH} y={HEIGHT - 4} textAnchor="end">
          {absolute(last?.at ?? "").slice(0, 10)}
        </text>
      </svg>
      <figcaption className="muted legend">
        <span>
          <span className="key key-score" aria-hidden="true" /> Score, 0 to 100
        </span>
        <span>
          <span className="key key-told" aria-hidden="true" /> Coverage, per cent of controls told
        </span>
      </figcaption>
    </figure>
  );
}

function TrendTable({ assessment }: { assessment: AssessmentDetail }) {
  return (
    <div className="scroll-x tall" role="region" aria-label="Trend as a table" tabIndex={0}>
      <table className="small-table" data-testid="trend-table">
        <thead>
          <tr>
            <th scope="col">Assessed</th>
            <th scope="col" className="number">
              Score
            </th>
            <th scope="col" className="number">
              Told
            </th>
            <th scope="col" className="number">
              Of
            </th>
          </tr>
        </thead>
        <tbody>
          {assessment.trend.map((point) => (
            <tr key={point.scan}>
              <td>
                <Link
                  to="/compliance/$framework/$scope"
                  params={{ framework: assessment.framework, scope: assessment.scope }}
                  search={{ scan: point.scan, as: "table" }}
                  preload={false}
                >
                  <Time at={point.at} />
                </Link>
              </td>
              <td className="number">{point.summary.score ?? "none"}</td>
              <td className="number">{count(told(point.summary))}</td>
              <td className="number">{count(controlsOf(point.summary))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
