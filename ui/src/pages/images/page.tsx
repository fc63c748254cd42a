import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { imageQuery } from "../../api/queries";
import type { ImageDetail } from "../../api/types";
import { OPEN } from "../../app/search";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { SEVERITIES, SeverityBar, SeverityMark, severityName } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count } from "../../text/number";
import { ScanTable } from "../scans/table";
import { CoverageStatement } from "./coverage";
import { Packages } from "./packages";
import { osName } from "./words";

const route = getRouteApi("/images/$id");

export function ImagePage() {
  const { id } = route.useParams();
  const image = useQuery(imageQuery(id));
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/images">Images</Link>
        <Icon name="right" />
      </p>
      {image.isPending ? (
        <Loading rows={8} label="Loading the image" />
      ) : image.isLoadingError ? (
        <Failure error={image.error} retry={() => image.refetch()} what="this image" />
      ) : (
        <Image image={image.data} />
      )}
    </main>
  );
}

function Image({ image }: { image: ImageDetail }) {
  const search = route.useSearch();
  const tab = search.tab ?? "packages";
  const total = SEVERITIES.reduce((sum, severity) => sum + (image.findings[severity] ?? 0), 0);
  const here = { ...OPEN, asset: image.id };
  const tabs = [
    ["packages", "Packages", image.packages],
    ["layers", "Layers", image.layers?.length ?? 0],
    ["scans", "Scans", image.scans?.length ?? 0],
  ] as const;
  return (
    <>
      <header className="page-head">
        <h1>
          <Text value={image.name} max={300} />
        </h1>
        <p>
          <Link to="/images/compare" search={{ a: image.id }}>
            Compare with another one
          </Link>
        </p>
        <dl className="meta">
          <div>
            <dt>Kind</dt>
            <dd>{image.kind}</dd>
          </div>
          <div>
            <dt>Platform</dt>
            <dd>{image.platform ?? <span className="muted">not stated</span>}</dd>
          </div>
          <div>
            <dt>System</dt>
            <dd>
              <Text value={osName(image.os) ?? "no distribution"} max={120} />
            </dd>
          </div>
          <div>
            <dt>Last scan</dt>
            <dd>
              <Time at={image.last_scan_at} />
            </dd>
          </div>
          <div>
            <dt>Id</dt>
            <dd>
              <Digest value={image.id} />
            </dd>
          </div>
          {(image.aliases ?? []).length > 0 && (
            <div>
              <dt>Also known as</dt>
              <dd>
                <Text value={(image.aliases ?? []).slice(0, 8).join(", ")} max={400} />
              </dd>
            </div>
          )}
        </dl>
      </header>

      <div className="two">
        <section className="card" aria-labelledby="image-findings">
          <div className="card-head">
            <h2 id="image-findings">Open findings</h2>
            <Link to="/findings" search={here} data-count="image:all">
              {total === 0 ? "none" : `${count(total)} in all`}
            </Link>
          </div>
          <SeverityBar counts={image.findings} />
          <ul className="tiles small">
            {SEVERITIES.filter((severity) => (image.findings[severity] ?? 0) > 0).map((severity) => (
              <li key={severity}>
                <Link
                  to="/findings"
                  search={{ ...here, severity }}
                  className={`tile sev-${severity}`}
                  data-count={`image:${severity}`}
                >
                  <span className="tile-name">
                    <SeverityMark severity={severity} />
                    {severityName(severity)}
                  </span>
                  <span className="tile-value">{count(image.findings[severity] ?? 0)}</span>
                </Link>
              </li>
            ))}
          </ul>
          {total === 0 && (
            <p className="muted">Nothing is open. Read the coverage statement before you call it clean.</p>
          )}
        </section>
        <CoverageStatement coverage={image.coverage} />
      </div>

      <nav className="tabs" aria-label="Image">
        {tabs.map(([id, name, number]) => (
          <Link
            key={id}
            to="/images/$id"
            params={{ id: image.id }}
            search={{ tab: id === "packages" ? undefined : id }}
            replace
            aria-current={tab === id ? "true" : undefined}
            activeOptions={{ exact: true }}
            activeProps={{ "aria-current": "true" }}
            inactiveProps={{ "aria-current": undefined }}
            className="tab"
          >
            {name} <span className="muted">{count(number)}</span>
          </Link>
        ))}
      </nav>
      {tab === "packages" && <Packages id={image.id} total={image.packages} />}
      {tab === "layers" && <Layers layers={image.layers ?? []} />}
      {tab === "scans" && (
        <section className="card flush" aria-label="Scans of this image">
          <ScanTable scans={image.scans ?? []} label="Scans of this image" />
        </section>
      )}
    </>
  );
}

function Layers({ layers }: { layers: readonly string[] }) {
  return (
    <section className="card" aria-label="Layers">
      {layers.length === 0 ? (
        <p className="muted">A directory has no layers.</p>
      ) : (
        <ol className="layers">
          {layers.map((layer, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same layer may occur twice, and its place is its identity
            <li key={index}>
              <span className="muted number">{index + 1}</span> <Digest value={layer} />
            </li>
          ))}
        </ol>
      )}
      <p className="muted">Lowest first, by the digest of the unpacked layer.</p>
    </section>
  );
}
