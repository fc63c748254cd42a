//! Techniques of MITRE ATT&CK, and what detects them.

use attack::{Coverage, Platform};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::dto::{AttackMap, AttackPlatform};
use crate::extract::Query;
use crate::problem::Problem;

const NANOSECONDS_OF_DAY: u64 = 86_400 * 1_000_000_000;

/// Days over which detections are counted.
#[derive(Debug, Clone, Copy)]
struct Days(u32);

impl Days {
    const MAX: u32 = 400;
}

impl Default for Days {
    fn default() -> Self {
        Self(30)
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days =
            String::deserialize(deserializer)?.parse().ok().filter(|days| (1..=Self::MAX).contains(days));
        let wrong = || serde::de::Error::custom(format!("must be a number from 1 to {}", Self::MAX));
        days.map(Self).ok_or_else(wrong)
    }
}

/// Which techniques.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MapParams {
    /// Only techniques of this platform.
    platform: Option<AttackPlatform>,
    /// Days up to now over which detections are counted.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 400, default = 30)]
    days: Days,
}

/// Get the ATT&CK map
///
/// Every technique with the rules that name it, whether a replayed test proves one of them, and how often it was detected of late. A
/// rule without such a test proves nothing.
#[utoipa::path(
    get,
    path = "/api/v1/attack-map",
    operation_id = "get_attack_map",
    tag = "runtime",
    params(MapParams),
    responses((status = 200, description = "The map.", body = AttackMap))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Query(params, _): Query<MapParams>,
) -> Result<Json<AttackMap>, Problem> {
    let Days(days) = params.days;
    let now = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default();
    let since = now.saturating_sub(u64::from(days).saturating_mul(NANOSECONDS_OF_DAY));
    let detected = app.store.technique_counts(&caller.tenant, since).await?;
    let coverage = Coverage::of(&(app.attack)());
    Ok(Json(AttackMap::new(&coverage, params.platform.map(Platform::from), days, &detected)))
}

/// Which layer.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LayerParams {
    /// Only techniques of this platform.
    platform: Option<AttackPlatform>,
}

/// Get the ATT&CK map as a layer
///
/// A layer of the ATT&CK Navigator, format 4.5: techniques that rules name, with a score of 100 where a replayed test proves it, 50 where
/// it proves a sub-technique.
#[utoipa::path(
    get,
    path = "/api/v1/attack-map/navigator",
    operation_id = "get_attack_layer",
    tag = "runtime",
    params(LayerParams),
    responses((status = 200, description = "The layer.", body = Value))
)]
pub(crate) async fn navigator(
    State(app): State<App>,
    _caller: Caller,
    Query(params, _): Query<LayerParams>,
) -> Json<Value> {
    Json(Coverage::of(&(app.attack)()).layer("Palisade", params.platform.map(Platform::from)))
}
