//! What holds for every bill of materials, in whichever form it came.

use ingest::Bom;
use model::{Coverage, Gap, GapCode, ScanReport};

/// A report that says what the bill says.
pub(crate) fn report(bom: &Bom) -> ScanReport {
    assert!(bom.packages.is_sorted(), "packages are not sorted");
    assert!(bom.gaps.is_sorted_by(|a, b| a < b), "gaps are not sorted, or there are doubles");
    let gaps = bom.gaps.iter().filter(|gap| is_kept(gap)).cloned().collect();
    ScanReport {
        schema: 1,
        os: bom.os.clone(),
        packages: bom.packages.clone(),
        coverage: Coverage { gaps, ..Coverage::default() },
        ..ScanReport::default()
    }
}

/// Gaps of judging are found again by whoever judges, and not taken over.
fn is_kept(gap: &Gap) -> bool {
    !matches!(gap.code, GapCode::NoAdvisories | GapCode::UnknownDistribution | GapCode::UnreadableVersion)
}

/// Nothing is lost between writing and reading.
pub(crate) fn assert_same(bom: &Bom, again: &Bom) {
    assert_eq!(again.os, bom.os);
    assert_eq!(again.packages, bom.packages);
    let kept = |bom: &Bom| bom.gaps.iter().filter(|gap| is_kept(gap)).cloned().collect::<Vec<_>>();
    assert_eq!(kept(again), kept(bom));
}
