//! SPDX JSON: written as 2.3, read as 2.2 and 2.3.
//!
//! SPDX describes packages, not risks: findings are not written. What the format has no field for stands in one
//! annotation per package (and one for the operating system and the document), a JSON object under the key `palisade`,
//! so that our own documents are read back without loss.

mod read;
mod write;

pub use read::read;
pub use write::write;

use model::{Gap, OperatingSystem, Package};
use serde::{Deserialize, Serialize};

/// What an annotation of ours carries.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Extra {
    Package(Package),
    Os(OperatingSystem),
    Coverage { complete: bool, gaps: Vec<Gap> },
}

/// The comment of an annotation of ours.
#[derive(Debug, Serialize, Deserialize)]
struct Comment {
    palisade: Extra,
}
