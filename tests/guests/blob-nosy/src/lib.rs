//! Opens blobs of repositories that it was not granted, and blobs by digests that are none or another blob's.

use contract::host::blob;
use contract::{Analysis, Error, InputFile, Problem};

contract::analyzer!(analyze);

const REPOSITORIES: [&str; 8] = [
    "registry.example/other/app",
    "registry.example/team/../other/app",
    "registry.example/team",
    "registry.example/team/a/b",
    "evil.example/team/app",
    "registry.example.evil.example/team/app",
    "https://registry.example/team/app",
    "",
];

const DIGESTS: [&str; 6] =
    ["", "latest", "sha256:zz", "sha256:00", "md5:d41d8cd98f00b204e9800998ecf8427e", "../x"];

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    let zeros = format!("sha256:{}", "0".repeat(64));
    let in_repository = |repository| opened(&format!("repository {repository:?}"), repository, &zeros);
    let by_digest = |digest| opened(&format!("digest {digest:?}"), "registry.example/team/app", digest);
    let attempts = REPOSITORIES.into_iter().map(in_repository).chain(DIGESTS.into_iter().map(by_digest));
    // A registry that is asked for zeros and answers with something else lies.
    let lie = opened("other bytes", "registry.example/team/app", &zeros);
    let problem = |message| Problem { item: 0, message };
    Ok(Analysis { problems: attempts.chain([lie]).map(problem).collect(), ..contract::nothing() })
}

/// Opens a blob and reads all of it.
fn opened(attempt: &str, repository: &str, digest: &str) -> String {
    let read = blob::open(repository, digest)
        .and_then(|content| content.read(0, u32::try_from(content.size()).unwrap_or(u32::MAX)));
    contract::outcome(attempt, &read)
}
