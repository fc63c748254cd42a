//! Infrastructure as code: what a directory says about clusters, clouds and images, as resources with file and line.
//!
//! [`read`] finds Kubernetes manifests, Helm charts, Terraform plans and Dockerfiles in a tree of files. Each becomes a [`Document`] in the
//! form that posture plugins know from running systems, so that the same checks judge it.
//!
//! A directory is never a whole cluster. Its Kubernetes objects make one snapshot, in which only the kinds that occur are known: what a
//! check asks about other kinds goes unanswered, and [`fold_gaps`] says so once instead of once per object. Whatever could not be read
//! is a gap.
//!
//! Charts are rendered by the program `helm`, in a process with nothing of the caller's environment. Nothing else is run, and
//! nothing goes out to a network.

mod dockerfile;
mod dockerignore;
mod error;
mod fold;
mod helm;
mod helm_lines;
mod kubernetes;
mod kustomize;
mod process;
mod terraform;
mod terraform_blocks;
mod terraform_fields;
mod terraform_kinds;
mod terraform_parts;
mod terraform_plan;
mod text;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cluster::Snapshot;
use model::Gap;
use yaml::Lines;

pub use dockerfile::{DOCKERFILE_BYTES_MAX, parse_dockerfile};
pub use error::IacError;
pub use fold::fold_gaps;

/// What is read, and how much of it.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Name of the scope in canonical ids of Kubernetes objects, such as the name of the repository.
    pub scope: &'a str,
    /// The program `helm`, as a path to it. Without one, charts are gaps.
    pub helm: Option<&'a Path>,
    /// Whether a path, relative and with `/`, is left out.
    pub exclude: &'a dyn Fn(&str) -> bool,
    /// Limits.
    pub limits: Limits,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("scope", &self.scope).field("helm", &self.helm).field("limits", &self.limits);
        shown.finish_non_exhaustive()
    }
}

/// How much of a tree is read. What is beyond becomes a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files and folders.
    pub entries: usize,
    /// Folders within each other.
    pub depth: usize,
    /// Bytes of one manifest.
    pub file_bytes: usize,
    /// Bytes of one Terraform plan.
    pub plan_bytes: usize,
    /// Bytes of all files that are looked into.
    pub total_bytes: u64,
    /// Documents.
    pub documents: usize,
    /// Time for rendering a chart once.
    pub render: Duration,
    /// Bytes that rendering a chart may print.
    pub rendered_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 500_000,
            depth: 64,
            file_bytes: 16 << 20,
            plan_bytes: 128 << 20,
            total_bytes: 1 << 30,
            documents: 200_000,
            render: Duration::from_secs(30),
            rendered_bytes: 64 << 20,
        }
    }
}

/// One resource that a file describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The file to look at, relative to the root, with `/`.
    pub file: String,
    /// Kind, as manifests of plugins name it: `apps/v1/Deployment`, `aws:s3:bucket`, `dockerfile`.
    pub kind: String,
    /// Path in the scope, unique among the documents: for an object as in a cluster, with ` (FILE)` where another file describes the same
    /// object; for a planned resource its address; for a Dockerfile its file.
    pub path: String,
    /// Canonical asset id; of several descriptions of one object it is the same.
    pub asset: String,
    /// The resource as JSON.
    pub body: Arc<[u8]>,
    /// Lines of `file` by JSON Pointer into the body.
    pub lines: Lines,
    /// How the file came to say so.
    pub origin: Origin,
}

/// How a document came out of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It stands there.
    Written,
    /// `helm` made it of a template. Lines are those of the template where the rendered text is found there once, otherwise those of what
    /// is above, at last line 1.
    Rendered {
        /// Folder of the chart; empty for the root.
        chart: String,
        /// Files of values beside the chart's own.
        values: Option<String>,
    },
    /// A Terraform plan says so. The line is that of the resource's block, or of the plan where no block is found.
    Planned {
        /// File of the plan.
        plan: String,
        /// Address of the resource.
        address: String,
    },
}

/// What a tree describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sources {
    /// The Kubernetes objects, for questions about how they are joined. Of an object that is described twice the last description.
    pub kubernetes: Snapshot,
    /// Everything to be judged, sorted by path.
    pub documents: Vec<Document>,
    /// What could not be read.
    pub gaps: BTreeSet<Gap>,
}

/// The `helm` of the search path.
#[must_use]
pub fn find_helm() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let named = |folder: PathBuf| folder.join(format!("helm{}", std::env::consts::EXE_SUFFIX));
    // A relative entry would run what the scanned tree holds.
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(named)
        .find(|file| file.is_file())
}

/// Reads a tree. The result depends on its files, the options and the version of `helm` alone.
///
/// # Errors
/// [`IacError::Unreadable`] when the root is no readable folder.
pub fn read(root: &Path, options: &Options<'_>) -> Result<Sources, IacError> {
    let mut gaps = BTreeSet::new();
    let tree = tree::Tree::walk(root, options, &mut gaps)?;
    let mut reading = kubernetes::Reading::new(options, gaps);
    let charts = helm::charts(&tree);
    reading.files(&tree, &charts);
    for chart in &charts {
        helm::render(&tree, chart, options, &mut reading);
    }
    let plans = std::mem::take(&mut reading.plans);
    let (kubernetes, mut documents, mut gaps) = reading.end();
    terraform::read(&tree, &plans, &mut documents, &mut gaps);
    dockerfile::read(&tree, &mut documents, &mut gaps);
    documents.sort_by(|a, b| (&a.path, &a.file).cmp(&(&b.path, &b.file)));
    Ok(Sources { kubernetes, documents, gaps })
}

#[cfg(test)]
mod terraform_tests;
#[cfg(test)]
mod tests;
