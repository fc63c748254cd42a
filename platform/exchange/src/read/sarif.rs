//! SARIF 2.1.0 (OASIS). Severity is `security-severity` by the table that GitHub publishes for it, else the level.
//!
//! Snippets and contexts are never taken over: in the reports of secret scanners they are the secrets. Neither are the
//! messages of rules about secrets.

use std::collections::HashMap;

use model::{Evidence, FindingClass, GapCode, Severity};

use super::uri;
use crate::draft::{Draft, place, suppressed};
use crate::import::{Builder, TargetIndex, TargetKind};
use crate::tree::Item;
use crate::{ExchangeError, Format, limits, text};

/// Members of `partialFingerprints` that gitleaks writes and that are no fingerprints: the same for all of a commit.
const COMMIT_FACTS: [&str; 5] = ["author", "commitMessage", "commitSha", "date", "email"];

/// How every place is said to have been read.
const METHOD: &str = "sarif";

/// Longest chain of bases below bases.
const BASES_MAX: usize = 8;

/// One run and what its results refer to.
struct Run<'a> {
    item: Item<'a>,
    tool: String,
    rules: HashMap<&'a str, Item<'a>>,
    roots: Vec<String>,
    target: TargetIndex,
}

pub(super) fn read(root: &Item<'_>, builder: &mut Builder) -> Result<(), ExchangeError> {
    let version = root.text("version").unwrap_or_default();
    if version != "2.1.0" {
        let (format, found) = (Format::Sarif, text::title(version));
        return Err(ExchangeError::Version { format, found, supported: "2.1.0" });
    }
    if root.get("runs").is_none_or(|runs| !runs.value().is_array()) {
        let (format, pointer) = (Format::Sarif, root.pointer_of("runs"));
        return Err(ExchangeError::Shape { format, pointer, reason: "it is no list" });
    }
    for run in builder.objects(root, "runs") {
        read_run(&run, builder);
    }
    Ok(())
}

fn read_run(item: &Item<'_>, builder: &mut Builder) {
    let driver = item.find(&["tool", "driver"]);
    let tool = driver.as_ref().and_then(|driver| driver.text("name")).unwrap_or("unknown");
    let version =
        driver.as_ref().and_then(|driver| driver.text("semanticVersion").or(driver.text("version")));
    builder.tool(tool, version);
    for invocation in builder.objects(item, "invocations") {
        read_invocation(&invocation, builder);
    }
    if item.get("externalPropertyFileReferences").is_some() {
        let pointer = item.pointer_of("externalPropertyFileReferences");
        builder.blind(
            GapCode::Unsupported,
            pointer,
            "parts of the run stand in other files, which are not read",
        );
    }
    if item.get("results").is_none() {
        builder.skip(
            GapCode::NotCollected,
            item.pointer_of("results"),
            "the run has no results: the tool did not look",
        );
        return;
    }
    builder.clean();
    let target = target(item, builder);
    let run =
        Run { item: item.clone(), tool: text::title(tool), rules: rules(item), roots: roots(item), target };
    for result in builder.objects(item, "results") {
        if builder.is_full() {
            return;
        }
        run.read_result(&result, builder);
    }
}

fn read_invocation(item: &Item<'_>, builder: &mut Builder) {
    builder.made_at(item, "endTimeUtc");
    if item.get("executionSuccessful").is_some_and(|said| said.value().as_bool() == Some(false)) {
        builder.blind(
            GapCode::CheckError,
            item.pointer_of("executionSuccessful"),
            "the tool says that it failed",
        );
    }
    for notice in builder.objects(item, "toolExecutionNotifications") {
        if notice.text("level") == Some("error") {
            let said = notice.text_at(&["message", "text"]).unwrap_or("the tool tells of an error");
            builder.blind(GapCode::CheckError, notice.pointer(), said);
        }
    }
}

/// What the run looked at: an image where Trivy says so, else the repository that it came from.
fn target(item: &Item<'_>, builder: &mut Builder) -> TargetIndex {
    if let Some(name) = item.text_at(&["properties", "imageName"]) {
        let digests =
            item.get("properties").map(|properties| properties.texts("repoDigests")).unwrap_or_default();
        let digest = digests.first().and_then(|digest| Some(digest.split_once('@')?.1));
        return builder.target(TargetKind::Image, name, digest);
    }
    let repository = item.elements("versionControlProvenance");
    match repository.iter().find_map(|place| place.text("repositoryUri")) {
        Some(name) => builder.target(TargetKind::Repository, name, None),
        None => builder.target(TargetKind::Other, "", None),
    }
}

fn rules<'a>(run: &Item<'a>) -> HashMap<&'a str, Item<'a>> {
    let tool = run.get("tool");
    let driver = tool.as_ref().and_then(|tool| tool.get("driver"));
    let extensions = tool.map(|tool| tool.elements("extensions")).unwrap_or_default();
    let lists = driver.into_iter().chain(extensions).filter_map(|component| component.get("rules"));
    let all = lists.flat_map(|list| list.all());
    let mut rules = HashMap::new();
    for rule in all {
        if let Some(id) = rule.text("id") {
            rules.entry(id).or_insert(rule);
        }
    }
    rules
}

/// The absolute bases of the run, which are places on the machine that ran the tool.
fn roots(run: &Item<'_>) -> Vec<String> {
    let Some(bases) = run.get("originalUriBaseIds") else { return Vec::new() };
    let names = bases.value().as_object().into_iter().flat_map(|bases| bases.keys());
    names.take(limits::LIST).filter_map(|name| uri::root(bases.get(name)?.text("uri")?)).collect()
}

impl<'a> Run<'a> {
    fn read_result(&self, result: &Item<'a>, builder: &mut Builder) {
        match (result.text("kind").unwrap_or("fail"), result.text("baselineState")) {
            ("pass" | "notApplicable" | "informational", _) | (_, Some("absent")) => return builder.clean(),
            ("fail", _) => {}
            _ => {
                let reason = "the tool could not decide; somebody has to look";
                return builder.skip(GapCode::NotCollected, result.pointer(), reason);
            }
        }
        let rule = self.rule(result);
        let said = result.text("ruleId").or_else(|| result.text_at(&["rule", "id"]));
        let Some(id) = said.or_else(|| rule.as_ref()?.text("id")).and_then(text::id) else {
            let reason = "it has no usable ruleId, and no ruleIndex of a rule that has an id";
            return builder.skip(GapCode::ParseError, result.pointer(), reason);
        };
        let class = self.class(&id, rule.as_ref());
        let message = message(result, rule.as_ref());
        let mut draft = Draft::new(class, id);
        let short = rule.as_ref().and_then(|rule| rule.text_at(&["shortDescription", "text"]));
        if class == FindingClass::Secret {
            draft.title = text::title(short.unwrap_or_default());
            let full = rule.as_ref().and_then(|rule| rule.text_at(&["fullDescription", "text"]));
            draft.description = text::clip(full.unwrap_or_default()).to_owned();
        } else {
            draft.title = text::title(short.unwrap_or(&message));
            draft.description.clone_from(&message);
        }
        (draft.severity, draft.severity_source) = self.severity(class, result, rule.as_ref(), builder);
        draft.evidence = self.places(result, builder);
        draft.references.extend(rule.as_ref().and_then(|rule| rule.text("helpUri")).and_then(text::link));
        draft.suppressed = suppression(result);
        draft.location = self.location(result, &draft.evidence, &message);
        builder.finding(self.target, draft);
    }

    fn rule(&self, result: &Item<'a>) -> Option<Item<'a>> {
        let id = result.text("ruleId").or_else(|| result.text_at(&["rule", "id"]));
        // A rule may be split into parts: `CA1000/1` is described by `CA1000`.
        let described =
            id.and_then(|id| self.rules.get(id).or_else(|| self.rules.get(id.rsplit_once('/')?.0)));
        if let Some(rule) = described {
            return Some(rule.clone());
        }
        let reference = result.get("rule");
        let index = result.whole("ruleIndex").or_else(|| reference.as_ref()?.whole("index"))?;
        let extension = reference.and_then(|rule| rule.get("toolComponent")?.whole("index"));
        let tool = self.item.get("tool")?;
        let component = match extension {
            Some(extension) => tool.nth("extensions", extension)?,
            None => tool.get("driver")?,
        };
        component.nth("rules", index).filter(|rule| id.is_none() || rule.text("id") == id)
    }

    fn class(&self, id: &str, rule: Option<&Item<'a>>) -> FindingClass {
        let tags =
            rule.and_then(|rule| rule.get("properties")).map(|bag| bag.texts("tags")).unwrap_or_default();
        let tagged =
            |words: &[&str]| tags.iter().any(|tag| words.iter().any(|word| tag.eq_ignore_ascii_case(word)));
        let secrets = ["gitleaks", "trufflehog", "detect-secrets", "betterleaks"];
        if tagged(&["secret", "secrets"]) || secrets.iter().any(|tool| self.tool.eq_ignore_ascii_case(tool)) {
            FindingClass::Secret
        } else if tagged(&["vulnerability"]) || id.starts_with("CVE-") || id.starts_with("GHSA-") {
            FindingClass::Vulnerability
        } else if tagged(&["license"]) {
            FindingClass::License
        } else if tagged(&["malware"]) {
            FindingClass::Malware
        } else {
            FindingClass::Misconfiguration
        }
    }

    fn severity(
        &self,
        class: FindingClass,
        result: &Item<'a>,
        rule: Option<&Item<'a>>,
        builder: &mut Builder,
    ) -> (Severity, String) {
        let bags = [result.get("properties"), rule.and_then(|rule| rule.get("properties"))];
        for bag in bags.into_iter().flatten().filter(|bag| bag.get("security-severity").is_some()) {
            match bag.number("security-severity").filter(|score| (0.0..=10.0).contains(score)) {
                Some(score) => {
                    return (Severity::from_cvss_score(score), format!("{} security-severity", self.tool));
                }
                None => builder.gap(
                    GapCode::ParseError,
                    bag.pointer_of("security-severity"),
                    "it is no number from 0 to 10",
                ),
            }
        }
        let default = rule.and_then(|rule| rule.text_at(&["defaultConfiguration", "level"]));
        let said = result.text("level").or(default);
        if class == FindingClass::Secret && said.is_none() {
            return (Severity::High, super::gitleaks::UNRATED.to_owned());
        }
        let level = said.unwrap_or("warning");
        let severity = match level {
            "error" => Severity::High,
            "warning" => Severity::Medium,
            "note" => Severity::Low,
            "none" => Severity::None,
            _ => {
                builder.gap(GapCode::ParseError, result.pointer_of("level"), "it is no level of SARIF");
                Severity::Unknown
            }
        };
        (severity, format!("{} level", self.tool))
    }

    fn places(&self, result: &Item<'a>, builder: &mut Builder) -> Vec<Evidence> {
        let mut places = Vec::new();
        for location in result.elements("locations").into_iter().take(limits::LIST) {
            let line =
                location.find(&["physicalLocation", "region"]).and_then(|region| region.whole("startLine"));
            let artifact = location.find(&["physicalLocation", "artifactLocation"]);
            match artifact.as_ref().and_then(|artifact| self.path(artifact)) {
                Some(path) => places.push(place(path, METHOD, line)),
                None if artifact.is_some() => {
                    let reason = "it names no file below what was looked at";
                    builder.gap(GapCode::UnsafePath, location.pointer(), reason);
                }
                None => {
                    let logical = location.elements("logicalLocations");
                    let name = logical
                        .iter()
                        .find_map(|place| place.text("fullyQualifiedName").or(place.text("name")));
                    places.extend(name.and_then(text::exact).map(|name| place(name, METHOD, None)));
                }
            }
        }
        places
    }

    fn path(&self, artifact: &Item<'a>) -> Option<String> {
        let listed =
            artifact.whole("index").and_then(|index| self.item.nth("artifacts", index)?.get("location"));
        let artifact = if artifact.text("uri").is_some() { artifact.clone() } else { listed? };
        let bases = self.item.get("originalUriBaseIds");
        let mut chain = Vec::new();
        let mut next = artifact.text("uriBaseId");
        // Bases may stand below each other in a circle.
        for _ in 0..BASES_MAX {
            let Some(name) = next.filter(|name| name.len() <= limits::ID_BYTES) else { break };
            let base = bases.as_ref().and_then(|bases| bases.get(name));
            chain.extend(base.as_ref().and_then(|base| base.text("uri")));
            next = base.and_then(|base| base.text("uriBaseId"));
        }
        uri::reference(artifact.text("uri")?, &chain, &self.roots)
    }

    /// Fingerprints stand alone. Partial ones count occurrences within a file, so they stand with its path. Without any
    /// it is the line.
    fn location(&self, result: &Item<'a>, places: &[Evidence], message: &str) -> Vec<String> {
        let path = places.first().map(|place| place.path.clone()).unwrap_or_default();
        let mut location = vec![METHOD.to_owned(), self.tool.clone()];
        let whole = fingerprints(result, "fingerprints");
        let partial = fingerprints(result, "partialFingerprints");
        if !whole.is_empty() {
            location.push("fingerprints".to_owned());
            location.extend(whole);
        } else if !partial.is_empty() {
            location.extend(["partial".to_owned(), path]);
            location.extend(partial);
        } else {
            let first = result.elements("locations").into_iter().next();
            let region = first.and_then(|first| first.find(&["physicalLocation", "region"]));
            let number = |name| region.as_ref().and_then(|region| region.whole(name)).unwrap_or_default();
            location.extend(["place".to_owned(), path, number("startLine").to_string()]);
            location.extend([number("startColumn").to_string(), message.to_owned()]);
        }
        location
    }
}

fn fingerprints(result: &Item<'_>, name: &str) -> Vec<String> {
    let Some(bag) = result.get(name) else { return Vec::new() };
    let members = bag.value().as_object().into_iter().flatten();
    let told = members.filter(|(name, _)| !COMMIT_FACTS.contains(&name.as_str()));
    let mut all: Vec<String> =
        told.filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    all.sort();
    all
}

/// The message with its arguments, which may stand in the rule.
fn message(result: &Item<'_>, rule: Option<&Item<'_>>) -> String {
    let Some(message) = result.get("message") else { return String::new() };
    let told =
        message.text("text").or_else(|| rule?.find(&["messageStrings", message.text("id")?])?.text("text"));
    let mut out = text::clip(told.unwrap_or_default()).to_owned();
    for (number, argument) in message.texts("arguments").iter().enumerate().take(limits::LIST) {
        if out.len() > limits::BODY_BYTES {
            break;
        }
        let argument: String = argument.chars().take(limits::TITLE_CHARS).collect();
        out = out.replacen(&format!("{{{number}}}"), &argument, limits::LIST);
    }
    out
}

/// Suppressed where there are suppressions and none of them is still under review or was rejected.
fn suppression(result: &Item<'_>) -> Option<model::Suppression> {
    let all = result.elements("suppressions");
    let first = all.first()?;
    if all.iter().any(|one| matches!(one.text("status"), Some("underReview" | "rejected"))) {
        return None;
    }
    let kind = first.text("kind").unwrap_or("external");
    let reason = first
        .text("justification")
        .map_or_else(|| format!("suppressed in the report ({kind})"), str::to_owned);
    suppressed("suppressed-by-tool", reason)
}
