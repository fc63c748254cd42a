//! `trivy --format json`: images, file systems, repositories, and clusters (`trivy k8s`). Severity is Trivy's own word,
//! whose source it names in `SeveritySource`.
//!
//! `Match` and `Code` are never taken over: they hold the secrets, and Trivy does not mask all of them.

use model::{FindingClass, Fix, FixState, GapCode, PackageType, Severity};
use serde_json::json;

use super::uri;
use crate::draft::{Draft, place, rating, suppressed};
use crate::import::{Builder, TargetIndex, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, Format, purl, text};

/// How every place is said to have been read.
const METHOD: &str = "trivy";

/// Where results belong: a target, and within a cluster the object.
struct Scope {
    target: TargetIndex,
    object: Option<String>,
}

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    let version = root.text_at(&["Trivy", "Version"]);
    builder.tool("Trivy", version);
    if let Some(name) = root.text("ClusterName") {
        read_cluster(root, name, builder);
        return Ok(());
    }
    match root.whole("SchemaVersion") {
        Some(2) => {}
        other => {
            let found = other.map(|version| version.to_string()).unwrap_or_default();
            return Err(ExchangeError::Version {
                format: Format::TrivyJson,
                found,
                supported: "SchemaVersion 2",
            });
        }
    }
    builder.made_at(root, "CreatedAt");
    let target = target(root, builder);
    builder.clean();
    read_results(root, &Scope { target, object: None }, builder);
    Ok(())
}

fn read_cluster(root: &Item<'_>, name: &str, builder: &mut Builder) {
    let target = builder.target(TargetKind::Cluster, name, None);
    builder.clean();
    for list in ["Resources", "Findings"] {
        for object in builder.objects(root, list) {
            let words = ["Namespace", "Kind", "Name"].into_iter().filter_map(|word| object.text(word));
            let place = text::exact(&words.collect::<Vec<_>>().join("/"));
            if let Some(error) = object.text("Error") {
                builder.gap(GapCode::CheckError, object.pointer_of("Error"), error);
                if let Some(place) = &place {
                    builder.unseen(place.clone());
                }
            }
            read_results(&object, &Scope { target, object: place }, builder);
        }
    }
}

fn target(root: &Item<'_>, builder: &mut Builder) -> TargetIndex {
    let name = root.text("ArtifactName").unwrap_or_default();
    let kind = match root.text("ArtifactType").unwrap_or_default() {
        "container_image" => TargetKind::Image,
        "repository" => TargetKind::Repository,
        "vm" => TargetKind::Host,
        _ => TargetKind::Other,
    };
    let digests = root.get("Metadata").map(|metadata| metadata.texts("RepoDigests")).unwrap_or_default();
    let digest = digests.first().and_then(|digest| Some(digest.split_once('@')?.1));
    builder.target(kind, name, digest)
}

fn read_results(parent: &Item<'_>, scope: &Scope, builder: &mut Builder) {
    for result in builder.objects(parent, "Results") {
        for (list, read) in [
            ("Vulnerabilities", vulnerability as fn(&Item<'_>, &Item<'_>, &mut Builder) -> Option<Draft>),
            ("Misconfigurations", misconfiguration),
            ("Secrets", secret),
            ("Licenses", license),
        ] {
            for item in builder.objects(&result, list) {
                if let Some(mut draft) = read(&result, &item, builder) {
                    in_object(scope, &mut draft);
                    builder.finding(scope.target, draft);
                }
            }
        }
        for item in builder.objects(&result, "ExperimentalModifiedFindings") {
            if let Some(mut draft) = modified(&result, &item, builder) {
                in_object(scope, &mut draft);
                builder.finding(scope.target, draft);
            }
        }
    }
}

/// Puts the object of a cluster in front of every place, so that two objects do not become one.
fn in_object(scope: &Scope, draft: &mut Draft) {
    let Some(object) = &scope.object else { return };
    draft.location.insert(0, object.clone());
    if draft.evidence.is_empty() {
        draft.evidence.push(place(object.clone(), METHOD, None));
    }
    for place in draft.evidence.iter_mut().filter(|place| place.path != *object) {
        place.inner = Some(std::mem::replace(&mut place.path, object.clone()));
    }
}

fn vulnerability(result: &Item<'_>, item: &Item<'_>, builder: &mut Builder) -> Option<Draft> {
    let Some(id) = item.text("VulnerabilityID").and_then(text::id) else {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no usable VulnerabilityID");
        return None;
    };
    let version = item.text("InstalledVersion").unwrap_or_default();
    let kind = package_type(result);
    let package = item
        .text_at(&["PkgIdentifier", "PURL"])
        .and_then(purl::package)
        .or_else(|| purl::named(kind, item.text("PkgName")?, version));
    if package.is_none() {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no usable PkgName");
        return None;
    }
    let mut draft = Draft::new(FindingClass::Vulnerability, id);
    draft.package = package;
    draft.ids = item.texts("VendorIDs").into_iter().map(str::to_owned).collect();
    draft.title = item.text("Title").unwrap_or_default().to_owned();
    draft.description = item.text("Description").unwrap_or_default().to_owned();
    (draft.severity, draft.severity_source) = severity(item, builder);
    ratings(item, &mut draft, builder);
    status(item, &mut draft, builder);
    draft.references.extend(item.text("PrimaryURL").map(str::to_owned));
    draft.references.extend(item.texts("References").into_iter().map(str::to_owned));
    let file = item.text("PkgPath").and_then(uri::path).or_else(|| file(result));
    draft.evidence.extend(file.map(|path| place(path, METHOD, None)));
    Some(draft)
}

/// The package manager by the `Type` of a result, where there is no package URL.
fn package_type(result: &Item<'_>) -> PackageType {
    match result.text("Type").unwrap_or_default() {
        "debian" | "ubuntu" => PackageType::Deb,
        "alpine" | "wolfi" | "chainguard" => PackageType::Apk,
        "redhat"
        | "centos"
        | "rocky"
        | "alma"
        | "oracle"
        | "amazon"
        | "fedora"
        | "photon"
        | "azurelinux"
        | "cbl-mariner"
        | "suse linux enterprise server"
        | "opensuse-leap"
        | "opensuse-tumbleweed" => PackageType::Rpm,
        "npm" | "node-pkg" | "yarn" | "pnpm" | "bun" => PackageType::Npm,
        "pip" | "pipenv" | "poetry" | "uv" | "python-pkg" | "conda-pkg" => PackageType::Pypi,
        "jar" | "pom" | "gradle" | "sbt" => PackageType::Maven,
        "gobinary" | "gomod" => PackageType::Golang,
        "cargo" | "rustbinary" => PackageType::Cargo,
        "gemspec" | "bundler" => PackageType::Gem,
        "nuget" | "dotnet-core" | "packages-props" => PackageType::Nuget,
        "composer" | "composer-vendor" => PackageType::Composer,
        _ => PackageType::Generic,
    }
}

fn severity(item: &Item<'_>, builder: &mut Builder) -> (Severity, String) {
    let word = item.text("Severity").unwrap_or("UNKNOWN");
    let severity = Severity::from_word(word).unwrap_or_else(|| {
        builder.gap(GapCode::ParseError, item.pointer_of("Severity"), "it is no severity of Trivy");
        Severity::Unknown
    });
    let source = match item.text("SeveritySource") {
        Some(source) => format!("Trivy Severity ({source})"),
        None => "Trivy Severity".to_owned(),
    };
    (severity, source)
}

fn ratings(item: &Item<'_>, draft: &mut Draft, builder: &mut Builder) {
    let Some(all) = item.get("CVSS") else { return };
    let mut sources: Vec<&String> = all.value().as_object().into_iter().flat_map(|all| all.keys()).collect();
    sources.sort();
    for source in sources {
        let Some(one) = all.get(source) else { continue };
        for (vector, score) in [("V40Vector", "V40Score"), ("V3Vector", "V3Score"), ("V2Vector", "V2Score")] {
            let Some(said) = one.text(vector) else { continue };
            match rating(said, one.number(score), source) {
                Some(rating) => draft.cvss.push(rating),
                None => {
                    let reason = "it is no CVSS vector with a score from 0 to 10";
                    builder.gap(GapCode::ParseError, one.pointer_of(vector), reason);
                }
            }
        }
    }
}

/// What the vendor offers. What the vendor will not mend, or does not see as affected, does not count.
fn status(item: &Item<'_>, draft: &mut Draft, builder: &mut Builder) {
    let fixed = item.text("FixedVersion").unwrap_or_default();
    let versions = fixed.split(',').map(str::trim).filter(|version| !version.is_empty()).map(str::to_owned);
    draft.fix.versions = versions.collect();
    let word = item.text("Status").unwrap_or(if draft.fix.versions.is_empty() { "unknown" } else { "fixed" });
    draft.fix.state = match word {
        "fixed" => FixState::Fixed,
        "affected" | "under_investigation" => FixState::NotFixed,
        "will_not_fix" => FixState::WontFix,
        "fix_deferred" => FixState::Deferred,
        "end_of_life" => FixState::EndOfLife,
        "not_affected" | "unknown" => FixState::Unknown,
        _ => {
            builder.gap(GapCode::ParseError, item.pointer_of("Status"), "it is no status of Trivy");
            FixState::Unknown
        }
    };
    draft.suppressed = match word {
        "will_not_fix" => suppressed("vendor-will-not-fix", "the vendor says that there will be no fix"),
        "not_affected" => suppressed("vex-not-affected", "the vendor says that it is not affected"),
        _ => None,
    };
}

fn misconfiguration(result: &Item<'_>, item: &Item<'_>, builder: &mut Builder) -> Option<Draft> {
    if let Some("PASS" | "EXCEPTION") = item.text("Status") {
        builder.clean();
        return None;
    }
    let Some(id) = item.text("AVDID").or(item.text("ID")).and_then(text::id) else {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no usable AVDID or ID");
        return None;
    };
    let mut draft = Draft::new(FindingClass::Misconfiguration, id);
    let cause = item.get("CauseMetadata");
    let line = cause.as_ref().and_then(|cause| cause.whole("StartLine"));
    let resource = cause.as_ref().and_then(|cause| cause.text("Resource")).unwrap_or_default();
    located(result, line, &mut draft);
    draft.location.extend(["misconfiguration".to_owned(), resource.to_owned()]);
    let message = item.text("Message").unwrap_or_default();
    draft.location.push(message.to_owned());
    draft.ids = item.text("ID").into_iter().chain(item.texts("Aliases")).map(str::to_owned).collect();
    draft.title = item.text("Title").unwrap_or(message).to_owned();
    draft.description = [message, item.text("Description").unwrap_or_default()].join("\n\n");
    (draft.severity, draft.severity_source) = severity(item, builder);
    draft.references.extend(item.text("PrimaryURL").map(str::to_owned));
    draft.references.extend(item.texts("References").into_iter().map(str::to_owned));
    draft.proof = item.text("Resolution").map(|wanted| json!({ "wanted": text::body(wanted) }));
    Some(draft)
}

fn secret(result: &Item<'_>, item: &Item<'_>, builder: &mut Builder) -> Option<Draft> {
    let Some(id) = item.text("RuleID").and_then(text::id) else {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no usable RuleID");
        return None;
    };
    let mut draft = Draft::new(FindingClass::Secret, id);
    let line = item.whole("StartLine");
    located(result, line, &mut draft);
    draft.location.extend(["secret".to_owned(), line.unwrap_or_default().to_string()]);
    draft.title = item.text("Title").or(item.text("Category")).unwrap_or_default().to_owned();
    (draft.severity, draft.severity_source) = severity(item, builder);
    Some(draft)
}

fn license(result: &Item<'_>, item: &Item<'_>, builder: &mut Builder) -> Option<Draft> {
    let Some(id) = item.text("Name").and_then(text::id) else {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no usable Name");
        return None;
    };
    let mut draft = Draft::new(FindingClass::License, id);
    let package = item.text("PkgName").unwrap_or_default();
    located(result, None, &mut draft);
    draft.evidence.extend(item.text("FilePath").and_then(uri::path).map(|path| place(path, METHOD, None)));
    draft.location.extend(["license".to_owned(), package.to_owned()]);
    draft.location.push(item.text("FilePath").unwrap_or_default().to_owned());
    draft.title = match package {
        "" => format!("licence {}", item.text("Name").unwrap_or_default()),
        package => format!("licence {} of {package}", item.text("Name").unwrap_or_default()),
    };
    (draft.severity, draft.severity_source) = severity(item, builder);
    draft.references.extend(item.text("Link").map(str::to_owned));
    Some(draft)
}

/// A finding that Trivy leaves out because of a VEX statement or an ignore file, and shows when it is asked to.
fn modified(result: &Item<'_>, item: &Item<'_>, builder: &mut Builder) -> Option<Draft> {
    let Some(finding) = item.get("Finding") else {
        builder.skip(GapCode::ParseError, item.pointer(), "it has no Finding");
        return None;
    };
    let mut draft = match item.text("Type") {
        Some("vulnerability") => vulnerability(result, &finding, builder),
        Some("misconfiguration") => misconfiguration(result, &finding, builder),
        Some("secret") => secret(result, &finding, builder),
        Some("license") => license(result, &finding, builder),
        _ => {
            builder.skip(GapCode::Unsupported, item.pointer_of("Type"), "it is no type of a finding");
            None
        }
    }?;
    let status = item.text("Status").unwrap_or("ignored");
    let code = match status {
        "not_affected" => "vex-not-affected",
        "fixed" => "vex-fixed",
        _ => "suppressed-by-tool",
    };
    let statement = item.text("Statement").or(item.text("Source")).unwrap_or("left out by Trivy");
    if !matches!(status, "affected" | "under_investigation") {
        draft.suppressed = suppressed(code, format!("{status}: {statement}"));
    }
    Some(draft)
}

/// The file that a result is about. Packages of an operating system, and those that Trivy puts together by language,
/// have a heading there.
fn file(result: &Item<'_>) -> Option<String> {
    const HEADINGS: [&str; 7] = ["Conda", "Java", "Node.js", "OS Packages", "PHP", "Python", "Ruby"];
    let of_file = !matches!(result.text("Class"), Some("os-pkgs" | "license"));
    result.text("Target").filter(|target| of_file && !HEADINGS.contains(target)).and_then(uri::path)
}

/// The file of the result, as place and as the first part of the key.
fn located(result: &Item<'_>, line: Option<u64>, draft: &mut Draft) {
    let file = file(result);
    draft.location.extend(["trivy".to_owned(), file.clone().unwrap_or_default()]);
    draft.evidence.extend(file.map(|path| place(path, METHOD, line)));
    draft.fix = Fix { state: FixState::Unknown, versions: Vec::new() };
}
