//! `palisade admission`: the webhook, and its certificate.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::admission::{
    Certificates, Figures, Files, Names, Options, Settings, issue, serve, webhook_configurations,
};
use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;
use store::Store;
use tokio::net::TcpListener;

use crate::admission::Policies;
use crate::cli::Admission;
use crate::config::{Config, PolicyMode};
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::write_stdout;
use crate::{plugins, policies};

/// Where a pod finds the name of its namespace.
const OWN_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Seconds that the API server is told to wait.
const TIMEOUT_SECONDS: u8 = 5;
/// Instances with compiled policies that stay between requests: one for each judgement at a time, and as many for policies that are
/// asked alone.
const KEPT_INSTANCES: u32 = 16;

/// Runs a subcommand.
pub(crate) fn run(what: Admission, config: &Config) -> Result<Outcome> {
    match what {
        Admission::Certificate { service, namespace, out, fail_closed } => {
            std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
            let names = Names { service, namespace };
            let issued = issue(&out, &names, Timestamp::now())?;
            tracing::info!(renewed = issued.renewed, expires = %issued.expires, "the certificate is there");
            let list = webhook_configurations(&names, &issued.authority, fail_closed, TIMEOUT_SECONDS);
            write_stdout(&(serde_json::to_string_pretty(&list)? + "\n"))?;
            Ok(Outcome::Clean)
        }
        Admission::Serve { listen, certificate, key, own_namespace, dry_run } => {
            let files = Files { certificate, key };
            let own = own_namespace.or_else(|| std::fs::read_to_string(Path::new(OWN_NAMESPACE)).ok());
            let mut exempt = config.admission.exempt_namespaces.clone();
            exempt.extend(own.map(|name| name.trim().to_owned()));
            ensure!(
                !exempt.is_empty(),
                "the namespace of this webhook is not known, and nothing in it may ever be refused; name it with --own-namespace"
            );
            let settings = Settings { exempt, dry_run };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(listen_and_serve(listen, files, settings, config))?;
            Ok(Outcome::Clean)
        }
    }
}

async fn listen_and_serve(
    listen: std::net::SocketAddr,
    files: Files,
    settings: Settings,
    config: &Config,
) -> Result<()> {
    let certificates = Arc::new(Certificates::load(files)?);
    let mut assembled = policies::assembled(&config.policies.paths)?;
    if let Some(problem) = assembled.problems.first() {
        anyhow::bail!("{}:{}: {}", problem.path, problem.line, problem.message);
    }
    let mode = |name: &str| config.admission.policies.get(name).unwrap_or(&config.admission.usual).mode;
    assembled.policies.retain(|policy| mode(&policy.name) != PolicyMode::Off);
    for policy in &mut assembled.policies {
        let name = &policy.name;
        ensure!(
            policy.inventory.is_none(),
            "the policy {name} asks for other objects (data.inventory), which are not known at admission; keep it to scans with \
             mode = \"off\" under [admission.policies.{name}]"
        );
        policy.mutate = mode(name) != PolicyMode::DryRun;
    }
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host_keeping(&data, KEPT_INSTANCES)?;
    let component = plugins::policy_component(config)?;
    let plugin = tokio::task::block_in_place(|| host.load(&component))
        .context("cannot load the plugin that runs policies")?;
    let store = match config.admission.images {
        Some(_) => Some(Store::connect(&crate::serve::store_url(config, &data)?).await?),
        None => None,
    };
    let judge = Arc::new(Policies::new(
        &plugin,
        &plugin.manifest().asked(),
        &policies::each(&assembled),
        &assembled.config(&Value::Null).to_string(),
        &config.admission,
        store,
    ));
    let options = Options {
        settings,
        deadline: Duration::from_millis(config.admission.deadline_ms.unwrap_or(4_000)),
        judgements: std::thread::available_parallelism().map_or(2, std::num::NonZero::get) * 2,
    };
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let figures = Arc::new(Figures::default());
    serve(listener, certificates, judge, options, figures, crate::serve::asked_to_stop()).await?;
    Ok(())
}
