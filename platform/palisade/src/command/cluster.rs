//! `palisade cluster`: questions to the graph of a cluster: what the internet gets to, who can do what, and how far a workload leads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ::cluster::{
    Access, Attack, AttackPath, Exposure, Goal, Limits, Place, Proof, Request, Snapshot, Sources, Step,
    Subject, Verdict,
};
use anyhow::Result;
use engine::posture::object_name;
use serde::Serialize;

use crate::cli::{Cluster, ClusterFiles, GraphFormat};
use crate::exit::Outcome;
use crate::output::{visible, write_document};

/// Steps whose loss is told of.
const CHOKE_POINTS: usize = 10;

/// Runs a subcommand.
pub(crate) fn run(what: &Cluster) -> Result<Outcome> {
    match what {
        Cluster::Exposure { files } => exposure(files),
        Cluster::WhoCan { verb, resource, group, namespace, name, files } => {
            let mut request = match resource.starts_with('/') {
                true => Request::url(verb, resource),
                false => Request::resource(verb, group, resource),
            };
            if let Some(namespace) = namespace {
                request = request.within(namespace);
            }
            if let Some(name) = name {
                request = request.named(name);
            }
            who_can(&request, files)
        }
        Cluster::Paths { exposed, workload, files } => paths(*exposed, workload.as_deref(), files),
    }
    .map(|()| Outcome::Clean)
}

fn read(files: &ClusterFiles) -> Result<Snapshot> {
    crate::posture::read_cluster(&files.source, &[])
}

/// What a query answered, with what it could not know.
#[derive(Serialize)]
struct Answer<'a, T> {
    schema: u32,
    cluster: &'a str,
    #[serde(flatten)]
    answer: T,
    /// Kinds whose objects were not among what was read, and objects that could not be used.
    unknown: Vec<String>,
}

fn print<T: Serialize>(files: &ClusterFiles, snapshot: &Snapshot, answer: T, text: &str) -> Result<()> {
    let unknown = snapshot.unknown();
    let document = match files.format {
        GraphFormat::Json => {
            let answer = Answer { schema: 1, cluster: snapshot.cluster(), answer, unknown };
            serde_json::to_string_pretty(&answer)? + "\n"
        }
        GraphFormat::Table => {
            let mut out = text.to_owned();
            for line in &unknown {
                let _ = writeln!(out, "unknown: {}", visible(line));
            }
            out
        }
    };
    write_document(&document, files.output.as_deref())
}

fn exposure(files: &ClusterFiles) -> Result<()> {
    let snapshot = read(files)?;
    let found = Exposure::of(&snapshot);
    let mut text = String::new();
    for exposed in &found.workloads {
        let _ = writeln!(text, "{:9} {}", verdict(exposed.verdict), visible(&object_name(&exposed.workload)));
        for entry in &exposed.entries {
            let through: Vec<String> = entry.path.iter().map(|path| object_name(path)).collect();
            let _ = writeln!(
                text,
                "          {} {} port {} -> {}: {}; {}",
                verdict(entry.verdict),
                visible(&entry.protocol),
                entry.port,
                entry.target,
                visible(&through.join(" -> ")),
                visible(&entry.why)
            );
        }
    }
    if found.workloads.is_empty() {
        text.push_str("No object lets traffic of the internet in.\n");
    }
    print(files, &snapshot, &found, &text)
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "open",
        Verdict::Possible => "possible",
        Verdict::Filtered => "filtered",
        Verdict::Internal => "internal",
    }
}

#[derive(Serialize)]
struct Holders {
    holders: Vec<::cluster::Holder>,
}

fn who_can(request: &Request<'_>, files: &ClusterFiles) -> Result<()> {
    let snapshot = read(files)?;
    let access = Access::of(&snapshot);
    let holders = access.who_can(request);
    let mut text = String::new();
    for holder in &holders {
        let _ =
            writeln!(text, "{:45} {}", visible(&subject(&holder.subject)), visible(&proof(&holder.proof)));
    }
    if holders.is_empty() {
        text.push_str("Nobody can, by the bindings that were read.\n");
    }
    print(files, &snapshot, Holders { holders }, &text)
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::ServiceAccount { namespace, name } => format!("service account {namespace}/{name}"),
        Subject::User { name } => format!("user {name}"),
        Subject::Group { name } => format!("group {name}"),
    }
}

fn proof(proof: &Proof) -> String {
    format!("by {}, rule {} of {}", object_name(&proof.binding), proof.rule, object_name(&proof.rule_of))
}

#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    paths: ::cluster::Paths,
    choke_points: Vec<::cluster::ChokePoint>,
}

fn paths(exposed: bool, workload: Option<&str>, files: &ClusterFiles) -> Result<()> {
    let snapshot = read(files)?;
    let attack = Attack::of(&snapshot);
    let exposure;
    let sources = match workload {
        Some(path) => Sources::Workload(path),
        None if exposed => {
            exposure = Exposure::of(&snapshot);
            Sources::Exposed(&exposure)
        }
        None => Sources::All,
    };
    let paths = attack.paths(sources, &Limits::default());
    let choke_points = attack.choke_points(CHOKE_POINTS);
    let mut text = String::new();
    for path in &paths.paths {
        told(path, &mut text);
    }
    let goals = paths.paths.iter().fold(BTreeMap::new(), |mut counts: BTreeMap<Goal, usize>, path| {
        *counts.entry(path.goal).or_default() += 1;
        counts
    });
    let of = |at: Goal| goals.get(&at).copied().unwrap_or_default();
    let _ = writeln!(
        text,
        "\n{} workloads: {} lead to the whole cluster, {} to a node, {} into another namespace.{}",
        paths.sources,
        of(Goal::ClusterAdmin),
        of(Goal::Node),
        of(Goal::OtherNamespace),
        if paths.truncated { " There are more paths than are shown." } else { "" }
    );
    for choke in choke_points.iter().filter(|choke| choke.cuts > 0) {
        let _ = writeln!(text, "without {}: {} paths fewer", visible(&step(&choke.step)), choke.cuts);
    }
    print(files, &snapshot, Found { paths, choke_points }, &text)
}

fn told(path: &AttackPath, out: &mut String) {
    let _ = writeln!(out, "{} -> {}", visible(&object_name(&path.source)), goal(path.goal));
    for one in &path.steps {
        let _ = writeln!(out, "    {}: {}", visible(&step(one)), one.why);
        for grant in &one.grants {
            let _ = writeln!(out, "        {}", visible(&proof(grant)));
        }
    }
}

fn step(step: &Step) -> String {
    format!("{} -> {}", place(&step.from), place(&step.to))
}

fn goal(goal: Goal) -> &'static str {
    match goal {
        Goal::ClusterAdmin => "the whole cluster",
        Goal::Node => "a node",
        Goal::OtherNamespace => "another namespace",
    }
}

fn place(place: &Place) -> String {
    let within = |what: &str, namespace: &Option<String>| match namespace {
        Some(namespace) => format!("{what} of {namespace}"),
        None => format!("{what} of all namespaces"),
    };
    match place {
        Place::ClusterAdmin => "the whole cluster".to_owned(),
        Place::Node { path } | Place::Workload { path } => object_name(path),
        Place::SomeNode => "a node".to_owned(),
        Place::Identity { subject: who } => subject(who),
        Place::Secrets { namespace } => within("Secrets", namespace),
        Place::Workloads { namespace } => within("workloads", namespace),
        Place::Accounts { namespace } => within("service accounts", namespace),
        Place::Nodes => "every node".to_owned(),
        Place::Users => "every user".to_owned(),
    }
}
