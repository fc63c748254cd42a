//! Words of `palisade account`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::GraphFormat;

/// What to ask of an account of a cloud.
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Write what a collector plugin fetches as one JSON document, to look at, to hand on, and to judge elsewhere with --from
    Collect {
        /// Name in the configuration
        name: String,
        /// Write to a file instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// What traffic of the internet gets to, through which resources, and what keeps it out
    Exposure {
        /// Which account.
        #[command(flatten)]
        files: AccountFiles,
    },
    /// Who can do something, with the statements that say so and what it depends on
    WhoCan {
        /// Action, such as s3:GetObject
        action: String,
        /// ARN of the resource; '*' for an action that is about none
        resource: String,
        /// Which account.
        #[command(flatten)]
        files: AccountFiles,
    },
    /// Who can become whom: the shortest way to every right, a privileged role, or data that anybody can read
    #[command(visible_alias = "attack-paths")]
    Paths {
        /// From the internet, other accounts and providers of identities alone
        #[arg(long, conflicts_with = "source")]
        outside: bool,
        /// From this user, role or resource alone
        #[arg(long, value_name = "ARN")]
        source: Option<String>,
        /// To this goal alone
        #[arg(long, value_enum)]
        goal: Option<AccountGoal>,
        /// Which account.
        #[command(flatten)]
        files: AccountFiles,
    },
    /// Users, roles, passwords and access keys that nobody uses
    Unused {
        /// Days without use
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=400))]
        days: i64,
        /// Count days up to this time (RFC 3339); now without it
        #[arg(long, value_name = "TIME")]
        at: Option<jiff::Timestamp>,
        /// Which account.
        #[command(flatten)]
        files: AccountFiles,
    },
}

/// Where a path may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountGoal {
    /// Every right in an account
    Administrator,
    /// A role that may do everything with a service whose data or rights matter
    PrivilegedRole,
    /// Data that anybody can read
    PublicData,
}

/// Where the resources of an account come from: a collector plugin, or a file that it wrote.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccountSource {
    /// Name in the configuration, under [accounts]
    #[arg(value_name = "NAME", required_unless_present = "from", conflicts_with = "from")]
    pub(crate) name: Option<String>,
    /// What `palisade account collect` wrote, instead of asking the cloud
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

/// An account, and where its answers go.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccountFiles {
    /// Which account.
    #[command(flatten)]
    pub(crate) source: AccountSource,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = GraphFormat::Table)]
    pub(crate) format: GraphFormat,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
