//! Names of Kubernetes users, and what they say.

use model::event::ActorKind;

/// Who nobody in particular is.
const ANONYMOUS: &str = "system:anonymous";

/// What sort of principal a user name of Kubernetes stands for.
pub(super) fn kind(name: &str) -> ActorKind {
    match name.strip_prefix("system:") {
        _ if name == ANONYMOUS || name.is_empty() => ActorKind::Unknown,
        None => ActorKind::User,
        Some(rest) if rest.starts_with("serviceaccount:") => ActorKind::ServiceAccount,
        Some(rest) if rest.starts_with("node:") => ActorKind::Node,
        Some(_) => ActorKind::Service,
    }
}

/// Namespace and name of a service account.
pub(super) fn service_account(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("system:serviceaccount:")?.split_once(':')
}

/// Whether a subresource is a way into a pod, whose HTTP verb says nothing of what is done.
pub(super) fn is_connection(subresource: &str) -> bool {
    matches!(subresource, "exec" | "attach" | "portforward")
}

#[cfg(test)]
mod tests {
    use model::event::ActorKind;

    #[test]
    fn user_names_say_what_they_are() {
        use ActorKind::{Node, Service, ServiceAccount, Unknown, User};
        let names = [
            "system:serviceaccount:a:b",
            "system:node:n",
            "system:kube-scheduler",
            "system:anonymous",
            "",
            "ann",
        ];
        assert_eq!(names.map(super::kind), [ServiceAccount, Node, Service, Unknown, Unknown, User]);
        assert_eq!(super::service_account("system:serviceaccount:a:b"), Some(("a", "b")));
    }
}
