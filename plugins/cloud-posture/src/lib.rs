//! Checks of AWS resources: identities, storage, networks, encryption, logging, computing, databases, containers.
//!
//! Every check is a small function of one resource's body, and asks nothing of others. A table for each kind of resource joins it
//! to its rule; what the rules mean stands in `rules/`. What nobody could collect is an error of the checks that need it, never a
//! pass or a failure.

mod account;
mod alarms;
mod body;
mod buckets;
mod caches;
mod cdn;
mod clusters;
mod condition;
mod databases;
mod disks;
mod finding;
mod functions;
mod gateways;
mod instances;
mod keys;
mod load_balancers;
mod messaging;
mod names;
mod networks;
mod permissions;
mod policy;
mod regions;
mod repositories;
mod search;
mod security_groups;
mod tasks;
mod time;
mod trails;
mod trust;
mod users;

use std::collections::BTreeSet;

use palisade_sdk::{Checks, Config, Error, Posture, Resource, Severity, Unreadable, clock};
use serde_json::Value;

use crate::body::{Body, Stop};
use crate::finding::{Table, run};

/// The manifest that is built into the component, without the rules, which the build adds.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// The plugin, with the accounts that it takes for the operator's own.
#[derive(Debug)]
pub struct CloudPosture {
    trusted: BTreeSet<String>,
    now: i64,
}

#[palisade_sdk::posture]
impl Posture for CloudPosture {
    fn new(config: &Config) -> Result<Self, Error> {
        let now = i64::try_from(clock::now() / SECOND).unwrap_or(i64::MAX);
        Ok(Self { trusted: trusted(config)?, now })
    }

    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        let value: Value = resource.json()?;
        let body = Body::new(&resource.asset, &value, self.now, &self.trusted).map_err(|stop| {
            let what = match stop {
                Stop::Wrong { at, wanted } => format!("{at:?} is not {wanted}"),
                Stop::Absent => "a member is missing".to_owned(),
            };
            Unreadable(format!("the resource's body is not as expected: {what}"))
        })?;
        for (_, table) in TABLES.iter().filter(|(kind, _)| *kind == resource.kind) {
            run(table, &body, checks);
        }
        Ok(())
    }
}

/// The setting `trusted-accounts`. A map and not a type of our own is read, because that would take a list as well.
fn trusted(config: &Config) -> Result<BTreeSet<String>, Error> {
    let wrong = |what: &str| {
        Error::InvalidConfig(format!("{what}; `trusted-accounts` is a list of account ids of 12 digits"))
    };
    let settings: serde_json::Map<String, Value> =
        config.parse().map_err(|_| wrong("the configuration is not a JSON object"))?;
    if let Some(key) = settings.keys().find(|key| *key != "trusted-accounts") {
        return Err(wrong(&format!("{:?} is not a setting", finding::shown(key))));
    }
    let Some(list) = settings.get("trusted-accounts") else { return Ok(BTreeSet::new()) };
    let list = list.as_array().ok_or_else(|| wrong("`trusted-accounts` is not a list"))?;
    let account =
        |item: &Value| item.as_str().filter(|text| policy::account(text) == Some(text)).map(str::to_owned);
    list.iter()
        .map(|item| account(item).ok_or_else(|| wrong("`trusted-accounts` has an item of another form")))
        .collect()
}

/// The checks of every kind of resource.
const TABLES: &[(&str, &Table)] = &[
    ("aws:iam:account", account::CHECKS),
    ("aws:s3:account", account::STORAGE_CHECKS),
    ("aws:account:region", regions::CHECKS),
    ("aws:iam:user", users::CHECKS),
    ("aws:iam:user", permissions::USER_CHECKS),
    ("aws:iam:group", permissions::GROUP_CHECKS),
    ("aws:iam:role", permissions::ROLE_CHECKS),
    ("aws:iam:role", trust::CHECKS),
    ("aws:iam:policy", permissions::POLICY_CHECKS),
    ("aws:s3:bucket", buckets::CHECKS),
    ("aws:ec2:volume", disks::VOLUME_CHECKS),
    ("aws:ec2:snapshot", disks::SNAPSHOT_CHECKS),
    ("aws:ec2:image", disks::IMAGE_CHECKS),
    ("aws:efs:file-system", disks::FILE_SYSTEM_CHECKS),
    ("aws:ec2:security-group", security_groups::CHECKS),
    ("aws:ec2:network-acl", networks::ACL_CHECKS),
    ("aws:ec2:vpc", networks::VPC_CHECKS),
    ("aws:ec2:subnet", networks::SUBNET_CHECKS),
    ("aws:ec2:instance", instances::CHECKS),
    ("aws:elbv2:load-balancer", load_balancers::CHECKS),
    ("aws:cloudfront:distribution", cdn::CHECKS),
    ("aws:apigateway:rest-api", gateways::REST_CHECKS),
    ("aws:apigatewayv2:api", gateways::HTTP_CHECKS),
    ("aws:acm:certificate", gateways::CERTIFICATE_CHECKS),
    ("aws:kms:key", keys::KEY_CHECKS),
    ("aws:secretsmanager:secret", keys::SECRET_CHECKS),
    ("aws:ssm:parameter", keys::PARAMETER_CHECKS),
    ("aws:rds:db-instance", databases::INSTANCE_CHECKS),
    ("aws:rds:db-cluster", databases::CLUSTER_CHECKS),
    ("aws:rds:db-snapshot", databases::SNAPSHOT_CHECKS),
    ("aws:rds:db-cluster-snapshot", databases::CLUSTER_SNAPSHOT_CHECKS),
    ("aws:rds:db-parameter-group", databases::PARAMETER_CHECKS),
    ("aws:dynamodb:table", databases::TABLE_CHECKS),
    ("aws:elasticache:replication-group", caches::GROUP_CHECKS),
    ("aws:elasticache:cache-cluster", caches::CLUSTER_CHECKS),
    ("aws:redshift:cluster", caches::WAREHOUSE_CHECKS),
    ("aws:opensearch:domain", search::CHECKS),
    ("aws:sns:topic", messaging::TOPIC_CHECKS),
    ("aws:sqs:queue", messaging::QUEUE_CHECKS),
    ("aws:cloudtrail:trail", trails::CHECKS),
    ("aws:logs:log-group", trails::LOG_GROUP_CHECKS),
    ("aws:logs:log-group", alarms::CHECKS),
    ("aws:lambda:function", functions::CHECKS),
    ("aws:ecs:task-definition", tasks::CHECKS),
    ("aws:ecs:service", tasks::SERVICE_CHECKS),
    ("aws:eks:cluster", clusters::CHECKS),
    ("aws:eks:nodegroup", clusters::NODE_CHECKS),
    ("aws:ecr:repository", repositories::CHECKS),
];

/// Every rule that the code can report, with its usual severity, once for each table it stands in.
#[must_use]
pub fn rules() -> Vec<(&'static str, Severity)> {
    TABLES.iter().flat_map(|(_, table)| table.iter().map(|(rule, severity, _)| (*rule, *severity))).collect()
}

/// The kinds of resources that have checks.
#[must_use]
pub fn kinds() -> BTreeSet<&'static str> {
    TABLES.iter().map(|(kind, _)| *kind).collect()
}
