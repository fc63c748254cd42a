//! What the service tells the API: plugins, advisories, the bootstrap token; and what a scan may reach.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use api::dto::AdvisoryStatus;
use api::{ApiOptions, PluginRefusal, ResponseRefusal, Scheme, Ui};
use image::{Exclude, OpenOptions, Reference, Source};
use jiff::Timestamp;
use model::{AssetId, TargetKind};
use store::ScanRequest;

use super::Service;
use crate::catalog::CatalogError;
use crate::config::Config;

/// The one way out, with what the configuration allows besides public addresses.
pub(crate) fn http_client(config: &Config) -> Result<egress::Client> {
    egress::Client::new(config.egress.policy()?).context("cannot prepare the HTTP client")
}

/// How images are opened: through the guarded client, with the configured credentials.
pub(crate) fn open_options(config: &Config, platform: Option<String>) -> Result<OpenOptions> {
    let credentials = match &config.egress.registry_credentials {
        None => image::Credentials::default(),
        Some(path) => {
            let text = std::fs::read(path)
                .with_context(|| format!("cannot read the registry credentials {}", path.display()))?;
            image::Credentials::from_docker_config(&text)
                .with_context(|| format!("cannot use the registry credentials {}", path.display()))?
        }
    };
    let limits = config.scan.limits();
    let exclude =
        Exclude::new(&config.scan.exclude).context("cannot use scan.exclude of the configuration")?;
    Ok(OpenOptions { platform, credentials, limits, exclude, ..OpenOptions::new(http_client(config)?) })
}

/// What a request of the API names. Files are opened only below a configured root. The API has checked the same; it is checked again
/// where the files are read, because links may have changed in between.
pub(crate) fn requested_source(config: &Config, request: &ScanRequest) -> Result<Source> {
    let text = request.reference.as_str();
    if request.kind == TargetKind::Directory {
        return allowed(config, Path::new(text)).map(Source::Directory);
    }
    if !FILE_FORMS.iter().any(|form| text.starts_with(form)) {
        return Ok(Source::Registry(Reference::parse(text)?));
    }
    let mut source = Source::parse(text)?;
    match &mut source {
        Source::OciLayout { path, .. }
        | Source::OciArchive { path, .. }
        | Source::DockerArchive { path, .. } => {
            *path = allowed(config, path)?;
        }
        Source::Directory(_) | Source::Registry(_) => bail!("{text:?} is not an image in a file"),
    }
    Ok(source)
}

/// Forms of references that name files of this machine.
const FILE_FORMS: [&str; 3] = ["oci:", "oci-archive:", "docker-archive:"];

/// A path, if it lies below a configured root, with links resolved.
pub(super) fn allowed(config: &Config, path: &Path) -> Result<PathBuf> {
    let real = std::fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))?;
    for root in &config.server.scan_roots {
        if std::fs::canonicalize(root).is_ok_and(|root| real.starts_with(root)) {
            return Ok(real);
        }
    }
    bail!("{} is not below a directory of server.scan-roots", path.display())
}

/// The identity of a directory of this machine: the machine and the path.
pub(crate) fn directory_asset(reference: &str) -> AssetId {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let machine = match machine.trim() {
        "" => std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
        id => id.to_owned(),
    };
    AssetId(format!("host:{machine}:{reference}"))
}

/// Makes the first token where there is none, and shows it once: on standard output, which is not the log, and in a file
/// if one was named.
pub(crate) async fn announce_token(service: &Service, file: Option<&Path>) -> Result<()> {
    let Some(secret) = api::bootstrap_token(&service.store, Timestamp::now())
        .await
        .context("cannot make the first token")?
    else {
        return Ok(());
    };
    println!("The token to sign in with, shown only now:\n\n    {}\n", secret.expose());
    let Some(path) = file else { return Ok(()) };
    write_secret(path, secret.expose())
        .with_context(|| format!("cannot write the token to {}", path.display()))
}

fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")
}

/// What the API is made of.
///
/// # Errors
/// The sign-in of the configuration cannot be used.
pub(crate) fn api_options(service: &Arc<Service>) -> Result<ApiOptions> {
    let [
        responds,
        counts,
        plugins,
        advisories,
        decides,
        packs,
        doors,
        sources,
        backtests,
        imports,
        writes,
        tests,
    ] = std::array::from_fn(|_| Arc::clone(service));
    let config = &service.config;
    let sign_in = config.sign_in.as_ref().map(|sign_in| sign_in.open(&config.egress)).transpose()?;
    Ok(ApiOptions {
        store: service.store.clone(),
        plugins: Arc::new(move || super::describe::plugins(&plugins.live.set(), &plugins.live.versions())),
        decide: Arc::new(move |actor, plugin, decision| {
            let service = Arc::clone(&decides);
            Box::pin(async move {
                let done = super::live::decide(&service, &actor, &plugin, decision).await;
                done.map_err(|error| PluginRefusal {
                    unknown: matches!(
                        error.downcast_ref(),
                        Some(CatalogError::Unknown { .. } | CatalogError::NoVersion { .. })
                    ),
                    detail: crate::exit::one_line(&error),
                })
            })
        }),
        respond: Arc::new(move |by, tenant, order| {
            let service = Arc::clone(&responds);
            Box::pin(async move {
                let done = super::respond::order(&service, by, &tenant, order).await;
                done.map_err(|error| ResponseRefusal {
                    unknown: matches!(error.downcast_ref(), Some(respond::RespondError::Unknown(_)))
                        || error.downcast_ref::<crate::respond::Unknown>().is_some(),
                    detail: crate::exit::one_line(&error),
                })
            })
        }),
        backtest: Arc::new(move |tenant, new| {
            let service = Arc::clone(&backtests);
            Box::pin(async move { super::backtest::submit(&service, &tenant, &new).await })
        }),
        import: Arc::new(move |tenant, new| {
            let service = Arc::clone(&imports);
            Box::pin(async move { super::import::submit(&service, &tenant, new).await })
        }),
        test_destination: Arc::new(move |tenant, said| {
            let service = Arc::clone(&tests);
            Box::pin(async move {
                let tested = super::tickets::test(&service, &tenant, &said).await;
                tested.unwrap_or_else(|error| Err(crate::exit::one_line(&error)))
            })
        }),
        response_figures: Arc::new(move || counts.figures.all()),
        evidence_pack: Arc::new(move |assessments, exceptions| {
            crate::evidence::pack(&packs.evidence_key, assessments, exceptions)
        }),
        receive: Arc::new(move |received| {
            let service = Arc::clone(&doors);
            Box::pin(async move { super::receive::receive(&service, received).await })
        }),
        event_formats: formats(),
        sources_changed: Arc::new(move || sources.sources_bell.notify_waiters()),
        outbox_changed: Arc::new(move || writes.outbox_bell.notify_one()),
        sla: service.config.findings.sla(),
        advisories: Arc::new(move || advisory_status(&advisories)),
        attack: Arc::new(crate::attack_map::built_in),
        scan_roots: service.config.server.scan_roots.clone(),
        clusters: service.config.clusters.keys().cloned().collect(),
        accounts: service.config.accounts.keys().cloned().collect(),
        ui: Ui::Embedded,
        scheme: if service.config.server.https { Scheme::Https } else { Scheme::Http },
        sign_in,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        progress: service.progress.clone(),
    })
}

fn advisory_status(service: &Service) -> AdvisoryStatus {
    match service.library.current() {
        Ok(Some(index)) => super::describe::advisories(index.info()),
        Ok(None) => AdvisoryStatus::default(),
        Err(error) => {
            tracing::warn!(error = %error, "the advisories cannot be read");
            AdvisoryStatus::default()
        }
    }
}

/// Formats that sources of events can have.
pub(crate) fn formats() -> Vec<String> {
    ingest::runtime::Format::ALL.iter().map(|(_, name)| (*name).to_owned()).collect()
}
