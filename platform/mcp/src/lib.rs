//! The Model Context Protocol over HTTP, for assistants: which tools there are, and calls of them. What the tools do, and who may call which, is
//! decided by whoever serves them ([`Tools`]); this crate only speaks the protocol.
//!
//! Requests are independent of each other: there is no session, so that any server answers any of them. Whoever puts the service behind a door has
//! to check there who is calling, in every request.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::request::Parts;
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, InitializeResult,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Map, Value};

/// Largest request, in bytes. The arguments of a tool are a few words.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// A tool as an assistant sees it. All of them only read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Name, of letters, digits and `_`.
    pub name: String,
    /// A few words for people.
    pub title: String,
    /// What it tells, for the assistant.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub arguments: Map<String, Value>,
}

/// What a tool answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// What was asked for, a JSON object.
    Told(Value),
    /// Why not, a JSON object. The assistant is told, and may ask better.
    Refused(Value),
}

/// What is served.
pub trait Tools: Send + Sync + 'static {
    /// The tools that the sender of this request may call.
    fn list(&self, request: &Parts) -> Vec<Tool>;

    /// Calls a tool for the sender of this request; nothing where there is none of this name.
    fn call(
        &self,
        name: String,
        arguments: Map<String, Value>,
        request: Parts,
    ) -> BoxFuture<'static, Option<Answer>>;
}

/// What an assistant is told of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Name of the product.
    pub name: &'static str,
    /// Its version.
    pub version: String,
    /// What the tools are good for, and how to go about them.
    pub instructions: String,
}

/// The protocol as a service for `POST` requests of one address.
pub type Service = StreamableHttpService<Handler, NeverSessionManager>;

/// The service for these tools.
#[must_use]
pub fn service(tools: Arc<dyn Tools>, about: About) -> Service {
    let handler = Handler { tools, about };
    // Hosts are not compared: what protects is the credential in each request, which a page that was led here has not.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(REQUEST_BYTES_MAX)
        .disable_allowed_hosts();
    StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(NeverSessionManager::default()), config)
}

/// One conversation.
#[derive(Clone)]
pub struct Handler {
    tools: Arc<dyn Tools>,
    about: About,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler").field("about", &self.about).finish_non_exhaustive()
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> InitializeResult {
        let about = self.about.clone();
        InitializeResult::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new(about.name, about.version))
            .with_instructions(about.instructions)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.tools.list(parts(&context)?);
        Ok(ListToolsResult::with_all_items(tools.into_iter().map(described).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (name, arguments) = (request.name.into_owned(), request.arguments.unwrap_or_default());
        let shown: String = name.chars().take(64).collect();
        let answer = self.tools.call(name, arguments, parts(&context)?.clone()).await;
        match answer {
            Some(Answer::Told(value)) => Ok(CallToolResult::structured(value).into()),
            Some(Answer::Refused(value)) => Ok(CallToolResult::structured_error(value).into()),
            None => Err(ErrorData::invalid_params(format!("there is no tool {shown:?}"), None)),
        }
    }
}

/// The HTTP request that a message came with.
fn parts(context: &RequestContext<RoleServer>) -> Result<&Parts, ErrorData> {
    context
        .extensions
        .get::<Parts>()
        .ok_or_else(|| ErrorData::internal_error("the request is not known", None))
}

fn described(tool: Tool) -> rmcp::model::Tool {
    let annotations = ToolAnnotations::with_title(&tool.title).read_only(true).open_world(false);
    rmcp::model::Tool::new(tool.name, tool.description, tool.arguments)
        .with_title(tool.title)
        .with_annotations(annotations)
}
