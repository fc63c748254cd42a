//! Functions, containers, clusters and registries.

use serde_json::{Value, json};

use crate::client::ask;
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, begin, items, page, parsed, tags, taken, text};

pub(crate) fn functions(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("lambda", "ListFunctions", spot.region).with("MaxItems", "50").page("Marker", token);
    let mut listed = page(spot.call(&ask)?, "Functions", "NextMarker");
    for function in &mut listed.items {
        if let Value::Object(fields) = function {
            without_values(fields);
        }
    }
    Ok(listed)
}

/// Names of environment variables stay; their values are often secrets.
fn without_values(fields: &mut Body) {
    if let Some(environment) = fields.remove("Environment") {
        let names = environment.get("Variables").and_then(Value::as_object);
        let names: Vec<&String> = names.into_iter().flat_map(|variables| variables.keys()).collect();
        fields.insert("Environment".to_owned(), json!({ "VariableNames": names }));
    }
}

pub(crate) fn function(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let name = text(item, "FunctionName");
    let none = ["ResourceNotFoundException"];
    let at = |operation| ask("lambda", operation, spot.region).at("FunctionName", name);
    spot.part(body, "Policy", &at("GetPolicy"), &none, |answer| parsed(&answer, "Policy"))?;
    spot.part(body, "UrlConfig", &at("GetFunctionUrlConfig"), &none, Ok)?;
    spot.found(text(item, "FunctionArn"))
}

pub(crate) fn clusters(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("ecs", "ListClusters", spot.region);
    described(
        spot,
        ask.json(json!({ "maxResults": 100 })),
        token,
        "clusterArns",
        "DescribeClusters",
        "clusters",
        None,
    )
}

pub(crate) fn cluster(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    tags(body, "tags");
    spot.cause("aws:ecs:service", Value::String(text(item, "clusterArn").to_owned()));
    spot.found(text(item, "clusterArn"))
}

/// A page of names, and what they stand for in one request.
fn described(
    spot: &Spot<'_>,
    names: crate::client::Ask<'_>,
    token: Option<&str>,
    list: &str,
    operation: &'static str,
    member: &str,
    cluster: Option<&str>,
) -> Result<Listed, Failure> {
    let listed = page(spot.call(&names.page("nextToken", token))?, list, "nextToken");
    if listed.items.is_empty() {
        return Ok(listed);
    }
    let mut body = json!({ member: listed.items, "include": ["TAGS"] });
    match (cluster, &mut body) {
        (Some(cluster), Value::Object(fields)) => {
            fields.insert("cluster".to_owned(), Value::String(cluster.to_owned()));
        }
        (None, Value::Object(fields)) => {
            fields.insert("include".to_owned(), json!(["TAGS", "SETTINGS", "CONFIGURATIONS"]));
        }
        _ => {}
    }
    let answer = spot.call(&ask("ecs", operation, spot.region).json(body))?;
    Ok(Listed { items: items(&answer, member), next: listed.next, context: None })
}

/// The services of the cluster that caused it.
pub(crate) fn services(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let cluster = spot.context.as_str().unwrap_or_default();
    // As many as can be described at once.
    let ask = ask("ecs", "ListServices", spot.region).json(json!({ "cluster": cluster, "maxResults": 10 }));
    described(spot, ask, token, "serviceArns", "DescribeServices", "services", Some(cluster))
}

pub(crate) fn service(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    for noise in ["events", "deployments", "taskSets"] {
        body.remove(noise);
    }
    tags(body, "tags");
    spot.found(text(item, "serviceArn"))
}

pub(crate) fn families(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("ecs", "ListTaskDefinitionFamilies", spot.region);
    let ask = ask.json(json!({ "status": "ACTIVE", "maxResults": 100 })).page("nextToken", token);
    Ok(page(spot.call(&ask)?, "families", "nextToken"))
}

/// The newest revision of a family.
pub(crate) fn task_definition(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    let family = item.as_str().unwrap_or_default();
    let ask = ask("ecs", "DescribeTaskDefinition", spot.region);
    let ask = ask.json(json!({ "taskDefinition": family, "include": ["TAGS"] }));
    let mut labels = Value::Null;
    spot.merged(body, "definition", || {
        let mut answer = spot.call(&ask)?;
        labels = answer.get_mut("tags").map(Value::take).unwrap_or_default();
        let mut definition = taken(answer, "taskDefinition");
        if let Value::Object(fields) = &mut definition {
            fields.insert("tags".to_owned(), labels.take());
        }
        Ok(Some(definition))
    })?;
    let Some(Value::Object(fields)) = body.remove("definition") else { return Ok(None) };
    *body = fields;
    for container in body.get_mut("containerDefinitions").and_then(Value::as_array_mut).into_iter().flatten()
    {
        for variable in container.get_mut("environment").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(fields) = variable {
                fields.remove("value");
            }
        }
    }
    tags(body, "tags");
    let arn = body.get("taskDefinitionArn").and_then(Value::as_str).unwrap_or_default().to_owned();
    spot.found(arn)
}

pub(crate) fn eks_clusters(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("eks", "ListClusters", spot.region).with("maxResults", "100").page("nextToken", token);
    Ok(page(spot.call(&ask)?, "clusters", "nextToken"))
}

pub(crate) fn eks_cluster(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let name = item.as_str().unwrap_or_default();
    begin(body, &json!({ "name": name }));
    spot.absorb(body, "status", &ask("eks", "DescribeCluster", spot.region).at("name", name), "cluster")?;
    tags(body, "tags");
    spot.cause("aws:eks:nodegroup", Value::String(name.to_owned()));
    spot.found(spot.arn("eks", &format!("cluster/{name}")))
}

/// The node groups of the cluster that caused it.
pub(crate) fn nodegroups(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let cluster = spot.context.as_str().unwrap_or_default();
    let ask = ask("eks", "ListNodegroups", spot.region).at("clusterName", cluster);
    let ask = ask.at("name", cluster).with("maxResults", "100").page("nextToken", token);
    Ok(page(spot.call(&ask)?, "nodegroups", "nextToken"))
}

pub(crate) fn nodegroup(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    let cluster = spot.context.as_str().unwrap_or_default();
    let name = item.as_str().unwrap_or_default();
    let ask = ask("eks", "DescribeNodegroup", spot.region).at("clusterName", cluster).at("name", cluster);
    spot.absorb(body, "nodegroupArn", &ask.at("nodegroupName", name), "nodegroup")?;
    tags(body, "tags");
    match body.get("nodegroupArn").and_then(Value::as_str).map(str::to_owned) {
        Some(arn) => spot.found(arn),
        None => Ok(None),
    }
}

pub(crate) fn repositories(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("ecr", "DescribeRepositories", spot.region);
    let ask = ask.json(json!({ "maxResults": 100 })).page("nextToken", token);
    Ok(page(spot.call(&ask)?, "repositories", "nextToken"))
}

pub(crate) fn repository(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let name = text(item, "repositoryName");
    let at = |operation| ask("ecr", operation, spot.region).with("repositoryName", name);
    spot.part(
        body,
        "Policy",
        &at("GetRepositoryPolicy"),
        &["RepositoryPolicyNotFoundException"],
        |answer| parsed(&answer, "policyText"),
    )?;
    let none = ["LifecyclePolicyNotFoundException"];
    spot.part(body, "LifecyclePolicy", &at("GetLifecyclePolicy"), &none, |answer| {
        parsed(&answer, "lifecyclePolicyText")
    })?;
    spot.found(text(item, "repositoryArn"))
}
