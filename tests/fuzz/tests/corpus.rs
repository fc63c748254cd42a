//! Every seed and every input that ever broke a promise, and mutations of them that are the same in every run.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Mutations of one seed besides the cuts.
const MUTATIONS: usize = 400;

/// Places where a seed is cut off, as parts of its length.
const CUTS: usize = 16;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// SplitMix64: small, and the same on every machine.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    /// One small damage: a bit, a byte at an end of its range, a hole, or a piece said twice.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let at = self.below(bytes.len());
        let length = self.below(64.min(bytes.len() - at)) + 1;
        match self.below(5) {
            0 | 1 => bytes[at] ^= 1 << self.below(8),
            2 => bytes[at] = [0, 0x7f, 0x80, 0xff][self.below(4)],
            3 => drop(bytes.drain(at..at + length)),
            _ => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

/// Runs a target, and says which input it was that broke it.
fn run(target: &str, seed: &str, what: &str, bytes: &[u8]) {
    let outcome = std::panic::catch_unwind(|| fuzz::run(target, bytes));
    assert!(outcome.is_ok(), "{target}: {seed}, {what}, breaks a promise ({} bytes)", bytes.len());
}

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    let targets: BTreeSet<String> = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder()), targets);
    for target in &targets {
        assert!(!names(&folder().join(target)).is_empty(), "{target} has no seed");
    }
}

#[test]
fn every_seed_keeps_the_promises() {
    for (target, _) in fuzz::TARGETS {
        for seed in names(&folder().join(target)) {
            run(target, &seed, "as it is", &std::fs::read(folder().join(target).join(&seed)).unwrap());
        }
    }
}

#[test]
fn damaged_seeds_keep_the_promises() {
    for (target, _) in fuzz::TARGETS {
        for (number, seed) in names(&folder().join(target)).iter().enumerate() {
            let whole = std::fs::read(folder().join(target).join(seed)).unwrap();
            for cut in 0..CUTS {
                let end = whole.len() * cut / CUTS;
                run(target, seed, &format!("cut at {end}"), &whole[..end]);
            }
            let mut generator = Generator(number as u64);
            for round in 0..MUTATIONS {
                let mut damaged = whole.clone();
                for _ in 0..=generator.below(4) {
                    generator.damage(&mut damaged);
                }
                run(target, seed, &format!("mutation {round}"), &damaged);
            }
        }
    }
}
