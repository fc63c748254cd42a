//! Responses, done to a cluster: the seam [`respond::Cluster`] over a connection.
//!
//! - A request that changes something is sent once. It is sent again only after a 401, which says that the first was not let in; whether an answer
//!   that was lost had an effect is for the caller to find out by reading.
//! - A dry run of a deletion is asked for in its body: the API server ignores the query of a deletion that has one, and would delete.
//! - Of Secrets nothing but metadata is asked for.

use http::Method;
use respond::{
    CallCause, CallError, Cluster, Kind, LOG_BYTES_MAX, MANAGER, ObjectRef, Query, Write, collection, is_name,
};
use serde_json::{Value, json};

use crate::api::connect::{Connection, Order, Refused};
use crate::api::failure::Cause;
use crate::api::list::encoded;

/// Objects of one page, and most objects of one list: more than a response should be decided on.
const PAGE: usize = 500;
const OBJECTS_MAX: usize = 20_000;
/// Most pages: a server may send fewer objects than it is asked for.
const PAGES_MAX: usize = 1_000;
/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Acts on the cluster of a connection. The least rights that this needs are in `platform/cluster/responder-role.yaml`.
#[derive(Debug, Clone)]
pub struct Actor {
    connection: Connection,
}

impl Actor {
    /// Acts with the rights of this connection.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    async fn get(&self, uri: &str, accept: &str, max: usize) -> Result<Vec<u8>, CallError> {
        self.order(&Order { method: Method::GET, uri, accept, content_type: None, body: Vec::new(), max })
            .await
    }

    async fn order(&self, order: &Order<'_>) -> Result<Vec<u8>, CallError> {
        match self.connection.order(order).await {
            Ok(body) => Ok(body),
            Err(refused) => Err(error(refused)),
        }
    }

    async fn json(&self, order: &Order<'_>) -> Result<Value, CallError> {
        let body = self.order(order).await?;
        serde_json::from_slice(&body)
            .map_err(|error| uncertain(format!("the answer cannot be read: {error}")))
    }

    async fn page(&self, uri: &str, accept: &str) -> Result<Value, CallError> {
        let method = Method::GET;
        self.json(&Order { method, uri, accept, content_type: None, body: Vec::new(), max: ANSWER_BYTES_MAX })
            .await
    }
}

impl Cluster for Actor {
    async fn read(&self, target: &ObjectRef) -> Result<Option<Value>, CallError> {
        let path = path(target)?;
        let accept = match target.kind {
            Kind::Secret => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            _ => JSON,
        };
        match self.get(&path, accept, ANSWER_BYTES_MAX).await {
            Ok(body) => match serde_json::from_slice(&body) {
                Ok(object) => Ok(Some(object)),
                Err(error) => Err(uncertain(format!("{target} cannot be read: {error}"))),
            },
            Err(error) if error.cause == CallCause::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, query: &Query) -> Result<Vec<Value>, CallError> {
        if query.namespace.as_deref().is_some_and(|namespace| !is_name(namespace)) {
            return Err(invalid("this is no name of a namespace"));
        }
        let metadata = query.metadata_only || query.kind == Kind::Secret;
        let accept = if metadata { METADATA } else { JSON };
        let mut base = format!("{}?limit={PAGE}", collection(query.kind, query.namespace.as_deref()));
        for (name, selector) in [("labelSelector", &query.labels), ("fieldSelector", &query.fields)] {
            if let Some(selector) = selector {
                base.push_str(&format!("&{name}={}", encoded(selector)));
            }
        }
        let (mut objects, mut uri) = (Vec::new(), base.clone());
        for _ in 0..PAGES_MAX {
            let mut page = self.page(&uri, accept).await?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                objects.extend(items.into_iter().map(|item| named(item, query.kind)));
            }
            if objects.len() > OBJECTS_MAX {
                return Err(invalid(&format!("there are more than {OBJECTS_MAX} {}", query.kind.plural())));
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str).filter(|next| !next.is_empty()) {
                Some(next) => uri = format!("{base}&continue={}", encoded(next)),
                None => return Ok(objects),
            }
        }
        Err(invalid(&format!("the list of {} has no end", query.kind.plural())))
    }

    async fn pods(&self) -> Result<u64, CallError> {
        let page = self.page(&format!("{}?limit=1", collection(Kind::Pod, None)), METADATA).await?;
        let here = page.get("items").and_then(Value::as_array).map_or(0, Vec::len) as u64;
        let rest = page.pointer("/metadata/remainingItemCount").and_then(Value::as_u64);
        let more =
            page.pointer("/metadata/continue").and_then(Value::as_str).is_some_and(|next| !next.is_empty());
        match rest {
            Some(rest) => Ok(here.saturating_add(rest)),
            None if !more => Ok(here),
            // A server need not count.
            None => {
                Ok(self.list(&Query { metadata_only: true, ..Query::of(Kind::Pod, "") }).await?.len() as u64)
            }
        }
    }

    async fn log(&self, pod: &ObjectRef, container: &str, lines: u32) -> Result<Vec<u8>, CallError> {
        let uri = format!(
            "{}/log?container={}&tailLines={lines}&limitBytes={LOG_BYTES_MAX}",
            path(pod)?,
            encoded(container)
        );
        self.get(&uri, "*/*", LOG_BYTES_MAX + 1024).await
    }

    async fn write(&self, write: &Write, dry_run: bool) -> Result<Value, CallError> {
        let signed = |path: String| {
            let dry = if dry_run { "&dryRun=All" } else { "" };
            format!("{path}?fieldManager={MANAGER}{dry}")
        };
        let (method, uri, content_type, body) = match write {
            Write::Patch { target, body } => {
                (Method::PATCH, signed(path(target)?), MERGE_PATCH, body.clone())
            }
            Write::Create { target, body } => {
                path(target)?;
                let uri = collection(target.kind, Some(&target.namespace));
                (Method::POST, signed(uri), JSON, body.clone())
            }
            Write::Delete { target, body } => {
                let mut body = body.clone();
                if let Some(options) = body.as_object_mut().filter(|_| dry_run) {
                    options.insert("dryRun".to_owned(), json!(["All"]));
                }
                (Method::DELETE, path(target)?, JSON, body)
            }
            Write::Evict { target, body } => {
                (Method::POST, signed(format!("{}/eviction", path(target)?)), JSON, body.clone())
            }
        };
        let body = body.to_string().into_bytes();
        let content_type = Some(content_type);
        self.json(&Order { method, uri: &uri, accept: JSON, content_type, body, max: ANSWER_BYTES_MAX }).await
    }
}

/// Path of an object whose name may stand in one.
fn path(target: &ObjectRef) -> Result<String, CallError> {
    if !is_name(&target.name) || (target.kind.is_namespaced() && !is_name(&target.namespace)) {
        return Err(invalid("this is no name of an object"));
    }
    Ok(target.path())
}

/// Items of built-in lists do not say what they are.
fn named(mut item: Value, kind: Kind) -> Value {
    if let Some(members) = item.as_object_mut() {
        members.insert("kind".to_owned(), kind.name().into());
        members.insert("apiVersion".to_owned(), kind.api_version().into());
    }
    item
}

fn invalid(message: &str) -> CallError {
    CallError { cause: CallCause::Invalid, message: message.to_owned(), retry_after: None }
}

fn uncertain(message: String) -> CallError {
    CallError { cause: CallCause::Uncertain, message, retry_after: None }
}

/// What a failure says about whether the request was done.
fn error(refused: Refused) -> CallError {
    let failure = refused.failure;
    let cause = match (failure.cause, refused.code) {
        (Cause::Unauthorized | Cause::Forbidden, _) => CallCause::Denied,
        (Cause::NotFound, _) => CallCause::NotFound,
        (_, 409) => CallCause::Conflict,
        (_, 429) if refused.is_disruption => CallCause::Blocked,
        (_, 429) => CallCause::Busy,
        // The server may have done it before it failed, or before the connection did.
        (Cause::Busy | Cause::Unreachable | Cause::Cut, _) => CallCause::Uncertain,
        // A list that went stale is begun anew.
        (Cause::Gone, _) => CallCause::Busy,
        _ => CallCause::Invalid,
    };
    let retry_after = failure.retry_after.and_then(|pause| u32::try_from(pause.as_secs()).ok());
    CallError { cause, message: failure.reason, retry_after }
}
