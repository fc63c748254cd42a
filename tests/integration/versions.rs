//! The version orders against pairs that others have collected.

use crate::support::{run, shared};

/// File of pairs, and the ecosystem whose order must agree with every line of it.
const ORDERS: [(&str, &str); 9] = [
    ("alpine", "Alpine"),
    ("debian", "Debian"),
    ("maven", "Maven"),
    ("nuget", "NuGet"),
    ("packagist", "Packagist"),
    ("pypi", "PyPI"),
    ("redhat", "redhat"),
    ("rubygems", "RubyGems"),
    ("semver", "semver"),
];

#[test]
fn every_pair_of_every_ecosystem_compares_as_it_must() {
    let Some(pairs) = shared("data/version-pairs") else { return };
    for (file, ecosystem) in ORDERS {
        let file = pairs.join(format!("{file}.txt")).display().to_string();
        let ran = run(&["advisories", "compare", ecosystem, "--pairs", &file]).expect_code(0);
        println!("{}", ran.stdout.trim());
    }
}

#[test]
fn a_pair_that_compares_otherwise_is_printed_and_fails() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pairs");
    std::fs::write(&file, "1.0 < 2.0\n2.0 < 1.0\n1.0 = 1.0.0\n").unwrap();
    let ran = run(&["advisories", "compare", "pypi", "--pairs", &file.display().to_string()]).expect_code(1);
    assert!(ran.stdout.contains("2.0 < 1.0"), "{}", ran.stdout);
    let unknown =
        run(&["advisories", "compare", "no-such", "--pairs", &file.display().to_string()]).expect_code(2);
    assert!(unknown.stderr.contains("no-such"), "{}", unknown.stderr);
}
