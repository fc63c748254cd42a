//! Findings of the Open Cybersecurity Schema Framework 1.x, and those of Prowler, which are of that form: security
//! (2001), vulnerability (2002), compliance (2003) and detection findings (2004).
//!
//! Severity is `severity_id` by the table of the schema; fatal is critical, informational negligible.

use model::{Evidence, FindingClass, FixState, GapCode, PackageType, Severity};
use serde_json::json;

use super::{known_id, uri};
use crate::draft::{Draft, own_key, place, rating, suppressed};
use crate::import::{Builder, TargetIndex, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, limits, purl, text};

/// How every place is said to have been read.
const METHOD: &str = "ocsf";

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    let events = if root.value().is_array() { builder.objects_of(root) } else { vec![root.clone()] };
    if root.all().is_empty() && root.value().as_object().is_none() {
        builder.clean();
    }
    for event in events {
        if let Some(product) = event.find(&["metadata", "product"]) {
            builder.tool(product.text("name").unwrap_or("unknown"), product.text("version"));
        }
        builder.made_at_milliseconds(&event, "time");
        read_event(&event, builder);
    }
    Ok(())
}

/// What the state of an event makes of it.
enum Standing {
    Counts,
    /// Passed, resolved or closed.
    Clean,
    /// Somebody has silenced it.
    Suppressed,
    /// Nobody has decided.
    Open,
}

fn read_event(event: &Item<'_>, builder: &mut Builder) {
    let class = event.whole("class_uid").unwrap_or_default();
    if !(2001..=2004).contains(&class) {
        let reason = format!("class {class} is no finding on its own; 2001 to 2004 are read");
        return builder.skip(GapCode::Unsupported, event.pointer_of("class_uid"), reason);
    }
    let silenced = match standing(event, class) {
        // What passed was looked at, so that what failed before is gone.
        Standing::Clean => {
            if let Some((kind, name, digest)) = named_target(event) {
                builder.target(kind, name, digest);
            }
            return builder.clean();
        }
        Standing::Open => {
            let reason = "the tool says neither pass nor fail; somebody has to look";
            builder.clean();
            return builder.gap(GapCode::NotCollected, event.pointer(), reason);
        }
        Standing::Suppressed => true,
        Standing::Counts => false,
    };
    if class == 2002 {
        read_vulnerabilities(event, silenced, builder);
    } else {
        read_other(event, class, silenced, builder);
    }
}

fn standing(event: &Item<'_>, class: u64) -> Standing {
    let compliance = event.get("compliance");
    let of_compliance = compliance.as_ref().and_then(|compliance| compliance.text("status"));
    let number = compliance.as_ref().and_then(|compliance| compliance.whole("status_id"));
    let of_event = Some(event.text("status").unwrap_or_default()).filter(|_| class == 2001);
    let word =
        event.text("status_code").or(of_compliance).or(of_event).unwrap_or_default().to_ascii_lowercase();
    let passed = word.starts_with("pass") || word.starts_with("succe") || number == Some(1);
    let failed = word.starts_with("fail") || word.starts_with("warn") || matches!(number, Some(2 | 3));
    let said = event.text("status").unwrap_or_default();
    let closed = event.whole("activity_id") == Some(3) || event.whole("status_id") == Some(4);
    if passed || closed || said.eq_ignore_ascii_case("resolved") {
        Standing::Clean
    } else if word == "manual" || (class == 2003 && !failed) {
        Standing::Open
    } else if said.eq_ignore_ascii_case("suppressed") || event.whole("status_id") == Some(3) && class != 2001
    {
        Standing::Suppressed
    } else {
        Standing::Counts
    }
}

fn read_other(event: &Item<'_>, class: u64, silenced: bool, builder: &mut Builder) {
    let Some(rule) = rule(event) else {
        let reason = "it has no metadata.event_code, analytic, control or finding_info.uid to know it by";
        return builder.skip(GapCode::ParseError, event.pointer(), reason);
    };
    let mut draft = Draft::new(finding_class(event, class), rule);
    common(event, silenced, &mut draft, builder);
    locate(event, &mut draft);
    draft.evidence.extend(own_places(event));
    let target = target(event, builder);
    builder.finding(target, draft);
}

/// One finding for each vulnerability and each package that has it.
fn read_vulnerabilities(event: &Item<'_>, silenced: bool, builder: &mut Builder) {
    let all = builder.objects(event, "vulnerabilities");
    if all.is_empty() {
        let reason = "it has no vulnerabilities";
        return builder.skip(GapCode::ParseError, event.pointer_of("vulnerabilities"), reason);
    }
    let target = target(event, builder);
    let several = all.len() > 1;
    let mut of_event = Draft::new(FindingClass::Vulnerability, String::new());
    common(event, silenced, &mut of_event, builder);
    let places = own_places(event);
    for vulnerability in all {
        let cve = vulnerability.get("cve");
        let advisory = vulnerability.get("advisory");
        let said = [cve.as_ref(), advisory.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|one| text::id(one.text("uid")?));
        let ids: Vec<String> = said.collect();
        let Some(first) = ids.first() else {
            builder.skip(
                GapCode::ParseError,
                vulnerability.pointer(),
                "it has no usable cve.uid or advisory.uid",
            );
            continue;
        };
        let rule = known_id(first, &ids);
        let lists = ["affected_packages", "packages"];
        let packages: Vec<Item<'_>> =
            lists.iter().flat_map(|list| builder.objects(&vulnerability, list)).collect();
        let mut draft = of_event.clone().with_rule(rule);
        if several {
            // The event's own words are about all of them.
            (draft.title, draft.description) = (String::new(), String::new());
        }
        describe(&vulnerability, &ids, &mut draft, builder);
        if packages.is_empty() {
            locate(event, &mut draft);
            builder.finding(target, draft);
            continue;
        }
        for one in packages {
            if builder.is_full() {
                return;
            }
            match package(&one) {
                Some(named) => {
                    let mut draft = draft.clone();
                    in_package(&one, &mut draft);
                    if !places.is_empty() {
                        draft.evidence.clone_from(&places);
                    }
                    draft.package = Some(named);
                    builder.finding(target, draft);
                }
                None => builder.skip(GapCode::ParseError, one.pointer(), "it has no usable purl or name"),
            }
        }
    }
}

fn describe(vulnerability: &Item<'_>, ids: &[String], draft: &mut Draft, builder: &mut Builder) {
    let cve = vulnerability.get("cve");
    let word = |name| vulnerability.text(name).or_else(|| cve.as_ref()?.text(name));
    draft.ids.extend(ids.iter().cloned());
    draft.ids.extend(vulnerability.texts("related_vulnerabilities").into_iter().filter_map(text::id));
    draft.title = text::clip(word("title").unwrap_or(&draft.title)).to_owned();
    draft.description = text::clip(word("desc").unwrap_or(&draft.description)).to_owned();
    draft.references.extend(vulnerability.texts("references").into_iter().filter_map(text::link));
    draft.references.extend(cve.iter().flat_map(|cve| cve.texts("references")).filter_map(text::link));
    let unfixed =
        vulnerability.get("is_fix_available").is_some_and(|said| said.value().as_bool() == Some(false));
    if unfixed && draft.fix.state == FixState::Unknown {
        draft.fix.state = FixState::NotFixed;
    }
    let rated = cve.as_ref().and_then(|cve| cve.get("cvss"));
    let ratings = rated.map(|rated| if rated.value().is_array() { rated.all() } else { vec![rated] });
    for one in ratings.unwrap_or_default().into_iter().take(limits::LIST) {
        let source = one.text("vendor_name").or(one.text("src_url")).or(ids.first().map(String::as_str));
        let vector = one.text("vector_string");
        match vector.and_then(|vector| rating(vector, one.number("base_score"), source.unwrap_or_default())) {
            Some(rating) => draft.cvss.push(rating),
            None => {
                let reason = "it is no CVSS vector with a score from 0 to 10";
                builder.gap(GapCode::ParseError, one.pointer(), reason);
            }
        }
    }
}

fn package(item: &Item<'_>) -> Option<(model::PackageRef, Option<String>)> {
    let of_purl = item.text("purl").and_then(purl::package);
    let named = || {
        let kind =
            item.text("type").or(item.text("package_manager")).unwrap_or_default().to_ascii_lowercase();
        let kind = PackageType::from_name(&kind).unwrap_or(PackageType::Generic);
        purl::named(kind, item.text("name")?, item.text("version").unwrap_or_default())
    };
    of_purl.or_else(named)
}

fn in_package(item: &Item<'_>, draft: &mut Draft) {
    let fixed = item.text("fixed_in_version").unwrap_or_default();
    draft.fix.versions = fixed
        .split(',')
        .map(|version| version.trim().to_owned())
        .filter(|version| !version.is_empty())
        .collect();
    if !draft.fix.versions.is_empty() && draft.fix.state == FixState::Unknown {
        draft.fix.state = FixState::Fixed;
    }
    draft.evidence =
        item.text("path").and_then(uri::path).map(|path| place(path, METHOD, None)).into_iter().collect();
}

/// What every class has.
fn common(event: &Item<'_>, silenced: bool, draft: &mut Draft, builder: &mut Builder) {
    let info = event.get("finding_info").or_else(|| event.get("finding"));
    let word = |name| info.as_ref().and_then(|info| info.text(name));
    draft.title = text::clip(word("title").or(event.text("message")).unwrap_or_default()).to_owned();
    let texts = [event.text("status_detail"), word("desc"), event.text("risk_details")];
    draft.description = texts.into_iter().flatten().map(text::clip).collect::<Vec<_>>().join("\n\n");
    (draft.severity, draft.severity_source) = severity(event, builder);
    if let Some(remediation) = event.get("remediation") {
        draft.references.extend(remediation.texts("references").into_iter().filter_map(text::link));
        draft.proof = remediation.text("desc").map(|wanted| json!({ "wanted": text::body(wanted) }));
    }
    draft.references.extend(word("src_url").and_then(text::link));
    if silenced {
        let reason =
            event.text("comment").or(event.text("status_detail")).unwrap_or("suppressed in the report");
        draft.suppressed = suppressed("suppressed-by-tool", reason);
    }
    let own = event.find(&["unmapped", "palisade"]);
    if let Some(state) =
        own.as_ref().and_then(|own| serde_json::from_value(own.get("fix")?.value().clone()).ok())
    {
        draft.fix.state = state;
    }
    draft.ids.extend(own.iter().flat_map(|own| own.texts("ids")).filter_map(text::id));
    draft.key = own.as_ref().and_then(|own| own_key(own.text("key")?));
    if let (Some(said), true) = (own.and_then(|own| own.get("suppressed")), silenced) {
        draft.suppressed = serde_json::from_value(said.value().clone()).ok().or(draft.suppressed.take());
    }
}

fn severity(event: &Item<'_>, builder: &mut Builder) -> (Severity, String) {
    let word = event.text("severity").and_then(Severity::from_word);
    let severity = match event.whole("severity_id") {
        Some(0) => Severity::Unknown,
        Some(1) => Severity::Negligible,
        Some(2) => Severity::Low,
        Some(3) => Severity::Medium,
        Some(4) => Severity::High,
        Some(5 | 6) => Severity::Critical,
        _ => word.unwrap_or_else(|| {
            let reason = "it is no severity of OCSF, and severity is no word that is known";
            builder.gap(GapCode::ParseError, event.pointer_of("severity_id"), reason);
            Severity::Unknown
        }),
    };
    let product = event.text_at(&["metadata", "product", "name"]).unwrap_or("OCSF");
    (severity, format!("{product} severity_id"))
}

/// What the finding is known by from one report to the next.
fn rule(event: &Item<'_>) -> Option<String> {
    let paths: [&[&str]; 7] = [
        &["unmapped", "palisade", "rule"],
        &["metadata", "event_code"],
        &["finding_info", "analytic", "uid"],
        &["compliance", "control"],
        &["finding_info", "analytic", "name"],
        &["finding_info", "uid"],
        &["finding", "uid"],
    ];
    paths.into_iter().find_map(|path| text::id(event.text_at(path)?))
}

fn finding_class(event: &Item<'_>, class: u64) -> FindingClass {
    let own = event.find(&["unmapped", "palisade", "class"]);
    if let Some(own) = own.and_then(|own| serde_json::from_value(own.value().clone()).ok()) {
        return own;
    }
    let malware = event.elements("malware");
    if class == 2004 && !malware.is_empty() { FindingClass::Malware } else { FindingClass::Misconfiguration }
}

/// The resources, as places and as what tells it from others of its rule. Without any it is the finding's own id.
fn locate(event: &Item<'_>, draft: &mut Draft) {
    let product = event.text_at(&["metadata", "product", "name"]).unwrap_or_default();
    draft.location = vec![METHOD.to_owned(), product.to_owned()];
    let mut names: Vec<String> = Vec::new();
    for resource in resources(event).iter().take(limits::LIST) {
        let said = resource.text("uid").or(resource.text("name")).and_then(text::exact);
        draft.evidence.extend(said.clone().map(|name| place(name, METHOD, None)));
        names.extend(said.map(|name| format!("{}/{name}", resource.text("region").unwrap_or_default())));
    }
    if names.is_empty() {
        let uid = event.text_at(&["finding_info", "uid"]).or(event.text_at(&["finding", "uid"]));
        names.push(uid.unwrap_or_default().to_owned());
    }
    names.sort();
    draft.location.extend(names);
}

/// Where our own export says that it is.
fn own_places(event: &Item<'_>) -> Vec<Evidence> {
    let own = event.find(&["unmapped", "palisade"]);
    let said = own.iter().flat_map(|own| own.elements("evidence"));
    said.filter_map(|one| Some(place(text::exact(one.text("path")?)?, METHOD, one.whole("line")))).collect()
}

/// The resources but one of our own that only says which asset it is.
fn resources<'a>(event: &Item<'a>) -> Vec<Item<'a>> {
    let listed = event.elements("resources").into_iter().chain(event.get("resource"));
    listed.filter(|resource| own_kind(resource).is_none()).collect()
}

fn own_kind(resource: &Item<'_>) -> Option<TargetKind> {
    TargetKind::from_name(resource.text_at(&["data", "palisade_asset"])?)
}

fn target(event: &Item<'_>, builder: &mut Builder) -> TargetIndex {
    let (kind, name, digest) = named_target(event).unwrap_or((TargetKind::Other, "", None));
    builder.target(kind, name, digest)
}

/// What an event is about, where it says so: kind, name, and digest of an image.
fn named_target<'a>(event: &Item<'a>) -> Option<(TargetKind, &'a str, Option<&'a str>)> {
    for resource in event.elements("resources") {
        if let Some(kind) = own_kind(&resource) {
            return Some((kind, resource.text("name").unwrap_or_default(), resource.text("uid")));
        }
    }
    if let Some(account) = event.find(&["cloud", "account"]) {
        let cluster =
            event.text_at(&["cloud", "provider"]).is_some_and(|said| said.eq_ignore_ascii_case("kubernetes"));
        let kind = if cluster { TargetKind::Cluster } else { TargetKind::Account };
        return Some((kind, account.text("uid").or(account.text("name")).unwrap_or_default(), None));
    }
    if let Some(image) = event.find(&["container", "image"]) {
        return Some((TargetKind::Image, image.text("name").unwrap_or_default(), image.text("uid")));
    }
    if let Some(device) = event.get("device") {
        let name = device.text("hostname").or(device.text("name")).or(device.text("uid"));
        return Some((TargetKind::Host, name.unwrap_or_default(), None));
    }
    None
}
