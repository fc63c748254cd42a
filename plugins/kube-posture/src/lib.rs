//! Checks of Kubernetes objects: pod security, access rights, networks, secrets, images, admission, service meshes.
//!
//! Every check is a small function of one object; what it has to know of others it asks the platform. A table for each topic
//! joins it to its rule; what the rules mean stands in `rules/`. A body that is not what its kind should be is a problem of
//! that object, never a crash.

mod admission;
mod bindings;
mod capabilities;
mod cluster;
mod detect;
mod exposure;
mod external_secrets;
mod finding;
mod graph;
mod host;
mod images;
mod istio;
mod linkerd;
mod namespaces;
mod network_policies;
mod object;
mod pod;
mod pods;
mod rbac_rule;
mod resources;
mod roles;
mod scheduling;
mod secrets;
mod service_accounts;
mod strict;
mod vault;
mod workload;

use palisade_sdk::{Checks, Config, Error, Posture, Resource, Severity, Unreadable};
use serde::de::DeserializeOwned;

use crate::finding::{Object, Table, run};
use crate::graph::{Graph, Id};
use crate::object::{Envelope, Metadata};
use crate::workload::Workload;

/// The manifest that is built into the component, without the rules, which the build adds.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// The plugin. It has no settings.
pub struct KubePosture {
    graph: Graph,
}

impl std::fmt::Debug for KubePosture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubePosture").finish_non_exhaustive()
    }
}

#[palisade_sdk::posture]
impl Posture for KubePosture {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self { graph: Graph::default() })
    }

    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        let envelope: Envelope = read(&resource.body)?;
        Examination { resource, meta: &envelope.metadata, graph: &self.graph }.all(&envelope, checks)
    }
}

/// The kinds of objects that have checks.
macro_rules! kinds {
    ($self:ident, $checks:ident, $group:ident, $kind:ident, {
        $(($own_group:literal, $own_kind:literal) => [$($table:path),+],)*
    }) => {
        match ($group, $kind) {
            $(($own_group, $own_kind) => { $($self.run($table, &read(&$self.resource.body)?, $checks);)+ })*
            _ => {}
        }
    };
}

/// A body as a type of the checks.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    strict::read(body).map_err(|error| Unreadable(format!("the resource's body is not as expected: {error}")))
}

/// One object on its way through the tables.
struct Examination<'a> {
    resource: &'a Resource,
    meta: &'a Metadata,
    graph: &'a Graph,
}

impl Examination<'_> {
    fn run<T>(&self, table: &Table<T>, body: &T, checks: &mut Checks<'_>) {
        let id = Id::parse(&self.resource.asset);
        run(table, &Object { id, graph: self.graph, meta: self.meta, body }, checks);
    }

    fn all(&self, envelope: &Envelope, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        let (version, kind) = self.resource.kind.rsplit_once('/').unwrap_or_default();
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        if let Some(kind) = workload::Kind::of(group, kind) {
            return self.workload(kind, envelope, checks);
        }
        match (group, kind) {
            ("", "Namespace") if namespaces::skipped(self.meta) => return Ok(()),
            ("", "Namespace") => self.run(namespaces::CHECKS, envelope, checks),
            (roles::RBAC, "Role" | "ClusterRole") => {
                if roles::built_in(self.meta) {
                    return Ok(());
                }
                self.run(roles::CHECKS, &read(&self.resource.body)?, checks);
            }
            (roles::RBAC, "RoleBinding" | "ClusterRoleBinding") => {
                let binding = read(&self.resource.body)?;
                if bindings::built_in(self.meta, &binding) {
                    return Ok(());
                }
                self.run(bindings::CHECKS, &binding, checks);
            }
            _ => self.other(group, kind, checks)?,
        }
        self.run(secrets::ANNOTATION_CHECKS, envelope, checks);
        Ok(())
    }

    fn workload(
        &self,
        kind: workload::Kind,
        envelope: &Envelope,
        checks: &mut Checks<'_>,
    ) -> Result<(), Unreadable> {
        let workload = Workload::read(kind, &self.resource.body)?;
        if workload.control_plane(self.meta.namespace()) {
            return Ok(());
        }
        for table in WORKLOAD_TABLES {
            self.run(table, &workload, checks);
        }
        self.run(secrets::ANNOTATION_CHECKS, envelope, checks);
        Ok(())
    }

    fn other(&self, group: &str, kind: &str, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        kinds!(self, checks, group, kind, {
            ("", "Service") => [exposure::SERVICE_CHECKS],
            ("", "ServiceAccount") => [service_accounts::ACCOUNT_CHECKS],
            ("", "Secret") => [secrets::SECRET_CHECKS],
            ("", "ConfigMap") => [secrets::CONFIG_MAP_CHECKS],
            ("", "LimitRange") => [resources::LIMIT_RANGE_CHECKS],
            ("", "Node") => [cluster::NODE_CHECKS],
            ("", "PersistentVolume") => [host::PERSISTENT_VOLUME_CHECKS],
            ("storage.k8s.io", "StorageClass") => [cluster::STORAGE_CLASS_CHECKS],
            ("policy", "PodDisruptionBudget") => [resources::BUDGET_CHECKS],
            ("networking.k8s.io", "NetworkPolicy") => [network_policies::CHECKS],
            ("networking.k8s.io", "Ingress") => [exposure::INGRESS_CHECKS],
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => [admission::WEBHOOK_CHECKS],
            ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => [admission::WEBHOOK_CHECKS],
            ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => [admission::POLICY_CHECKS],
            ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => [admission::POLICY_BINDING_CHECKS],
            ("apiregistration.k8s.io", "APIService") => [admission::API_SERVICE_CHECKS],
            ("gateway.networking.k8s.io", "Gateway") => [exposure::GATEWAY_CHECKS],
            ("gateway.networking.k8s.io", "ReferenceGrant") => [exposure::GRANT_CHECKS],
            ("security.istio.io", "PeerAuthentication") => [istio::PEER_CHECKS],
            ("security.istio.io", "AuthorizationPolicy") => [istio::AUTHORIZATION_CHECKS],
            ("networking.istio.io", "Gateway") => [istio::GATEWAY_CHECKS],
            ("networking.istio.io", "ServiceEntry") => [istio::SERVICE_ENTRY_CHECKS],
            ("networking.istio.io", "Sidecar") => [istio::SIDECAR_CHECKS],
            ("networking.istio.io", "DestinationRule") => [istio::DESTINATION_CHECKS],
            ("policy.linkerd.io", "Server") => [linkerd::SERVER_CHECKS],
            ("policy.linkerd.io", "ServerAuthorization") => [linkerd::SERVER_AUTHORIZATION_CHECKS],
            ("policy.linkerd.io", "AuthorizationPolicy") => [linkerd::AUTHORIZATION_CHECKS],
            ("policy.linkerd.io", "MeshTLSAuthentication") => [linkerd::MESH_AUTHENTICATION_CHECKS],
            ("policy.linkerd.io", "NetworkAuthentication") => [linkerd::NETWORK_AUTHENTICATION_CHECKS],
            ("secrets.hashicorp.com", "VaultAuth") => [vault::AUTH_CHECKS],
            ("secrets.hashicorp.com", "VaultConnection") => [vault::CONNECTION_CHECKS],
            ("external-secrets.io", "SecretStore") => [external_secrets::STORE_CHECKS],
            ("external-secrets.io", "ClusterSecretStore") => [
                external_secrets::STORE_CHECKS,
                external_secrets::CLUSTER_STORE_CHECKS
            ],
            ("external-secrets.io", "ExternalSecret") => [external_secrets::EXTERNAL_CHECKS],
            ("external-secrets.io", "ClusterExternalSecret") => [external_secrets::CLUSTER_EXTERNAL_CHECKS],
        });
        Ok(())
    }
}

const WORKLOAD_TABLES: [&Table<Workload>; 12] = [
    pods::CHECKS,
    host::CHECKS,
    capabilities::CHECKS,
    images::CHECKS,
    resources::CHECKS,
    scheduling::CHECKS,
    secrets::CHECKS,
    service_accounts::CHECKS,
    network_policies::WORKLOAD_CHECKS,
    istio::WORKLOAD_CHECKS,
    linkerd::WORKLOAD_CHECKS,
    vault::WORKLOAD_CHECKS,
];

/// Every rule that the code can report, with its usual severity, once for each table it stands in.
#[must_use]
pub fn rules() -> Vec<(&'static str, Severity)> {
    fn of<T>(table: &Table<T>) -> impl Iterator<Item = (&'static str, Severity)> + '_ {
        table.iter().map(|(rule, severity, _)| (*rule, *severity))
    }
    let mut rules: Vec<_> = WORKLOAD_TABLES.into_iter().flat_map(of).collect();
    macro_rules! add {
        ($($table:path),+ $(,)?) => { $(rules.extend(of($table));)+ };
    }
    add!(
        namespaces::CHECKS,
        roles::CHECKS,
        bindings::CHECKS,
        exposure::SERVICE_CHECKS,
        service_accounts::ACCOUNT_CHECKS,
        secrets::SECRET_CHECKS,
        secrets::CONFIG_MAP_CHECKS,
        secrets::ANNOTATION_CHECKS,
        resources::LIMIT_RANGE_CHECKS,
        cluster::NODE_CHECKS,
        host::PERSISTENT_VOLUME_CHECKS,
        cluster::STORAGE_CLASS_CHECKS,
        resources::BUDGET_CHECKS,
        network_policies::CHECKS,
        exposure::INGRESS_CHECKS,
        admission::WEBHOOK_CHECKS,
        admission::POLICY_CHECKS,
        admission::POLICY_BINDING_CHECKS,
        admission::API_SERVICE_CHECKS,
        exposure::GATEWAY_CHECKS,
        exposure::GRANT_CHECKS,
        istio::PEER_CHECKS,
        istio::AUTHORIZATION_CHECKS,
        istio::GATEWAY_CHECKS,
        istio::SERVICE_ENTRY_CHECKS,
        istio::SIDECAR_CHECKS,
        istio::DESTINATION_CHECKS,
        linkerd::SERVER_CHECKS,
        linkerd::SERVER_AUTHORIZATION_CHECKS,
        linkerd::AUTHORIZATION_CHECKS,
        linkerd::MESH_AUTHENTICATION_CHECKS,
        linkerd::NETWORK_AUTHENTICATION_CHECKS,
        vault::AUTH_CHECKS,
        vault::CONNECTION_CHECKS,
        external_secrets::STORE_CHECKS,
        external_secrets::CLUSTER_STORE_CHECKS,
        external_secrets::EXTERNAL_CHECKS,
        external_secrets::CLUSTER_EXTERNAL_CHECKS,
    );
    rules
}
