//! The plugins of this installation.

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::code::Code;
use crate::dto::{Plugin, Plugins};
use crate::extract::{Nothing, Path, Query};
use crate::problem::Problem;

/// List plugins
///
/// Every loaded plugin: what it asked for, what it was granted, and how it does.
#[utoipa::path(
    get,
    path = "/api/v1/plugins",
    operation_id = "list_plugins",
    tag = "plugins",
    responses((status = 200, description = "The plugins, by id.", body = Plugins))
)]
pub(crate) async fn list(State(app): State<App>, Query(..): Query<Nothing>) -> Json<Plugins> {
    let mut items = (app.plugins)();
    items.sort_by(|one, other| one.id.cmp(&other.id));
    Json(Plugins { items })
}

/// Get a plugin
#[utoipa::path(
    get,
    path = "/api/v1/plugins/{id}",
    operation_id = "get_plugin",
    tag = "plugins",
    params(("id" = String, Path, description = "Id of the plugin.", example = "palisade.image-packages")),
    responses((status = 200, description = "The plugin.", body = Plugin))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<Plugin>, Problem> {
    let found = (app.plugins)().into_iter().find(|plugin| plugin.id == id);
    found.map(Json).ok_or_else(|| {
        Problem::new(Code::PluginNotFound, "No plugin with this id is loaded.")
            .hint("List them at /api/v1/plugins.")
    })
}
