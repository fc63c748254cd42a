//! `palisade rules`: tests of rules for run-time events, in the sandbox that production runs, and what they would have said.

mod backtest;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::rules::{Case, TestEvent, TestFile, sigma};
use anyhow::{Context as _, Result, ensure};
use engine::correlate::{CorrelatorPlugin, Correlators, EmptyState, Judged};
use host::kinds::Event;
use model::TenantId;
use serde_json::{Value, json};

use crate::cli::Rules;
use crate::config::Config;
use crate::data::{DataDir, read_capped};
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::plugins::{Need, PluginSet};
use crate::rules::{FALCO, File, SIGMA};
use crate::{plugins, policies};

/// Runs a subcommand.
pub(crate) fn run(what: &Rules, config: &Config) -> Result<Outcome> {
    match what {
        Rules::Test { paths } => test(paths, config),
        Rules::Backtest { paths, instead, plugin, since, print } => {
            let asked = backtest::Asked { paths, instead: *instead, plugin: plugin.as_deref(), since };
            backtest::run(&asked, *print, config)
        }
    }
}

fn test(paths: &[PathBuf], config: &Config) -> Result<Outcome> {
    let files = policies::files(paths)?;
    let tests: Vec<&PathBuf> =
        files.iter().filter(|file| TestFile::is(&file.display().to_string())).collect();
    ensure!(!tests.is_empty(), "there are no tests: they stand in files that end in _test.yml or _test.yaml");
    let replayed = replay(tests, config)?;
    let failed = replayed.iter().filter(|case| case.difference.is_some()).count();
    let mut text = String::new();
    for case in &replayed {
        let word = if case.difference.is_none() { "ok      " } else { "FAILED  " };
        let _ =
            writeln!(text, "{word} {}: {}", visible(&case.file.display().to_string()), visible(&case.title));
        if let Some(difference) = &case.difference {
            let _ = writeln!(text, "         {}", visible(difference));
        }
    }
    let _ = writeln!(text, "\n{} passed, {failed} failed", replayed.len() - failed);
    write_stdout(&text)?;
    Ok(if failed == 0 { Outcome::Clean } else { Outcome::PolicyFailed })
}

/// A case that was run.
pub(crate) struct Replayed {
    /// The file that it stands in.
    pub(crate) file: PathBuf,
    /// Name or id of the rule that it is about.
    pub(crate) rule: String,
    /// What it shows, or the rule.
    title: String,
    /// Whether the rule had to tell of something.
    pub(crate) matches: bool,
    /// What came out differently; nothing where it ended as it should.
    pub(crate) difference: Option<String>,
}

/// Runs the cases of these files in the sandbox that production runs.
///
/// # Errors
/// A file that cannot be read, rules that are not beside it, or plugins that cannot be loaded.
pub(crate) fn replay(tests: Vec<&PathBuf>, config: &Config) -> Result<Vec<Replayed>> {
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host_keeping(&data, 2)?;
    let set = plugins::load_once(config, &data, &host, Need::Events)?;
    let mut run = Run { set, replayed: Vec::new() };
    for file in tests {
        run.file(file).with_context(|| format!("cannot run the tests of {}", file.display()))?;
    }
    Ok(run.replayed)
}

struct Run {
    set: PluginSet,
    replayed: Vec<Replayed>,
}

impl Run {
    fn file(&mut self, path: &Path) -> Result<()> {
        let name = path.display().to_string();
        let bytes = read_capped(path, u64::try_from(::rules::FILE_BYTES_MAX).unwrap_or(u64::MAX))?;
        let tests = TestFile::read(&name, &bytes)?;
        let rules = rules_of(path)?;
        for case in &tests.cases {
            let difference = match &rules {
                File::Sigma(documents) => self.sigma(documents, case)?,
                File::Falco(file) => self.falco(file, case)?,
            };
            let title = if case.name.is_empty() { &case.rule } else { &case.name };
            self.replayed.push(Replayed {
                file: path.to_owned(),
                rule: case.rule.clone(),
                title: title.clone(),
                matches: case.matches,
                difference,
            });
        }
        Ok(())
    }

    /// A rule is tested alone, or with what its correlation needs, so that other rules of the file tell of nothing.
    fn sigma(&self, documents: &[sigma::Document], case: &Case) -> Result<Option<String>> {
        let alone = sigma::alone(documents, &case.rule);
        let Some(rule) = alone.first() else {
            return Ok(Some(format!("no rule of its file has the name or id {:?}", case.rule)));
        };
        let leaf = alone.iter().find_map(|document| sigma::source_of(&document.value));
        let source = sigma::source_of(&rule.value).or(leaf).unwrap_or_default();
        let config = sigma::config(alone.iter().copied(), false);
        let judged = match self.run(SIGMA, &config, &case.events(source))? {
            Ok(judged) => judged,
            Err(problem) => return Ok(Some(problem)),
        };
        let named = judged.iter().flat_map(|one| {
            let word = |key: &str| one.evidence.get(key).and_then(Value::as_str);
            [word("ruleName"), word("ruleId")].into_iter().flatten().find(|word| *word == case.rule)
        });
        Ok(case.judge(named))
    }

    /// What every event of a case does counts: rules of this language look at one at a time.
    fn falco(&self, file: &Value, case: &Case) -> Result<Option<String>> {
        let items = file.get("items").and_then(Value::as_array).into_iter().flatten();
        let named = |item: &&Value| item.pointer("/item/rule").and_then(Value::as_str) == Some(&case.rule);
        let rule = items.map(|item| item.get("item").map_or(item, |_| item)).find(named);
        let Some(rule) = rule else {
            return Ok(Some(format!("no rule of its file has the name {:?}", case.rule)));
        };
        let source = falco_source(rule.get("item").unwrap_or(rule));
        let config = json!({ "pack": false, "rules": [file] });
        for event in case.events(source) {
            let judged = match self.run(FALCO, &config, std::slice::from_ref(&event))? {
                Ok(judged) => judged,
                Err(problem) => return Ok(Some(problem)),
            };
            let of_rule =
                |one: &&Judged| one.evidence.get("rule").and_then(Value::as_str) == Some(&case.rule);
            let named = judged.iter().filter(of_rule).map(|_| case.rule.as_str());
            if let Some(difference) = case.judge(named) {
                return Ok(Some(format!("{difference}, at the event {}", event.id)));
            }
        }
        Ok(None)
    }

    /// What a plugin tells of events, or what it says of the first that it cannot judge.
    fn run(&self, id: &str, config: &Value, events: &[TestEvent]) -> Result<Result<Vec<Judged>, String>> {
        let found = self.set.loaded.iter().find(|one| one.plugin.manifest().id == id);
        let found = found.with_context(|| format!("{id} is not loaded"))?;
        let plugin = CorrelatorPlugin {
            plugin: found.plugin.clone(),
            rights: found.rights.clone(),
            config: Arc::from(config.to_string()),
        };
        let event = |event: &TestEvent| Event {
            id: event.id.clone(),
            time: event.time,
            source: event.source.clone(),
            asset: String::new(),
            body: event.body.to_string().into_bytes(),
        };
        let events: Vec<Event> = events.iter().map(event).collect();
        let tenant = TenantId::default_tenant();
        let mut correlators = Correlators::new(vec![plugin], &tenant, Arc::new(EmptyState));
        let told = correlators.run(&events, u64::MAX);
        Ok(match told.gaps.first() {
            Some(gap) => Err(format!("{}: {}", gap.subject, gap.reason)),
            None => Ok(told.detections),
        })
    }
}

/// The source of the events that a rule in Falco's language looks at.
pub(crate) fn falco_source(rule: &Value) -> &str {
    match rule.get("source").and_then(Value::as_str) {
        Some("k8s_audit") => "kubernetes-audit",
        Some("aws_cloudtrail") => "cloudtrail",
        Some("gcp_auditlog") => "gcp-audit",
        Some(other) => other,
        None => "",
    }
}

/// The rules beside a file of tests: the file of the same name without `_test`.
fn rules_of(tests: &Path) -> Result<File> {
    let name = tests.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.rsplit_once("_test.").map_or(name, |(stem, _)| stem);
    let beside = tests.parent().unwrap_or(Path::new("."));
    let found =
        ["yml", "yaml"].iter().map(|end| beside.join(format!("{stem}.{end}"))).find(|path| path.is_file());
    let found = found.with_context(|| {
        format!("there is no {stem}.yml or {stem}.yaml beside {}, whose rules it would test", tests.display())
    })?;
    let File::Sigma(mut documents) = File::read(&found)? else { return File::read(&found) };
    // A correlation may be about rules of other files of its folder.
    for path in policies::files(&[beside.to_owned()])? {
        let is_beside = path != found && path.parent() == Some(beside);
        if is_beside
            && !TestFile::is(&path.display().to_string())
            && let Ok(File::Sigma(others)) = File::read(&path)
        {
            documents.extend(others);
        }
    }
    Ok(File::Sigma(documents))
}
