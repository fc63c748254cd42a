//! The stable words that name what went wrong, each with its HTTP status, its title and its page.
//!
//! A client may branch on a code; it may not branch on a title or a detail. A code is never reused for another meaning.
//! Each has a page in `platform/error-codes/` (see [`crate::error_page`]), to which the `type` of a problem points.

use axum::http::StatusCode;

/// Writes the enum and its tables from one list, so that they cannot disagree.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $status:ident, $title:literal;)+) => {
        /// What went wrong, as a stable word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in the `code` member of a problem.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The status every response with this code has.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// One line for people; the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    /// No credentials, or none that are valid.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Valid credentials are required";
    /// Who asks is known, but may not do this.
    Forbidden = "forbidden", FORBIDDEN, "The credentials do not allow this";
    /// A sign-in that nobody began here, or too long ago.
    SignInExpired = "sign-in-expired", BAD_REQUEST, "The sign-in was not begun here, or too long ago";
    /// The identity provider did not say who it is.
    SignInDenied = "sign-in-denied", FORBIDDEN, "The identity provider signed nobody in";
    /// The person has no role here.
    SignInNoRole = "sign-in-no-role", FORBIDDEN, "Nobody has given you a role here";
    /// A token has the name of the person.
    SignInNameTaken = "sign-in-name-taken", FORBIDDEN, "A token has your name";
    /// There is no identity provider.
    SignInNotSetUp = "sign-in-not-set-up", NOT_FOUND, "There is no identity provider";
    /// A cookie session sent an unsafe request without the header that proves it came from our own page.
    RequestHeaderMissing = "request-header-missing", FORBIDDEN, "The request does not prove that it came from the UI";
    /// No route has this path.
    RouteNotFound = "route-not-found", NOT_FOUND, "There is nothing at this path";
    /// The tenant has no scan with this id.
    ScanNotFound = "scan-not-found", NOT_FOUND, "There is no such scan";
    /// The tenant has no finding with this fingerprint.
    FindingNotFound = "finding-not-found", NOT_FOUND, "There is no such finding";
    /// The tenant has no image or directory with this id.
    ImageNotFound = "image-not-found", NOT_FOUND, "There is no such image";
    /// The tenant has no account of a cloud with this id.
    AccountNotFound = "account-not-found", NOT_FOUND, "There is no such account";
    /// The tenant has no cluster with this id.
    ClusterNotFound = "cluster-not-found", NOT_FOUND, "There is no such cluster";
    /// The tenant has no resource with this id.
    ResourceNotFound = "resource-not-found", NOT_FOUND, "There is no such resource";
    /// Nobody judged this scope by this framework.
    AssessmentNotFound = "assessment-not-found", NOT_FOUND, "There is no such assessment";
    /// The tenant has no exception with this id.
    ExceptionNotFound = "exception-not-found", NOT_FOUND, "There is no such exception";
    /// An exception that nobody could rely on.
    ExceptionRefused = "exception-refused", UNPROCESSABLE_ENTITY, "The exception is not complete";
    /// A plan of action without anything to do.
    NothingOpen = "nothing-open", NOT_FOUND, "Nothing is open";
    /// What is kept of a cluster or account was written by another version.
    SnapshotUnreadable = "snapshot-unreadable", CONFLICT, "What is kept of the cluster or account cannot be read";
    /// The tenant has no destination of this name.
    DestinationNotFound = "destination-not-found", NOT_FOUND, "There is no such destination";
    /// A destination that could tell nothing.
    DestinationInvalid = "destination-invalid", UNPROCESSABLE_ENTITY, "The destination cannot be used";
    /// A destination that somebody has changed meanwhile.
    DestinationChanged = "destination-changed", CONFLICT, "The destination is at another version";
    /// A destination whose plugin says that it would fail.
    DestinationTestFailed = "destination-test-failed", UNPROCESSABLE_ENTITY, "The destination would not take a ticket";
    /// No plugin with this id is loaded.
    PluginNotFound = "plugin-not-found", NOT_FOUND, "There is no such plugin";
    /// A decision about a plugin that cannot be carried out.
    PluginDecisionRefused = "plugin-decision-refused", CONFLICT, "The decision about the plugin cannot be carried out";
    /// No token of a source of events, or none that is valid.
    SourceTokenRefused = "source-token-refused", UNAUTHORIZED, "A token of the source is required";
    /// The token of one source at the door of another.
    SourceTokenMismatch = "source-token-mismatch", FORBIDDEN, "The token belongs to another source";
    /// A source whose door is closed.
    SourceDisabled = "source-disabled", FORBIDDEN, "The source is closed";
    /// The tenant has no source of events with this name.
    SourceNotFound = "source-not-found", NOT_FOUND, "There is no such source of events";
    /// The tenant has a source of events with this name.
    SourceNameTaken = "source-name-taken", CONFLICT, "There is a source of events with this name";
    /// A source of events whose name or format cannot be.
    SourceInvalid = "source-invalid", UNPROCESSABLE_ENTITY, "The source of events is not usable";
    /// More events of a source wait to be judged than may.
    SourceBusy = "source-busy", TOO_MANY_REQUESTS, "Too many events wait";
    /// A body of events of which nothing could be read.
    EventsUnreadable = "events-unreadable", UNPROCESSABLE_ENTITY, "Nothing of the events could be read";
    /// The tenant has no event with this id.
    EventNotFound = "event-not-found", NOT_FOUND, "There is no such event";
    /// The tenant has no detection with this id.
    DetectionNotFound = "detection-not-found", NOT_FOUND, "There is no such detection";
    /// The tenant has no incident with this id.
    IncidentNotFound = "incident-not-found", NOT_FOUND, "There is no such incident";
    /// Something was changed since the client looked at it.
    VersionStale = "version-stale", CONFLICT, "It was changed meanwhile";
    /// The tenant has no suppression with this id.
    SuppressionNotFound = "suppression-not-found", NOT_FOUND, "There is no such suppression";
    /// A suppression that nobody could answer for.
    SuppressionRefused = "suppression-refused", UNPROCESSABLE_ENTITY, "The suppression is not complete";
    /// A filter that is none, or that asks for what findings do not have.
    InvalidFilter = "invalid-filter", BAD_REQUEST, "The filter cannot be read";
    /// A change of findings that nobody could answer for, or that changes nothing.
    FindingChangeRefused = "finding-change-refused", UNPROCESSABLE_ENTITY, "The change of findings is not complete";
    /// A finding that would have more tags than it may.
    FindingTagsFull = "finding-tags-full", UNPROCESSABLE_ENTITY, "The finding has as many tags as it may";
    /// The tenant has no change of many findings with this id.
    FindingJobNotFound = "finding-job-not-found", NOT_FOUND, "There is no such change of findings";
    /// A change of many findings that is over and cannot be called off, or that is not over or was taken back and cannot be taken back.
    FindingJobOver = "finding-job-over", CONFLICT, "The change of findings does not allow this";
    /// A report of another tool that cannot be read, or of which nobody can tell what it is about.
    ImportRefused = "import-refused", UNPROCESSABLE_ENTITY, "The report cannot be imported";
    /// As many reports are being read as may be at once.
    ImportBusy = "import-busy", TOO_MANY_REQUESTS, "Too many reports are read";
    /// The tenant has no import with this id.
    ImportNotFound = "import-not-found", NOT_FOUND, "There is no such import";
    /// The tenant has no backtest with this id.
    BacktestNotFound = "backtest-not-found", NOT_FOUND, "There is no such backtest";
    /// A backtest of rules that cannot be read, of a version that is not there, or of nothing.
    BacktestRefused = "backtest-refused", UNPROCESSABLE_ENTITY, "The backtest cannot be made";
    /// A backtest that is over and cannot be called off.
    BacktestOver = "backtest-over", CONFLICT, "The backtest is over";
    /// The tenant has no response with this id, or no such playbook or incident.
    ResponseNotFound = "response-not-found", NOT_FOUND, "There is no such response";
    /// A response that cannot begin, or a decision that does not count.
    ResponseRefused = "response-refused", CONFLICT, "The response does not allow this";
    /// No error code is called this.
    CodeNotFound = "code-not-found", NOT_FOUND, "There is no such error code";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// The body is larger than the limit.
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body could not be received.
    BodyUnreadable = "body-unreadable", BAD_REQUEST, "The body could not be read";
    /// The body is not declared as JSON.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is not declared as JSON";
    /// The body is not JSON.
    InvalidJson = "invalid-json", BAD_REQUEST, "The body is not JSON";
    /// The body is JSON of another shape.
    InvalidBody = "invalid-body", UNPROCESSABLE_ENTITY, "The body does not have the expected shape";
    /// A query parameter that the operation does not know.
    UnknownParameter = "unknown-parameter", BAD_REQUEST, "A query parameter is not known here";
    /// A query or path parameter with a value that it cannot have.
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A parameter has a value that is not allowed";
    /// A cursor that this server did not make, or made for another list.
    InvalidCursor = "invalid-cursor", BAD_REQUEST, "The cursor does not belong to this list";
    /// An `Idempotency-Key` that is empty, too long or not printable ASCII.
    InvalidIdempotencyKey = "invalid-idempotency-key", BAD_REQUEST, "The Idempotency-Key is not usable";
    /// The same `Idempotency-Key` came with another request before.
    IdempotencyConflict = "idempotency-conflict", UNPROCESSABLE_ENTITY, "The Idempotency-Key belongs to another request";
    /// A text that cannot name an image.
    InvalidReference = "invalid-reference", UNPROCESSABLE_ENTITY, "The reference cannot be scanned";
    /// A text that is not `os/architecture[/variant]`.
    InvalidPlatform = "invalid-platform", UNPROCESSABLE_ENTITY, "The platform is not os/architecture";
    /// A path outside the directories that the operator opened for scans.
    PathNotAllowed = "path-not-allowed", UNPROCESSABLE_ENTITY, "The path is not open for scans";
    /// More requests at once than the server takes.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "The server is busy";
    /// More event streams at once than the server keeps open.
    TooManyStreams = "too-many-streams", SERVICE_UNAVAILABLE, "Too many event streams are open";
    /// The answer took longer than a request may.
    RequestTimeout = "request-timeout", SERVICE_UNAVAILABLE, "The answer took too long";
    /// The store does not answer.
    StoreUnavailable = "store-unavailable", SERVICE_UNAVAILABLE, "The store does not answer";
    /// The server is stopping or cannot reach what it needs.
    NotReady = "not-ready", SERVICE_UNAVAILABLE, "The server is not ready";
    /// A request the HTTP layer refused for a reason that has no code of its own.
    BadRequest = "bad-request", BAD_REQUEST, "The request is not valid";
    /// A fault in the server.
    InternalError = "internal-error", INTERNAL_SERVER_ERROR, "The server made a mistake";
}

impl Code {
    /// Whether the same request may succeed when it is simply sent again later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
    }

    /// Where the page about it is served, relative to the server.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("/api/v1/errors/{}", self.as_str())
    }
}

/// Every word this crate may put into `code`, for the check against the pages.
#[must_use]
pub fn error_codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}
