//! The command line, as types.

mod account;
mod findings;
mod respond;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Severity;

pub(crate) use self::account::{Account, AccountFiles, AccountGoal, AccountSource};
pub(crate) use self::findings::{Findings, Set as FindingSet};
pub(crate) use self::respond::{Respond, TryOn};

/// Find what is wrong in images, directories and bills of materials, and prove it.
#[derive(Debug, Parser)]
#[command(name = "palisade", version, max_term_width = 110, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 clean · 1 a policy failed · 2 the command could not do its work · \
    3 coverage gaps under --strict";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Where Palisade keeps what it knows: advisories, caches, the embedded store and bus
    #[arg(long, global = true, value_name = "DIR", env = "PALISADE_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "PALISADE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan an image, a directory or a bill of materials
    #[command(subcommand)]
    Scan(Scan),
    /// Run the platform: API, web page, scan workers
    Serve(Serve),
    /// Ask the graph of a Kubernetes cluster: exposure, rights, attack paths
    #[command(subcommand)]
    Cluster(Cluster),
    /// Ask the graph of a cloud account: exposure, rights, identity paths, unused rights
    #[command(subcommand)]
    Account(Account),
    /// Say where the controls of a compliance framework stand
    #[command(subcommand)]
    Compliance(Compliance),
    /// Test and list policies of your own, in Rego and CEL
    #[command(subcommand)]
    Policy(Policy),
    /// Answer the admission requests of a Kubernetes cluster
    #[command(subcommand)]
    Admission(Admission),
    /// Judge run-time events of files: alerts of sensors, audit logs of clusters and clouds
    Ingest(Ingest),
    /// Make, list and close the sources that the service receives run-time events from
    #[command(subcommand)]
    Source(Source),
    /// Test rules for run-time events, in Sigma and in Falco's language
    #[command(subcommand)]
    Rules(Rules),
    /// Tell which techniques of MITRE ATT&CK the rules detect, and which of them a replayed test proves
    AttackMap(AttackMap),
    /// Show playbooks and responses, decide about them, stop them, verify what was done
    #[command(subcommand)]
    Respond(Respond),
    /// Import, update, query and check advisories
    #[command(subcommand)]
    Advisories(Advisories),
    /// Write plugins, sign them, carry them, install them, and decide about them
    #[command(subcommand)]
    Plugin(Plugin),
    /// Import a report of another tool: its findings join what is known, and what its source does not find any more is closed
    Import(Import),
    /// List, export and show stored findings, and say where you stand with them
    #[command(subcommand)]
    Findings(Findings),
    /// Make, list and revoke the tokens that open the API and the page
    #[command(subcommand)]
    Token(Token),
    /// Check that this installation can do its work
    Doctor,
    /// Tell what the code of an error, a coverage gap or a plugin fault means
    Explain {
        /// The code; without it, every code is listed
        code: Option<String>,
    },
}

impl Command {
    /// Whether it runs until it is stopped, and so logs rather than prints.
    pub(crate) fn is_service(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Admission(Admission::Serve { .. }))
    }
}

/// What to scan.
#[derive(Debug, Subcommand)]
pub(crate) enum Scan {
    /// Scan a container image
    Image {
        /// REGISTRY/NAME:TAG, an OCI layout directory, an OCI or `docker save` archive; or oci:, oci-archive:,
        /// docker-archive: and dir: in front of a path
        reference: String,
        /// Which image of a multi-platform one, as OS/ARCHITECTURE[/VARIANT]
        #[arg(long, value_name = "PLATFORM")]
        platform: Option<String>,
        /// How to scan.
        #[command(flatten)]
        reading: Reading,
        /// How to print.
        #[command(flatten)]
        printing: Printing,
    },
    /// Scan a directory, such as the root of a file system
    Dir {
        /// The directory
        path: PathBuf,
        /// Pass over what matches this glob from the root of the scan, such as `home/*/.cache`; can be repeated
        #[arg(long, value_name = "GLOB")]
        exclude: Vec<String>,
        /// Leave out Kubernetes manifests, Helm charts, Terraform plans and Dockerfiles
        #[arg(long)]
        no_config: bool,
        /// The program helm, to render charts with [default: the one of PATH]
        #[arg(long, value_name = "FILE")]
        helm: Option<PathBuf>,
        /// How to scan.
        #[command(flatten)]
        reading: Reading,
        /// How to print.
        #[command(flatten)]
        printing: Printing,
    },
    /// Judge a Kubernetes cluster, through its API server or by what `kubectl get KIND --all-namespaces --output json` printed
    K8s {
        /// Which cluster.
        #[command(flatten)]
        source: ClusterSource,
        /// Calls of plugins at the same time [default: one per processor]
        #[arg(long, value_name = "N")]
        threads: Option<usize>,
        /// How to print.
        #[command(flatten)]
        printing: Printing,
    },
    /// Judge an account of a cloud, that the configuration names under [accounts] or that was collected before
    Account {
        /// Which account.
        #[command(flatten)]
        source: AccountSource,
        /// Calls of plugins at the same time [default: one per processor]
        #[arg(long, value_name = "N")]
        threads: Option<usize>,
        /// How to print.
        #[command(flatten)]
        printing: Printing,
    },
    /// Judge the packages of a bill of materials (CycloneDX or SPDX, JSON)
    Sbom {
        /// The document, `-` for standard input
        file: PathBuf,
        /// How to print.
        #[command(flatten)]
        printing: Printing,
    },
}

/// What to do with policies of one's own.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Run the tests of policies in the sandbox that production runs: files called policy-test.yaml or ending in _test.yaml
    Test {
        /// File of tests, or folder to look for such files in
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// List the policies that are in files, and what is wrong with them
    List {
        /// File, or folder of files that end in .rego, .yaml, .yml or .json
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
}

/// Which report to import.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The report; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Name of the source, such as trivy-ci: its next report about the same asset closes what is gone
    #[arg(long, value_name = "NAME")]
    pub(crate) source: String,
    /// What the file is [default: what its content tells]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Kind of the thing that the report is about, where it does not say so: repository, host, image, directory, cluster or account
    #[arg(long, value_name = "KIND", value_parser = target_kind)]
    pub(crate) kind: Option<model::TargetKind>,
    /// Name of the thing that the report is about, where it does not say so
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Id of a known asset that the report is about
    #[arg(long, value_name = "ID", conflicts_with_all = ["kind", "target"])]
    pub(crate) asset: Option<String>,
    /// Only say what would become of it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Exit code 3 if a result cannot be used
    #[arg(long)]
    pub(crate) strict: bool,
}

fn target_kind(word: &str) -> Result<model::TargetKind, String> {
    let known = || model::TargetKind::ALL.map(model::TargetKind::as_str).join(", ");
    model::TargetKind::from_name(word).ok_or_else(|| format!("there are {}", known()))
}

/// Which events to judge, and by which rules.
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Files of events, unpacked; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// What the files are [default: by what each begins with]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// The cluster that the events are of: the uid of its namespace kube-system
    #[arg(long, value_name = "UID")]
    pub(crate) cluster: Option<String>,
    /// Rules of your own beside the built-in ones: a file, or a folder of files in Sigma's or Falco's language; can be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = GraphFormat::Table)]
    pub(crate) print: GraphFormat,
}

/// What to do with sources of events.
#[derive(Debug, Subcommand)]
pub(crate) enum Source {
    /// Make a source, and print its token, which is shown only now
    Add {
        /// Its name: part of the address that events are sent to
        name: String,
        /// What it sends, such as falco, kubernetes-audit or cloudtrail
        #[arg(long, value_name = "FORMAT")]
        format: String,
        /// The cluster that its events are of: the uid of its namespace kube-system
        #[arg(long, value_name = "UID")]
        cluster: Option<String>,
    },
    /// List sources, with what came from each
    List,
    /// Replace the token of a source
    Rotate {
        /// Its name
        name: String,
    },
    /// Close the door of a source
    Disable {
        /// Its name
        name: String,
    },
    /// Open the door of a source again
    Enable {
        /// Its name
        name: String,
    },
    /// Remove a source; what came from it stays
    Remove {
        /// Its name
        name: String,
    },
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Run the tests of rules in the sandbox that production runs: files that end in _test.yml or _test.yaml, each beside its rules
    Test {
        /// File of tests, or folder to look for such files in
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Judge events that are stored by other rules or another version of a plugin, and say what would be different
    Backtest {
        /// Rules beside those of the configuration: a file, or a folder of files in Sigma's or Falco's language
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Leave out the rules of the configuration on the new side
        #[arg(long)]
        instead: bool,
        /// A component that takes the place of the plugin of its id, or comes beside the others
        #[arg(long, value_name = "FILE")]
        plugin: Option<PathBuf>,
        /// How far back, such as 36h or 7d
        #[arg(long, value_name = "TIME", default_value = "24h")]
        since: jiff::Span,
        /// How to print
        #[arg(long, value_enum, default_value_t = GraphFormat::Table)]
        print: GraphFormat,
    },
}

/// What to tell of techniques.
#[derive(Debug, Args)]
pub(crate) struct AttackMap {
    /// Rules of your own, which are replayed with the tests beside them: a file, or a folder of files; can be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// Leave the built-in rules out
    #[arg(long, requires = "rules")]
    pub(crate) without_built_in: bool,
    /// Write a layer of the ATT&CK Navigator (format 4.5) to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) navigator: Option<PathBuf>,
    /// Only techniques of one platform
    #[arg(long, value_enum)]
    pub(crate) platform: Option<AttackPlatform>,
    /// How to print
    #[arg(long, value_enum, default_value_t = GraphFormat::Table)]
    pub(crate) print: GraphFormat,
}

/// Platform of ATT&CK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AttackPlatform {
    /// Containers and what orchestrates them
    Containers,
    /// Accounts of clouds
    Iaas,
}

/// How to be asked by API servers.
#[derive(Debug, Subcommand)]
pub(crate) enum Admission {
    /// Answer admission requests by the policies of the configuration
    Serve {
        /// Address to listen on
        #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8443")]
        listen: std::net::SocketAddr,
        /// Certificate with its chain, as a PEM file; taken up anew when it changes
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
        /// Key of the certificate, as a PEM file
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Namespace of this webhook, in which nothing is ever refused [default: the one of the pod]
        #[arg(long, value_name = "NAME")]
        own_namespace: Option<String>,
        /// Refuse nothing; say in the audit log of the cluster what would have been
        #[arg(long)]
        dry_run: bool,
    },
    /// Make a certificate for the webhook, and anew before it ends; print the webhook configurations for `kubectl apply`
    Certificate {
        /// Name of the webhook's Service
        #[arg(long, value_name = "NAME", default_value = "palisade-admission")]
        service: String,
        /// Namespace of the Service
        #[arg(long, value_name = "NAME", default_value = "palisade")]
        namespace: String,
        /// Folder for ca.crt, ca.key, tls.crt and tls.key
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Have the API server refuse what it could not ask about
        #[arg(long)]
        fail_closed: bool,
    },
}

/// What to ask of a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// What traffic of the internet gets to, through which objects, and what keeps it out
    Exposure {
        /// Which cluster.
        #[command(flatten)]
        files: ClusterFiles,
    },
    /// Who can do something, with the binding and the rule that say so
    WhoCan {
        /// Verb, such as get, create, impersonate
        verb: String,
        /// Resource as URLs call it, such as secrets or pods/exec, or a path of the API server that begins with /
        resource: String,
        /// API group of the resource; the core group where it is left out
        #[arg(long, value_name = "GROUP", default_value = "")]
        group: String,
        /// In this namespace [default: in all at once]
        #[arg(long, value_name = "NAME")]
        namespace: Option<String>,
        /// On the object of this name [default: on all]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Which cluster.
        #[command(flatten)]
        files: ClusterFiles,
    },
    /// How far somebody gets who has taken over a workload: the shortest way to the whole cluster, a node, another namespace
    Paths {
        /// From workloads that the internet gets to, or may get to
        #[arg(long, conflicts_with = "workload")]
        exposed: bool,
        /// From this workload alone, such as apps/Deployment/NAMESPACE/NAME
        #[arg(long, value_name = "PATH")]
        workload: Option<String>,
        /// Which cluster.
        #[command(flatten)]
        files: ClusterFiles,
    },
}

/// Where the objects of a cluster come from: files, or else its API server.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterSource {
    /// File of objects, or folder of such files that end in .json; can be repeated
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["context", "kubeconfig", "in_cluster", "namespaces"])]
    pub(crate) from: Vec<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The kubeconfig [default: the files of KUBECONFIG, else ~/.kube/config, and in a pod its service account]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Use the service account of the pod that this runs in, whatever else there is
    #[arg(long)]
    pub(crate) in_cluster: bool,
    /// Namespace to look into where kinds may not be listed in all of them; can be repeated
    #[arg(long = "in-namespace", value_name = "NAME")]
    pub(crate) namespaces: Vec<String>,
    /// What to call the cluster where its namespace kube-system, whose uid names it, cannot be read
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) cluster: String,
}

/// A cluster, and where its answers go.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterFiles {
    /// Which cluster.
    #[command(flatten)]
    pub(crate) source: ClusterSource,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = GraphFormat::Table)]
    pub(crate) format: GraphFormat,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Form of an answer of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For people
    Table,
    /// With every proof
    Json,
}

/// What to say of compliance.
#[derive(Debug, Subcommand)]
pub(crate) enum Compliance {
    /// List the frameworks that can be assessed
    Frameworks,
    /// Assess a cluster
    Assess {
        /// Which framework, such as nist-800-53-r5
        #[arg(long, value_name = "ID")]
        framework: String,
        /// Which cluster.
        #[command(flatten)]
        source: ClusterSource,
        /// Calls of plugins at the same time [default: one per processor]
        #[arg(long, value_name = "N")]
        threads: Option<usize>,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = ComplianceFormat::Table)]
        format: ComplianceFormat,
        /// Write to a file instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Exit with 1 if the score is below this (0 to 100)
        #[arg(long, value_name = "SCORE")]
        fail_under: Option<u32>,
    },
    /// Write a report, an OSCAL document or a signed evidence pack about a cluster
    Document {
        /// What to write
        #[arg(long, value_enum)]
        kind: DocumentKind,
        /// Frameworks to write about; all that are known without it
        #[arg(long, value_name = "ID")]
        framework: Vec<String>,
        /// Which cluster.
        #[command(flatten)]
        source: ClusterSource,
        /// File of accepted risks: a JSON list of exceptions
        #[arg(long, value_name = "FILE")]
        exceptions: Option<PathBuf>,
        /// Private key to sign a pack with, as `palisade plugin keygen` makes one; that of the data directory without it
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Time to write into it (RFC 3339), so that the same input gives the same bytes; now without it
        #[arg(long, value_name = "TIME")]
        at: Option<jiff::Timestamp>,
        /// Calls of plugins at the same time [default: one per processor]
        #[arg(long, value_name = "N")]
        threads: Option<usize>,
        /// File to write
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Verify an evidence pack, without a network and without this installation
    Verify {
        /// The pack
        #[arg(value_name = "PACK")]
        pack: PathBuf,
        /// Public key to believe; can be repeated
        #[arg(long, value_name = "FILE", required = true)]
        key: Vec<PathBuf>,
    },
}

/// A document about compliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentKind {
    /// A page that is complete in itself
    Html,
    /// Tagged PDF
    Pdf,
    /// OSCAL assessment results
    AssessmentResults,
    /// OSCAL plan of action and milestones
    Poam,
    /// OSCAL component definition
    ComponentDefinition,
    /// A signed evidence pack
    Pack,
}

/// Form of an assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComplianceFormat {
    /// For people
    Table,
    /// Every control with its proof, and the coverage
    Json,
}

/// How to scan.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reading {
    /// Layers to read at the same time [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Read every layer again, and remember nothing
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// How to print, and what counts as failed.
#[derive(Debug, Clone, Args)]
pub(crate) struct Printing {
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Exit with 1 if a finding is at least this severe
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// Judge by these OSV records (an index, a zip, a record or a directory of them) instead of the installed ones
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) advisories: Option<PathBuf>,
    /// Exit with 3 if anything could not be looked at
    #[arg(long)]
    pub(crate) strict: bool,
    /// Add the time of the scan to the result, which otherwise depends on its input alone
    #[arg(long)]
    pub(crate) timestamps: bool,
    /// Add where the result came from (reference, digest, platform, layers), which differs from source to source
    #[arg(long)]
    pub(crate) provenance: bool,
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// Packages, findings and coverage
    Json,
    /// CycloneDX 1.6 JSON
    Cyclonedx,
    /// SPDX 2.3 JSON
    Spdx,
    /// SARIF 2.1.0
    Sarif,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address of the API and the web page [default: 127.0.0.1:8717]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Write the bootstrap token to this file as well (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print the address that was bound, as `listening on URL`, once everything is ready
    #[arg(long)]
    pub(crate) announce: bool,
}

/// What to do with advisories.
#[derive(Debug, Subcommand)]
pub(crate) enum Advisories {
    /// Read OSV records, KEV and EPSS files and make them the index in use
    Import {
        /// OSV directories, zips and records; KEV JSON; EPSS CSV
        #[arg(required = true, value_name = "FILE|DIR")]
        inputs: Vec<PathBuf>,
        /// What to call the source in reports [default: the names of the inputs]
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// The records are a sample: say so wherever results are shown
        #[arg(long)]
        sample: bool,
    },
    /// Fetch what changed from the configured OSV bucket
    Update {
        /// Fetch from here instead
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Ecosystems to fetch [default: those of the configuration]
        #[arg(long, value_name = "NAME")]
        ecosystem: Vec<String>,
    },
    /// Show what is in use, how old it is, and whether the last import worked
    Status,
    /// Show the advisories for a package
    Lookup {
        /// OSV ecosystem, such as PyPI or Debian:12
        ecosystem: String,
        /// Package name
        name: String,
    },
    /// Check a version order against pairs, one `A < B`, `A = B` or `A > B` a line
    Compare {
        /// Ecosystem whose order to use
        ecosystem: String,
        /// File of pairs, `-` for standard input
        #[arg(long, value_name = "FILE")]
        pairs: PathBuf,
    },
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// List the plugins that scans use
    List,
    /// What authors of plugins do.
    #[command(flatten)]
    Author(crate::command::author::Author),
    /// Show what a component is, wants and imports, without running it
    Inspect {
        /// A component file, or the id of a plugin that scans use
        plugin: String,
    },
    /// Make a pair of keys to sign plugins with: NAME.key, which is a secret, and NAME.pub
    Keygen {
        /// What the two files are called, without their endings
        #[arg(long, value_name = "NAME", default_value = "palisade-plugin")]
        output: PathBuf,
        /// How the key signs
        #[arg(long, value_enum, default_value_t = SigningAlgorithm::EcdsaP256)]
        algorithm: SigningAlgorithm,
    },
    /// Sign a component file; the signature goes into FILE.sig.json beside it
    Sign {
        /// The component
        file: PathBuf,
        /// The private key (PEM)
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The name to sign for, such as a repository [default: the plugin's id, which is good anywhere]
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
    /// Tell whether a plugin may be installed, by its signatures, the trust policy and the revocation lists
    Verify {
        /// A component file, REGISTRY/NAME:TAG, or a bundle
        target: String,
        /// Trust this public key (PEM), and no rule of the configuration; can be repeated
        #[arg(long, value_name = "FILE")]
        key: Vec<PathBuf>,
    },
    /// Upload a component, and the signatures that lie beside it, to a registry
    Push {
        /// The component
        file: PathBuf,
        /// REGISTRY/NAME:TAG
        reference: String,
        /// Sign it with this private key (PEM) as well
        #[arg(long, value_name = "FILE")]
        sign_key: Option<PathBuf>,
    },
    /// Fetch a plugin from a registry, if it may be installed
    Pull {
        /// REGISTRY/NAME:TAG, or REGISTRY/NAME@DIGEST
        reference: String,
        /// Where to write the component [default: ID-VERSION.wasm]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Carry plugins to machines without a network
    #[command(subcommand)]
    Bundle(Bundle),
    /// Install a plugin, or a new version of one, if the trust policy accepts it
    Install {
        /// A component file, REGISTRY/NAME:TAG, or a bundle
        target: String,
        /// Let it run beside the version in force until `promote`, and only compare what it says
        #[arg(long)]
        canary: bool,
    },
    /// Decide about the rights of a plugin: grant exactly these, and put a version that waits in force
    Grant {
        /// Id of the plugin
        plugin: String,
        /// Rights, one an argument, such as "http GET api.example.com/v1/**", "secret token to api.example.com",
        /// "state 65536 bytes"; none withdraws all
        #[arg(value_name = "RIGHT")]
        rights: Vec<String>,
        /// Everything that it asks for; only if it names every host itself
        #[arg(long, conflicts_with = "rights")]
        all: bool,
        /// The version, by the digest of its component [default: the one that waits, else the one in force]
        #[arg(long, value_name = "DIGEST", value_parser = digest)]
        digest: Option<model::Digest>,
        /// Let it run beside the version in force until `promote`
        #[arg(long)]
        canary: bool,
    },
    /// Put the version that runs beside in force
    Promote {
        /// Id of the plugin
        plugin: String,
    },
    /// Put a version in force that was decided about before, such as the one before the last
    Activate {
        /// Id of the plugin
        plugin: String,
        /// Digest of its component
        #[arg(value_parser = digest)]
        digest: model::Digest,
    },
    /// Let a plugin be called again after quarantine
    Release {
        /// Id of the plugin
        plugin: String,
    },
    /// Take a plugin, or one version of it, out of use
    Retire {
        /// Id of the plugin
        plugin: String,
        /// Digest of the component [default: the version in force]
        #[arg(long, value_name = "DIGEST", value_parser = digest)]
        digest: Option<model::Digest>,
    },
    /// Show the versions of installed plugins, what they ask for and what was granted, and the audit log
    Versions {
        /// Id of the plugin, which may be a built-in one [default: all]
        plugin: Option<String>,
        /// Lines of the audit log to show, of one plugin; 1,000 at most
        #[arg(long, default_value_t = 20)]
        log: usize,
    },
    /// Call an installed plugin with an input, keep the state that it changes, and print its answer as JSON
    Run {
        /// Id of the plugin
        plugin: String,
        /// The input as JSON, as in a plugin's cases
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// Write the call down, to be repeated with `palisade plugin replay`
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
        /// More keys of JSON whose values are not written down
        #[arg(long, value_name = "KEY", requires = "record")]
        redact: Vec<String>,
    },
}

fn digest(text: &str) -> Result<model::Digest, String> {
    model::Digest::parse(text).map_err(|error| error.to_string())
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SigningAlgorithm {
    /// ECDSA over P-256 with SHA-256, as cosign does by default
    EcdsaP256,
    /// Ed25519
    Ed25519,
}

/// What to do with a bundle.
#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    /// Write plugins and their signatures into one file
    Export {
        /// Component files with their signatures beside them, or REGISTRY/NAME:TAG, which must be acceptable here
        #[arg(required = true, value_name = "FILE|REFERENCE")]
        plugins: Vec<String>,
        /// The bundle to write
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Put this revocation list into it
        #[arg(long, value_name = "FILE")]
        revocations: Option<PathBuf>,
    },
    /// Tell of every plugin of a bundle whether it may be installed
    Verify {
        /// The bundle
        file: PathBuf,
        /// Trust this public key (PEM), and no rule of the configuration; can be repeated
        #[arg(long, value_name = "FILE")]
        key: Vec<PathBuf>,
    },
}

/// What to do with tokens. All of it works on the store itself, so it needs no token, and helps when the last one is lost.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print it, once
    Create {
        /// What to call it; each name once
        name: String,
        /// What it may do: viewer, analyst, responder, auditor, operator or admin; may be given more than once
        #[arg(long = "role", value_name = "ROLE", default_value = "admin", value_parser = role)]
        roles: Vec<api::Role>,
        /// After how many days it opens nothing, such as 90d; without it, it does not end
        #[arg(long, value_name = "DAYS", value_parser = days)]
        expires: Option<jiff::SignedDuration>,
    },
    /// List the tokens: names, what they may do, when they were made, last used and end
    List,
    /// Make a token worthless
    Revoke {
        /// Its name
        name: String,
    },
}

fn role(text: &str) -> Result<api::Role, String> {
    let known = || api::Role::ALL.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
    api::Role::parse(text).ok_or_else(|| format!("not a role; one of {}", known()))
}

/// Most days until a token ends: ten years. Longer than that, one that does not end says the same.
const DAYS_MAX: i64 = 3_650;

fn days(text: &str) -> Result<jiff::SignedDuration, String> {
    let count = text.strip_suffix('d').and_then(|count| count.parse::<i64>().ok());
    let count = count.filter(|count| (1..=DAYS_MAX).contains(count));
    count
        .map(|count| jiff::SignedDuration::from_hours(24 * count))
        .ok_or_else(|| format!("not a number of days such as 90d, from 1d to {DAYS_MAX}d"))
}

fn severity(text: &str) -> Result<Severity, String> {
    let known = Severity::ALL.map(Severity::as_str).join(", ");
    Severity::from_word(text).ok_or_else(|| format!("not a severity; one of {known}"))
}

#[cfg(test)]
mod tests {
    use super::{days, role};

    #[test]
    fn roles_and_days_are_read_and_nothing_else_is() {
        assert_eq!(role("auditor"), Ok(api::Role::Auditor));
        assert!(role("root").unwrap_err().contains("viewer, analyst"));
        assert_eq!(days("90d"), Ok(jiff::SignedDuration::from_hours(2_160)));
        for bad in ["", "d", "90", "0d", "-1d", "3651d", "99999999999999999999d", "1h"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }
}
