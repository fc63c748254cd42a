//! What scans of the images that a cluster runs say of it, as frameworks ask for it: by class of findings.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::evidence::Rule;
use engine::Plan;
use engine::posture::Observation;
use model::{AssetId, FindingClass, FindingState, Severity, TargetKind, TenantId};
use store::{AssetDetail, AssetFilter, AssetSort, FindingFilter, FindingSort, PageRequest, Store};

/// A class of findings, as catalogues name it.
struct Class {
    class: FindingClass,
    rule: &'static str,
    title: &'static str,
    /// Those that count; empty for all.
    severities: &'static [Severity],
}

/// Vulnerabilities count from high on: nobody's image is without lesser ones, and a rule that always fails says nothing.
const CLASSES: [Class; 4] = [
    Class {
        class: FindingClass::Vulnerability,
        rule: "class:vulnerability",
        title: "A running image has a vulnerability of high or critical severity",
        severities: &[Severity::Critical, Severity::High],
    },
    Class {
        class: FindingClass::Secret,
        rule: "class:secret",
        title: "A running image holds a credential",
        severities: &[],
    },
    Class {
        class: FindingClass::Malware,
        rule: "class:malware",
        title: "A running image holds a file that is known to be harmful",
        severities: &[],
    },
    Class {
        class: FindingClass::License,
        rule: "class:license",
        title: "A running image holds a package under a licence that is not allowed",
        severities: &[],
    },
];

/// The rules of [`observed`], as evidence describes them. What finds packages stands for the vulnerabilities that they have.
pub(crate) fn rules(plan: &Plan) -> Vec<Rule> {
    let Some(analyzer) = plan.analyzers().first() else { return Vec::new() };
    let rule = |class: &Class| Rule {
        digest: analyzer.plugin().digest().to_string(),
        id: class.rule.to_owned(),
        severity: Severity::Critical,
        title: class.title.to_owned(),
        version: analyzer.plugin().manifest().version.clone(),
    };
    CLASSES.iter().map(rule).collect()
}

/// One observation for each image and class. An image that nobody has scanned yet could not be told of, and neither could the
/// vulnerabilities of one whose last scan did not see everything. Classes that no analyzer looks for are observed only where
/// there is something: that nothing was found of them would be no evidence.
pub(crate) async fn observed(
    store: &Store,
    tenant: &TenantId,
    images: &BTreeMap<String, String>,
) -> store::Result<Vec<Observation>> {
    let mut all = Vec::new();
    for digest in images.keys() {
        let scanned = scanned(store, tenant, digest).await?;
        for class in &CLASSES {
            let failed = match &scanned {
                Some(image) if found(store, tenant, &image.row.id, class).await? => Some(true),
                _ if class.class != FindingClass::Vulnerability => continue,
                Some(image) if image.coverage.complete => Some(false),
                _ => None,
            };
            all.push(Observation {
                rule: Arc::from(class.rule),
                asset: Arc::from(digest.as_str()),
                failed,
                severity: Severity::High,
            });
        }
    }
    Ok(all)
}

/// The image as it was scanned: under this digest, or under the one that a reference of this digest led to, as that of an index does.
pub(crate) async fn scanned(
    store: &Store,
    tenant: &TenantId,
    digest: &str,
) -> store::Result<Option<AssetDetail>> {
    if let Some(image) = store.asset(tenant, &AssetId(digest.to_owned())).await? {
        return Ok(Some(image));
    }
    let filter = AssetFilter { kinds: vec![TargetKind::Image], text: Some(digest.to_owned()) };
    let page = PageRequest { cursor: None, limit: 1 };
    let named = store.assets(tenant, &filter, AssetSort::LastScan, &page).await?;
    let Some(row) = named.items.first() else { return Ok(None) };
    store.asset(tenant, &row.id).await
}

async fn found(store: &Store, tenant: &TenantId, image: &AssetId, class: &Class) -> store::Result<bool> {
    let filter = FindingFilter {
        severities: class.severities.to_vec(),
        states: vec![FindingState::Open],
        classes: vec![class.class],
        suppressed: Some(false),
        asset: Some(image.clone()),
        ..FindingFilter::default()
    };
    let page = PageRequest { cursor: None, limit: 1 };
    Ok(!store.findings(tenant, &filter, FindingSort::Severity, &page).await?.items.is_empty())
}
