//! `palisade account`: questions to the graph of a cloud account: what the internet gets to, who can do what, who can become whom, and
//! which rights nobody uses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use cloud::Collection;
use cloud::aws::{
    Access, Attack, AttackPath, Certainty, Decision, Exposure, Goal, Holder, Limits, Place, PolicyRole,
    Principal, Proof, Sources, Step, Unused, UnusedKind, Verdict,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{Account, AccountFiles, AccountGoal, AccountSource, GraphFormat};
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_document};
use crate::plugins::Need;
use crate::services::Platform;
use crate::{account, plugins};

/// Steps whose loss is told of.
const CHOKE_POINTS: usize = 10;

/// Runs a subcommand.
pub(crate) fn run(what: Account, config: &Config) -> Result<Outcome> {
    match what {
        Account::Collect { name, output } => {
            let collection = collect(&AccountSource { name: Some(name), from: None }, config)?;
            write_document(&collection.to_json(), output.as_deref())
        }
        Account::Exposure { files } => Asked::of(&files, config)?.exposure(),
        Account::WhoCan { action, resource, files } => Asked::of(&files, config)?.who_can(&action, &resource),
        Account::Paths { outside, source, goal, files } => {
            let sources = match (&source, outside) {
                (Some(id), _) => Sources::Asset(id),
                (None, true) => Sources::Outside,
                (None, false) => Sources::All,
            };
            Asked::of(&files, config)?.paths(sources, goal)
        }
        Account::Unused { days, at, files } => {
            Asked::of(&files, config)?.unused(days, at.unwrap_or_else(Timestamp::now))
        }
    }
    .map(|()| Outcome::Clean)
}

/// What was collected before, or what the plugin of the account collects now.
fn collect(source: &AccountSource, config: &Config) -> Result<Collection> {
    if let Some(file) = &source.from {
        return account::read_collection(file);
    }
    let (name, settings) = account::configured(source, config)?;
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host(&data)?;
    let set = plugins::load_once(config, &data, &host, Need::Posture)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let platform = runtime.block_on(Platform::open(config, &data))?;
    account::collection(name, settings, config, &set.loaded, platform)
}

/// An account with its policies read.
struct Asked<'a> {
    files: &'a AccountFiles,
    account: cloud::aws::Account,
    access: Arc<Access>,
}

/// What a query answered, with what it could not know.
#[derive(Serialize)]
struct Answer<'a, T> {
    schema: u32,
    account: &'a str,
    #[serde(flatten)]
    answer: T,
    /// What was not collected, and policies that are none.
    unknown: Vec<String>,
}

#[derive(Serialize)]
struct Holders {
    holders: Vec<Holder>,
}

#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    paths: cloud::aws::Paths,
    administrators: Vec<(String, Certainty)>,
    choke_points: Vec<cloud::aws::ChokePoint>,
}

#[derive(Serialize)]
struct Idle {
    items: Vec<Unused>,
    days: i64,
    at: Timestamp,
}

impl<'a> Asked<'a> {
    fn of(files: &'a AccountFiles, config: &Config) -> Result<Self> {
        let collection = collect(&files.source, config)?;
        let account = cloud::aws::Account::of(collection.resources, collection.missing);
        let access = Arc::new(Access::of(&account));
        Ok(Self { files, account, access })
    }

    fn print<T: Serialize>(&self, answer: T, text: &str) -> Result<()> {
        let mut unknown = self.account.unknown();
        let problems = self.access.problems().iter();
        unknown.extend(problems.map(|problem| format!("{}: {}", problem.resource, problem.what)));
        let AccountSource { name, from } = &self.files.source;
        let file = from.as_deref().map(Path::to_string_lossy).unwrap_or_default();
        let document = match self.files.format {
            GraphFormat::Json => {
                let account = name.as_deref().unwrap_or(&file);
                let answer = Answer { schema: 1, account, answer, unknown };
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
        write_document(&document, self.files.output.as_deref())
    }

    fn exposure(&self) -> Result<()> {
        let found = Exposure::of(&self.account, &self.access);
        let mut text = String::new();
        for exposed in &found.resources {
            let _ = writeln!(text, "{:9} {}", verdict(exposed.verdict), visible(&exposed.resource));
            for entry in &exposed.entries {
                let ports = match entry.from_port == entry.to_port {
                    true => format!("port {}", entry.from_port),
                    false => format!("ports {} to {}", entry.from_port, entry.to_port),
                };
                let (how, through) = (visible(&entry.protocol), visible(&entry.path.join(" -> ")));
                let verdict = verdict(entry.verdict);
                let _ =
                    writeln!(text, "          {verdict} {how} {ports}: {through}; {}", visible(&entry.why));
                for rule in &entry.rules {
                    let _ = writeln!(text, "              by {}", visible(rule));
                }
            }
        }
        if found.resources.is_empty() {
            text.push_str("No resource lets traffic of the internet in.\n");
        }
        if found.truncated {
            text.push_str("Of some resource there are more ways than are shown.\n");
        }
        self.print(&found, &text)
    }

    fn who_can(&self, action: &str, resource: &str) -> Result<()> {
        let mut holders = self.access.who_can(action, resource);
        holders.sort_by_key(|holder| holder.answer.decision != Decision::Allowed);
        let mut text = String::new();
        for holder in &holders {
            let decision = match holder.answer.decision {
                Decision::Allowed => "allowed",
                Decision::Possible => "possible",
                Decision::Denied => "denied",
            };
            let _ = writeln!(text, "{decision:9} {}", visible(&principal(&holder.principal)));
            for one in &holder.answer.proofs {
                let _ = writeln!(text, "          {}", visible(&proof(one)));
            }
            for unread in &holder.answer.unread {
                let _ = writeln!(text, "          not read: {}", visible(unread));
            }
        }
        if holders.is_empty() {
            text.push_str("Nobody can, by the policies that were read.\n");
        }
        self.print(Holders { holders }, &text)
    }

    fn paths(&self, sources: Sources<'_>, wanted: Option<AccountGoal>) -> Result<()> {
        let exposure = Arc::new(Exposure::of(&self.account, &self.access));
        let attack = Attack::of(&self.account, Arc::clone(&self.access), exposure);
        let mut paths = attack.paths(sources, &Limits::default());
        paths.paths.retain(|path| wanted.is_none_or(|wanted| path.goal == wanted.into()));
        let choke_points = attack.choke_points(CHOKE_POINTS);
        let mut text = String::new();
        for path in &paths.paths {
            told(path, &mut text);
        }
        let mut goals: BTreeMap<Goal, usize> = BTreeMap::new();
        for path in &paths.paths {
            *goals.entry(path.goal).or_default() += 1;
        }
        let of = |at: Goal| goals.get(&at).copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "\n{} places to begin at: {} lead to every right, {} to a privileged role, {} to data that anybody can read.{}",
            paths.sources,
            of(Goal::Administrator),
            of(Goal::PrivilegedRole),
            of(Goal::PublicData),
            if paths.truncated { " There are more paths than are shown." } else { "" }
        );
        for (arn, certainty) in attack.administrators() {
            let _ = writeln!(text, "{}: every right{}", visible(arn), perhaps(*certainty));
        }
        for choke in choke_points.iter().filter(|choke| choke.cuts > 0) {
            let _ = writeln!(text, "without {}: {} paths fewer", visible(&step(&choke.step)), choke.cuts);
        }
        let administrators = attack.administrators().to_vec();
        self.print(Found { paths, administrators, choke_points }, &text)
    }

    fn unused(&self, days: i64, at: Timestamp) -> Result<()> {
        let mut items = self.account.unused(&self.access, at, days);
        items.sort_by_key(|unused| (!unused.privileged, std::cmp::Reverse(unused.days)));
        let mut text = String::new();
        for unused in &items {
            let what = match (unused.kind, unused.key) {
                (UnusedKind::User, _) => "user".to_owned(),
                (UnusedKind::Role, _) => "role".to_owned(),
                (UnusedKind::Password, _) => "password".to_owned(),
                (UnusedKind::AccessKey, Some(number)) => format!("access key {number}"),
                (UnusedKind::AccessKey, None) => "access key".to_owned(),
            };
            let since = match &unused.last_used {
                Some(time) => format!("last used {time}"),
                None => "never used".to_owned(),
            };
            let privileged = if unused.privileged { ", privileged" } else { "" };
            let (identity, since) = (visible(&unused.identity), visible(&since));
            let _ = writeln!(text, "{:4} days  {what:12} {identity}: {since}{privileged}", unused.days);
        }
        if items.is_empty() {
            let _ = writeln!(text, "Nothing that is known was unused for {days} days.");
        }
        self.print(Idle { items, days, at }, &text)
    }
}

impl From<AccountGoal> for Goal {
    fn from(goal: AccountGoal) -> Self {
        match goal {
            AccountGoal::Administrator => Self::Administrator,
            AccountGoal::PrivilegedRole => Self::PrivilegedRole,
            AccountGoal::PublicData => Self::PublicData,
        }
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "open",
        Verdict::Possible => "possible",
        Verdict::Filtered => "filtered",
        Verdict::Internal => "internal",
    }
}

fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Anyone => "anybody".to_owned(),
        Principal::Account { account } => format!("account {account}"),
        Principal::Federated { provider } => format!("whomever {provider} vouches for"),
        Principal::Identity { arn } => arn.clone(),
        Principal::Service { service } => format!("service {service}"),
    }
}

fn proof(proof: &Proof) -> String {
    let role = match proof.role {
        PolicyRole::Identity => "policy",
        PolicyRole::Boundary => "permissions boundary",
        PolicyRole::Resource => "policy of the resource",
        PolicyRole::Trust => "trust",
    };
    let says = if proof.denies { "denied" } else { "allowed" };
    let mut text = format!("{says} by {role} {}", proof.policy);
    if let Some(inline) = &proof.inline {
        let _ = write!(text, " ({inline})");
    }
    if let Some(group) = &proof.group {
        let _ = write!(text, " through {group}");
    }
    let _ = write!(text, ", statement {}", proof.statement + 1);
    if let Some(sid) = &proof.sid {
        let _ = write!(text, " ({sid})");
    }
    match (proof.certain, proof.conditions.as_slice()) {
        (true, _) => {}
        (false, []) => text.push_str(", depending on what is not known"),
        (false, keys) => _ = write!(text, ", depending on {}", keys.join(", ")),
    }
    text
}

fn perhaps(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "",
        Certainty::Possible => " (possible)",
    }
}

fn told(path: &AttackPath, out: &mut String) {
    let goal = match path.goal {
        Goal::Administrator => "every right",
        Goal::PrivilegedRole => "a privileged role",
        Goal::PublicData => "public data",
    };
    let _ = writeln!(out, "{} -> {goal}{}", visible(&place(&path.source)), perhaps(path.certainty));
    for one in &path.steps {
        let _ = writeln!(out, "    {}: {}{}", visible(&step(one)), one.why, perhaps(one.certainty));
        for grant in &one.grants {
            let _ = writeln!(out, "        {}", visible(&proof(grant)));
        }
        for through in &one.through {
            let _ = writeln!(out, "        through {}", visible(through));
        }
    }
}

fn step(step: &Step) -> String {
    format!("{} -> {}", place(&step.from), place(&step.to))
}

fn place(place: &Place) -> String {
    match place {
        Place::Internet => "the internet".to_owned(),
        Place::Account { account } => format!("account {account}"),
        Place::Provider { arn } | Place::Identity { arn } | Place::Group { arn } => arn.clone(),
        Place::Resource { id } => id.clone(),
        Place::Administrator { account } => format!("every right in {account}"),
    }
}
