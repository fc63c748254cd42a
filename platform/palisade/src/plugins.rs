//! The plugins of this process: those built into the binary, and those in configured directories.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use distribution::{Origin, Policy, Revocations, Subject, Verdict};
use engine::posture::PosturePlugin;
use engine::{AnalyzerPlugin, Canary, Plan};
use host::{Compiler, Host, HostOptions, Kind, Plugin, Redaction, Rights};
use model::TenantId;
use store::{Store, VersionState};

use crate::catalog::{Catalog, LivePlugin};
use crate::config::Config;
use crate::data::DataDir;
use crate::policies::{self, Policy as OwnPolicy};
use crate::trust::Trust;

/// First-party components, each with what it is loaded for; empty where `cargo xtask guests` had not been run (see `build.rs`).
const BUILT_IN: [(Kind, &[u8]); 17] = [
    (Kind::ImageAnalyzer, include_bytes!(concat!(env!("OUT_DIR"), "/image-packages.wasm"))),
    (Kind::Posture, include_bytes!(concat!(env!("OUT_DIR"), "/kube-posture.wasm"))),
    (Kind::Compliance, include_bytes!(concat!(env!("OUT_DIR"), "/compliance-frameworks.wasm"))),
    (Kind::Posture, include_bytes!(concat!(env!("OUT_DIR"), "/cloud-posture.wasm"))),
    (Kind::Collector, include_bytes!(concat!(env!("OUT_DIR"), "/cloud-aws.wasm"))),
    (Kind::Posture, include_bytes!(concat!(env!("OUT_DIR"), "/dockerfile-posture.wasm"))),
    (Kind::Admission, include_bytes!(concat!(env!("OUT_DIR"), "/user-policies.wasm"))),
    (Kind::Correlator, include_bytes!(concat!(env!("OUT_DIR"), "/sigma.wasm"))),
    (Kind::Correlator, include_bytes!(concat!(env!("OUT_DIR"), "/falco-rules.wasm"))),
    (Kind::Correlator, include_bytes!(concat!(env!("OUT_DIR"), "/baseline.wasm"))),
    (Kind::Correlator, include_bytes!(concat!(env!("OUT_DIR"), "/attack-chain.wasm"))),
    (Kind::Notifier, include_bytes!(concat!(env!("OUT_DIR"), "/redmine.wasm"))),
    (Kind::Notifier, include_bytes!(concat!(env!("OUT_DIR"), "/jira.wasm"))),
    (Kind::Notifier, include_bytes!(concat!(env!("OUT_DIR"), "/github.wasm"))),
    (Kind::Notifier, include_bytes!(concat!(env!("OUT_DIR"), "/gitlab.wasm"))),
    (Kind::Notifier, include_bytes!(concat!(env!("OUT_DIR"), "/servicenow.wasm"))),
    (Kind::Notifier, include_bytes!(concat!(env!("OUT_DIR"), "/slack.wasm"))),
];

/// What a command needs plugins for. Compiling one for the first time takes a second for each megabyte, so that a command loads no
/// first-party plugin that it would not call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Packages of images and directories.
    Images,
    /// Packages and configuration of directories.
    Directories,
    /// Clusters and accounts.
    Posture,
    /// Events of run time.
    Events,
    /// Everything but what judges events: of a service that receives none.
    Quiet,
    /// Everything.
    All,
}

impl Need {
    fn includes(self, kind: Kind, config: &Config) -> bool {
        let policies = !config.policies.paths.is_empty();
        match self {
            Self::Images => kind == Kind::ImageAnalyzer,
            Self::Directories => match kind {
                Kind::ImageAnalyzer | Kind::Posture => true,
                Kind::Admission => policies,
                _ => false,
            },
            Self::Posture => match kind {
                Kind::ImageAnalyzer | Kind::Posture | Kind::Compliance | Kind::Collector => true,
                Kind::Admission => policies,
                _ => false,
            },
            Self::Events => matches!(kind, Kind::ImageAnalyzer | Kind::Correlator),
            Self::Quiet | Self::All => match kind {
                Kind::Admission => policies,
                Kind::Correlator => self == Self::All,
                _ => true,
            },
        }
    }
}

/// The component that runs policies: the built-in one, where no configured directory has another of its id.
pub(crate) fn policy_component(config: &Config) -> Result<Vec<u8>> {
    for directory in &config.plugins.directories {
        for path in wasm_files(directory)? {
            let bytes =
                std::fs::read(&path).with_context(|| format!("cannot read the plugin {}", path.display()))?;
            if host::inspect(&bytes).is_ok_and(|found| found.manifest.id == policies::PLUGIN) {
                return Ok(bytes);
            }
        }
    }
    let built_in = BUILT_IN.into_iter().find(|(kind, bytes)| *kind == Kind::Admission && !bytes.is_empty());
    let (_, bytes) = built_in
        .context("this binary was built without its plugins; run `cargo xtask guests` and build it again")?;
    Ok(bytes.to_vec())
}

/// The bytes of one component and where they came from.
pub(crate) struct Component {
    /// `built-in`, or the file.
    pub(crate) origin: String,
    /// The component.
    pub(crate) bytes: Cow<'static, [u8]>,
}

/// Where plugins of this binary come from.
const BUILT_IN_ORIGIN: &str = "built-in";

/// Every component that this process would load, built-in ones first, then by file name.
pub(crate) fn components(config: &Config, need: Need) -> Result<Vec<Component>> {
    let built_in = BUILT_IN.into_iter();
    let built_in = built_in.filter(|(kind, bytes)| !bytes.is_empty() && need.includes(*kind, config));
    let mut found: Vec<Component> = built_in
        .map(|(_, bytes)| Component { origin: BUILT_IN_ORIGIN.to_owned(), bytes: Cow::Borrowed(bytes) })
        .collect();
    for directory in &config.plugins.directories {
        for path in wasm_files(directory)? {
            let bytes =
                std::fs::read(&path).with_context(|| format!("cannot read the plugin {}", path.display()))?;
            found.push(Component { origin: path.display().to_string(), bytes: Cow::Owned(bytes) });
        }
    }
    Ok(found)
}

fn wasm_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let what = || format!("cannot list the plugin directory {}", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(what)? {
        let path = entry.with_context(what)?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The first argument that makes this program compile one plugin and end.
const COMPILE: &str = "plugin-compile";

/// The bounds that a compiling process was given; nothing for every other command.
pub(crate) fn compiler_bounds() -> Option<Vec<OsString>> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == COMPILE).then(|| arguments.collect())
}

/// A host that keeps compiled code in the data directory, and compiles in processes of their own.
pub(crate) fn host(data: &DataDir) -> Result<Host> {
    host_keeping(data, 0)
}

/// The same with room for instances that stay between calls.
pub(crate) fn host_keeping(data: &DataDir, kept_instances: u32) -> Result<Host> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let options = HostOptions {
        cache_dir: Some(data.compiled_plugins()),
        compiler: Some(Compiler::new(program, vec![COMPILE.into()])),
        kept_instances,
        ..HostOptions::default()
    };
    Host::new(options).context("cannot start the plugin host")
}

/// The operator has chosen these plugins; what is revoked is refused all the same, at every load.
fn refuse_revoked(component: &Component, revocations: &Revocations) -> Result<()> {
    // Inspecting hashes the component, which start-up need not pay where nothing is revoked.
    if *revocations == Revocations::default() {
        return Ok(());
    }
    let inspection = host::inspect(&component.bytes)?;
    let subject = Subject {
        digest: None,
        component: &inspection.digest,
        id: &inspection.manifest.id,
        version: &inspection.manifest.version,
        origin: &Origin::Operator,
    };
    match distribution::decide(&subject, &[], &Policy::default(), revocations) {
        Verdict::Accepted { .. } => Ok(()),
        Verdict::Refused(refusals) => match refusals.into_iter().next() {
            Some(refusal) => Err(refusal.into()),
            None => bail!("it was refused without a reason"),
        },
    }
}

/// A plugin that is loaded, and what there is to say of it.
#[derive(Clone)]
pub(crate) struct Loaded {
    /// The plugin.
    pub(crate) plugin: Plugin,
    /// What is granted to it.
    pub(crate) rights: Rights,
    /// Where it came from.
    pub(crate) source: String,
    /// The version beside it.
    pub(crate) canary: Option<Canary>,
}

/// Every loaded plugin, and the plan that scans follow.
pub(crate) struct PluginSet {
    /// The analyzers of a scan.
    pub(crate) plan: Plan,
    /// What judges objects of clusters.
    pub(crate) posture: Vec<PosturePlugin>,
    /// What maps that to controls.
    pub(crate) compliance: Vec<Plugin>,
    /// All plugins, by id.
    pub(crate) loaded: Vec<Loaded>,
}

/// Loads every plugin: built in, from directories, and installed. An installed version takes the place of another plugin of the
/// same id. Image analyzers are called without rights, because what they say of a layer is kept and must depend on nothing but
/// the layer.
pub(crate) fn load(
    config: &Config,
    host: &Host,
    installed: Vec<LivePlugin>,
    need: Need,
) -> Result<PluginSet> {
    let revocations = config.plugins.revoked()?;
    let mut loaded: Vec<Loaded> = Vec::new();
    for component in components(config, need)? {
        refuse_revoked(&component, &revocations)
            .with_context(|| format!("the plugin {} may not be loaded", component.origin))?;
        let plugin = host
            .load(&component.bytes)
            .with_context(|| format!("cannot load the plugin {}", component.origin))?;
        // Who trusts the binary trusts what it is made of.
        let own = component.origin == BUILT_IN_ORIGIN;
        // What its manifest leaves open is where the operator lets its secrets go.
        let hosts = |name: &str| config.plugins.secrets.get(name).map_or(&[][..], |secret| &secret.hosts);
        let rights = if own { plugin.manifest().asked().settled(hosts) } else { Rights::none() };
        loaded.push(Loaded { plugin, rights, source: component.origin, canary: None });
    }
    let (beside, in_force): (Vec<_>, Vec<_>) =
        installed.into_iter().partition(|live| live.version.state == VersionState::Canary);
    for live in in_force {
        loaded.retain(|other| other.plugin.manifest().id != live.version.plugin);
        let LivePlugin { plugin, rights, version } = live;
        loaded.push(Loaded { plugin, rights, source: version.source, canary: None });
    }
    for live in beside {
        let id = &live.version.plugin;
        if let Some(other) = loaded.iter_mut().find(|other| other.plugin.manifest().id == *id) {
            other.canary = Some(Canary::new(live.plugin));
        }
    }
    loaded.sort_by(|one, other| one.plugin.manifest().id.cmp(&other.plugin.manifest().id));
    let analyzers: Vec<AnalyzerPlugin> = loaded
        .iter()
        .filter(|one| one.plugin.manifest().declares(Kind::ImageAnalyzer))
        .map(|one| {
            let analyzer = AnalyzerPlugin::new(one.plugin.clone(), "{}".to_owned());
            let analyzer = match &one.canary {
                Some(canary) => analyzer.with_canary(canary.clone()),
                None => analyzer,
            };
            if !config.plugins.record_faults {
                return analyzer;
            }
            let keep = crate::transcripts::keeper(config.data_dir());
            analyzer.with_recording(Redaction::with(&config.plugins.redact), keep)
        })
        .collect();
    if analyzers.is_empty() {
        bail!(
            "this binary was built without its plugins; run `cargo xtask guests` and build it again, or name a \
             directory of plugins in the configuration (plugins.directories)"
        );
    }
    let policies = policies::read(&config.policies.paths)?;
    let posture = loaded
        .iter()
        .filter(|one| one.plugin.manifest().declares(Kind::Posture))
        .flat_map(|one| posture_plugins(one, &policies))
        .collect();
    let compliance = loaded.iter().filter(|one| one.plugin.manifest().declares(Kind::Compliance));
    let compliance = compliance.map(|one| one.plugin.clone()).collect();
    Ok(PluginSet { posture, compliance, plan: Plan::new(analyzers)?, loaded })
}

/// A posture plugin as it is called: the one for policies once for each policy, so that one which never ends costs nobody else.
fn posture_plugins(one: &Loaded, policies: &[OwnPolicy]) -> Vec<PosturePlugin> {
    let called = |config: &str, policy| PosturePlugin {
        plugin: one.plugin.clone(),
        rights: one.rights.clone(),
        config: Arc::from(config),
        policy,
    };
    if one.plugin.manifest().id != policies::PLUGIN {
        return vec![called("{}", None)];
    }
    policies.iter().map(|policy| called(&policy.config, Some(policy.as_judged()))).collect()
}

/// The same for a command that ends: with what is installed, where there is a store to look into.
pub(crate) fn load_once(config: &Config, data: &DataDir, host: &Host, need: Need) -> Result<PluginSet> {
    if config.store.url.is_none() && !data.has_store() {
        return load(config, host, Vec::new(), need);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let installed = runtime.block_on(async {
        let store = Store::connect(&crate::serve::store_url(config, data)?).await?;
        let (tenant, trust) = (TenantId::default_tenant(), Trust::of(config)?);
        let catalog = Catalog { store, host: host.clone(), tenant, trust };
        let live = catalog.live().await;
        catalog.store.close().await;
        live
    })?;
    load(config, host, installed, need)
}
