//! Version orders. The first byte picks one, the rest is up to three versions, a line each.

use std::cmp::Ordering;

use advisories::version::Order;

pub(crate) fn run(data: &[u8]) {
    let Some((pick, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let mut lines = text.splitn(3, '\n');
    let versions = [lines.next(), lines.next(), lines.next()].map(Option::unwrap_or_default);
    let picked = Order::ALL.get(usize::from(*pick) % (Order::ALL.len() + 1));
    let orders = picked.map_or(&Order::ALL[..], std::slice::from_ref);
    for order in orders {
        check(*order, versions);
    }
}

fn check(order: Order, versions: [&str; 3]) {
    for a in versions {
        let readable = order.check(a).is_ok();
        assert_eq!(order.compare(a, a).is_ok(), readable, "{order} on {a:?}");
        assert!(order.compare(a, a).is_ok_and(Ordering::is_eq) == readable, "{order}: {a:?} is not itself");
        for b in versions {
            let both = readable && order.check(b).is_ok();
            let (there, back) = (order.compare(a, b), order.compare(b, a));
            assert_eq!((there.is_ok(), back.is_ok()), (both, both), "{order} on {a:?} {b:?}");
            assert_eq!(there.ok(), back.ok().map(Ordering::reverse), "{order} takes sides on {a:?} {b:?}");
        }
    }
    // The two that are documented as not transitive for a few texts.
    if !matches!(order, Order::Maven | Order::Packagist) {
        transitive(order, versions);
    }
}

fn transitive(order: Order, [x, y, z]: [&str; 3]) {
    for [a, b, c] in [[x, y, z], [x, z, y], [y, x, z], [y, z, x], [z, x, y], [z, y, x]] {
        let (Ok(ab), Ok(bc), Ok(ac)) = (order.compare(a, b), order.compare(b, c), order.compare(a, c)) else {
            return;
        };
        assert!(ab.is_gt() || bc.is_gt() || ac.is_le(), "{order} is not transitive on {a:?} {b:?} {c:?}");
        assert!(ab.is_ne() || ac == bc, "{order}: {a:?} and {b:?} are equal and differ from {c:?}");
    }
}
