//! Databases, caches, warehouses, search, file systems and backups.

use serde_json::{Value, json};

use super::web::every;
use crate::client::ask;
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, begin, document, items, page, parsed, tags, taken, text};

fn rds(
    spot: &Spot<'_>,
    operation: &'static str,
    list: &str,
    token: Option<&str>,
    more: &[(&str, &str)],
) -> Result<Listed, Failure> {
    let ask = ask("rds", operation, spot.region).with("MaxRecords", "100").page("Marker", token);
    let ask = more.iter().fold(ask, |ask, (name, value)| ask.with(name, *value));
    Ok(page(spot.call(&ask)?, list, "Marker"))
}

fn with_tags(spot: &Spot<'_>, item: &Value, body: &mut Body, arn: &str) -> Result<Option<Found>, Failure> {
    if body.is_empty() {
        begin(body, item);
        tags(body, "TagList");
    }
    spot.found(text(item, arn))
}

pub(crate) fn db_instances(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    rds(spot, "DescribeDBInstances", "DBInstances", token, &[])
}

pub(crate) fn db_instance(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    with_tags(spot, item, body, "DBInstanceArn")
}

pub(crate) fn db_clusters(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    rds(spot, "DescribeDBClusters", "DBClusters", token, &[])
}

pub(crate) fn db_cluster(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    with_tags(spot, item, body, "DBClusterArn")
}

/// Only snapshots that somebody made can be shared.
const MANUAL: [(&str, &str); 1] = [("SnapshotType", "manual")];

pub(crate) fn db_snapshots(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    rds(spot, "DescribeDBSnapshots", "DBSnapshots", token, &MANUAL)
}

pub(crate) fn db_snapshot(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let found = with_tags(spot, item, body, "DBSnapshotArn")?;
    let ask = ask("rds", "DescribeDBSnapshotAttributes", spot.region);
    let ask = ask.with("DBSnapshotIdentifier", text(item, "DBSnapshotIdentifier"));
    spot.part(body, "Restore", &ask, &[], |answer| {
        Ok(restore(&taken(answer, "DBSnapshotAttributesResult"), "DBSnapshotAttributes"))
    })?;
    Ok(found)
}

pub(crate) fn cluster_snapshots(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    rds(spot, "DescribeDBClusterSnapshots", "DBClusterSnapshots", token, &MANUAL)
}

pub(crate) fn cluster_snapshot(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    let found = with_tags(spot, item, body, "DBClusterSnapshotArn")?;
    let ask = ask("rds", "DescribeDBClusterSnapshotAttributes", spot.region);
    let ask = ask.with("DBClusterSnapshotIdentifier", text(item, "DBClusterSnapshotIdentifier"));
    spot.part(body, "Restore", &ask, &[], |answer| {
        Ok(restore(&taken(answer, "DBClusterSnapshotAttributesResult"), "DBClusterSnapshotAttributes"))
    })?;
    Ok(found)
}

/// The accounts that may restore a snapshot.
fn restore(result: &Value, list: &str) -> Value {
    let all = items(result, list);
    let own = all.iter().find(|attribute| text(attribute, "AttributeName") == "restore");
    Value::Array(own.map(|attribute| items(attribute, "AttributeValues")).unwrap_or_default())
}

/// The groups that AWS made cannot be changed, and say nothing of this account.
pub(crate) fn parameter_groups(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let mut listed = rds(spot, "DescribeDBParameterGroups", "DBParameterGroups", token, &[])?;
    listed.items.retain(|group| !text(group, "DBParameterGroupName").starts_with("default."));
    Ok(listed)
}

pub(crate) fn parameter_group(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let ask = ask("rds", "DescribeDBParameters", spot.region).with("Source", "user");
    let ask = ask.with("DBParameterGroupName", text(item, "DBParameterGroupName"));
    spot.merged(body, "Parameters", || {
        let all = every(spot, &ask, "Parameters", "Marker", "Marker")?;
        let pair = |one: &Value| {
            let value = one.get("ParameterValue").cloned()?;
            Some((text(one, "ParameterName").to_owned(), value))
        };
        Ok(Some(Value::Object(all.as_array().into_iter().flatten().filter_map(pair).collect())))
    })?;
    spot.found(text(item, "DBParameterGroupArn"))
}

pub(crate) fn tables(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("dynamodb", "ListTables", spot.region);
    let ask = ask.json(json!({ "Limit": 100 })).page("ExclusiveStartTableName", token);
    Ok(page(spot.call(&ask)?, "TableNames", "LastEvaluatedTableName"))
}

pub(crate) fn table(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let name = item.as_str().unwrap_or_default();
    begin(body, &json!({ "TableName": name }));
    let at = |operation| ask("dynamodb", operation, spot.region).with("TableName", name);
    spot.absorb(body, "TableStatus", &at("DescribeTable"), "Table")?;
    spot.part(body, "ContinuousBackups", &at("DescribeContinuousBackups"), &[], |answer| {
        Ok(taken(answer, "ContinuousBackupsDescription"))
    })?;
    spot.found(spot.arn("dynamodb", &format!("table/{name}")))
}

pub(crate) fn replication_groups(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("elasticache", "DescribeReplicationGroups", spot.region);
    let ask = ask.with("MaxRecords", "100").page("Marker", token);
    Ok(page(spot.call(&ask)?, "ReplicationGroups", "Marker"))
}

pub(crate) fn replication_group(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    begin(body, item);
    spot.found(or_built(item, "ARN", || {
        spot.arn("elasticache", &format!("replicationgroup:{}", text(item, "ReplicationGroupId")))
    }))
}

/// The ARN that AWS gives, or the one that it documents where it gives none.
fn or_built(item: &Value, key: &str, built: impl FnOnce() -> String) -> String {
    match text(item, key) {
        "" => built(),
        arn => arn.to_owned(),
    }
}

pub(crate) fn cache_clusters(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("elasticache", "DescribeCacheClusters", spot.region);
    let ask = ask.with("MaxRecords", "100").page("Marker", token);
    Ok(page(spot.call(&ask)?, "CacheClusters", "Marker"))
}

pub(crate) fn cache_cluster(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    begin(body, item);
    spot.found(or_built(item, "ARN", || {
        spot.arn("elasticache", &format!("cluster:{}", text(item, "CacheClusterId")))
    }))
}

pub(crate) fn redshifts(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask =
        ask("redshift", "DescribeClusters", spot.region).with("MaxRecords", "100").page("Marker", token);
    let mut listed = page(spot.call(&ask)?, "Clusters", "Marker");
    for cluster in &mut listed.items {
        if let Some(Value::Object(pending)) = cluster.get_mut("PendingModifiedValues") {
            pending.remove("MasterUserPassword");
        }
    }
    Ok(listed)
}

pub(crate) fn redshift(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    body.entry("Tags").or_insert_with(|| json!([]));
    let id = text(item, "ClusterIdentifier");
    let ask = ask("redshift", "DescribeLoggingStatus", spot.region).with("ClusterIdentifier", id);
    spot.part(body, "Logging", &ask, &[], Ok)?;
    spot.found(spot.arn("redshift", &format!("cluster:{id}")))
}

/// Names, five of which are described at once.
pub(crate) fn domains(spot: &Spot<'_>, _: Option<&str>) -> Result<Listed, Failure> {
    let names = spot.call(&ask("opensearch", "ListDomainNames", spot.region))?;
    let names: Vec<Value> = items(&names, "DomainNames")
        .iter()
        .map(|one| Value::String(text(one, "DomainName").to_owned()))
        .collect();
    let mut all = Vec::new();
    for five in names.chunks(5) {
        let ask = ask("opensearch", "DescribeDomains", spot.region).json(json!({ "DomainNames": five }));
        all.extend(items(&spot.call(&ask)?, "DomainStatusList"));
    }
    Ok(crate::item::whole(all))
}

pub(crate) fn domain(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    match body.get("AccessPolicies").map(|text| text.as_str().map(document)) {
        Some(Some(Some(policy))) => {
            body.insert("AccessPolicies".to_owned(), policy);
        }
        Some(Some(None)) if body.get("AccessPolicies").and_then(Value::as_str) == Some("") => {
            body.remove("AccessPolicies");
        }
        _ => spot.parse(body, "AccessPolicies"),
    }
    spot.found(text(item, "ARN"))
}

pub(crate) fn file_systems(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("efs", "DescribeFileSystems", spot.region).with("MaxItems", "100").page("Marker", token);
    Ok(page(spot.call(&ask)?, "FileSystems", "NextMarker"))
}

pub(crate) fn file_system(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let id = text(item, "FileSystemId");
    let at = |operation| ask("efs", operation, spot.region).at("FileSystemId", id);
    spot.part(body, "Policy", &at("DescribeFileSystemPolicy"), &["PolicyNotFound"], |answer| {
        parsed(&answer, "Policy")
    })?;
    spot.part(body, "BackupPolicy", &at("DescribeBackupPolicy"), &["PolicyNotFound"], |answer| {
        Ok(taken(answer, "BackupPolicy"))
    })?;
    spot.found(or_built(item, "FileSystemArn", || {
        spot.arn("elasticfilesystem", &format!("file-system/{id}"))
    }))
}

pub(crate) fn vaults(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask =
        ask("backup", "ListBackupVaults", spot.region).with("maxResults", "1000").page("nextToken", token);
    Ok(page(spot.call(&ask)?, "BackupVaultList", "NextToken"))
}

pub(crate) fn vault(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    spot.found(text(item, "BackupVaultArn"))
}
