//! Events in the order of their time, for correlators that remember.
//!
//! There are two lanes. What a sensor or an audit log sends comes within seconds; what a cloud logs comes within a quarter of an hour.
//! Were they one, whoever counts failed logins in a cluster would wait for the cloud. Each has its own watermark and its own part of
//! every plugin's state.

use std::collections::BTreeMap;
use std::sync::Arc;

use correlate::{Bounds, Order, Placed, Waiting};
use engine::correlate::{Correlated, CorrelatorPlugin, Correlators, Timers};
use host::kinds::Event;
use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{Refusal, Services, SharedBytes};
use model::{Digest, TenantId};
use serde::{Deserialize, Serialize};

const SECOND: u64 = 1_000_000_000;
/// Events that wait in a lane; more are not taken from the bus until some have gone on.
const WAITING_MAX: usize = 200_000;
/// Sources whose logs come late.
const FAR: [&str; 6] = ["cloudtrail", "guardduty", "gcp-audit", "azure-activity", "okta", "github"];

/// How far a lane has come, as it is stored: with the state of plugins it is all that a later process has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) watermark: u64,
    #[serde(default)]
    pub(super) timers: Timers,
}

/// The places of all lanes, by name.
pub(super) type Places = BTreeMap<String, Place>;

/// One lane.
pub(super) struct Lane {
    name: &'static str,
    prefix: &'static str,
    order: Order<Event>,
    correlators: Correlators,
}

/// Both lanes, the near one first.
pub(super) fn lanes(
    plugins: &[CorrelatorPlugin],
    tenant: &TenantId,
    services: &Arc<dyn Services>,
    places: &Places,
    near: u64,
) -> [Lane; 2] {
    let lane = |name: &'static str, prefix: &'static str, lateness: u64, idle: u64| {
        let place = places.get(name).cloned().unwrap_or_default();
        let bounds = Bounds { lateness, idle, waiting: WAITING_MAX };
        let services: Arc<dyn Services> = Arc::new(Part { prefix, base: Arc::clone(services) });
        let mut correlators = Correlators::new(plugins.to_vec(), tenant, services);
        correlators.set_timers(&place.timers);
        Lane { name, prefix, order: Order::new(bounds, place.watermark), correlators }
    };
    let near = near.max(1) * SECOND;
    [lane("near", "near/", near, near.saturating_mul(3)), lane("far", "far/", 900 * SECOND, 1_800 * SECOND)]
}

impl Lane {
    /// Whether events of this kind of source go here.
    pub(super) fn takes(&self, source: &str) -> bool {
        FAR.contains(&source) == (self.name == "far")
    }

    /// How many more it can hold.
    pub(super) fn room(&self) -> usize {
        WAITING_MAX.saturating_sub(self.order.len())
    }

    /// Brings an event; false if it is too late to be put in order.
    pub(super) fn push(&mut self, from: &str, event: &Event, now: u64) -> bool {
        let waiting =
            Waiting { time: event.time, id: event.id.clone(), source: from.to_owned(), event: event.clone() };
        self.order.push(waiting, now) != Placed::Late
    }

    /// Judges what may go on. State is named as it is stored.
    pub(super) fn run(&mut self, now: u64) -> Correlated {
        let (events, watermark) = self.order.release(now);
        if self.correlators.is_empty() {
            return Correlated::default();
        }
        let events: Vec<Event> = events.into_iter().map(|waiting| waiting.event).collect();
        let mut came = self.correlators.judge(&events, watermark);
        for changes in came.state.values_mut() {
            let renamed = std::mem::take(changes).into_iter();
            *changes = renamed.map(|(key, value)| (format!("{}{key}", self.prefix), value)).collect();
        }
        came
    }

    /// How far it has come.
    pub(super) fn place(&self) -> (String, Place) {
        let place = Place { watermark: self.order.watermark(), timers: self.correlators.timers() };
        (self.name.to_owned(), place)
    }
}

/// A part of each plugin's state.
struct Part {
    prefix: &'static str,
    base: Arc<dyn Services>,
}

impl Part {
    fn named(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl Services for Part {
    fn state_get(&self, caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.base.state_get(caller, &self.named(key))
    }

    fn state_keys(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        let after = after.map(|after| self.named(after));
        let keys = self.base.state_keys(caller, &self.named(prefix), after.as_deref(), limit)?;
        Ok(keys.into_iter().filter_map(|key| key.strip_prefix(self.prefix).map(str::to_owned)).collect())
    }

    fn state_bytes(&self, caller: &Caller) -> Result<u64, Refusal> {
        self.base.state_bytes(caller)
    }

    fn http(
        &self,
        caller: &Caller,
        request: &HttpRequest,
        bytes_max: usize,
    ) -> Result<HttpResponse, Refusal> {
        self.base.http(caller, request, bytes_max)
    }

    fn advisories(&self, caller: &Caller, purl: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        self.base.advisories(caller, purl)
    }

    fn asset_kind(&self, caller: &Caller, asset: &str) -> Result<String, Refusal> {
        self.base.asset_kind(caller, asset)
    }

    fn describe(&self, caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        self.base.describe(caller, asset)
    }

    fn related(
        &self,
        caller: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        self.base.related(caller, asset, edge, limit)
    }

    fn blob(&self, caller: &Caller, repository: &str, digest: &Digest) -> Result<SharedBytes, Refusal> {
        self.base.blob(caller, repository, digest)
    }
}
