//! Swapping versions while they are called.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use host::{Current, Plugin};

use crate::support::{component, host, manifest, module};

/// One of two versions that answer every call with nothing.
fn version(host: &host::Host, number: u32) -> Plugin {
    let bytes = component(&manifest(&format!("# {number}\n")), &module("", "(i32.const 1024)"));
    host.load(&bytes).unwrap()
}

/// 10,000 swaps under load: every call is answered, once, by the version that was in force when it began.
#[test]
fn no_swap_loses_a_call_and_none_doubles_one() {
    const SWAPS: usize = 10_000;
    let host = host();
    let versions = [version(&host, 1), version(&host, 2)];
    let current = Current::new(versions[0].clone());
    let (done, answered, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    match current.get().analyze_files("{}", Vec::new()) {
                        Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                        Err(_) => failed.fetch_add(1, Ordering::Relaxed),
                    };
                }
            });
        }
        for turn in 1..=SWAPS {
            current.swap(versions[turn % 2].clone());
            // Both versions get work, whatever the scheduler does.
            if turn % 100 == 0 {
                let before = answered.load(Ordering::Relaxed);
                while answered.load(Ordering::Relaxed) == before {
                    std::thread::yield_now();
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    let calls: Vec<u64> = versions.iter().map(|version| version.health().calls).collect();
    assert_eq!(calls.iter().sum::<u64>(), answered.load(Ordering::Relaxed));
    assert_eq!(failed.load(Ordering::Relaxed), 0);
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}");
}
