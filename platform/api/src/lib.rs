//! The REST API and the embedded user interface, served over HTTP.
//!
//! The only crate that knows about HTTP servers. It holds no truth: every answer comes from the store, or from the
//! running process through the questions in [`ApiOptions`]. It decides nothing about findings either; what it decides is
//! who may ask, what a request means and how an answer looks.
//!
//! What holds everywhere:
//! - nothing answers without credentials but health, signing in and the static files of the user interface;
//! - every error is a problem (RFC 9457) with a stable code and a page about it, whoever made the error;
//! - every body, page, list, stream and wait has a bound;
//! - the OpenAPI document is made from the routes, and `platform/openapi.json` is compared with it.

mod app;
mod assessed;
mod assistants;
mod auth;
mod code;
mod conditional;
mod crowd;
mod document;
mod door;
pub mod dto;
mod edge;
mod error;
mod explain;
mod export;
mod extract;
mod figures;
mod incident_graph;
mod neighbours;
mod pages;
mod problem;
mod processes;
mod reference;
mod router;
mod routes;
mod server;
mod snapshots;
#[cfg(test)]
mod tests;
mod ui;

pub use app::{
    ApiOptions, Ask, BacktestRefusal, Decide, Deciding, EvidencePack, ImportAnswer, ImportRefusal, Importing,
    IncomingImport, PluginDecision, PluginRefusal, Respond, Responding, ResponseAnswer, ResponseFigures,
    ResponseOrder, ResponseRefusal, ScanChange, Scheme, Sla, SubmitBacktest, SubmitImport, Submitting,
    TestDestination, Testing, Ui,
};
pub use auth::{
    Permission, Role, Secret, SignInWith, TokenGrant, bootstrap_token, create_source, create_token,
    create_token_with, rotate_source,
};
pub use code::{Code, error_codes};
pub use door::{DoorRefusal, ElementProblem, Receipt, Receive, Received, Receiving};
pub use error::ApiError;
pub use export::{Export, ExportFormat, NewExport};
pub use pages::{error_page, explained_codes};
pub use problem::{FieldProblem, ProblemDetails};
pub use router::{openapi, openapi_json};
pub use routes::triage::checked_change;
pub use server::Api;
