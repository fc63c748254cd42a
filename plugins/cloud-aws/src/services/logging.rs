//! Trails, log groups with their metric filters, and alarms.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::ask;
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, begin, items, page, text, whole};

/// Largest context that is carried from page to page, in bytes; larger ones are asked for again on every page.
const CONTEXT_BYTES_MAX: usize = 20 * 1024;
/// Pages of filters or alarms of a region.
const PAGES_MAX: usize = 50;

/// The trails that are at home in the region were listed with the region.
pub(crate) fn trails(spot: &Spot<'_>, _: Option<&str>) -> Result<Listed, Failure> {
    Ok(whole(spot.context.as_array().cloned().unwrap_or_default()))
}

pub(crate) fn trail(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let arn = text(item, "TrailARN");
    let status = ask("cloudtrail", "GetTrailStatus", spot.region).with("Name", arn);
    spot.part(body, "Status", &status, &[], Ok)?;
    let selectors = ask("cloudtrail", "GetEventSelectors", spot.region).with("TrailName", arn);
    spot.part(body, "EventSelectors", &selectors, &[], Ok)?;
    spot.found(arn)
}

/// Log groups, with the filters of the region, and with the alarms on the metrics that these make.
pub(crate) fn groups(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("logs", "DescribeLogGroups", spot.region);
    let ask = ask.json(json!({ "limit": 50 })).page("nextToken", token);
    let mut listed = page(spot.call(&ask)?, "logGroups", "nextToken");
    let mut known = Body::new();
    if spot.context.is_null() {
        spot.merged(&mut known, "MetricFilters", || filters(spot).map(Some))?;
    } else if let Value::Object(context) = spot.context {
        known.clone_from(context);
    }
    let by_group = known.get("MetricFilters").and_then(Value::as_object);
    for group in &mut listed.items {
        let name = text(group, "logGroupName").to_owned();
        let Value::Object(fields) = group else { continue };
        match by_group {
            Some(filters) => {
                let own = filters.get(&name).cloned().unwrap_or_else(|| json!([]));
                fields.insert("MetricFilters".to_owned(), own);
            }
            None => {
                fields.insert("Unknown".to_owned(), json!(["MetricFilters"]));
            }
        }
    }
    let context = Value::Object(known);
    let fits = serde_json::to_string(&context).is_ok_and(|text| text.len() <= CONTEXT_BYTES_MAX);
    if listed.next.is_some() {
        listed.context = fits.then_some(context);
    }
    Ok(listed)
}

/// Metric filters of the region by log group, each with its alarms.
fn filters(spot: &Spot<'_>) -> Result<Value, Failure> {
    let mut by_group: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut token = None::<String>;
    for number in 0.. {
        let ask = ask("logs", "DescribeMetricFilters", spot.region).page("nextToken", token.as_deref());
        let found = page(spot.call(&ask)?, "metricFilters", "nextToken");
        for filter in found.items {
            by_group.entry(text(&filter, "logGroupName").to_owned()).or_default().push(filter);
        }
        match found.next {
            None => break,
            next if next == token || number > PAGES_MAX => {
                return Err(Failure::Lasting("the listing of metric filters does not end".to_owned()));
            }
            next => token = next,
        }
    }
    if !by_group.is_empty() {
        let alarms = alarms_by_metric(spot)?;
        for filter in by_group.values_mut().flatten() {
            let metrics = items(filter, "metricTransformations");
            let of = |metric: &Value| {
                format!("{}/{}", text(metric, "metricNamespace"), text(metric, "metricName"))
            };
            let own: Vec<Value> =
                metrics.iter().filter_map(|metric| alarms.get(&of(metric))).flatten().cloned().collect();
            if let Value::Object(fields) = filter {
                fields.insert("Alarms".to_owned(), Value::Array(own));
            }
        }
    }
    let groups = by_group.into_iter().map(|(group, filters)| (group, Value::Array(filters)));
    Ok(Value::Object(groups.collect()))
}

fn alarms_by_metric(spot: &Spot<'_>) -> Result<BTreeMap<String, Vec<Value>>, Failure> {
    let mut by_metric: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut token = None::<String>;
    for number in 0.. {
        let found = alarms(spot, token.as_deref())?;
        for alarm in found.items {
            let short = json!({
                "AlarmName": text(&alarm, "AlarmName"),
                "AlarmArn": text(&alarm, "AlarmArn"),
                "ActionsEnabled": alarm.get("ActionsEnabled").cloned().unwrap_or_default(),
                "AlarmActions": items(&alarm, "AlarmActions"),
            });
            let metric = format!("{}/{}", text(&alarm, "Namespace"), text(&alarm, "MetricName"));
            by_metric.entry(metric).or_default().push(short);
        }
        match found.next {
            None => break,
            next if next == token || number > PAGES_MAX => {
                return Err(Failure::Lasting("the listing of alarms does not end".to_owned()));
            }
            next => token = next,
        }
    }
    Ok(by_metric)
}

pub(crate) fn group(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    let arn = match text(item, "logGroupArn") {
        "" => text(item, "arn"),
        arn => arn,
    };
    spot.found(arn.trim_end_matches(":*"))
}

pub(crate) fn alarms(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("cloudwatch", "DescribeAlarms", spot.region).with("MaxRecords", "100");
    Ok(page(spot.call(&ask.page("NextToken", token))?, "MetricAlarms", "NextToken"))
}

pub(crate) fn alarm(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    spot.found(text(item, "AlarmArn"))
}
