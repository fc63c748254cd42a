//! `palisade plugin new`, `build`, `check`, `test`, `bench`, `dev`, `replay`: what authors of plugins do, on the command line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use author::golden::{Options, Verdict, judge};
use author::{Hardship, Language, Level, NewProject, Project};
use clap::Subcommand;
use host::{Host, Kind};

use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};

/// What authors of plugins do.
#[derive(Debug, Subcommand)]
pub(crate) enum Author {
    /// Make a new plugin's project: sources that work, a test, golden cases, the contract
    New {
        /// What the plugin is called for
        #[arg(long, value_name = "KIND", value_parser = kind)]
        kind: Kind,
        /// What it is written in: rust, javascript or python
        #[arg(long, value_name = "LANGUAGE", value_parser = language)]
        language: Language,
        /// Id of the plugin, stable over all its versions, such as org.example.open-ports [default: example.NAME]
        #[arg(long)]
        id: Option<String>,
        /// Who publishes it, for people [default: Example]
        #[arg(long, value_name = "TEXT")]
        publisher: Option<String>,
        /// A new folder; its name is the project's
        directory: PathBuf,
    },
    /// Build a project's component, with its manifest inside
    Build {
        /// The project
        #[arg(default_value = ".")]
        directory: PathBuf,
        /// Where to write it [default: build/NAME.plugin.wasm]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Compare what a component is with what its manifest says; exit with 1 if it would not load
    Check {
        /// A component, or a project that was built
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Run a project's golden cases in the sandbox, then the same cases under hardships; exit with 1 if one fails
    Test {
        /// The project
        #[arg(default_value = ".")]
        directory: PathBuf,
        /// Write what comes out as what is expected; look at the difference before you keep it
        #[arg(long)]
        bless: bool,
        /// Write a transcript of every case into this folder, for `replay`
        #[arg(long, value_name = "DIR")]
        record: Option<PathBuf>,
    },
    /// Measure starting, calls and batches, each figure against its limit
    Bench {
        /// The project
        #[arg(default_value = ".")]
        directory: PathBuf,
        /// How long each figure is measured
        #[arg(long, value_name = "MILLISECONDS", default_value_t = 1_000)]
        each: u64,
    },
    /// Build, run the cases and tell what changed, after every change of a source, until it is stopped
    Dev {
        /// The project
        #[arg(default_value = ".")]
        directory: PathBuf,
        /// Put every build in force in this installation, granted what it asks for; a server over the same store follows
        #[arg(long)]
        install: bool,
    },
    /// Repeat a recorded call; exit with 1 if anything comes out otherwise
    Replay {
        /// A transcript
        transcript: PathBuf,
        /// The component [default: that of the project in this folder]
        #[arg(long, value_name = "FILE")]
        plugin: Option<PathBuf>,
    },
}

/// Runs a subcommand.
pub(crate) fn run(what: Author, config: &Config) -> Result<Outcome> {
    match what {
        Author::New { kind, language, id, publisher, directory } => {
            let (id, publisher) = (id.as_deref(), publisher.as_deref());
            create(&NewProject { kind, language, directory: &directory, id, publisher })
        }
        Author::Build { directory, output } => {
            let component = Project::open(&directory)?.build(output.as_deref())?;
            let bytes = std::fs::metadata(&component).map_or(0, |meta| meta.len());
            say(&[format!("{}: {bytes} bytes", component.display())])?;
            Ok(Outcome::Clean)
        }
        Author::Check { path } => check(&path, &host(config)?),
        Author::Test { directory, bless, record } => {
            test(&directory, &Options { bless, record: record.as_deref() }, &host(config)?)
        }
        Author::Bench { directory, each } => bench(&directory, Duration::from_millis(each), &host(config)?),
        Author::Dev { directory, install } => dev(&directory, install, config),
        Author::Replay { transcript, plugin } => {
            let component = match plugin {
                Some(file) => file,
                None => Project::open(Path::new("."))
                    .and_then(|project| project.component())
                    .context("name the component with --plugin")?,
            };
            let replayed = author::replay(&host(config)?, &transcript, &component)?;
            say(&replayed.lines)?;
            Ok(outcome(replayed.same))
        }
    }
}

/// The host of production, with its cache: what was compiled once is not compiled again.
fn host(config: &Config) -> Result<Host> {
    crate::plugins::host(&DataDir::open(config.data_dir())?)
}

fn outcome(good: bool) -> Outcome {
    if good { Outcome::Clean } else { Outcome::PolicyFailed }
}

/// Prints lines; what a plugin wrote in them cannot move the cursor.
fn say(lines: &[String]) -> Result<()> {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{}", visible(line));
    }
    write_stdout(&text)
}

fn create(wanted: &NewProject<'_>) -> Result<Outcome> {
    let created = author::create(wanted)?;
    let folder = wanted.directory.display();
    let tools = match wanted.language {
        Language::Rust => "",
        Language::Javascript => "npm ci && ",
        Language::Python => "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && ",
    };
    say(&[
        format!("{} ({}): {} files in {folder}", created.name, created.id, created.files.len()),
        format!("next: cd {folder} && {tools}palisade plugin build && palisade plugin test"),
    ])?;
    Ok(Outcome::Clean)
}

fn check(path: &Path, host: &Host) -> Result<Outcome> {
    let remarks = author::check(host, path)?;
    let lines: Vec<String> =
        remarks.iter().map(|remark| format!("{:8} {}", remark.level.as_str(), remark.text)).collect();
    say(&lines)?;
    Ok(outcome(remarks.iter().all(|remark| remark.level != Level::Error)))
}

fn test(directory: &Path, options: &Options<'_>, host: &Host) -> Result<Outcome> {
    let project = Project::open(directory)?;
    let cases = project.cases()?;
    if cases.is_empty() {
        bail!("{} has no golden cases; make one as cases/NAME/input.json", directory.display());
    }
    if let Some(changed) = project.changed_since_built() {
        say(&[format!("note: {} was changed after the component was built", changed.display())])?;
    }
    let plugin = project.load(host)?;
    let mut failed = 0;
    for case in &cases {
        let judged = judge(&plugin, case, options)?;
        let (word, lines) = match &judged.verdict {
            Verdict::Passed => ("passed", [].as_slice()),
            Verdict::Blessed => ("blessed", [].as_slice()),
            Verdict::Failed(lines) => ("FAILED", lines.as_slice()),
        };
        failed += usize::from(!judged.passed());
        say(&[format!("{word:8} {}", judged.name)])?;
        say(&lines.iter().map(|line| format!("         {line}")).collect::<Vec<_>>())?;
    }
    let mut weak = 0;
    for weakness in cases.iter().flat_map(|case| case.hardships(&plugin)) {
        weak += 1;
        say(&[format!("WEAK     {}, when {}", weakness.case, weakness.hardship)])?;
        say(&weakness.lines.iter().map(|line| format!("         {line}")).collect::<Vec<_>>())?;
    }
    let (cases, hardships) = (cases.len(), cases.len() * Hardship::all().len());
    say(&[format!("{cases} cases, {failed} failed; {hardships} calls under hardships, {weak} not borne")])?;
    Ok(outcome(failed + weak == 0))
}

fn bench(directory: &Path, each: Duration, host: &Host) -> Result<Outcome> {
    let project = Project::open(directory)?;
    let bench = author::bench(&project.load(host)?, &project.cases()?, each);
    let mut lines: Vec<String> = Vec::new();
    for figure in &bench.figures {
        let limit = figure.limit.as_ref().map_or_else(String::new, |(limit, share)| {
            format!("{:4.0} % of {limit}, {}", share * 100.0, figure.verdict())
        });
        lines.push(format!("{:44} {:>16}   {limit}", figure.name, figure.value).trim_end().to_owned());
    }
    lines.extend(bench.failures.iter().map(|line| format!("FAILED   {line}")));
    say(&lines)?;
    Ok(outcome(bench.failures.is_empty()))
}

fn dev(directory: &Path, install: bool, config: &Config) -> Result<Outcome> {
    /// Soon enough for whoever has just saved a file, and nothing for a machine.
    const PAUSE: Duration = Duration::from_millis(300);
    let mut session = author::dev::Session::new(directory);
    let host = host(config)?;
    loop {
        let mut installed = None;
        let mut built = |component: &Path| {
            installed = install.then(|| super::plugin::install_own(component, config));
            Ok(())
        };
        let lines = session.turn(&host, &mut |project| project.build(None), &mut built)?;
        match installed {
            Some(Ok(line)) => say(&[line])?,
            // A build that cannot be installed is the author's to mend, and no reason to stop watching.
            Some(Err(error)) => say(&[format!("not installed: {}", crate::exit::one_line(&error))])?,
            None => {}
        }
        if let Some(lines) = lines {
            say(&lines)?;
        }
        std::thread::sleep(PAUSE);
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    let known = Kind::ALL.map(Kind::as_str).join(", ");
    Kind::from_name(text).ok_or_else(|| format!("not a kind; one of {known}"))
}

fn language(text: &str) -> Result<Language, String> {
    let known = Language::ALL.map(Language::as_str).join(", ");
    Language::from_name(text).ok_or_else(|| format!("not a language; one of {known}"))
}
