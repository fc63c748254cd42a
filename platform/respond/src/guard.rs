//! What is not to be touched: namespaces that keep the cluster alive, and objects that somebody puts back.

use serde_json::Value;

use crate::object::shown;

/// Who puts an object back when it is changed; nothing if nobody is known to.
///
/// An object that another one controls is that one's business: labels that reached it through a template say nothing about it.
pub(crate) fn reconciler(object: &Value) -> Option<String> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    if owners.into_iter().flatten().any(|owner| owner["controller"] == true) {
        return None;
    }
    let of = |map: &str, name: &str| {
        let value = object.get("metadata")?.get(map)?.get(name)?.as_str()?;
        Some(shown(value)).filter(|value| !value.is_empty())
    };
    // argo-cd: `argocd.argoproj.io/tracking-id` is `APPLICATION:GROUP/KIND:NAMESPACE/NAME`.
    if let Some(tracking) = of("annotations", "argocd.argoproj.io/tracking-id") {
        let application = tracking.split(':').next().unwrap_or_default().to_owned();
        return Some(format!("the application {application} of Argo CD"));
    }
    if let Some(application) = of("labels", "argocd.argoproj.io/instance") {
        return Some(format!("the application {application} of Argo CD"));
    }
    // fluxcd: the object and its namespace in two labels.
    for (prefix, what) in
        [("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")]
    {
        if let Some(name) = of("labels", &format!("{prefix}/name")) {
            let namespace = of("labels", &format!("{prefix}/namespace")).unwrap_or_default();
            return Some(format!("the {what} {namespace}/{name} of Flux"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::reconciler;

    #[test]
    fn reconcilers_are_told_by_their_marks() {
        let who = |metadata: serde_json::Value| reconciler(&json!({ "metadata": metadata }));
        assert_eq!(
            who(json!({ "labels": { "app.kubernetes.io/instance": "web" } })),
            None,
            "Helm alone puts nothing back"
        );
        let argo = json!({ "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" });
        assert_eq!(who(json!({ "annotations": argo })).unwrap(), "the application shop of Argo CD");
        let flux = json!({ "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux" });
        assert_eq!(who(json!({ "labels": flux })).unwrap(), "the Kustomization flux/apps of Flux");
        assert_eq!(who(json!({ "labels": flux, "ownerReferences": [{ "controller": true }] })), None);
        let release = json!({ "helm.toolkit.fluxcd.io/name": "web" });
        assert!(who(json!({ "labels": release })).unwrap().contains("HelmRelease"));
    }
}
