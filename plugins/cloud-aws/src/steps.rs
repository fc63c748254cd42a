//! The plan: one step for each kind of resource, with the way its listing is asked for and its items are completed.

use serde_json::Value;

use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot};
use crate::services::{account, compute, data, ec2, iam, keys, logging, s3, web};

/// Where a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Once in the account.
    Global,
    /// In every region.
    Region,
    /// Where another step causes it.
    Caused,
}

/// Asks for a page of a listing.
pub(crate) type List = fn(&Spot<'_>, Option<&str>) -> Result<Listed, Failure>;
/// Completes an item. Requests are made through [`Spot::merged`] and its kin alone, which decide about trying again.
pub(crate) type Each = fn(&Spot<'_>, &Value, &mut Body) -> Result<Option<Found>, Failure>;

/// A step of the plan.
#[derive(Debug)]
pub(crate) struct Step {
    /// Service, as the second part of its kind; what the operator chooses by.
    pub(crate) service: &'static str,
    /// Kind of its resources.
    pub(crate) kind: &'static str,
    pub(crate) scope: Scope,
    pub(crate) list: List,
    pub(crate) each: Each,
}

const fn step(service: &'static str, kind: &'static str, scope: Scope, list: List, each: Each) -> Step {
    Step { service, kind, scope, list, each }
}

/// Every step, in the order in which they are done.
#[rustfmt::skip]
pub(crate) static STEPS: &[Step] = &[
    step("iam", "aws:iam:account", Scope::Global, iam::one, iam::account),
    step("iam", "aws:iam:user", Scope::Global, iam::details, iam::detail),
    step("iam", "aws:iam:saml-provider", Scope::Global, iam::saml_providers, iam::saml_provider),
    step("iam", "aws:iam:oidc-provider", Scope::Global, iam::oidc_providers, iam::oidc_provider),
    step("s3", "aws:s3:account", Scope::Global, s3::one, s3::account),
    step("s3", "aws:s3:bucket", Scope::Global, s3::buckets, s3::bucket),
    step("cloudfront", "aws:cloudfront:distribution", Scope::Global, web::distributions, web::distribution),
    step("account", "aws:account:region", Scope::Region, account::one, account::region),
    step("cloudtrail", "aws:cloudtrail:trail", Scope::Caused, logging::trails, logging::trail),
    step("logs", "aws:logs:log-group", Scope::Region, logging::groups, logging::group),
    step("cloudwatch", "aws:cloudwatch:alarm", Scope::Region, logging::alarms, logging::alarm),
    step("ec2", "aws:ec2:instance", Scope::Region, ec2::instances, ec2::instance),
    step("ec2", "aws:ec2:volume", Scope::Region, ec2::volumes, ec2::volume),
    step("ec2", "aws:ec2:snapshot", Scope::Region, ec2::snapshots, ec2::snapshot),
    step("ec2", "aws:ec2:image", Scope::Region, ec2::images, ec2::image),
    step("ec2", "aws:ec2:security-group", Scope::Region, ec2::security_groups, ec2::security_group),
    step("ec2", "aws:ec2:network-acl", Scope::Region, ec2::network_acls, ec2::network_acl),
    step("ec2", "aws:ec2:vpc", Scope::Region, ec2::vpcs, ec2::vpc),
    step("ec2", "aws:ec2:subnet", Scope::Region, ec2::subnets, ec2::subnet),
    step("ec2", "aws:ec2:route-table", Scope::Region, ec2::route_tables, ec2::route_table),
    step("ec2", "aws:ec2:internet-gateway", Scope::Region, ec2::internet_gateways, ec2::internet_gateway),
    step("ec2", "aws:ec2:vpc-peering-connection", Scope::Region, ec2::peerings, ec2::peering),
    step("ec2", "aws:ec2:vpc-endpoint", Scope::Region, ec2::vpc_endpoints, ec2::vpc_endpoint),
    step("elbv2", "aws:elbv2:load-balancer", Scope::Region, web::load_balancers, web::load_balancer),
    step("elbv2", "aws:elbv2:target-group", Scope::Region, web::target_groups, web::target_group),
    step("apigateway", "aws:apigateway:rest-api", Scope::Region, web::rest_apis, web::rest_api),
    step("apigatewayv2", "aws:apigatewayv2:api", Scope::Region, web::apis, web::api),
    step("acm", "aws:acm:certificate", Scope::Region, web::certificates, web::certificate),
    step("lambda", "aws:lambda:function", Scope::Region, compute::functions, compute::function),
    step("ecs", "aws:ecs:cluster", Scope::Region, compute::clusters, compute::cluster),
    step("ecs", "aws:ecs:service", Scope::Caused, compute::services, compute::service),
    step("ecs", "aws:ecs:task-definition", Scope::Region, compute::families, compute::task_definition),
    step("eks", "aws:eks:cluster", Scope::Region, compute::eks_clusters, compute::eks_cluster),
    step("eks", "aws:eks:nodegroup", Scope::Caused, compute::nodegroups, compute::nodegroup),
    step("ecr", "aws:ecr:repository", Scope::Region, compute::repositories, compute::repository),
    step("rds", "aws:rds:db-instance", Scope::Region, data::db_instances, data::db_instance),
    step("rds", "aws:rds:db-cluster", Scope::Region, data::db_clusters, data::db_cluster),
    step("rds", "aws:rds:db-snapshot", Scope::Region, data::db_snapshots, data::db_snapshot),
    step("rds", "aws:rds:db-cluster-snapshot", Scope::Region, data::cluster_snapshots, data::cluster_snapshot),
    step("rds", "aws:rds:db-parameter-group", Scope::Region, data::parameter_groups, data::parameter_group),
    step("dynamodb", "aws:dynamodb:table", Scope::Region, data::tables, data::table),
    step("elasticache", "aws:elasticache:replication-group", Scope::Region, data::replication_groups, data::replication_group),
    step("elasticache", "aws:elasticache:cache-cluster", Scope::Region, data::cache_clusters, data::cache_cluster),
    step("redshift", "aws:redshift:cluster", Scope::Region, data::redshifts, data::redshift),
    step("opensearch", "aws:opensearch:domain", Scope::Region, data::domains, data::domain),
    step("efs", "aws:efs:file-system", Scope::Region, data::file_systems, data::file_system),
    step("backup", "aws:backup:vault", Scope::Region, data::vaults, data::vault),
    step("kms", "aws:kms:key", Scope::Region, keys::keys, keys::key),
    step("secretsmanager", "aws:secretsmanager:secret", Scope::Region, keys::secrets, keys::secret),
    step("ssm", "aws:ssm:parameter", Scope::Region, keys::parameters, keys::parameter),
    step("sns", "aws:sns:topic", Scope::Region, keys::topics, keys::topic),
    step("sqs", "aws:sqs:queue", Scope::Region, keys::queues, keys::queue),
];
