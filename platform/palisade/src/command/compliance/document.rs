//! `palisade compliance document` and `verify`: what auditors are given, and how they check it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::evidence::oscal::{self, Sla};
use ::evidence::report::{self, Report};
use ::evidence::{Assessment, Exception, Exceptions, judge};
use anyhow::{Context as _, Result, bail, ensure};
use distribution::{PrivateKey, PublicKey};
use jiff::Timestamp;

use super::ClusterScan;
use crate::cli::{Compliance, DocumentKind};
use crate::config::Config;
use crate::data::{DataDir, read_capped, write_whole};
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::{evidence, scope};

/// Largest file of exceptions, in bytes.
const EXCEPTIONS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Largest file of a key, in bytes.
const KEY_BYTES_MAX: u64 = 64 * 1024;

/// Writes a document.
pub(super) fn write(what: Compliance, config: &Config) -> Result<Outcome> {
    let Compliance::Document { kind, framework, source, exceptions, key, at, threads, output } = what else {
        bail!("this is not the command for a document");
    };
    let exceptions = book(exceptions.as_deref())?;
    let (mut scan, set) = ClusterScan::run(&source, threads, config)?;
    let assessed = scope::assess_all(&set.compliance, &mut scan.judged);
    scan.keep_audit(config)?;
    let packed = scan.snapshot.pack();
    let scope = evidence::Scope {
        id: &format!("k8s:{}", scan.cluster),
        at: at.unwrap_or_else(Timestamp::now),
        inputs: vec![evidence::input("objects of the cluster, as they were read", &packed)],
        graph: &scan.graph,
        posture: &set.posture,
        compliance: &set.compliance,
        rules: Vec::new(),
    };
    let mut assessment = evidence::assessment(scope, &scan.judged, &assessed);
    choose(&mut assessment, &framework)?;
    let bytes = made(kind, &assessment, &exceptions, || match key {
        Some(path) => private(&path),
        None => evidence::signing_key(config, &DataDir::open(config.data_dir())?),
    })?;
    write_whole(&output, &bytes)?;
    Ok(Outcome::Clean)
}

/// Leaves the frameworks that were asked for; without any, those that something could be told of.
fn choose(assessment: &mut Assessment, wanted: &[String]) -> Result<()> {
    for id in wanted {
        let known = assessment.frameworks.iter().any(|result| result.framework.id == *id);
        ensure!(known, "no plugin knows the framework {id:?}; `palisade compliance frameworks` lists them");
    }
    let told = |result: &::evidence::FrameworkResult| {
        use ::evidence::Status::{Manual, NotAssessed};
        result.controls.iter().any(|control| !matches!(control.status, Manual | NotAssessed))
    };
    assessment.frameworks.retain(|result| match wanted.is_empty() {
        true => told(result),
        false => wanted.contains(&result.framework.id),
    });
    ensure!(!assessment.frameworks.is_empty(), "nothing could be told of any framework");
    Ok(())
}

fn made(
    kind: DocumentKind,
    assessment: &Assessment,
    exceptions: &Exceptions,
    key: impl FnOnce() -> Result<PrivateKey>,
) -> Result<Vec<u8>> {
    if kind == DocumentKind::Pack {
        return Ok(evidence::pack(&key()?, std::slice::from_ref(assessment), exceptions)?);
    }
    let judged = judge(assessment, exceptions)?;
    let trend = BTreeMap::new();
    let report = Report { judged: &judged, trend: &trend, head: "" };
    Ok(match kind {
        DocumentKind::Html => report::html(&report).into_bytes(),
        DocumentKind::Pdf => report::pdf(&report)?,
        DocumentKind::AssessmentResults => oscal::assessment_results(&judged, &trend, Sla::default())?,
        DocumentKind::ComponentDefinition => oscal::component_definition(&judged)?,
        DocumentKind::Poam => oscal::plan_of_action(&judged, &trend, Sla::default())?
            .context("no control failed, so there is nothing to plan")?,
        DocumentKind::Pack => Vec::new(),
    })
}

fn book(path: Option<&Path>) -> Result<Exceptions> {
    let Some(path) = path else { return Ok(Exceptions::default()) };
    let bytes = read_capped(path, EXCEPTIONS_BYTES_MAX)?;
    let all: Vec<Exception> = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not a JSON list of exceptions", path.display()))?;
    Ok(Exceptions::new(all)?)
}

fn private(path: &Path) -> Result<PrivateKey> {
    let text = String::from_utf8(read_capped(path, KEY_BYTES_MAX)?).context("a key is text")?;
    PrivateKey::from_pem(&text).with_context(|| format!("cannot use the key {}", path.display()))
}

/// Says what is proven of a pack, or what is wrong with it.
pub(super) fn verify(pack: &Path, keys: &[PathBuf]) -> Result<Outcome> {
    let mut trusted = Vec::new();
    for path in keys {
        let text = String::from_utf8(read_capped(path, KEY_BYTES_MAX)?).context("a key is text")?;
        let key =
            PublicKey::from_pem(&text).with_context(|| format!("cannot use the key {}", path.display()))?;
        trusted.push(key);
    }
    let file = std::fs::File::open(pack).with_context(|| format!("cannot open {}", pack.display()))?;
    let verified = ::evidence::pack::verify(file, &trusted)?;
    let manifest = &verified.manifest;
    write_stdout(&format!(
        "verified  {}\nscope     {}\nperiod    {} to {}\nrecords   {}, head {}\nmanifest  {}\nsigned by {}\n",
        visible(&pack.display().to_string()),
        visible(&manifest.scope),
        manifest.period.from,
        manifest.period.to,
        manifest.chain.records,
        manifest.chain.head,
        verified.manifest_sha256,
        verified.trusted.join(", ")
    ))?;
    Ok(Outcome::Clean)
}
