//! What is written is read back without loss, whatever the packages are called.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail it like the test itself"
)]

use std::collections::BTreeMap;

use ingest::{Bom, cyclonedx, spdx};
use model::{
    Confidence, Coverage, Evidence, Gap, GapCode, OperatingSystem, Package, PackageOwner, PackageType,
    ScanReport, SourcePackage,
};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    // Everything JSON can carry: quotes, control characters, bidi marks, astral planes, percent signs.
    "[ -~\u{0}-\u{1f}é\u{202e}🦀]{1,20}"
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let confidence = prop_oneof![Just(Confidence::Low), Just(Confidence::Medium), Just(Confidence::High)];
    (text(), proptest::option::of(text()), text(), confidence, proptest::option::of(text())).prop_map(
        |(path, inner, method, confidence, plugin)| Evidence {
            path,
            inner,
            method,
            confidence,
            plugin,
            line: None,
        },
    )
}

fn os() -> impl Strategy<Value = OperatingSystem> {
    (
        "[a-z][a-z0-9-]{0,8}",
        proptest::option::of("[0-9]{1,2}(\\.[0-9]{1,2})?"),
        proptest::option::of("[a-z]{1,8}"),
        proptest::collection::vec("[a-z]{1,6}", 0..3),
        proptest::option::of(text()),
    )
        .prop_map(|(id, version, codename, like, pretty_name)| OperatingSystem {
            id,
            version,
            codename,
            like,
            pretty_name,
        })
}

fn package(os: Option<OperatingSystem>) -> impl Strategy<Value = Package> {
    let kind = proptest::sample::select(PackageType::ALL.to_vec());
    let source =
        (text(), proptest::option::of(text())).prop_map(|(name, version)| SourcePackage { name, version });
    let owner = (proptest::sample::select(PackageType::ALL.to_vec()), text())
        .prop_map(|(kind, name)| PackageOwner { kind, name });
    (
        kind,
        text(),
        text(),
        proptest::option::of(text()),
        proptest::option::of(source),
        proptest::collection::vec(
            prop_oneof![Just("MIT".to_owned()), Just("MIT OR Apache-2.0".to_owned()), text()],
            0..3,
        ),
        proptest::option::of(owner),
        proptest::collection::btree_set(evidence(), 1..4),
    )
        .prop_map(move |(kind, name, version, arch, source, licenses, owner, evidence)| Package {
            purl: model::purl::purl(kind, &name, &version, arch.as_deref(), source.as_ref(), os.as_ref()),
            evidence: evidence.into_iter().collect(),
            kind,
            name,
            version,
            arch,
            source,
            licenses,
            owner,
        })
}

fn report() -> impl Strategy<Value = ScanReport> {
    let gap = (proptest::sample::select(vec![GapCode::SizeLimit, GapCode::Corrupt]), text(), text())
        .prop_map(|(code, subject, reason)| Gap { code, subject, reason });
    (proptest::option::of(os()), proptest::collection::btree_set(gap, 0..3)).prop_flat_map(|(os, gaps)| {
        proptest::collection::vec(package(os.clone()), 0..6).prop_map(move |packages| {
            // A scan never holds two packages that differ in nothing but their evidence.
            let unique: BTreeMap<Package, Package> = packages
                .into_iter()
                .map(|package| (Package { evidence: vec![], ..package.clone() }, package))
                .collect();
            let coverage = Coverage {
                complete: gaps.is_empty(),
                gaps: gaps.iter().cloned().collect(),
                ..Coverage::default()
            };
            ScanReport {
                schema: 1,
                os: os.clone(),
                packages: unique.into_values().collect(),
                coverage,
                ..ScanReport::default()
            }
        })
    })
}

fn expect_same(report: &ScanReport, bom: &Bom) -> Result<(), TestCaseError> {
    prop_assert_eq!(&bom.os, &report.os);
    prop_assert_eq!(&bom.packages, &report.packages);
    let homeless = report.os.is_none() && report.packages.iter().any(|p| p.kind.is_operating_system());
    let gaps: Vec<&Gap> = bom.gaps.iter().filter(|gap| gap.code != GapCode::UnknownDistribution).collect();
    prop_assert_eq!(gaps, report.coverage.gaps.iter().collect::<Vec<_>>());
    prop_assert_eq!(bom.gaps.len() > report.coverage.gaps.len(), homeless);
    Ok(())
}

proptest! {
    #[test]
    fn cyclonedx_loses_nothing(report in report()) {
        let document = cyclonedx::write(&report, None, None);
        prop_assert_eq!(&document, &cyclonedx::write(&report, None, None));
        expect_same(&report, &cyclonedx::read(document.as_bytes()).unwrap())?;
    }

    #[test]
    fn spdx_loses_nothing(report in report()) {
        let document = spdx::write(&report, None, None);
        expect_same(&report, &ingest::read(document.as_bytes()).unwrap())?;
    }

    #[test]
    fn damaged_documents_are_refused_or_read(report in report(), cut in 0usize..20_000, flip in any::<(u16, u8)>()) {
        for document in [cyclonedx::write(&report, None, None), spdx::write(&report, None, None)] {
            let mut flipped = document.clone().into_bytes();
            let at = usize::from(flip.0) % flipped.len();
            flipped[at] ^= flip.1;
            let _ = ingest::read(&flipped);
            // Without its last line break a document is still whole, so the cut goes at least one character deeper.
            let whole = document.trim_end().as_bytes();
            let refused = ingest::read(&whole[..cut % whole.len()]);
            prop_assert!(refused.is_err());
        }
    }
}
