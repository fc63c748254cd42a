//! What the tests of the readers share.

use palisade_sdk::{Analysis, InputFile, analyze};
use proptest::collection::vec;
use proptest::prelude::{Just, any};
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::ImagePackages;

/// What one file says.
pub(crate) fn analysis(interest: &str, path: &str, bytes: &[u8]) -> Analysis {
    analyze::<ImagePackages>("{}", &[InputFile::whole(path, interest, bytes.to_vec())]).unwrap()
}

/// What one text says; it must be understood.
pub(crate) fn run(interest: &str, path: &str, text: &str) -> Analysis {
    let found = analysis(interest, path, text.as_bytes());
    assert_eq!(found.problems, []);
    found
}

/// Names and versions in the order reported.
pub(crate) fn names(found: &Analysis) -> Vec<String> {
    found.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

/// Runs readers over every truncation of a sample, over the sample with bytes changed, and over arbitrary bytes. A reader that
/// panics fails the test.
pub(crate) fn hostile(interests: &[&str], sample: &[u8]) {
    let read = |bytes: &[u8]| {
        for interest in interests {
            analysis(interest, "a/node_modules/b/package.json", bytes);
        }
    };
    let step = sample.len().div_ceil(1000).max(1);
    for end in (0..sample.len()).step_by(step) {
        read(sample.get(..end).unwrap());
    }
    let change = (any::<Index>(), proptest::prop_oneof![any::<u8>(), Just(0), Just(0xff)]);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(400) });
    let inputs = (vec(change, 1..12), vec(any::<u8>(), 0..300));
    runner
        .run(&inputs, |(changes, noise)| {
            let mut changed = sample.to_vec();
            for (place, byte) in &changes {
                let at = place.index(changed.len());
                changed[at] = *byte;
            }
            read(&changed);
            read(&noise);
            let mut headed = sample.get(..sample.len().min(40)).unwrap().to_vec();
            headed.extend(noise);
            read(&headed);
            Ok(())
        })
        .unwrap();
}

/// Address that [`executable`] loads its section at.
pub(crate) const ADDRESS: u64 = 0x40_0000;

/// A little-endian 64-bit ELF file with one writable segment and one section of this name, both holding these bytes.
pub(crate) fn executable(name: &str, contents: &[u8]) -> Vec<u8> {
    let names = format!("\0{name}\0");
    let at = 64 + 56 + 3 * 64_u64;
    let names_at = at + contents.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for number in [0, 64, 64 + 56_u64] {
        file.extend(number.to_le_bytes());
    }
    file.extend([0; 4]);
    for number in [64, 56, 1, 64, 3, 2_u16] {
        file.extend(number.to_le_bytes());
    }
    file.extend(1_u32.to_le_bytes());
    file.extend(6_u32.to_le_bytes());
    let size = contents.len() as u64;
    for number in [at, ADDRESS, ADDRESS, size, size, 16] {
        file.extend(number.to_le_bytes());
    }
    for (name, offset, size) in [(0_u32, 0, 0), (1, at, size), (0, names_at, names.len() as u64)] {
        file.extend(name.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        for number in [0, 0, offset, size, 0, 0, 0_u64] {
            file.extend(number.to_le_bytes());
        }
    }
    file.extend(contents);
    file.extend(names.as_bytes());
    file
}
