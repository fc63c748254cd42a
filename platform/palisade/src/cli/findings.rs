//! `palisade findings`: what stands in the store, and what people say of it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use model::{Justification, Triage};

/// What to do with stored findings. All of it works on the store itself, beside a service or without one.
#[derive(Debug, Subcommand)]
pub(crate) enum Findings {
    /// List them, the worst first
    List {
        /// Only those that this fits, such as 'severity>=high and not tag:x'
        #[arg(long, value_name = "FILTER", default_value = "state:open and suppressed:false")]
        filter: String,
        /// At most so many
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Write all of them into a file
    Export {
        /// Only those that this fits
        #[arg(long, value_name = "FILTER")]
        filter: Option<String>,
        /// The form of the file
        #[arg(long, default_value = "csv", value_parser = format)]
        format: api::ExportFormat,
        /// The file; without it, standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show one as JSON, with its history
    Show {
        /// Its fingerprint
        fingerprint: String,
    },
    /// Say where you stand with one, or with all that a filter fits
    Set(Box<Set>),
    /// Take a change of many back
    Undo {
        /// Id of the change
        change: uuid::Uuid,
    },
}

/// What is said, and of what.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Fingerprint of one finding
    #[arg(required_unless_present = "filter", conflicts_with = "filter")]
    pub(crate) fingerprint: Option<String>,
    /// All that this fits, such as 'package:openssl state:open'
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// open, acknowledged, in-progress, accepted or false-positive
    #[arg(long, value_parser = status)]
    pub(crate) status: Option<Triage>,
    /// Why it is accepted, or none
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Why it is none, in the words of OpenVEX, such as component_not_present
    #[arg(long, value_parser = justification)]
    pub(crate) justification: Option<Justification>,
    /// Whose risk it is
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// Who has agreed
    #[arg(long, value_name = "NAME")]
    pub(crate) approver: Option<String>,
    /// The last day on which it is accepted
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<Date>,
    /// Whose it is; - for nobody
    #[arg(long, value_name = "NAME")]
    pub(crate) assign: Option<String>,
    /// A tag that it gets
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// A tag that it loses
    #[arg(long, value_name = "TAG")]
    pub(crate) untag: Vec<String>,
    /// Words for its history
    #[arg(long, value_name = "WORDS")]
    pub(crate) comment: Option<String>,
    /// Who says so; the user of this machine without it
    #[arg(long, value_name = "NAME", env = "USER", default_value = "command line")]
    pub(crate) by: String,
    /// Only say how many it would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn status(text: &str) -> Result<Triage, String> {
    let known = Triage::ALL.map(Triage::as_str).join(", ");
    Triage::from_name(text).ok_or_else(|| format!("not a status; one of {known}"))
}

fn justification(text: &str) -> Result<Justification, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

fn format(text: &str) -> Result<api::ExportFormat, String> {
    let known = api::ExportFormat::ALL.map(|(word, _)| word).join(", ");
    let found = api::ExportFormat::ALL.into_iter().find(|(word, _)| *word == text);
    found.map(|(_, format)| format).ok_or_else(|| format!("not a form; one of {known}"))
}
