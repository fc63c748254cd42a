//! The OpenAPI document: made from the routes themselves, then completed with what every operation shares.
//!
//! A problem that any operation can answer is written here once and not on each handler, so none can forget it.

use axum::http::Method;
use utoipa::openapi::Required;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema};
use utoipa::{OpenApi as _, PartialSchema as _, ToSchema as _};

use crate::auth::{COOKIE, Need, is_door, is_public, need};
use crate::problem::{FieldProblem, ProblemDetails};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Palisade",
        description = "Images, findings and the plugins that found them. Errors are problem details (RFC 9457) with \
                       stable codes; lists are paged by cursor; times are RFC 3339 in UTC.",
        version = "1.0.0",
        contact(name = "Whoever runs this installation"),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The server that this document comes from.")),
    tags(
        (name = "session", description = "Signing in and out."),
        (name = "scans", description = "Jobs that look at an image or a directory."),
        (name = "findings", description = "Judged risks, with evidence and history."),
        (name = "images", description = "What was scanned."),
        (name = "inventory", description = "Resources of clusters and cloud accounts."),
        (name = "clusters", description = "Questions to the graph of a cluster: exposure, rights, attack paths."),
        (name = "accounts", description = "Questions to the graph of a cloud account: exposure, rights, identity paths, unused rights."),
        (name = "compliance", description = "Where the controls of frameworks stand, reports, exceptions."),
        (name = "evidence", description = "The chain of evidence and signed packs of it."),
        (name = "runtime", description = "Events of sensors, audit logs and clouds, what was detected in them, and what need not be told."),
        (name = "incidents", description = "Stories of what was detected."),
        (name = "responses", description = "What is done about incidents: playbooks, runs, approvals, the ledger, the kill switch."),
        (name = "destinations", description = "Other systems that are told of findings, and their tickets."),
        (name = "audit", description = "Who did what, and what was denied to whom, as a hash chain."),
        (name = "plugins", description = "What scans, with which rights."),
        (name = "advisories", description = "What judges."),
        (name = "overview", description = "Where things stand."),
        (name = "server", description = "The server itself.")
    )
)]
struct Base;

/// The document before any route is added.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// Problems by status: name of the response in the document, and what it means.
const PROBLEMS: [(&str, &str, &str); 11] = [
    ("400", "BadRequest", "A parameter or the body cannot be read, or a parameter is not known here."),
    ("401", "Unauthenticated", "Credentials are missing or not valid."),
    (
        "403",
        "Forbidden",
        "The permission is missing, or a cookie came without the header `X-Palisade-Request`.",
    ),
    ("404", "NotFound", "There is no such thing, or not for this tenant."),
    ("409", "Conflict", "Things stand otherwise than the request expects."),
    ("413", "BodyTooLarge", "The body is larger than a mebibyte; of events, than 16."),
    ("415", "UnsupportedMediaType", "The body is not declared as JSON."),
    ("422", "Unprocessable", "The body is JSON, but not what this operation takes."),
    ("429", "TooManyRequests", "There is no room now; `Retry-After` says when to send the same again."),
    ("500", "InternalError", "The server made a mistake; its log has the details under the request id."),
    ("503", "Unavailable", "Too busy, too slow, or not ready; `Retry-After` says when to try again."),
];

/// Adds security, the shared problems and their schema to a document that has all routes.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_with(Components::new);
    add_security_schemes(components);
    components.schemas.insert("Problem".to_owned(), ProblemDetails::schema());
    components.schemas.insert(FieldProblem::name().into_owned(), FieldProblem::schema());
    for (status, name, description) in PROBLEMS {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let mut response = ResponseBuilder::new().description(description);
        response = response.content("application/problem+json", content);
        if ["429", "503"].contains(&status) {
            response = response.header("retry-after", utoipa::openapi::header::Header::default());
        }
        components.responses.insert(name.to_owned(), response.build().into());
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(&method, path, operation);
            operation.parameters.iter_mut().flatten().for_each(bound_text);
        }
    }
    forget_unused(&mut document);
    document
}

/// What [`crate::extract::Text`] and lists ask of every text in a query: something, and no control characters.
fn bound_text(parameter: &mut RefOr<Parameter>) {
    let RefOr::T(Parameter {
        parameter_in: ParameterIn::Query,
        schema: Some(RefOr::T(Schema::Object(schema))),
        ..
    }) = parameter
    else {
        return;
    };
    let text = matches!(schema.schema_type, SchemaType::Type(Type::String));
    if text && schema.format.is_none() && schema.enum_values.is_none() {
        schema.min_length = Some(schema.min_length.unwrap_or(1));
        schema.pattern.get_or_insert_with(|| r"^[^\x00-\x1f\x7f-\x9f]+$".to_owned());
    }
}

/// Removes schemas that nothing refers to: the rows of pages stand within these.
fn forget_unused(document: &mut OpenApi) {
    loop {
        let text = serde_json::to_string(document).unwrap_or_default();
        let Some(components) = &mut document.components else { return };
        let before = components.schemas.len();
        components.schemas.retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
        if components.schemas.len() == before {
            return;
        }
    }
}

fn add_security_schemes(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token, `pal_…`, as printed once when it is made."))
        .build();
    let source = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The token of a source of events, `pse_…`; also as the password of any user, or in `X-Palisade-Token`."))
        .build();
    components.add_security_scheme("source", SecurityScheme::Http(source));
    let cookie = ApiKeyValue::with_description(
        COOKIE,
        "A session cookie from `POST /api/v1/session`. Requests that change something also need the header \
         `X-Palisade-Request: 1`.",
    );
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
}

/// The operations of a path, by method. Only methods that this API uses.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let all = [
        (Method::GET, get),
        (Method::POST, post),
        (Method::PUT, put),
        (Method::PATCH, patch),
        (Method::DELETE, delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Operations that find nothing though no path names what is not there.
const NAMELESS: [&str; 3] =
    ["/api/v1/evidence/pack", "/api/v1/session/oidc", "/api/v1/session/oidc/callback"];

fn complete_operation(method: &Method, path: &str, operation: &mut Operation) {
    let public = is_public(method, path);
    let body = operation.request_body.is_some();
    let door = is_door(method, path);
    if let Some(RefOr::T(body)) = operation.request_body.as_mut().filter(|_| door) {
        // Nothing is a batch without events: with one, senders ask whether they may send.
        body.required = Some(Required::False);
    }
    operation.security = Some(if public {
        Vec::new()
    } else if door {
        vec![SecurityRequirement::new("source", Vec::<String>::new())]
    } else {
        let none = Vec::<String>::new;
        vec![SecurityRequirement::new("bearer", none()), SecurityRequirement::new("session", none())]
    });
    // Checkers take scopes of schemes other than OAuth for mistakes, so that the permission has a place of its own.
    if let Need::One(permission) = need(method, path) {
        let said = ExtensionsBuilder::new().add("x-permission", permission.word()).build();
        operation.extensions.get_or_insert_default().merge(said);
    }
    for (status, name, _) in PROBLEMS {
        let possible = match status {
            "401" => !public || body,
            "403" => !public && (!method.is_safe() || (!door && need(method, path) != Need::Nothing)),
            "404" => path.contains('{') || NAMELESS.contains(&path) || (path == "/api/v1/responses" && body),
            "409" => {
                path.starts_with("/api/v1/plugins/{id}/")
                    || path == "/api/v1/runtime/sources"
                    || path == "/api/v1/backtests/{id}/cancel"
                    || path.starts_with("/api/v1/finding-changes/{id}/")
                    || *method == Method::PATCH
                    || (path == "/api/v1/destinations/{name}" && body)
                    || (path.starts_with("/api/v1/responses") && body)
            }
            "429" => door || (path == "/api/v1/imports" && body),
            "422" => body || path == "/api/v1/destinations/{name}/test",
            "413" | "415" => body,
            _ => true,
        };
        if possible {
            let reference = RefOr::Ref(Ref::from_response_name(name));
            operation.responses.responses.entry(status.to_owned()).or_insert(reference);
        }
    }
}
