//! Properties that hold for every order, on odd text.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::Order;

/// Pieces that orders treat in special ways, glued together in any way.
fn odd_version() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[0-9]{1,3}",
        3 => "[.]",
        1 => "[-_+~^:!]",
        1 => prop::sample::select(vec![
            "alpha", "beta", "rc", "RC", "a", "b", "m", "dev", ".dev", "post", ".post", "pre", "sp", "ga", "final", "snapshot",
            "_p", "_alpha", "_git", "-r", "p", "pl", "v", "0", "00", "01", "-0", ".0", "milestone", "cr", "-SNAPSHOT", "x",
            "é", "go", "=", " ", "1!", "c", "_rc", "_pre", "~beta",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z]{1,3}",
    ];
    prop::collection::vec(piece, 1..7).prop_map(|pieces| pieces.concat())
}

/// Starts like a version, so that strict orders accept many of them.
fn likely_version() -> impl Strategy<Value = String> {
    prop_oneof![odd_version(), ("[0-9]{1,2}", odd_version()).prop_map(|(head, tail)| head + &tail)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn orders_are_total(a in likely_version(), b in likely_version(), c in likely_version()) {
        for order in Order::ALL {
            let regular = |v: &&String| order != Order::Maven || !super::maven::irregular(v.trim());
            let readable: Vec<&String> =
                [&a, &b, &c].into_iter().filter(|v| order.check(v).is_ok()).filter(regular).collect();
            check_total(order, &readable)?;
        }
    }

    /// Also where Maven's order is not transitive, it does not depend on the side.
    #[test]
    fn sides_do_not_matter(a in likely_version(), b in likely_version()) {
        for order in Order::ALL {
            if let (Ok(there), Ok(back)) = (order.compare(&a, &b), order.compare(&b, &a)) {
                prop_assert_eq!(there, back.reverse(), "{} on {:?} {:?}", order, &a, &b);
            }
        }
    }

    #[test]
    fn nothing_panics(a in any::<String>(), b in any::<String>()) {
        for order in Order::ALL {
            let _ = order.compare(&a, &b);
        }
    }
}

fn check_total(order: Order, versions: &[&String]) -> Result<(), TestCaseError> {
    let cmp = |a: &str, b: &str| order.compare(a, b).unwrap();
    for a in versions {
        prop_assert_eq!(cmp(a, a), Ordering::Equal, "{} reflexive on {:?}", order, a);
        for b in versions {
            prop_assert_eq!(cmp(a, b), cmp(b, a).reverse(), "{} antisymmetric on {:?} {:?}", order, a, b);
            for c in versions {
                let transitive = cmp(a, b).is_gt() || cmp(b, c).is_gt() || cmp(a, c).is_le();
                prop_assert!(transitive, "{} transitive on {:?} {:?} {:?}", order, a, b, c);
                let equal = cmp(a, b).is_ne() || cmp(a, c) == cmp(b, c);
                prop_assert!(equal, "{} equal texts compare alike on {:?} {:?} {:?}", order, a, b, c);
            }
        }
    }
    Ok(())
}

/// A hostile text must not cost more than its length: a quadratic order takes minutes here.
#[test]
fn hostile_lengths_take_linear_time() {
    let repeats =
        ["1", ".", "a", "1.", "a1", "~", "^", "-", "_alpha", "0.", "-0", "1-", "_", "é", "rc1-", "9:"];
    for order in Order::ALL {
        let started = Instant::now();
        for piece in repeats {
            let long = format!("1.{}", piece.repeat(100_000 / piece.len()));
            let longer = format!("{long}1");
            let _ = order.compare(&long, &longer);
            let _ = order.compare(&long, &long);
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{order} took {:?}", started.elapsed());
    }
}
