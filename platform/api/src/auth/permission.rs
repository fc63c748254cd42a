//! What a caller may do: permissions, the roles that bundle them, and which permission each operation needs.
//!
//! The table [`OPERATIONS`] is the one place that says so; the guard enforces it and the OpenAPI document is made from
//! it. An operation that is not in it is open to nobody but who may do everything, and a test finds it.

use std::collections::BTreeSet;
use std::fmt;

use axum::http::Method;

use crate::assistants;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Each of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The one with this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What an operation needs; one per area and verb.
    Permission {
        /// Read findings, scans, images, inventory, graphs, compliance, evidence, exceptions and advisories.
        FindingsRead = "findings:read",
        /// Change findings, and make and end exceptions.
        FindingsWrite = "findings:write",
        /// Ask for scans, and bring in reports of other tools.
        ScansWrite = "scans:write",
        /// Read events, detections, incidents, sources, sensors, suppressions and backtests.
        RuntimeRead = "runtime:read",
        /// Change incidents and suppressions, and run backtests.
        RuntimeWrite = "runtime:write",
        /// Read playbooks, responses and their ledger.
        ResponsesRead = "responses:read",
        /// Start and cancel responses, and turn the kill switch.
        ResponsesWrite = "responses:write",
        /// Decide on responses that wait for people.
        ResponsesApprove = "responses:approve",
        /// Read which plugins there are, with which rights.
        PluginsRead = "plugins:read",
        /// Approve, promote, activate, release and retire plugins.
        PluginsWrite = "plugins:write",
        /// Read the metrics of the server, and where findings are told.
        SettingsRead = "settings:read",
        /// Read the audit log.
        AuditRead = "audit:read",
        /// Make, change and remove sources of events and destinations of findings.
        SettingsWrite = "settings:write",
    }
}

words! {
    /// A bundle of permissions that a token has by name.
    Role {
        /// Reads everything but how the server is set up and doing.
        Viewer = "viewer",
        /// A viewer who triages findings and incidents and asks for scans.
        Analyst = "analyst",
        /// An analyst who runs and approves responses.
        Responder = "responder",
        /// Reads everything and changes nothing.
        Auditor = "auditor",
        /// An auditor who sets the installation up: plugins, sources and destinations.
        Operator = "operator",
        /// May do everything.
        Admin = "admin",
    }
}

impl Role {
    /// What it allows.
    #[must_use]
    pub fn permissions(self) -> BTreeSet<Permission> {
        let allows = |permission: &Permission| self.allows(*permission);
        Permission::ALL.iter().copied().filter(allows).collect()
    }

    fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        let viewed =
            matches!(permission, P::FindingsRead | P::RuntimeRead | P::ResponsesRead | P::PluginsRead);
        let triaged = matches!(permission, P::FindingsWrite | P::ScansWrite | P::RuntimeWrite);
        match self {
            Self::Viewer => viewed,
            Self::Analyst => viewed || triaged,
            Self::Responder => {
                viewed || triaged || matches!(permission, P::ResponsesWrite | P::ResponsesApprove)
            }
            Self::Auditor => viewed || matches!(permission, P::SettingsRead | P::AuditRead),
            Self::Operator => {
                viewed
                    || matches!(
                        permission,
                        P::AuditRead | P::PluginsWrite | P::SettingsRead | P::SettingsWrite
                    )
            }
            Self::Admin => true,
        }
    }
}

/// The scope that tokens had before there were roles. It is the role `admin`.
const SCOPE_ALL: &str = "all";
/// What stands before the name of a role in a scope.
const ROLE: &str = "role:";

/// The scope that gives a role.
pub(crate) fn role_scope(role: Role) -> String {
    format!("{ROLE}{role}")
}

/// What the scopes of a token allow together. A scope of a later release, which this one does not know, allows nothing.
pub(crate) fn allowed(scopes: &[String]) -> BTreeSet<Permission> {
    scopes.iter().flat_map(|scope| scope_permissions(scope)).collect()
}

fn scope_permissions(scope: &str) -> BTreeSet<Permission> {
    if scope == SCOPE_ALL {
        return Role::Admin.permissions();
    }
    match scope.strip_prefix(ROLE) {
        Some(role) => Role::parse(role).map(Role::permissions).unwrap_or_default(),
        None => Permission::parse(scope).into_iter().collect(),
    }
}

/// What an operation asks of whoever is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing more.
    Nothing,
    /// This permission.
    One(Permission),
    /// The table does not know the operation: it asks for every permission.
    All,
}

impl Need {
    /// What is missing of it; nothing if the caller may.
    pub(crate) fn missing(self, allowed: &BTreeSet<Permission>) -> Option<Permission> {
        match self {
            Self::Nothing => None,
            Self::One(permission) => (!allowed.contains(&permission)).then_some(permission),
            Self::All => Permission::ALL.iter().copied().find(|permission| !allowed.contains(permission)),
        }
    }
}

/// What an operation needs. `HEAD` is `GET` without the body.
pub(crate) fn need(method: &Method, route: &str) -> Need {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    // Each tool is an operation, which asks for its own.
    if route == assistants::PATH || OPEN.iter().any(|(open, path)| open == method && *path == route) {
        return Need::Nothing;
    }
    let known = OPERATIONS.iter().find(|(known, path, _)| known == method && *path == route);
    known.map_or(Need::All, |(_, _, permission)| Need::One(*permission))
}

/// The operations that anybody may use who is authenticated: about oneself, and about the server in general.
pub(crate) const OPEN: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/session"),
    (Method::DELETE, "/api/v1/session"),
    (Method::GET, "/api/v1/version"),
    (Method::GET, "/api/v1/openapi.json"),
    (Method::GET, "/api/v1/errors/{code}"),
];

/// The permission that each other operation needs. Public operations and the doors of sources are not here.
pub(crate) const OPERATIONS: &[(Method, &str, Permission)] = &[
    (Method::GET, "/api/v1/accounts/{id}/attack-paths", Permission::FindingsRead),
    (Method::GET, "/api/v1/accounts/{id}/exposure", Permission::FindingsRead),
    (Method::GET, "/api/v1/accounts/{id}/unused-rights", Permission::FindingsRead),
    (Method::GET, "/api/v1/accounts/{id}/who-can", Permission::FindingsRead),
    (Method::GET, "/api/v1/advisories", Permission::FindingsRead),
    (Method::GET, "/api/v1/attack-map", Permission::FindingsRead),
    (Method::GET, "/api/v1/attack-map/navigator", Permission::FindingsRead),
    (Method::GET, "/api/v1/audit", Permission::AuditRead),
    (Method::GET, "/api/v1/audit/export", Permission::AuditRead),
    (Method::GET, "/api/v1/audit/verify", Permission::AuditRead),
    (Method::GET, "/api/v1/backtests", Permission::RuntimeRead),
    (Method::POST, "/api/v1/backtests", Permission::RuntimeWrite),
    (Method::GET, "/api/v1/backtests/{id}", Permission::RuntimeRead),
    (Method::POST, "/api/v1/backtests/{id}/cancel", Permission::RuntimeWrite),
    (Method::GET, "/api/v1/clusters", Permission::FindingsRead),
    (Method::GET, "/api/v1/clusters/{id}/attack-paths", Permission::FindingsRead),
    (Method::GET, "/api/v1/clusters/{id}/exposure", Permission::FindingsRead),
    (Method::GET, "/api/v1/clusters/{id}/who-can", Permission::FindingsRead),
    (Method::GET, "/api/v1/compliance", Permission::FindingsRead),
    (Method::GET, "/api/v1/compliance/{framework}/{scope}", Permission::FindingsRead),
    (Method::GET, "/api/v1/compliance/{framework}/{scope}/oscal", Permission::FindingsRead),
    (Method::GET, "/api/v1/compliance/{framework}/{scope}/report", Permission::FindingsRead),
    (Method::GET, "/api/v1/destinations", Permission::SettingsRead),
    (Method::GET, "/api/v1/destinations/{name}", Permission::SettingsRead),
    (Method::PUT, "/api/v1/destinations/{name}", Permission::SettingsWrite),
    (Method::DELETE, "/api/v1/destinations/{name}", Permission::SettingsWrite),
    (Method::GET, "/api/v1/destinations/{name}/deliveries", Permission::SettingsRead),
    (Method::POST, "/api/v1/destinations/{name}/replay", Permission::SettingsWrite),
    (Method::POST, "/api/v1/destinations/{name}/test", Permission::SettingsWrite),
    (Method::GET, "/api/v1/destinations/{name}/tickets", Permission::SettingsRead),
    (Method::GET, "/api/v1/evidence", Permission::FindingsRead),
    (Method::GET, "/api/v1/evidence/pack", Permission::FindingsRead),
    (Method::GET, "/api/v1/evidence/verify", Permission::FindingsRead),
    (Method::GET, "/api/v1/exceptions", Permission::FindingsRead),
    (Method::POST, "/api/v1/exceptions", Permission::FindingsWrite),
    (Method::POST, "/api/v1/exceptions/{id}/revoke", Permission::FindingsWrite),
    (Method::GET, "/api/v1/finding-changes", Permission::FindingsRead),
    (Method::POST, "/api/v1/finding-changes", Permission::FindingsWrite),
    (Method::GET, "/api/v1/finding-changes/{id}", Permission::FindingsRead),
    (Method::POST, "/api/v1/finding-changes/{id}/cancel", Permission::FindingsWrite),
    (Method::POST, "/api/v1/finding-changes/{id}/undo", Permission::FindingsWrite),
    (Method::GET, "/api/v1/findings", Permission::FindingsRead),
    (Method::GET, "/api/v1/findings/export", Permission::FindingsRead),
    (Method::GET, "/api/v1/findings/facets", Permission::FindingsRead),
    (Method::GET, "/api/v1/findings/groups", Permission::FindingsRead),
    (Method::GET, "/api/v1/findings/{fingerprint}", Permission::FindingsRead),
    (Method::PATCH, "/api/v1/findings/{fingerprint}", Permission::FindingsWrite),
    (Method::GET, "/api/v1/images", Permission::FindingsRead),
    (Method::GET, "/api/v1/images/{id}", Permission::FindingsRead),
    (Method::GET, "/api/v1/images/{id}/packages", Permission::FindingsRead),
    (Method::GET, "/api/v1/imports", Permission::FindingsRead),
    (Method::POST, "/api/v1/imports", Permission::ScansWrite),
    (Method::GET, "/api/v1/imports/{id}", Permission::FindingsRead),
    (Method::GET, "/api/v1/incidents", Permission::RuntimeRead),
    (Method::GET, "/api/v1/incidents/{id}", Permission::RuntimeRead),
    (Method::PATCH, "/api/v1/incidents/{id}", Permission::RuntimeWrite),
    (Method::GET, "/api/v1/incidents/{id}/graph", Permission::RuntimeRead),
    (Method::GET, "/api/v1/incidents/{id}/timeline", Permission::RuntimeRead),
    (Method::GET, "/api/v1/inventory", Permission::FindingsRead),
    (Method::GET, "/api/v1/inventory/facets", Permission::FindingsRead),
    (Method::GET, "/api/v1/inventory/{id}", Permission::FindingsRead),
    (Method::GET, "/api/v1/kill-switch", Permission::ResponsesRead),
    (Method::PUT, "/api/v1/kill-switch", Permission::ResponsesWrite),
    (Method::GET, "/api/v1/metrics", Permission::SettingsRead),
    (Method::GET, "/api/v1/overview", Permission::FindingsRead),
    (Method::GET, "/api/v1/playbooks", Permission::ResponsesRead),
    (Method::GET, "/api/v1/plugins", Permission::PluginsRead),
    (Method::GET, "/api/v1/plugins/{id}", Permission::PluginsRead),
    (Method::POST, "/api/v1/plugins/{id}/activate", Permission::PluginsWrite),
    (Method::POST, "/api/v1/plugins/{id}/approve", Permission::PluginsWrite),
    (Method::POST, "/api/v1/plugins/{id}/promote", Permission::PluginsWrite),
    (Method::POST, "/api/v1/plugins/{id}/release", Permission::PluginsWrite),
    (Method::POST, "/api/v1/plugins/{id}/retire", Permission::PluginsWrite),
    (Method::GET, "/api/v1/responses", Permission::ResponsesRead),
    (Method::POST, "/api/v1/responses", Permission::ResponsesWrite),
    (Method::GET, "/api/v1/responses/ledger", Permission::ResponsesRead),
    (Method::GET, "/api/v1/responses/ledger/verify", Permission::ResponsesRead),
    (Method::GET, "/api/v1/responses/{id}", Permission::ResponsesRead),
    (Method::POST, "/api/v1/responses/{id}/cancel", Permission::ResponsesWrite),
    (Method::POST, "/api/v1/responses/{id}/decide", Permission::ResponsesApprove),
    (Method::GET, "/api/v1/runtime/detections", Permission::RuntimeRead),
    (Method::GET, "/api/v1/runtime/detections/{id}", Permission::RuntimeRead),
    (Method::GET, "/api/v1/runtime/events", Permission::RuntimeRead),
    (Method::GET, "/api/v1/runtime/events/{id}", Permission::RuntimeRead),
    (Method::GET, "/api/v1/runtime/events/{id}/process-tree", Permission::RuntimeRead),
    (Method::GET, "/api/v1/runtime/rules", Permission::RuntimeRead),
    (Method::GET, "/api/v1/runtime/sensors", Permission::RuntimeRead),
    (Method::GET, "/api/v1/runtime/sources", Permission::RuntimeRead),
    (Method::POST, "/api/v1/runtime/sources", Permission::SettingsWrite),
    (Method::GET, "/api/v1/runtime/sources/{name}", Permission::RuntimeRead),
    (Method::DELETE, "/api/v1/runtime/sources/{name}", Permission::SettingsWrite),
    (Method::POST, "/api/v1/runtime/sources/{name}/disable", Permission::SettingsWrite),
    (Method::POST, "/api/v1/runtime/sources/{name}/enable", Permission::SettingsWrite),
    (Method::POST, "/api/v1/runtime/sources/{name}/rotate", Permission::SettingsWrite),
    (Method::GET, "/api/v1/runtime/suppressions", Permission::RuntimeRead),
    (Method::POST, "/api/v1/runtime/suppressions", Permission::RuntimeWrite),
    (Method::POST, "/api/v1/runtime/suppressions/{id}/end", Permission::RuntimeWrite),
    (Method::GET, "/api/v1/scans", Permission::FindingsRead),
    (Method::POST, "/api/v1/scans", Permission::ScansWrite),
    (Method::GET, "/api/v1/scans/{id}", Permission::FindingsRead),
    (Method::GET, "/api/v1/scans/{id}/events", Permission::FindingsRead),
];
