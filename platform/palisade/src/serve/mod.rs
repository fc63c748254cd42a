//! `palisade serve`: the API and page, the relay from the store's outbox to the bus, the scan workers, and whoever follows clusters.

mod abandoned;
mod backtest;
mod correlate;
mod describe;
mod figures;
mod follow;
mod forget;
mod import;
mod lease;
mod live;
mod message;
mod receive;
mod relay;
mod respond;
mod score;
mod session;
mod take;
mod tap;
mod ticket_reads;
mod tickets;
mod triage;
mod unanswered;
mod worker;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use api::{Api, ScanChange};
use engine::FactCache;
use image::OpenOptions;
use model::TenantId;
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast, watch};

use crate::catalog::Catalog;
use crate::cli::Serve;
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::plugins;
use crate::respond::Desk;
use crate::trust::Trust;

use live::Live;
pub(crate) use session::{formats, http_client, open_options};

/// Changes of scans that a slow event stream may be behind; beyond that it asks the store.
const PROGRESS_KEPT: usize = 1024;

/// Instances that correlators keep between batches: one for each plugin and lane, and as many for a backtest. Without them every batch begins with
/// the compilation of all rules.
const KEPT_INSTANCES: u32 = 64;

/// What the parts of the service share.
pub(crate) struct Service {
    config: Config,
    runtime: tokio::runtime::Handle,
    store: store::Store,
    bus: bus::Bus,
    live: Live,
    cache: FactCache,
    /// What evidence packs are signed with.
    evidence_key: distribution::PrivateKey,
    library: Arc<advisories::Library>,
    /// How images are opened; its clones share one client and one memory budget, however many scans run.
    opening: OpenOptions,
    /// Where responses are begun and decided about.
    desk: Arc<Desk>,
    /// What this process is known by after a restart, too.
    instance: crate::data::Instance,
    /// What responses came to.
    figures: figures::Figures,
    /// Rung when somebody in this process has begun a response or decided about one.
    respond_bell: Notify,
    /// Rung when the outbox may have something new.
    outbox_bell: Notify,
    /// What is received and not judged yet.
    backlog: receive::Backlog,
    /// Rung when somebody in this process has changed a source of events.
    sources_bell: Notify,
    /// Tells the API's event streams which scan changed.
    progress: broadcast::Sender<ScanChange>,
}

impl Service {
    /// What the platform does for plugins.
    fn platform(&self) -> crate::services::Platform {
        crate::services::Platform {
            runtime: self.runtime.clone(),
            store: self.store.clone(),
            opening: self.opening.clone(),
            library: Arc::clone(&self.library),
            secrets: self.config.plugins.secrets.clone(),
        }
    }
}

/// Serves until it is told to stop.
pub(crate) fn run(options: Serve, config: &Config) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    runtime.block_on(serve(options, config.clone()))?;
    Ok(Outcome::Clean)
}

async fn serve(options: Serve, config: Config) -> Result<()> {
    let address = options.listen.unwrap_or(config.server.listen);
    // Every port first: a service that cannot be reached must not start work.
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    // Whoever knows that it serves may tell it to stop.
    let told = asked_to_stop();
    let service = Arc::new(start(config).await?);
    session::announce_token(&service, options.token_file.as_deref()).await?;
    let (stop, stopped) = watch::channel(false);
    let mut parts = tokio::task::JoinSet::new();
    parts.spawn(relay::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(live::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(abandoned::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(score::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(forget::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(correlate::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(backtest::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(import::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(triage::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(triage::end_acceptances(Arc::clone(&service), stopped.clone()));
    parts.spawn(tickets::run(Arc::clone(&service), stopped.clone()));
    parts.spawn(respond::run(Arc::clone(&service), stopped.clone()));
    for _ in 0..service.config.server.workers {
        parts.spawn(worker::run(Arc::clone(&service), stopped.clone()));
    }
    for source in service.config.events.nats.keys().cloned() {
        parts.spawn(tap::run(Arc::clone(&service), source, stopped.clone()));
    }
    let followed = service.config.clusters.iter().filter(|(_, cluster)| cluster.follow);
    for name in followed.map(|(name, _)| name.clone()) {
        parts.spawn(follow::run(Arc::clone(&service), name, stopped.clone()));
    }
    let api = Api::new(session::api_options(&service)?).context("cannot prepare the API")?;
    if options.announce {
        println!("listening on http://{address}");
    }
    let served = api.serve(listener, async {
        tokio::select! {
            () = told => tracing::info!("stopping"),
            Some(ended) = parts.join_next() => tracing::error!(?ended, "a part of the service ended, so all of it stops"),
        }
    })
    .await;
    let _ = stop.send(true);
    while let Some(part) = parts.join_next().await {
        part.context("a part of the service failed")??;
    }
    served.context("the API stopped")
}

async fn start(config: Config) -> Result<Service> {
    let data = DataDir::open(config.data_dir())?;
    let store = store::Store::connect(&store_url(&config, &data)?).await.context("cannot open the store")?;
    let bus = match &config.bus.url {
        Some(url) => bus::Bus::jetstream(url, config.bus.jetstream()?).await,
        None => bus::Bus::embedded_with(&data.bus(), config.bus.embedded()).await,
    }
    .context("cannot open the bus")?;
    let desk = Arc::new(Desk::new(&config, store.clone())?);
    let live = live(&config, &data, &store).await?;
    let library = Arc::new(advisories::Library::open(&data.advisories()));
    let opening = open_options(&config, None)?;
    let cache = FactCache::at(&data.layer_facts(&opening.limits));
    let instance = data.instance()?;
    let evidence_key = crate::evidence::signing_key(&config, &data)?;
    let (progress, _) = broadcast::channel(PROGRESS_KEPT);
    Ok(Service {
        config,
        runtime: tokio::runtime::Handle::current(),
        store,
        bus,
        live,
        cache,
        evidence_key,
        library,
        opening,
        desk,
        instance,
        figures: figures::Figures::default(),
        respond_bell: Notify::new(),
        outbox_bell: Notify::new(),
        backlog: receive::Backlog::default(),
        sources_bell: Notify::new(),
        progress,
    })
}

/// The plugins as they were decided about last.
async fn live(config: &Config, data: &DataDir, store: &store::Store) -> Result<Live> {
    let host = plugins::host_keeping(data, KEPT_INSTANCES)?;
    let (store, tenant) = (store.clone(), TenantId::default_tenant());
    let catalog = Catalog { store, host, tenant, trust: Trust::of(config)? };
    // Asked first: what is decided while they are loaded is then seen at the first look.
    let generation = catalog.store.plugin_generation(&catalog.tenant).await?;
    let installed = catalog.live().await?;
    let judges_events = !catalog.store.sources(&catalog.tenant).await?.is_empty();
    let need = if judges_events { plugins::Need::All } else { plugins::Need::Quiet };
    let set = tokio::task::block_in_place(|| plugins::load(config, &catalog.host, installed, need))?;
    Live::new(catalog, set, generation, judges_events).await
}

/// The store of the configuration, else SQLite in the data directory.
pub(crate) fn store_url(config: &Config, data: &DataDir) -> Result<String> {
    match &config.store.url {
        Some(url) => Ok(url.clone()),
        None => Ok(format!("sqlite:{}", data.store()?.display())),
    }
}

/// Ends when the process is told to. From the call on a signal is heard, and does not end the process by itself.
pub(crate) fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    }
}
