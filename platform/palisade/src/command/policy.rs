//! `palisade policy`: tests of policies of the operator's own, in the sandbox that production runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::policy::{
    Answer as Told, Assembled, Call, Case, Content, Suite, SuiteCase, SuiteTest, TestFile, assemble,
    inventory,
};
use anyhow::{Context as _, Result, bail, ensure};
use host::kinds::{CheckStatus, Resource};
use host::{Answer, CallContext, Input, Plugin};
use model::TenantId;
use serde_json::Value;

use crate::cli::Policy;
use crate::config::Config;
use crate::data::{DataDir, read_capped};
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::{plugins, policies};

/// Kind of the one resource that the plugin runs tests in Rego for.
const REGO_TESTS: &str = "palisade/v1/PolicyTests";

/// Kind of a request that the plugin answers with every message of every policy.
const REVIEW: &str = "palisade/v1/PolicyReview";

/// Runs a subcommand.
pub(crate) fn run(what: Policy, config: &Config) -> Result<Outcome> {
    match what {
        Policy::List { paths } => list(&paths),
        Policy::Test { paths } => test(&paths, config),
    }
}

fn list(paths: &[PathBuf]) -> Result<Outcome> {
    let assembled = policies::assembled(paths)?;
    let mut text = String::new();
    for policy in &assembled.policies {
        let _ = writeln!(
            text,
            "{:11} {}  {}  {}",
            policy.format,
            visible(&policy.name),
            visible(&policy.title),
            visible(&policy.source)
        );
    }
    for problem in &assembled.problems {
        let _ = writeln!(
            text,
            "problem     {}:{}: {}",
            visible(&problem.path),
            problem.line,
            visible(&problem.message)
        );
    }
    write_stdout(&text)?;
    Ok(if assembled.problems.is_empty() { Outcome::Clean } else { Outcome::PolicyFailed })
}

fn test(paths: &[PathBuf], config: &Config) -> Result<Outcome> {
    let files = policies::files(paths)?;
    let tests: Vec<&PathBuf> =
        files.iter().filter(|file| TestFile::is(&file.display().to_string())).collect();
    let rego: Vec<PathBuf> =
        files.iter().filter(|file| file.extension().is_some_and(|end| end == "rego")).cloned().collect();
    let suites = suites(&files)?;
    let has_rego_tests = rego.iter().any(|file| file.display().to_string().ends_with("_test.rego"));
    ensure!(
        !tests.is_empty() || !suites.is_empty() || has_rego_tests,
        "there are no tests: they stand in files called policy-test.yaml, or that end in _test.yaml or _test.rego, and in \
         suites of Gator"
    );
    let plugin = plugin(config)?;
    let mut told = Run { plugin, text: String::new(), passed: 0, failed: 0, skipped: 0 };
    for file in tests {
        told.file(file)?;
    }
    for (path, suite) in &suites {
        told.suite(path, suite);
    }
    if has_rego_tests {
        told.rego(&rego)?;
    }
    let skipped = if told.skipped > 0 { format!(", {} skipped", told.skipped) } else { String::new() };
    let _ = writeln!(told.text, "\n{} passed, {} failed{skipped}", told.passed, told.failed);
    write_stdout(&told.text)?;
    Ok(if told.failed == 0 { Outcome::Clean } else { Outcome::PolicyFailed })
}

/// The suites of Gator among files.
fn suites(files: &std::collections::BTreeSet<PathBuf>) -> Result<Vec<(&PathBuf, Suite)>> {
    let mut all = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml"))
    {
        if let Some(suite) = Suite::read(&file.display().to_string(), &read_policy(file)?)? {
            all.push((file, suite));
        }
    }
    Ok(all)
}

/// The plugin that production would call.
fn plugin(config: &Config) -> Result<Plugin> {
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host(&data)?;
    let component = plugins::policy_component(config)?;
    host.load(&component).context("cannot load the plugin that runs policies")
}

struct Run {
    plugin: Plugin,
    text: String,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Run {
    fn file(&mut self, path: &Path) -> Result<()> {
        let beside = path.parent().unwrap_or(Path::new("."));
        let tests = TestFile::read(&path.display().to_string(), &read_policy(path)?)?;
        let named: Vec<PathBuf> = match tests.policies.is_empty() {
            true => vec![beside.to_owned()],
            false => tests.policies.iter().map(|policy| beside.join(policy)).collect(),
        };
        let assembled = policies::assembled(&named)?;
        if let Some(problem) = assembled.problems.first() {
            bail!("{}:{}: {}", problem.path, problem.line, problem.message);
        }
        let asked = assembled.policies.iter().any(|policy| policy.inventory.is_some());
        for mut case in tests.cases {
            fill(&mut case, beside)?;
            let others = asked.then(|| inventory(&case.inventory));
            let config = assembled.config_with(&tests.parameters, others).to_string();
            let name = format!("{}: {}", path.display(), case.name);
            match self.call(&config, case.call()) {
                Ok(answer) => {
                    let differences = case.judge(&answer);
                    self.tell(&name, &differences);
                }
                Err(fault) => self.tell(&name, &[fault]),
            }
        }
        Ok(())
    }

    fn tell(&mut self, name: &str, differences: &[String]) {
        let word = if differences.is_empty() { "ok      " } else { "FAILED  " };
        let _ = writeln!(self.text, "{word} {}", visible(name));
        for difference in differences {
            let _ = writeln!(self.text, "         {}", visible(difference));
        }
        if differences.is_empty() { self.passed += 1 } else { self.failed += 1 }
    }

    /// A suite of Gator. What is wrong with a test is a failure of that test.
    fn suite(&mut self, path: &Path, suite: &Suite) {
        let beside = path.parent().unwrap_or(Path::new("."));
        for test in &suite.tests {
            let name = format!("{}: {}", path.display(), test.name);
            if let Some(why) = test.unsupported().filter(|_| !test.skip && !suite.skip) {
                self.skip(&name, why);
                continue;
            }
            if test.skip || suite.skip {
                self.skip(&name, "skip: true");
                continue;
            }
            if let Err(why) = self.suite_test(test, &name, beside) {
                self.tell(&name, &[format!("{why:#}")]);
            }
        }
    }

    fn suite_test(&mut self, test: &SuiteTest, name: &str, beside: &Path) -> Result<()> {
        ensure!(!test.template.is_empty(), "the test names no template");
        ensure!(!test.constraint.is_empty(), "the test names no constraint");
        let assembled = assemble(&[
            policies::source(&beside.join(&test.template))?,
            policies::source(&beside.join(&test.constraint))?,
        ]);
        if let Some(problem) = assembled.problems.first() {
            bail!("{}:{}: {}", problem.path, problem.line, problem.message);
        }
        for case in &test.cases {
            let name = format!("{name}: {}", case.name);
            if case.skip {
                self.skip(&name, "skip: true");
                continue;
            }
            match self.suite_case(&assembled, case, beside) {
                Ok(differences) => self.tell(&name, &differences),
                Err(why) => self.tell(&name, &[format!("{why:#}")]),
            }
        }
        Ok(())
    }

    fn suite_case(&self, assembled: &Assembled, case: &SuiteCase, beside: &Path) -> Result<Vec<String>> {
        ensure!(!case.object.is_empty(), "the case names no object");
        let objects = objects(&beside.join(&case.object))?;
        let [object] = objects.as_slice() else {
            bail!("{} holds {} objects and not one", case.object, objects.len());
        };
        let mut others = Vec::new();
        for path in &case.inventory {
            others.extend(self::objects(&beside.join(path))?);
        }
        let request = SuiteCase::request(object, &others).map_err(anyhow::Error::msg)?;
        let config = assembled.config_with(&Value::Null, Some(inventory(&others))).to_string();
        let context = CallContext::new(TenantId::default_tenant(), Arc::from(config));
        let body = request.to_string().into_bytes();
        let resource = Resource { asset: "policy-test".to_owned(), kind: REVIEW.to_owned(), body };
        let called = self.plugin.call(&context, Input::Posture { resources: vec![resource] });
        let Answer::Posture(assessment) = called.result.map_err(|fault| anyhow::anyhow!("{fault}"))? else {
            bail!("the plugin that runs policies answered something else than was asked");
        };
        if let Some(problem) = assessment.problems.first() {
            bail!("{}", problem.message);
        }
        if let Some(error) = assessment.results.iter().find(|result| result.status == CheckStatus::Error) {
            bail!("{}", error.message);
        }
        let failed = assessment.results.into_iter().filter(|result| result.status == CheckStatus::Fail);
        Ok(case.judge(&failed.map(|result| result.message).collect::<Vec<_>>()))
    }

    fn skip(&mut self, name: &str, why: &str) {
        let _ = writeln!(self.text, "skipped  {}: {why}", visible(name));
        self.skipped += 1;
    }

    fn call(&self, config: &str, call: Call) -> Result<Told, String> {
        let input = match call {
            Call::Review(request) => Input::Admission { request: request.to_string().into_bytes() },
            Call::Check { kind, body } => {
                let body = body.to_string().into_bytes();
                Input::Posture { resources: vec![Resource { asset: "policy-test".to_owned(), kind, body }] }
            }
        };
        let context = CallContext::new(TenantId::default_tenant(), Arc::from(config));
        match self.plugin.call(&context, input).result.map_err(|fault| fault.to_string())? {
            Answer::Admission(decision) => Ok(Told {
                violations: decision
                    .violations
                    .iter()
                    .map(|one| ::policy::Told::of_decision(&one.message))
                    .collect(),
                warnings: decision
                    .warnings
                    .iter()
                    .map(|one| ::policy::Told::of_decision(&one.message))
                    .collect(),
                patch: decision
                    .patch
                    .and_then(|patch| serde_json::from_slice(&patch).ok())
                    .unwrap_or_default(),
            }),
            Answer::Posture(assessment) => {
                if let Some(problem) = assessment.problems.first() {
                    return Err(problem.message.clone());
                }
                let bad = assessment.results.iter().filter(|result| result.status != CheckStatus::Pass);
                let told = bad.map(|result| ::policy::Told {
                    policy: named(&result.evidence),
                    message: result.message.clone(),
                });
                Ok(Told { violations: told.collect(), ..Told::default() })
            }
            other => Err(other.unexpected().to_string()),
        }
    }

    /// Rules of Rego that are called `test_…`, as OPA runs them.
    fn rego(&mut self, files: &[PathBuf]) -> Result<()> {
        let mut sources = Vec::new();
        for file in files {
            sources.push(policies::source(file)?);
        }
        sources.retain(|source| matches!(source.content, Content::Rego(_)));
        let assembled: Assembled = assemble(&sources);
        let config = assembled.config(&Value::Null).to_string();
        let context = CallContext::new(TenantId::default_tenant(), Arc::from(config));
        let resource = Resource {
            asset: "policy-tests".to_owned(),
            kind: REGO_TESTS.to_owned(),
            body: b"null".to_vec(),
        };
        let called = self.plugin.call(&context, Input::Posture { resources: vec![resource] });
        let Answer::Posture(assessment) = called.result.map_err(|fault| anyhow::anyhow!("{fault}"))? else {
            bail!("the plugin that runs policies answered something else than was asked");
        };
        for result in assessment.results {
            let differences: Vec<String> = match result.status {
                CheckStatus::Pass | CheckStatus::NotApplicable => Vec::new(),
                CheckStatus::Fail | CheckStatus::Error => vec![result.message],
            };
            self.tell(result.location.trim_start_matches('/'), &differences);
        }
        Ok(())
    }
}

/// The policy that a result of the kind `posture` is of.
fn named(evidence: &[u8]) -> String {
    let value: Value = serde_json::from_slice(evidence).unwrap_or_default();
    value.get("policy").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn fill(case: &mut Case, beside: &Path) -> Result<()> {
    let files: Vec<String> = case.files().into_iter().map(str::to_owned).collect();
    for file in files {
        let path = beside.join(&file);
        let documents = match policies::source(&path)?.content {
            Content::Documents(documents) => documents,
            Content::Rego(_) => Vec::new(),
        };
        let document = documents.first().with_context(|| format!("{} holds no object", path.display()))?;
        case.fill(&file, &document.value);
    }
    Ok(())
}

/// The documents of a file.
fn objects(path: &Path) -> Result<Vec<Value>> {
    match policies::source(path)?.content {
        Content::Documents(documents) => Ok(documents.into_iter().map(|document| document.value).collect()),
        Content::Rego(_) => bail!("{} holds no objects", path.display()),
    }
}

fn read_policy(path: &Path) -> Result<Vec<u8>> {
    read_capped(path, u64::try_from(::policy::FILE_BYTES_MAX).unwrap_or(u64::MAX))
}
