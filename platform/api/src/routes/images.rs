//! Images and directories that were scanned.

use axum::Json;
use axum::extract::State;
use model::AssetId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{ImageDetail, ImageRow, PackageRow, Page};
use crate::extract::{Nothing, PageParams, Path, Query, Text};
use crate::problem::Problem;

/// Scans shown with an image.
const SCANS_SHOWN: u32 = 10;

/// Which rows, by text.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TextParams {
    /// A text that occurs in the name.
    #[param(value_type = Option<String>, max_length = 1024)]
    q: Option<Text>,
}

/// List images
///
/// Everything that was scanned, with what is open on it; last scanned first.
#[utoipa::path(
    get,
    path = "/api/v1/images",
    operation_id = "list_images",
    tag = "images",
    params(TextParams, PageParams),
    responses((status = 200, description = "A page of images.", body = Page<ImageRow>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter, page): Query<TextParams, PageParams>,
) -> Result<Json<Page<ImageRow>>, Problem> {
    let filter = store::AssetFilter { text: filter.q.map(|text| text.0), ..Default::default() };
    let page = app.store.assets(&caller.tenant, &filter, store::AssetSort::LastScan, &page.into()).await?;
    Ok(Json(Page::of(page)))
}

/// Get an image
///
/// Its layers, what its latest scan saw and what it did not, and its latest scans.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}",
    operation_id = "get_image",
    tag = "images",
    params(("id" = String, Path, description = "Id of the image: its digest.")),
    responses((status = 200, description = "The image.", body = ImageDetail))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<ImageDetail>, Problem> {
    let id = AssetId(id);
    let asset = app.store.asset(&caller.tenant, &id).await?.ok_or_else(not_found)?;
    let filter = store::ScanFilter { asset: Some(id), ..Default::default() };
    let page = store::PageRequest { cursor: None, limit: SCANS_SHOWN };
    let scans = app.store.scans(&caller.tenant, &filter, &page).await?;
    Ok(Json(ImageDetail::new(asset, scans.items)))
}

/// List the packages of an image
///
/// By type and name, each with what proves it.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/packages",
    operation_id = "list_packages",
    tag = "images",
    params(("id" = String, Path, description = "Id of the image: its digest."), TextParams, PageParams),
    responses((status = 200, description = "A page of packages.", body = Page<PackageRow>))
)]
pub(crate) async fn packages(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(filter, page): Query<TextParams, PageParams>,
) -> Result<Json<Page<PackageRow>>, Problem> {
    let id = AssetId(id);
    let text = filter.q.map(|text| text.0);
    let page = app.store.packages(&caller.tenant, &id, text.as_deref(), &page.into()).await?;
    if page.items.is_empty() && app.store.asset(&caller.tenant, &id).await?.is_none() {
        return Err(not_found());
    }
    Ok(Json(Page::of(page)))
}

fn not_found() -> Problem {
    Problem::new(Code::ImageNotFound, "No image has this id.").hint("List them at /api/v1/images.")
}
