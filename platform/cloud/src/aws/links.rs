//! What resources have to do with each other: the graph. Only what was collected is joined.

use std::collections::{BTreeMap, BTreeSet};

use model::graph::{AssetNode, Edge, Relation};
use serde_json::{Map, Value};

use crate::aws::access::Access;
use crate::aws::account::{Account, Attached, IdentityKind, owner};
use crate::aws::arn::{self, Arn};
use crate::aws::exposure::Exposure;
use crate::aws::policy::{Effect, Named};
use crate::resource::{Resource, list_in, text_in};

/// Kinds that AWS names by an id inside of a region, and the key of that.
const SHORT: [(&str, &str); 8] = [
    ("aws:ec2:security-group", "GroupId"),
    ("aws:ec2:subnet", "SubnetId"),
    ("aws:ec2:vpc", "VpcId"),
    ("aws:ec2:volume", "VolumeId"),
    ("aws:ec2:snapshot", "SnapshotId"),
    ("aws:ec2:image", "ImageId"),
    ("aws:ec2:instance", "InstanceId"),
    ("aws:kms:key", "KeyId"),
];

impl Account {
    /// The resources as nodes, and everything that joins them, sorted.
    #[must_use]
    pub fn graph(&self) -> (Vec<AssetNode>, Vec<Relation>) {
        let access = Access::of(self);
        let exposure = Exposure::of(self, &access);
        let nodes = self.resources().map(|resource| node(resource, &exposure)).collect();
        let relations = Joining::of(self, &access).relations();
        (nodes, relations.into_iter().collect())
    }
}

fn node(resource: &Resource, exposure: &Exposure) -> AssetNode {
    let mut facts = Map::new();
    for key in ["Account", "Region"] {
        facts.extend(resource.text(&[key]).map(|value| (key.to_ascii_lowercase(), Value::from(value))));
    }
    if let Some(exposed) = exposure.resource(&resource.id) {
        facts.insert("exposure".to_owned(), serde_json::json!(exposed.verdict));
    }
    let attributes = serde_json::json!({
        "id": resource.id,
        "kind": resource.kind,
        "name": arn::title(&resource.id),
        "namespace": resource.text(&["Region"]).unwrap_or_default(),
        "facts": facts,
    });
    let attributes = attributes.to_string();
    AssetNode { id: resource.id.clone(), kind: resource.kind.clone(), attributes }
}

struct Joining<'a> {
    account: &'a Account,
    access: &'a Access,
    /// Resources by the id that they have inside of an account and region, or by a name of their kind.
    short: BTreeMap<&'a str, &'a str>,
    /// Buckets, clusters and groups by kind, account and name.
    named: BTreeMap<(&'a str, &'a str, &'a str), &'a str>,
    relations: BTreeSet<Relation>,
}

impl<'a> Joining<'a> {
    fn of(account: &'a Account, access: &'a Access) -> Self {
        let (mut short, mut named) = (BTreeMap::new(), BTreeMap::new());
        for resource in account.resources() {
            if let Some((_, key)) = SHORT.iter().find(|(kind, _)| *kind == resource.kind) {
                short.extend(resource.text(&[key]).map(|id| (id, resource.id.as_str())));
            }
            for alias in resource.list(&["Aliases"]).iter().filter_map(Value::as_str) {
                named.insert(("alias", owner(resource).unwrap_or_default(), alias), resource.id.as_str());
            }
            let (key, account) = match resource.kind.as_str() {
                "aws:s3:bucket" => ("Name", ""),
                "aws:iam:group" => ("GroupName", owner(resource).unwrap_or_default()),
                "aws:eks:cluster" => ("name", Arn::of(&resource.id).map_or("", |arn| arn.region)),
                _ => continue,
            };
            named.extend(
                resource
                    .text(&[key])
                    .map(|name| ((resource.kind.as_str(), account, name), resource.id.as_str())),
            );
        }
        Self { account, access, short, named, relations: BTreeSet::new() }
    }

    fn relations(mut self) -> BTreeSet<Relation> {
        for resource in self.account.resources() {
            self.by_kind(resource);
            self.keys(resource);
            self.network(resource);
        }
        self.identities();
        self.policies();
        self.relations
    }

    /// Joins two resources that were collected, by ARN or by an id inside of a region.
    fn join(&mut self, from: &str, edge: Edge, to: &str) {
        let known = |id: &str| match self.account.resource(id) {
            Some(resource) => Some(resource.id.clone()),
            None => self.short.get(id).map(|id| (*id).to_owned()),
        };
        if let (Some(from), Some(to)) = (known(from), known(to))
            && from != to
        {
            self.relations.insert(Relation { from, edge, to });
        }
    }

    fn join_text(&mut self, resource: &Resource, edge: Edge, path: &[&str]) {
        if let Some(to) = resource.text(path) {
            self.join(&resource.id, edge, to);
        }
    }

    fn join_bucket(&mut self, resource: &Resource, path: &[&str]) {
        let bucket =
            resource.text(path).and_then(|name| self.named.get(&("aws:s3:bucket", "", name)).copied());
        if let Some(bucket) = bucket {
            self.join(&resource.id, Edge::Uses, bucket);
        }
    }

    fn by_kind(&mut self, resource: &Resource) {
        let id = resource.id.as_str();
        match resource.kind.as_str() {
            "aws:ec2:instance" => {
                self.join_text(resource, Edge::Uses, &["IamInstanceProfile", "Arn"]);
                self.join_text(resource, Edge::Runs, &["ImageId"]);
                for device in resource.list(&["BlockDeviceMappings"]) {
                    if let Some(volume) = text_in(device, &["Ebs", "VolumeId"]) {
                        self.join(id, Edge::Mounts, volume);
                    }
                }
            }
            "aws:iam:instance-profile" => {
                for role in resource.list(&["Roles"]).iter().filter_map(|role| text_in(role, &["Arn"])) {
                    self.join(id, Edge::Uses, role);
                }
            }
            "aws:lambda:function" => self.join_text(resource, Edge::Uses, &["Role"]),
            "aws:ecs:service" => {
                self.join_text(resource, Edge::Runs, &["taskDefinition"]);
                if let Some(cluster) = resource.text(&["clusterArn"]) {
                    self.join(cluster, Edge::Contains, id);
                }
                for balancer in resource.list(&["loadBalancers"]) {
                    if let Some(group) = text_in(balancer, &["targetGroupArn"]) {
                        self.join(group, Edge::Exposes, id);
                    }
                }
            }
            "aws:ecs:task-definition" => {
                self.join_text(resource, Edge::Uses, &["taskRoleArn"]);
                self.join_text(resource, Edge::Uses, &["executionRoleArn"]);
                for container in resource.list(&["containerDefinitions"]) {
                    for secret in list_in(container, &["secrets"]) {
                        if let Some(secret) = text_in(secret, &["valueFrom"]) {
                            self.join(id, Edge::Uses, secret);
                        }
                    }
                }
            }
            "aws:eks:cluster" => self.join_text(resource, Edge::Uses, &["roleArn"]),
            "aws:eks:nodegroup" => {
                self.join_text(resource, Edge::Uses, &["nodeRole"]);
                let region = Arn::of(id).map_or("", |arn| arn.region);
                let name = resource.text(&["clusterName"]).unwrap_or_default();
                if let Some(cluster) = self.named.get(&("aws:eks:cluster", region, name)).copied() {
                    self.join(cluster, Edge::Contains, id);
                }
            }
            "aws:elbv2:target-group" => {
                for balancer in resource.list(&["LoadBalancerArns"]).iter().filter_map(Value::as_str) {
                    self.join(balancer, Edge::Exposes, id);
                }
            }
            "aws:ec2:snapshot" => {
                if let Some(volume) = resource.text(&["VolumeId"]) {
                    self.join(volume, Edge::Owns, id);
                }
            }
            "aws:cloudtrail:trail" => {
                self.join_bucket(resource, &["S3BucketName"]);
                let group = resource.text(&["CloudWatchLogsLogGroupArn"]).unwrap_or_default();
                self.join(id, Edge::Uses, group.strip_suffix(":*").unwrap_or(group));
            }
            "aws:s3:bucket" => self.join_bucket(resource, &["Logging", "LoggingEnabled", "TargetBucket"]),
            "aws:iam:user" => {
                let account = owner(resource).unwrap_or_default();
                for group in resource.list(&["GroupList"]).iter().filter_map(Value::as_str) {
                    if let Some(group) = self.named.get(&("aws:iam:group", account, group)).copied() {
                        self.join(group, Edge::Contains, id);
                    }
                }
            }
            _ => {}
        }
    }

    /// Keys of KMS, by ARN, id or alias.
    fn keys(&mut self, resource: &Resource) {
        let mut keys: Vec<&str> = Vec::new();
        if resource.kind != "aws:kms:key" {
            for key in ["KmsKeyId", "KMSKeyArn", "KeyId", "kmsKeyId", "EncryptionKeyArn"] {
                keys.extend(resource.text(&[key]));
            }
        }
        keys.extend(resource.text(&["Attributes", "KmsMasterKeyId"]));
        keys.extend(resource.text(&["SSEDescription", "KMSMasterKeyArn"]));
        keys.extend(resource.text(&["encryptionConfiguration", "kmsKey"]));
        for rule in resource.list(&["Encryption", "Rules"]) {
            keys.extend(text_in(rule, &["ApplyServerSideEncryptionByDefault", "KMSMasterKeyID"]));
        }
        for config in resource.list(&["encryptionConfig"]) {
            keys.extend(text_in(config, &["provider", "keyArn"]));
        }
        let account = owner(resource).unwrap_or_default();
        for key in keys {
            let alias =
                key.split_once(":alias/").map_or_else(|| key.to_owned(), |(_, name)| format!("alias/{name}"));
            let known = self.named.get(&("alias", account, alias.as_str())).copied();
            self.join(&resource.id, Edge::Uses, known.unwrap_or(key));
        }
    }

    /// Security groups, subnets and networks.
    fn network(&mut self, resource: &Resource) {
        let id = resource.id.as_str();
        let mut groups: Vec<&str> = Vec::new();
        let mut subnets: Vec<&str> = resource.text(&["SubnetId"]).into_iter().collect();
        for group in resource.list(&["SecurityGroups"]) {
            groups.extend(group.as_str().or_else(|| text_in(group, &["GroupId"])));
        }
        for group in resource.list(&["VpcSecurityGroups"]) {
            groups.extend(text_in(group, &["VpcSecurityGroupId"]));
        }
        for place in [
            &["VpcConfig"][..],
            &["resourcesVpcConfig"],
            &["VPCOptions"],
            &["networkConfiguration", "awsvpcConfiguration"],
        ] {
            let Some(place) = resource.at(place) else { continue };
            for key in ["SecurityGroupIds", "securityGroupIds", "securityGroups"] {
                groups.extend(list_in(place, &[key]).iter().filter_map(Value::as_str));
            }
            for key in ["SubnetIds", "subnetIds", "subnets"] {
                subnets.extend(list_in(place, &[key]).iter().filter_map(Value::as_str));
            }
        }
        for zone in resource.list(&["AvailabilityZones"]) {
            subnets.extend(text_in(zone, &["SubnetId"]));
        }
        subnets.extend(resource.list(&["subnets"]).iter().filter_map(Value::as_str));
        for subnet in resource.list(&["DBSubnetGroup", "Subnets"]) {
            subnets.extend(text_in(subnet, &["SubnetIdentifier"]));
        }
        for group in groups {
            self.join(id, Edge::Uses, group);
        }
        let is_subnet = resource.kind == "aws:ec2:subnet";
        for subnet in subnets.into_iter().filter(|_| !is_subnet) {
            self.join(id, Edge::Uses, subnet);
        }
        let inside = matches!(
            resource.kind.as_str(),
            "aws:ec2:subnet"
                | "aws:ec2:security-group"
                | "aws:ec2:network-acl"
                | "aws:ec2:route-table"
                | "aws:ec2:vpc-endpoint"
        );
        if let Some(network) = resource.text(&["VpcId"]).filter(|_| inside) {
            self.join(network, Edge::Contains, id);
        }
        for association in resource.list(&["Associations"]) {
            if let Some(subnet) = text_in(association, &["SubnetId"]) {
                self.join(id, Edge::Selects, subnet);
            }
        }
    }

    /// Policies of identities, and whom roles trust.
    fn identities(&mut self) {
        let access = self.access;
        for identity in &access.identities.all {
            for held in identity.policies.iter().filter(|held| held.group.is_none()) {
                if let Some(named) =
                    access.identities.document(held.document).filter(|one| one.inline.is_none())
                {
                    self.join(&named.holder, Edge::GrantsTo, &identity.arn);
                }
            }
            if let Some(Some(boundary)) = identity.boundary
                && let Some(named) = access.identities.document(boundary)
            {
                self.join(&named.holder, Edge::Selects, &identity.arn);
            }
            let trust = identity.trust.filter(|_| identity.kind == IdentityKind::Role);
            for named in self.named_by(trust) {
                match named {
                    Named::Federated(provider) => {
                        self.join(&identity.arn, Edge::Trusts, provider);
                        self.cluster_of(provider, &identity.arn);
                    }
                    Named::Arn(arn) => self.join(&identity.arn, Edge::Trusts, arn),
                    Named::Account(account) => {
                        let partition = Arn::of(&identity.arn).map_or("aws", |arn| arn.partition);
                        let root = format!("arn:{partition}:iam::{account}:root");
                        self.join(&identity.arn, Edge::Trusts, &root);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The cluster for whose service accounts a provider vouches.
    fn cluster_of(&mut self, provider: &str, role: &str) {
        let Some((_, issuer)) = provider.split_once("oidc-provider/") else { return };
        let account = self.account;
        for cluster in account.of_kind("aws:eks:cluster") {
            let own = cluster.text(&["identity", "oidc", "issuer"]);
            if own.is_some_and(|own| own.trim_start_matches("https://") == issuer) {
                self.join(role, Edge::Trusts, &cluster.id);
            }
        }
    }

    /// Whom policies of resources name.
    fn policies(&mut self) {
        let access = self.access;
        for (holder, attached) in &access.attached {
            let Attached::Document(document) = attached else { continue };
            for named in self.named_by(Some(*document)) {
                if let Named::Arn(arn) = named {
                    self.join(holder, Edge::GrantsTo, arn);
                }
            }
        }
    }

    fn named_by(&self, document: Option<u32>) -> Vec<&'a Named> {
        let access = self.access;
        let statements = document.map_or(&[][..], |document| access.statements(document));
        let allowing = statements.iter().filter(|one| one.effect == Effect::Allow && !one.not_principal);
        allowing.flat_map(|statement| &statement.principals).collect()
    }
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
