//! What faces the world: distributions, load balancers, gateways, certificates.

use serde_json::{Value, json};

use crate::client::{Ask, ask};
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, begin, items, page, tags, taken, text};

/// Pages of a listing that belongs to one resource.
const PAGES_MAX: usize = 20;

/// All items of a listing that belongs to one resource.
pub(crate) fn every(
    spot: &Spot<'_>,
    ask: &Ask<'_>,
    list: &str,
    given: &str,
    sent: &str,
) -> Result<Value, Failure> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let found = page(spot.call(&ask.clone().page(sent, token.as_deref()))?, list, given);
        all.extend(found.items);
        match found.next {
            None => return Ok(Value::Array(all)),
            next if next == token => break,
            next => token = next,
        }
    }
    Err(Failure::Lasting("the listing does not end".to_owned()))
}

pub(crate) fn distributions(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("cloudfront", "ListDistributions", "global").with("MaxItems", "100").page("Marker", token);
    let list = taken(spot.call(&ask)?, "DistributionList");
    let next = Some(text(&list, "NextMarker").to_owned()).filter(|next| !next.is_empty());
    let short = |one: Value| {
        json!({
            "Id": text(&one, "Id"), "ARN": text(&one, "ARN"), "DomainName": text(&one, "DomainName"),
            "Status": text(&one, "Status"),
        })
    };
    Ok(Listed { items: items(&list, "Items").into_iter().map(short).collect(), next, context: None })
}

pub(crate) fn distribution(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let ask = ask("cloudfront", "GetDistributionConfig", "global").at("Id", text(item, "Id"));
    spot.part(body, "DistributionConfig", &ask, &[], |answer| {
        let mut config = taken(answer, "DistributionConfig");
        // Headers for origins are how they tell a distribution from others: a shared secret.
        let origins = config.pointer_mut("/Origins/Items").and_then(Value::as_array_mut);
        for header in origins
            .into_iter()
            .flatten()
            .filter_map(|origin| origin.pointer_mut("/CustomHeaders/Items").and_then(Value::as_array_mut))
            .flatten()
        {
            if let Value::Object(fields) = header {
                fields.remove("HeaderValue");
            }
        }
        Ok(config)
    })?;
    spot.found(text(item, "ARN"))
}

pub(crate) fn load_balancers(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("elbv2", "DescribeLoadBalancers", spot.region).with("PageSize", "50").page("Marker", token);
    Ok(page(spot.call(&ask)?, "LoadBalancers", "NextMarker"))
}

pub(crate) fn load_balancer(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let arn = text(item, "LoadBalancerArn");
    let at = |operation| ask("elbv2", operation, spot.region).with("LoadBalancerArn", arn);
    spot.merged(body, "Listeners", || {
        every(spot, &at("DescribeListeners"), "Listeners", "NextMarker", "Marker")
            .map(without_secrets)
            .map(Some)
    })?;
    spot.part(body, "Attributes", &at("DescribeLoadBalancerAttributes"), &[], |answer| {
        let pair = |one: &Value| (text(one, "Key").to_owned(), Value::String(text(one, "Value").to_owned()));
        Ok(Value::Object(items(&answer, "Attributes").iter().map(pair).collect()))
    })?;
    spot.found(arn)
}

/// AWS leaves the secret of a client out; a proxy or an imitation of it may not.
fn without_secrets(mut listeners: Value) -> Value {
    let actions = listeners.as_array_mut().into_iter().flatten();
    for action in actions.filter_map(|listener| listener.get_mut("DefaultActions")?.as_array_mut()).flatten()
    {
        if let Some(Value::Object(client)) = action.get_mut("AuthenticateOidcConfig") {
            client.remove("ClientSecret");
        }
    }
    listeners
}

pub(crate) fn target_groups(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("elbv2", "DescribeTargetGroups", spot.region).with("PageSize", "400").page("Marker", token);
    Ok(page(spot.call(&ask)?, "TargetGroups", "NextMarker"))
}

pub(crate) fn target_group(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    spot.found(text(item, "TargetGroupArn"))
}

pub(crate) fn rest_apis(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("apigateway", "GetRestApis", spot.region).with("limit", "500").page("position", token);
    Ok(page(spot.call(&ask)?, "items", "position"))
}

pub(crate) fn rest_api(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    if body.is_empty() {
        begin(body, item);
        // The gateway escapes the quotes of the document once more.
        if let Some(policy) = item.get("policy").and_then(Value::as_str) {
            let plain =
                if policy.starts_with("{\\") { policy.replace("\\\"", "\"") } else { policy.to_owned() };
            body.insert("policy".to_owned(), Value::String(plain));
        }
        if body.get("policy").and_then(Value::as_str).is_some_and(str::is_empty) {
            body.remove("policy");
        }
        spot.parse(body, "policy");
        tags(body, "tags");
    }
    let id = text(item, "id");
    let stages = ask("apigateway", "GetStages", spot.region).at("restapi_id", id).at("restApiId", id);
    spot.part(body, "Stages", &stages, &[], |answer| {
        let mut stages = taken(answer, "item");
        remove(&mut stages, "variables");
        Ok(stages)
    })?;
    let resources = ask("apigateway", "GetResources", spot.region).at("restapi_id", id).at("restApiId", id);
    let resources = resources.with("embed", "methods").with("limit", "500");
    spot.merged(body, "Resources", || every(spot, &resources, "items", "position", "position").map(Some))?;
    spot.found(spot.arn_without_account("apigateway", &format!("/restapis/{id}")))
}

fn remove(list: &mut Value, key: &str) {
    for one in list.as_array_mut().into_iter().flatten() {
        if let Value::Object(fields) = one {
            fields.remove(key);
        }
    }
}

pub(crate) fn apis(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("apigatewayv2", "GetApis", spot.region).with("maxResults", "100").page("nextToken", token);
    Ok(page(spot.call(&ask)?, "Items", "NextToken"))
}

pub(crate) fn api(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    if body.is_empty() {
        begin(body, item);
        tags(body, "Tags");
    }
    let id = text(item, "ApiId");
    for (key, operation) in [("Routes", "GetRoutes"), ("Stages", "GetStages")] {
        let ask = ask("apigatewayv2", operation, spot.region).at("ApiId", id).at("apiId", id);
        let ask = ask.with("maxResults", "100");
        spot.merged(body, key, || {
            let mut all = every(spot, &ask, "Items", "NextToken", "nextToken")?;
            remove(&mut all, "StageVariables");
            Ok(Some(all))
        })?;
    }
    spot.found(spot.arn_without_account("apigateway", &format!("/apis/{id}")))
}

pub(crate) fn certificates(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    // Without the types, only those of RSA with 1,024 and 2,048 bits are listed.
    let types =
        ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"];
    let ask = ask("acm", "ListCertificates", spot.region);
    let ask =
        ask.json(json!({ "MaxItems": 1000, "Includes": { "keyTypes": types } })).page("NextToken", token);
    Ok(page(spot.call(&ask)?, "CertificateSummaryList", "NextToken"))
}

pub(crate) fn certificate(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    spot.found(text(item, "CertificateArn"))
}
