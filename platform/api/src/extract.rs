//! What handlers take from a request: JSON bodies, query parameters and path parameters, each with its problems.
//!
//! Axum's own extractors answer rejections in plain text and let unknown query parameters pass. A misspelt filter that
//! is ignored shows more than was asked for, so here an unknown parameter is an error that names the known ones.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request};
use axum::http::{HeaderMap, StatusCode, Uri, header, request};
use axum::response::IntoResponse as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::code::Code;
use crate::problem::Problem;

/// A JSON body. Unknown members are refused by the body's own type.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::UnsupportedMediaType, "The body must be JSON.")
                .hint("Send the header `Content-Type: application/json`."));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            if error.is_data() {
                Problem::new(Code::InvalidBody, format!("The body does not fit: {error}."))
            } else {
                Problem::new(Code::InvalidJson, format!("The body is not JSON: {error}."))
            }
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn unreadable(rejection: BytesRejection) -> Problem {
    let text = rejection.body_text();
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            Code::BodyTooLarge,
            format!("A body may have at most {} bytes.", crate::router::BODY_BYTES_MAX),
        ),
        _ => Problem::new(Code::BodyUnreadable, "The connection ended before the body did.").cause(text),
    }
}

/// No parameters; the second half of [`Query`] where one set is enough.
#[derive(Deserialize, IntoParams)]
pub(crate) struct Nothing {}

/// Query parameters, in up to two sets, of which no other parameter may be given.
pub(crate) struct Query<A, B = Nothing>(pub(crate) A, pub(crate) B);

impl<A, B, S> FromRequestParts<S> for Query<A, B>
where
    A: DeserializeOwned + IntoParams,
    B: DeserializeOwned + IntoParams,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let mut allowed = names::<A>();
        allowed.extend(names::<B>());
        check_names(&parts.uri, &allowed)?;
        Ok(Self(parse(&parts.uri)?, parse(&parts.uri)?))
    }
}

fn names<T: IntoParams>() -> Vec<String> {
    T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect()
}

/// Refuses parameters that are not allowed or that come twice.
fn check_names(uri: &Uri, allowed: &[String]) -> Result<(), Problem> {
    let AxumQuery(given) = AxumQuery::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Problem::new(Code::InvalidParameter, format!("{}.", error.body_text())))?;
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in &given {
        let shown: String = name.chars().take(64).collect();
        if !allowed.iter().any(|known| known == name) {
            let list = if allowed.is_empty() {
                "This operation takes no parameters.".to_owned()
            } else {
                format!("Allowed here: {}.", allowed.join(", "))
            };
            return Err(Problem::new(Code::UnknownParameter, format!("There is no parameter {shown:?}."))
                .hint(list)
                .parameter(&shown, "unknown"));
        }
        if seen.contains(&name.as_str()) {
            return Err(Problem::new(Code::InvalidParameter, format!("The parameter {shown:?} came twice."))
                .hint("Give several values in one parameter, separated by commas.")
                .parameter(&shown, "given twice"));
        }
        seen.push(name);
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    AxumQuery::<T>::try_from_uri(uri).map(|AxumQuery(value)| value).map_err(|rejection| {
        // The framework prefixes the failing parameter to the message: `limit: must be …`.
        let text = std::error::Error::source(&rejection).map_or_else(|| rejection.to_string(), inner_text);
        let problem = Problem::new(Code::InvalidParameter, format!("The query is not valid: {text}."));
        match text.split_once(": ") {
            Some((name, detail)) => problem.parameter(name, detail),
            None => problem,
        }
    })
}

fn inner_text(error: &(dyn std::error::Error + 'static)) -> String {
    error.to_string()
}

/// The single path parameter of a route.
pub(crate) struct Path<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Problem> {
        let AxumPath(value) = AxumPath::<T>::from_request_parts(parts, state).await.map_err(|rejection| {
            Problem::new(Code::InvalidParameter, format!("The path is not valid: {}.", rejection.body_text()))
        })?;
        Ok(Self(value))
    }
}

/// A comma-separated list of words. At least one, none doubled.
#[derive(Debug, Clone)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Values one list parameter may hold; more than any enumeration here has members.
const LIST_VALUES_MAX: usize = 32;

impl<'de, T: Word> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Before words are trimmed, which would take control characters away.
        if let Some(why) = text_refused(&text) {
            return Err(serde::de::Error::custom(why));
        }
        let mut values = Vec::new();
        for word in text.split(',').map(str::trim) {
            if values.len() == LIST_VALUES_MAX {
                return Err(serde::de::Error::custom(format!("more than {LIST_VALUES_MAX} values")));
            }
            let Some(value) = T::read(word) else {
                let word: String = word.chars().take(64).collect();
                let known = T::words().join(", ");
                return Err(serde::de::Error::custom(format!("{word:?} is not one of {known}")));
            };
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(Self(values))
    }
}

/// A value that a list parameter may hold.
pub(crate) trait Word: Sized + PartialEq {
    /// Reads one word.
    fn read(word: &str) -> Option<Self>;
    /// Every word, for the error message.
    fn words() -> Vec<&'static str>;
}

impl Word for model::Severity {
    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == word)
    }
    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|severity| severity.as_str()).collect()
    }
}

impl Word for model::FindingState {
    fn read(word: &str) -> Option<Self> {
        Self::from_name(word)
    }
    fn words() -> Vec<&'static str> {
        [Self::Open, Self::Fixed].iter().map(|state| state.as_str()).collect()
    }
}

impl Word for model::Triage {
    fn read(word: &str) -> Option<Self> {
        Self::from_name(word)
    }
    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|status| status.as_str()).collect()
    }
}

/// Words for exposure, as [`store::Resource::exposure`] has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExposureWord(pub(crate) &'static str);

const EXPOSURES: [&str; 4] = ["open", "possible", "filtered", "internal"];

impl Word for ExposureWord {
    fn read(word: &str) -> Option<Self> {
        EXPOSURES.into_iter().find(|known| *known == word).map(Self)
    }
    fn words() -> Vec<&'static str> {
        EXPOSURES.to_vec()
    }
}

/// A kind of resource. There is no list of all: extensions bring their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KindWord(pub(crate) String);

impl Word for KindWord {
    fn read(word: &str) -> Option<Self> {
        text_refused(word).is_none().then(|| Self(word.to_owned()))
    }
    fn words() -> Vec<&'static str> {
        vec!["a kind such as Deployment.apps"]
    }
}

/// The wire words of [`model::FindingClass`].
const CLASSES: [(&str, model::FindingClass); 5] = [
    ("vulnerability", model::FindingClass::Vulnerability),
    ("misconfiguration", model::FindingClass::Misconfiguration),
    ("secret", model::FindingClass::Secret),
    ("malware", model::FindingClass::Malware),
    ("license", model::FindingClass::License),
];

impl Word for model::FindingClass {
    fn read(word: &str) -> Option<Self> {
        CLASSES.iter().find(|(name, _)| *name == word).map(|(_, class)| *class)
    }
    fn words() -> Vec<&'static str> {
        CLASSES.iter().map(|(name, _)| *name).collect()
    }
}

/// How many items a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) u32);

impl Limit {
    /// Most items on a page, as the store has it. More is an error, not a shorter page than was asked for.
    pub(crate) const MAX: u32 = store::PAGE_LIMIT_MAX;
}

impl Default for Limit {
    fn default() -> Self {
        Self(store::PAGE_LIMIT_DEFAULT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str(&text)
            .ok()
            .filter(|limit| (1..=Self::MAX).contains(limit))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("must be a number from 1 to {}", Self::MAX)))
    }
}

/// A risk, 0–100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Score(pub(crate) u8);

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let score = u8::from_str(&text).ok().filter(|score| *score <= 100);
        score.map(Self).ok_or_else(|| serde::de::Error::custom("must be a number from 0 to 100"))
    }
}

/// Where a page starts and how long it may be.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The `next` of the page before; absent for the first page. Opaque.
    pub(crate) cursor: Option<String>,
    /// Most items to return.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 500, default = 50)]
    pub(crate) limit: Limit,
}

impl From<PageParams> for store::PageRequest {
    fn from(params: PageParams) -> Self {
        Self { cursor: params.cursor, limit: params.limit.0 }
    }
}

/// A text parameter of bounded length without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

/// Longest text parameter, in bytes. The longest legitimate one is a package URL or a path.
const TEXT_BYTES_MAX: usize = 1024;

/// Why a text is not one that anything could be found by, if it is not.
pub(crate) fn text_refused(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("must not be empty")
    } else if text.len() > TEXT_BYTES_MAX {
        Some("must not be longer than 1024 bytes")
    } else if text.chars().any(char::is_control) {
        Some("must not contain control characters")
    } else {
        None
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text_refused(&text) {
            Some(why) => Err(serde::de::Error::custom(why)),
            None => Ok(Self(text)),
        }
    }
}
