//! What the operator allows, whatever playbooks say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::playbook::{Gitops, Rate};
use crate::step::Class;

/// What the operator allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Settings {
    /// Namespaces in which nothing is done unless a playbook names them under `allow-protected`.
    pub protected: Vec<String>,
    /// What becomes of objects that a reconciler owns.
    pub gitops: Gitops,
    /// The worst that a playbook may do without anybody's approval.
    pub automatic: Class,
    /// How much all playbooks together may do, for each class.
    pub rates: BTreeMap<Class, Rate>,
    /// Of all pods of the cluster at most this part in one run, in percent, rounded down; one pod may always be touched.
    pub max_pods_percent: u64,
}

impl Default for Settings {
    /// The namespaces of Kubernetes and `palisade`; what a reconciler owns is left alone; what cannot be taken back needs approval;
    /// 30 reversible and 10 destructive actions in ten minutes, a tenth of all pods.
    fn default() -> Self {
        let protected = ["kube-system", "kube-public", "kube-node-lease", "palisade"];
        let rate = |count| Rate { count, seconds: 600 };
        Self {
            protected: protected.map(str::to_owned).into(),
            gitops: Gitops::Refuse,
            automatic: Class::Reversible,
            rates: [(Class::Reversible, rate(30)), (Class::Destructive, rate(10))].into(),
            max_pods_percent: 10,
        }
    }
}
