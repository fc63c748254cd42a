//! `palisade respond`, as types.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with responses. Decisions are made on the store itself, so they need no token, and a running service follows them within
/// seconds.
#[derive(Debug, Subcommand)]
pub(crate) enum Respond {
    /// List the playbooks on offer
    Playbooks,
    /// List runs, the newest first
    Runs {
        /// Those alone that are not over
        #[arg(long)]
        open: bool,
    },
    /// Show a run: its plan, who decided, and its journal
    Show {
        /// The run
        run: String,
    },
    /// Agree to the plan of a run as it is shown
    Approve(Decide),
    /// Disagree with the plan of a run: nothing of it is done
    Refuse(Decide),
    /// Call a run off, or take back what it did
    Undo {
        /// The run
        run: String,
        /// Who wants it
        #[arg(long = "as", value_name = "NAME", default_value = "command line")]
        person: String,
    },
    /// Turn the kill switch on: nothing more is done until it is off
    Stop {
        /// Why
        reason: String,
        /// For one playbook alone
        #[arg(long, value_name = "NAME")]
        playbook: Option<String>,
    },
    /// Turn the kill switch off
    Resume {
        /// That of one playbook alone
        #[arg(long, value_name = "NAME")]
        playbook: Option<String>,
    },
    /// Print the ledger, one record a line, and verify all of it
    Ledger {
        /// Records of this run alone
        #[arg(long)]
        run: Option<String>,
    },
    /// Read a playbook, and say what it would do about an event or incident; nothing is changed
    Check {
        /// The playbook
        file: PathBuf,
        /// What it would be about: a file with a normalised event in JSON, an incident with its `events`, or a list of
        /// them, the newest first
        #[arg(long, value_name = "FILE", alias = "event")]
        from: Option<PathBuf>,
        /// Try the plan on this cluster's API server, which changes nothing; needs an event.
        #[command(flatten)]
        cluster: TryOn,
    },
}

/// A decision of somebody.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The run
    pub(crate) run: String,
    /// Digest of the plan that was read, as `show` prints it
    #[arg(long, value_name = "DIGEST")]
    pub(crate) plan: String,
    /// Who decides, as [respond.roles] of the configuration names them
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) person: String,
}

/// A cluster that a plan is tried on.
#[derive(Debug, Args)]
pub(crate) struct TryOn {
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(crate) context: Option<String>,
    /// The kubeconfig
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) kubeconfig: Option<PathBuf>,
}
