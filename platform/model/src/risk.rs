//! Risk: how much a finding matters here, from 0 to 100, with every term of the sum.
//!
//! ```text
//! base  = impact x exploitation/100 x remedy/100            of the finding alone
//! place = 70 + exposure + in-use + privilege                of where it is, at most 100
//! risk  = base x place/100                                  rounded to a whole number
//! ```
//!
//! | term | value | from |
//! |---|---|---|
//! | impact | 0–100 | ten times the CVSS base score, kept within the band of the severity that was decided; without a score, the middle of the band |
//! | exploitation | 30–100 | 100 in CISA's catalogue of known exploited vulnerabilities and for malware; 90 for a secret, 60 for a misconfiguration, 30 for a licence; of a vulnerability 40 + 50 x square root of its EPSS probability, 50 where nobody predicts one |
//! | remedy | 95 or 100 | 95 where a vulnerability has no fixed version: what can be mended goes first |
//! | exposure | 0, 8 or 15 | traffic from the internet gets there (15), or may (8) |
//! | in-use | 0 or 5 | a workload runs it |
//! | privilege | 0, 5 or 10 | whoever has the workload has its node or every right in the cluster (10), or something of another namespace (5) |
//!
//! The bands of impact are those of CVSS 3.1 and 4.0 (low 1–39, medium 40–69, high 70–89, critical 90–100). The square root is there because
//! probabilities of EPSS crowd below 0.01, where a difference still says something. What is not known of a place adds nothing: 70 is what a place
//! has of which nothing is known, so that knowing more never hides anything. The weights are ours; what is published is what is computed.

use serde::{Deserialize, Serialize};

use crate::{Cvss, Finding, FindingClass, FixState, Severity};

/// What a place has of which nothing is known, in percent.
pub const PLACE_UNKNOWN: u8 = 70;

/// A base that cannot be larger: a hundred points, in thousandths of a point.
pub const BASE_MAX: i64 = 100_000;

/// Whether traffic from the internet gets to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// There is no way, or none that is open.
    No,
    /// There may be a way: it depends on something that the objects do not say.
    Possible,
    /// It gets there.
    Open,
}

/// What whoever has a workload has beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// Nothing.
    None,
    /// Something of another namespace.
    OtherNamespace,
    /// The node it runs on, or every right in the cluster.
    Cluster,
}

/// What is known of where a finding is. Nothing is what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub struct RiskPlace {
    /// Whether the internet gets there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Reached>,
    /// Whether a workload runs it.
    #[serde(default)]
    pub in_use: bool,
    /// What else is to be had from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privilege: Option<Power>,
}

impl RiskPlace {
    /// What is known of a place, in percent: 70–100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        self.terms().iter().fold(PLACE_UNKNOWN, |sum, (_, points, _)| sum.saturating_add(*points)).min(100)
    }

    fn terms(&self) -> [(RiskTermName, u8, &'static str); 3] {
        let (exposure, how) = match self.exposure {
            Some(Reached::Open) => (15, "traffic from the internet gets there"),
            Some(Reached::Possible) => (8, "traffic from the internet may get there"),
            Some(Reached::No) => (0, "no way from the internet is open"),
            None => (0, "whether the internet gets there is not known"),
        };
        let (used, running) =
            if self.in_use { (5, "a workload runs it") } else { (0, "no workload is known to run it") };
        let (privilege, power) = match self.privilege {
            Some(Power::Cluster) => (10, "from there the node or the whole cluster is to be had"),
            Some(Power::OtherNamespace) => (5, "from there something of another namespace is to be had"),
            Some(Power::None) => (0, "nothing more is to be had from there"),
            None => (0, "what is to be had from there is not known"),
        };
        [
            (RiskTermName::Exposure, exposure, how),
            (RiskTermName::InUse, used, running),
            (RiskTermName::Privilege, privilege, power),
        ]
    }
}

/// Name of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RiskTermName {
    /// Points, 0–100.
    Impact,
    /// Percent, 30–100.
    Exploitation,
    /// Percent, 95–100.
    Remedy,
    /// Percent that are added to the 70 of an unknown place.
    Exposure,
    /// Percent that are added to the 70 of an unknown place.
    InUse,
    /// Percent that are added to the 70 of an unknown place.
    Privilege,
}

/// One term of a risk.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RiskTerm {
    /// Which.
    pub name: RiskTermName,
    /// Its value; what that is says the name.
    pub value: f64,
    /// Why it is that, as a clause.
    pub why: String,
}

/// How much a finding matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Risk {
    /// 0–100.
    pub score: u8,
    /// Every term, in the order of the formula: `impact x exploitation/100 x remedy/100 x (70 + exposure + in-use + privilege)/100`.
    pub terms: Vec<RiskTerm>,
}

impl Risk {
    /// Of a finding at a place.
    #[must_use]
    pub fn of(finding: &Finding, place: &RiskPlace) -> Self {
        let mut terms: Vec<RiskTerm> = own(finding).into();
        let added = place.terms().map(|(name, points, why)| RiskTerm {
            name,
            value: f64::from(points),
            why: why.to_owned(),
        });
        terms.extend(added);
        Self { score: score(base(finding), place.percent()), terms }
    }
}

/// What a finding has of itself, in thousandths of a point: 0–100,000.
#[must_use]
pub fn base(finding: &Finding) -> i64 {
    let [impact, exploitation, remedy] = own(finding).map(|term| term.value);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 0..=100,000; a cast turns NaN into 0")]
    let base =
        (impact * exploitation / 100.0 * remedy / 100.0 * 1_000.0).round().clamp(0.0, 100_000.0) as i64;
    base
}

/// The risk of a base at a place: whole numbers, so that a database comes to the same.
#[must_use]
pub fn score(base: i64, percent: u8) -> u8 {
    let hundredths = base.clamp(0, BASE_MAX) * i64::from(percent.min(100));
    u8::try_from((hundredths + BASE_MAX / 2) / BASE_MAX).unwrap_or(100)
}

fn own(finding: &Finding) -> [RiskTerm; 3] {
    let (impact, rated) = impact(finding);
    let (exploitation, likely) = exploitation(finding);
    let (remedy, mended) = remedy(finding);
    [
        RiskTerm { name: RiskTermName::Impact, value: impact, why: rated },
        RiskTerm { name: RiskTermName::Exploitation, value: exploitation, why: likely },
        RiskTerm { name: RiskTermName::Remedy, value: remedy, why: mended.to_owned() },
    ]
}

/// Lowest and highest impact of a severity. What nobody has rated stands where most of what is rated does.
fn band(severity: Severity) -> (f64, f64) {
    match severity {
        Severity::Critical => (90.0, 100.0),
        Severity::High => (70.0, 89.0),
        Severity::Medium | Severity::Unknown => (40.0, 69.0),
        Severity::Low => (10.0, 39.0),
        Severity::Negligible => (1.0, 9.0),
        Severity::None => (0.0, 0.0),
    }
}

/// The rating of the newest version of CVSS, of several the highest.
fn rating(finding: &Finding) -> Option<&Cvss> {
    let rated = finding.cvss.iter().filter(|cvss| cvss.score.is_finite());
    rated.max_by(|a, b| a.version.cmp(&b.version).then(a.score.total_cmp(&b.score)))
}

fn impact(finding: &Finding) -> (f64, String) {
    let (lowest, highest) = band(finding.severity);
    let severity = finding.severity;
    match rating(finding) {
        Some(cvss) => {
            let points = (cvss.score * 10.0).clamp(lowest, highest);
            let (version, score) = (&cvss.version, cvss.score);
            (points, format!("CVSS {version} {score:.1}, within the band of severity {severity}"))
        }
        None => (
            ((lowest + highest) / 2.0).round(),
            format!("the middle of severity {severity}; nobody gives a CVSS score"),
        ),
    }
}

fn exploitation(finding: &Finding) -> (f64, String) {
    if let Some(kev) = &finding.kev {
        let ransomware = if kev.ransomware { ", also for ransomware" } else { "" };
        return (100.0, format!("known to be exploited since {}{ransomware}", kev.added));
    }
    if let Some(epss) = finding.epss {
        let probability = if epss.score.is_finite() { epss.score.clamp(0.0, 1.0) } else { 0.0 };
        let percent = (40.0 + 50.0 * probability.sqrt()).round();
        return (percent, format!("EPSS {probability:.4}: how likely it is exploited within 30 days"));
    }
    let (percent, why) = match finding.class {
        FindingClass::Vulnerability => (50.0, "nobody predicts whether it will be exploited"),
        FindingClass::Malware => (100.0, "it is harmful already"),
        FindingClass::Secret => (90.0, "whoever reads it can use it"),
        FindingClass::Misconfiguration => (60.0, "it makes another attack easier"),
        FindingClass::License => (30.0, "nobody attacks by it"),
    };
    (percent, why.to_owned())
}

fn remedy(finding: &Finding) -> (f64, &'static str) {
    match (finding.class, finding.fix.state) {
        (FindingClass::Vulnerability, FixState::Fixed) => (100.0, "there is a fixed version"),
        (FindingClass::Vulnerability, _) => (95.0, "there is no fixed version"),
        _ => (100.0, "it can be mended where it is"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Power, Reached, Risk, RiskPlace, RiskTermName, base, score};
    use crate::{Cvss, Epss, Finding, Fix, FixState, Kev, Severity};

    fn finding(severity: Severity) -> Finding {
        let mut finding: Finding = serde_json::from_str(
            r#"{"key":"k","class":"vulnerability","rule":"CVE-1","ids":["CVE-1"],"title":"t","severity":"low",
                "severity_source":"s","fix":{"state":"fixed","versions":["2"]},"evidence":[]}"#,
        )
        .unwrap();
        finding.severity = severity;
        finding
    }

    fn rated(severity: Severity, score: f64) -> Finding {
        let cvss = Cvss { version: "3.1".into(), vector: String::new(), score, source: "GHSA".into() };
        Finding { cvss: vec![cvss], ..finding(severity) }
    }

    fn exploited(finding: Finding) -> Finding {
        Finding { kev: Some(Kev { added: "2024-03-29".into(), due: None, ransomware: true }), ..finding }
    }

    const WORST: RiskPlace =
        RiskPlace { exposure: Some(Reached::Open), in_use: true, privilege: Some(Power::Cluster) };

    fn at(finding: &Finding, place: RiskPlace) -> u8 {
        Risk::of(finding, &place).score
    }

    #[test]
    fn the_formula_is_as_published() {
        let worst = exploited(rated(Severity::Critical, 10.0));
        assert_eq!((at(&worst, WORST), at(&worst, RiskPlace::default())), (100, 70));
        let predicted =
            |score| Finding { epss: Some(Epss { score, percentile: 0.5 }), ..rated(Severity::High, 7.5) };
        // 75 x 0.45 x 0.7 and 75 x 0.9 x 1
        assert_eq!(at(&predicted(0.01), RiskPlace::default()), 24);
        assert_eq!(at(&predicted(1.0), WORST), 68);
        let unfixed = Finding { fix: Fix { state: FixState::NotFixed, versions: vec![] }, ..predicted(0.01) };
        // 75 x 0.45 x 0.95 x 0.85
        let exposed = RiskPlace { exposure: Some(Reached::Open), ..RiskPlace::default() };
        assert_eq!(at(&unfixed, exposed), 27);
        let terms = Risk::of(&unfixed, &exposed).terms;
        let values: Vec<(RiskTermName, f64)> = terms.iter().map(|term| (term.name, term.value)).collect();
        assert_eq!(
            values,
            [
                (RiskTermName::Impact, 75.0),
                (RiskTermName::Exploitation, 45.0),
                (RiskTermName::Remedy, 95.0),
                (RiskTermName::Exposure, 15.0),
                (RiskTermName::InUse, 0.0),
                (RiskTermName::Privilege, 0.0),
            ]
        );
    }

    #[test]
    fn who_decided_the_severity_is_believed_before_a_score() {
        // A vendor says medium of what a database rates 9.8.
        assert_eq!(at(&rated(Severity::Medium, 9.8), RiskPlace::default()), 24);
        assert_eq!(at(&finding(Severity::None), WORST), 0);
        assert_eq!(at(&rated(Severity::High, f64::NAN), WORST), at(&finding(Severity::High), WORST));
    }

    #[test]
    fn what_is_exploited_where_people_get_to_it_is_before_what_is_worse_elsewhere() {
        let unlikely =
            Finding { epss: Some(Epss { score: 0.001, percentile: 0.1 }), ..rated(Severity::Critical, 9.8) };
        assert!(at(&exploited(rated(Severity::Medium, 6.0)), WORST) > at(&unlikely, RiskPlace::default()));
    }

    proptest! {
        #[test]
        fn it_is_always_within_a_hundred_and_knowing_more_never_lowers_it(
            points in any::<f64>(), probability in any::<f64>(), rank in 0..7_usize, exposure in 0..4_usize, in_use: bool,
            privilege in 0..4_usize
        ) {
            let of = Finding { epss: Some(Epss { score: probability, percentile: 0.0 }), ..rated(Severity::ALL[rank], points) };
            let place = RiskPlace {
                exposure: [None, Some(Reached::No), Some(Reached::Possible), Some(Reached::Open)][exposure],
                in_use,
                privilege: [None, Some(Power::None), Some(Power::OtherNamespace), Some(Power::Cluster)][privilege],
            };
            prop_assert!((0..=100_000).contains(&base(&of)));
            let known = at(&of, place);
            prop_assert!(known <= 100 && known >= at(&of, RiskPlace::default()));
            prop_assert_eq!(known, score(base(&of), place.percent()));
        }
    }
}
