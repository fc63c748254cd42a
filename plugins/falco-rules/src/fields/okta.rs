//! Fields of Okta's system log, as Falco's plugin `okta` names them.

use super::Argument::Number as WholeNumber;
use super::Shape::Number;
use super::{Argument, Event, Field, Read, Value, one, perhaps, text};
use crate::json::Json;

pub(super) const FIELDS: &[Field] = &[
    Field::made("okta.app", |e, _| application(e)),
    Field::made("okta.org", |e, _| perhaps(Some(e.organization).filter(|name| !name.is_empty()))),
    Field::path("okta.evt.type", &["eventType"]),
    Field::path("okta.evt.legacytype", &["legacyEventType"]),
    Field::path("okta.severity", &["severity"]),
    Field::path("okta.message", &["displayMessage"]),
    Field::path("okta.published", &["published"]),
    Field::path("okta.actor.id", &["actor", "id"]),
    Field::path("okta.actor.Type", &["actor", "type"]),
    Field::path("okta.actor.alternateid", &["actor", "alternateId"]),
    Field::path("okta.actor.name", &["actor", "displayName"]),
    Field::path("okta.client.zone", &["client", "zone"]),
    Field::path("okta.client.ip", &["client", "ipAddress"]),
    Field::path("okta.client.device", &["client", "device"]),
    Field::path("okta.client.id", &["client", "id"]),
    Field::path("okta.client.geo.city", &["client", "geographicalContext", "city"]),
    Field::path("okta.client.geo.state", &["client", "geographicalContext", "state"]),
    Field::path("okta.client.geo.country", &["client", "geographicalContext", "country"]),
    Field::path("okta.client.geo.postalcode", &["client", "geographicalContext", "postalCode"]),
    Field::path("okta.client.geo.lat", &["client", "geographicalContext", "geolocation", "lat"]),
    Field::path("okta.client.geo.lon", &["client", "geographicalContext", "geolocation", "lon"]),
    Field::path("okta.useragent.os", &["client", "userAgent", "os"]),
    Field::path("okta.useragent.browser", &["client", "userAgent", "browser"]),
    Field::path("okta.useragent.raw", &["client", "userAgent", "rawUserAgent"]),
    Field::path("okta.result", &["outcome", "result"]),
    Field::path("okta.reason", &["outcome", "reason"]),
    Field::path("okta.transaction.id", &["transaction", "id"]),
    Field::path("okta.transaction.type", &["transaction", "type"]),
    Field::path("okta.requesturi", &["debugContext", "debugData", "requestUri"]),
    Field::path("okta.principal.id", &["debugContext", "debugData", "originalPrincipal", "id"]),
    Field::path(
        "okta.principal.alternateid",
        &["debugContext", "debugData", "originalPrincipal", "alternateId"],
    ),
    Field::path("okta.principal.type", &["debugContext", "debugData", "originalPrincipal", "type"]),
    Field::path("okta.principal.name", &["debugContext", "debugData", "originalPrincipal", "displayName"]),
    Field::path("okta.authentication.step", &["authenticationContext", "authenticationStep"]),
    Field::path("okta.authentication.sessionid", &["authenticationContext", "externalSessionId"]),
    Field::path("okta.security.asnumber", &["securityContext", "asNumber"]).shape(Number),
    Field::path("okta.security.asorg", &["securityContext", "asOrg"]),
    Field::path("okta.security.isp", &["securityContext", "isp"]),
    Field::path("okta.security.domain", &["securityContext", "domain"]),
    Field::made("okta.target.user.id", |e, _| target(e, "User", "id")),
    Field::made("okta.target.user.alternateid", |e, _| target(e, "User", "alternateId")),
    Field::made("okta.target.user.name", |e, _| target(e, "User", "displayName")),
    Field::made("okta.target.group.id", |e, _| target(e, "UserGroup", "id")),
    Field::made("okta.target.group.alternateid", |e, _| target(e, "UserGroup", "alternateId")),
    Field::made("okta.target.group.name", |e, _| target(e, "UserGroup", "displayName")),
    Field::made("okta.target.app.alternateid", |e, _| target(e, "AppInstance", "alternateId")),
    counted("okta.mfa.failure.countlast"),
    counted("okta.mfa.deny.countlast"),
];

/// A count of what happened before the event, in the seconds of the argument.
const fn counted(name: &'static str) -> Field {
    let argument: Argument = WholeNumber;
    Field { name, shape: Number, argument, read: Read::Memory }
}

/// The application of an address `/app/NAME/…`.
fn application<'e>(event: &Event<'e>) -> Value<'e> {
    let uri = event.raw.at(&["debugContext", "debugData", "requestUri"]).map(Json::text);
    let name = |uri: &str| uri.strip_prefix("/app/")?.split('/').next().map(str::to_owned);
    uri.and_then(|uri| name(&uri)).map_or(Value::Missing, one)
}

/// A member of the last target of a kind.
fn target<'e>(event: &Event<'e>, kind: &str, member: &str) -> Value<'e> {
    let targets = event.raw.get("target").into_iter().flat_map(Json::items);
    let of_kind = targets.filter(|target| target.get("type").is_some_and(|found| found.text() == kind));
    text(of_kind.filter_map(|target| target.get(member)).last())
}
