//! Whether the absence of a finding means anything.
//!
//! A finding that a scan did not see is fixed only if the scan looked where it was and could have judged it. The rule errs
//! on the side of "still open": a finding that stays open too long is a nuisance, one that closes by mistake is a lie.

use model::{Coverage, Finding, FindingClass, Gap, GapCode};

/// Whether what this scan did not see could be why it did not report this finding.
///
/// It could, if the coverage statement has
/// - a gap about the whole target: the subject `image`, the root, a layer (its digest) or nothing; a plugin that failed; a
///   cap on entries or time, after which nothing was read;
/// - a gap at the path of the finding's evidence, above it, or inside the archive there; any path, for a finding without
///   evidence; the distribution's `os-release`, for a vulnerability of a distribution's package;
/// - nothing of a plugin that proved the finding: it was retired, revoked or left out, so nobody looked any more;
/// - for vulnerabilities: no advisories at all, none for the ecosystem of its records (whatever the release), an unknown
///   distribution for a distribution's package, or a version of its package that could not be read.
#[must_use]
pub fn could_hide(coverage: &Coverage, finding: &Finding) -> bool {
    plugin_missing(coverage, finding)
        || no_advisories(coverage, finding)
        || coverage.gaps.iter().any(|gap| gap_hides(gap, finding))
}

fn plugin_missing(coverage: &Coverage, finding: &Finding) -> bool {
    let took_part = |id: &str| coverage.analyzers.iter().any(|analyzer| analyzer.plugin == id);
    finding.evidence.iter().filter_map(|evidence| evidence.plugin.as_deref()).any(|plugin| !took_part(plugin))
}

fn gap_hides(gap: &Gap, finding: &Finding) -> bool {
    let subject = gap.subject.as_str();
    match gap.code {
        // `path!/rule` is about one check of an object, `path` about all of them, and `!/rule` about one check of everything.
        GapCode::CheckError => {
            let rule = subject.split_once("!/").map(|(_, rule)| rule);
            rule.is_none_or(|rule| rule == finding.rule)
                && (subject.starts_with("!/") || path_hides(subject, finding))
        }
        GapCode::PluginFault | GapCode::EntryLimit | GapCode::TimeLimit => true,
        GapCode::NoAdvisories => judged(finding) && (is_whole(subject) || of_ecosystem(finding, subject)),
        GapCode::UnknownDistribution => judged(finding) && of_distribution(finding),
        GapCode::UnreadableVersion => {
            judged(finding) && (is_whole(subject) || names_package(finding, subject))
        }
        GapCode::NotCollected => {
            is_whole(subject) || path_hides(subject, finding) || account_hides(subject, finding)
        }
        GapCode::DepthLimit
        | GapCode::NameLimit
        | GapCode::SizeLimit
        | GapCode::RatioLimit
        | GapCode::UnsafePath
        | GapCode::BrokenLink
        | GapCode::Corrupt
        | GapCode::Unsupported
        | GapCode::Unreadable
        | GapCode::Excluded
        | GapCode::ParseError => is_whole(subject) || path_hides(subject, finding),
    }
}

/// Advisories, not a plugin, made this finding.
fn judged(finding: &Finding) -> bool {
    finding.class == FindingClass::Vulnerability
}

fn of_distribution(finding: &Finding) -> bool {
    finding.package.as_ref().is_some_and(|package| package.kind.is_operating_system())
}

fn no_advisories(coverage: &Coverage, finding: &Finding) -> bool {
    let nothing_loaded = coverage.advisories.is_none() && !finding.records.is_empty();
    let none_for_it = || {
        let mut without = coverage.ecosystems.iter().filter(|ecosystem| ecosystem.records == 0);
        without.any(|ecosystem| of_ecosystem(finding, &ecosystem.ecosystem))
    };
    judged(finding) && (nothing_loaded || none_for_it())
}

/// `Debian:12` and `Debian:11` count as one: after an upgrade of a directory the old release's findings are judged by the
/// new release's records.
fn of_ecosystem(finding: &Finding, ecosystem: &str) -> bool {
    let family = |name: &str| name.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let wanted = family(ecosystem);
    finding.records.iter().any(|record| family(&record.ecosystem) == wanted)
}

fn names_package(finding: &Finding, subject: &str) -> bool {
    finding.package.as_ref().is_none_or(|package| {
        let source = package.source.as_ref().is_some_and(|source| subject.contains(&source.name));
        source || subject.contains(&package.name) || subject == package.purl
    })
}

fn is_whole(subject: &str) -> bool {
    let subject = trim(subject);
    matches!(subject, "" | "image" | "layer")
        || ["sha256:", "sha512:", "layer ", "layer:"].iter().any(|start| subject.starts_with(start))
}

fn trim(path: &str) -> &str {
    match path.trim_start_matches("./").trim_matches('/') {
        "." => "",
        path => path,
    }
}

fn path_hides(subject: &str, finding: &Finding) -> bool {
    // A gap inside an archive hides what is proved by that archive: which entry it was need not be told the same way.
    let path = trim(subject.split("!/").next().unwrap_or_default());
    if matches!(path, "etc/os-release" | "usr/lib/os-release") && judged(finding) && of_distribution(finding)
    {
        return true;
    }
    finding.evidence.is_empty()
        || finding.evidence.iter().any(|evidence| is_at_or_below(trim(&evidence.path), path))
}

/// Whether a part of a cloud account that could not be fetched, such as `aws:s3:bucket eu-west-1 ListBuckets`, may hold the
/// resource that a finding is about. Told by service and region, as ids of resources name both.
fn account_hides(subject: &str, finding: &Finding) -> bool {
    let mut words = subject.split(' ');
    let service =
        words.next().and_then(|kind| kind.strip_prefix("aws:")).and_then(|kind| kind.split(':').next());
    let Some(service) = service else { return false };
    let service = match service {
        "efs" => "elasticfilesystem",
        "elbv2" => "elasticloadbalancing",
        "apigatewayv2" => "apigateway",
        "opensearch" => "es",
        other => other,
    };
    let region = words.next().unwrap_or_default();
    finding.evidence.iter().any(|evidence| {
        let parts: Vec<&str> = evidence.path.splitn(5, ':').collect();
        let [arn, _, of, at, ..] = parts.as_slice() else { return false };
        let anywhere = region.is_empty() || region == "global" || at.is_empty();
        *arn == "arn" && *of == service && (anywhere || *at == region)
    })
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use model::{
        AdvisoryData, AnalyzerCoverage, Confidence, Coverage, EcosystemCoverage, Evidence, FeedRecord,
        Finding, FindingClass, Fix, FixState, Gap, GapCode, PackageRef, PackageType, Severity,
    };

    use super::could_hide;

    fn finding(kind: PackageType, ecosystem: &str, path: &str) -> Finding {
        Finding {
            key: "k".into(),
            class: FindingClass::Vulnerability,
            rule: "CVE-2024-1".into(),
            ids: vec!["CVE-2024-1".into()],
            title: String::new(),
            description: String::new(),
            severity: Severity::High,
            severity_source: String::new(),
            cvss: vec![],
            kev: None,
            epss: None,
            package: Some(PackageRef {
                kind,
                name: "zlib".into(),
                version: "1".into(),
                purl: "pkg:x/zlib@1".into(),
                source: None,
            }),
            fix: Fix { state: FixState::Unknown, versions: vec![] },
            evidence: vec![Evidence {
                path: path.into(),
                inner: None,
                method: "m".into(),
                confidence: Confidence::High,
                plugin: None,
                line: None,
            }],
            records: vec![FeedRecord {
                id: "R".into(),
                ecosystem: ecosystem.into(),
                package: "zlib".into(),
                modified: String::new(),
                reason: String::new(),
            }],
            references: vec![],
            proof: None,
            suppressed: None,
        }
    }

    fn coverage(gaps: &[(GapCode, &str)]) -> Coverage {
        let gap = |(code, subject): &(GapCode, &str)| Gap {
            code: *code,
            subject: (*subject).into(),
            reason: String::new(),
        };
        Coverage {
            advisories: Some(AdvisoryData::default()),
            gaps: gaps.iter().map(gap).collect(),
            ..Coverage::default()
        }
    }

    #[test]
    fn gaps_hide_what_they_may_hide_and_nothing_else() {
        let deb = finding(PackageType::Deb, "Debian:12", "var/lib/dpkg/status");
        let npm = finding(PackageType::Npm, "npm", "app/node_modules/zlib/package.json");
        let mut secret = finding(PackageType::Npm, "npm", "app/.env");
        secret.class = FindingClass::Secret;
        use GapCode::*;
        // (gap, hides deb, hides npm, hides secret)
        let table = [
            (PluginFault, "palisade.image-packages", true, true, true),
            (Corrupt, "image", true, true, true),
            (Corrupt, "sha256:00", true, true, true),
            (SizeLimit, "/", true, true, true),
            (EntryLimit, "usr/share", true, true, true),
            (ParseError, "/var/lib/dpkg/status", true, false, false),
            (ParseError, "var/lib/dpkg", true, false, false),
            (ParseError, "var/lib/dpkg/stat", false, false, false),
            (BrokenLink, "app", false, true, true),
            (ParseError, "app/.env", false, false, true),
            (ParseError, "app/node_modules/zlib/package.json!/x", false, true, false),
            (Unreadable, "etc/os-release", true, false, false),
            (Excluded, "app", false, true, true),
            (NoAdvisories, "Debian:13", true, false, false),
            (NoAdvisories, "npm", false, true, false),
            (NoAdvisories, "image", true, true, false),
            (UnknownDistribution, "image", true, false, false),
            (UnreadableVersion, "zlib", true, true, false),
            (NotCollected, "app", false, true, true),
            (CheckError, "app/.env", false, false, true),
            (CheckError, "app/.env!/CVE-2024-1", false, false, true),
            (CheckError, "app/.env!/another-rule", false, false, false),
            (UnreadableVersion, "openssl 1..2", false, false, false),
        ];
        for (code, subject, hides_deb, hides_npm, hides_secret) in table {
            let seen = coverage(&[(code, subject)]);
            let hidden = [&deb, &npm, &secret].map(|finding| could_hide(&seen, finding));
            assert_eq!(hidden, [hides_deb, hides_npm, hides_secret], "{code:?} {subject}");
        }
    }

    #[test]
    fn what_a_cloud_did_not_show_is_not_fixed() {
        let mut of = finding(PackageType::Npm, "npm", "x");
        of.class = FindingClass::Misconfiguration;
        of.package = None;
        for (path, subject, hidden) in [
            ("arn:aws:s3:::b", "aws:s3:bucket eu-west-1 GetBucketPolicy", true),
            ("arn:aws:ec2:eu-west-1:1:instance/i", "aws:ec2:instance eu-west-1 DescribeInstances", true),
            ("arn:aws:ec2:eu-west-1:1:instance/i", "aws:ec2:instance us-east-1 DescribeInstances", false),
            (
                "arn:aws:ec2:eu-west-1:1:instance/i",
                "aws:rds:db-instance eu-west-1 DescribeDBInstances",
                false,
            ),
            ("arn:aws:iam::1:role/r", "aws:iam:role global GetAccountAuthorizationDetails", true),
            (
                "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/b",
                "aws:elbv2:load-balancer eu-west-1 D",
                true,
            ),
            ("apps/Deployment/n/a", "aws:ec2:instance eu-west-1 DescribeInstances", false),
        ] {
            of.evidence[0].path = path.into();
            assert_eq!(
                could_hide(&coverage(&[(GapCode::NotCollected, subject)]), &of),
                hidden,
                "{path} {subject}"
            );
        }
    }

    #[test]
    fn what_nobody_looks_for_any_more_is_not_fixed() {
        let mut npm = finding(PackageType::Npm, "npm", "a");
        npm.evidence[0].plugin = Some("example.npm".into());
        let mut seen = coverage(&[]);
        assert!(could_hide(&seen, &npm));
        let analyzer = |plugin: &str| AnalyzerCoverage {
            plugin: plugin.into(),
            version: "1.0.0".into(),
            digest: String::new(),
        };
        seen.analyzers = vec![analyzer("palisade.image-packages")];
        assert!(could_hide(&seen, &npm));
        seen.analyzers.push(analyzer("example.npm"));
        assert!(!could_hide(&seen, &npm));
    }

    #[test]
    fn without_gaps_absence_is_evidence() {
        let npm = finding(PackageType::Npm, "npm", "a");
        assert!(!could_hide(&coverage(&[]), &npm));
    }

    #[test]
    fn without_advisories_absence_of_a_vulnerability_is_not_evidence() {
        let npm = finding(PackageType::Npm, "npm", "a");
        assert!(could_hide(&Coverage::default(), &npm));
        let mut empty = coverage(&[]);
        empty.ecosystems = vec![EcosystemCoverage { ecosystem: "npm".into(), packages: 3, records: 0 }];
        assert!(could_hide(&empty, &npm));
        assert!(!could_hide(&empty, &finding(PackageType::Pypi, "PyPI", "a")));
    }
}
