//! What a process has to know to go on: made of what is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use correlate::Detected;
use engine::correlate::Judged;
use engine::known::Answers;
use host::Services;
use host::kinds::Event;
use jiff::Timestamp;
use model::TenantId;
use serde_json::Value;
use store::DetectionRow;
use tokio::task::block_in_place;

use super::super::Service;
use super::expected;
use super::lanes::Places;
use super::pipeline::{Pipeline, REMEMBERED};
use crate::context::Context;
use crate::plugins::PluginSet;
use crate::rules;

/// Rows that are read at once.
const PAGE: u32 = 2_000;

/// A pipeline that knows the incidents of the last days and the events that still wait for their turn.
pub(super) async fn pipeline(service: &Arc<Service>, tenant: &TenantId, set: &PluginSet) -> Result<Pipeline> {
    let files = rules::read(&service.config.events.rules)?;
    let placement = rules::placement(set, &files)?;
    let place = service
        .store
        .correlator_checkpoint(tenant)
        .await
        .context("cannot read how far events were judged")?;
    let (watermark, places) = match place {
        Some(place) => {
            let places: Places =
                serde_json::from_value(place.timers).context("cannot read how far events were judged")?;
            (place.watermark, places)
        }
        None => (0, Places::new()),
    };
    let known = Arc::new(Context::new(service.runtime.clone(), service.store.clone()));
    let services: Arc<dyn Services> = Arc::new(Answers::new(known, Arc::new(service.platform())));
    let near = service.config.events.lateness_seconds();
    let mut pipeline = block_in_place(|| Pipeline::new(placement, tenant, &services, &places, near));
    incidents(service, tenant, &mut pipeline).await?;
    waiting(service, tenant, watermark, &mut pipeline).await?;
    Ok(pipeline)
}

async fn incidents(service: &Service, tenant: &TenantId, pipeline: &mut Pipeline) -> Result<()> {
    let since = now().saturating_sub(REMEMBERED);
    let mut after: Option<(u64, String)> = None;
    loop {
        let page = service.store.detections_since(tenant, since, after.as_ref(), PAGE).await;
        let page = page.context("cannot read the detections of the last days")?;
        let Some(last) = page.last() else { break };
        after = Some((last.first, last.id.clone()));
        for one in page {
            if one.rule == expected::RULE {
                explained(service, tenant, &one, pipeline).await?;
            }
            pipeline.remember(&Detected {
                id: one.id,
                time: one.first,
                key: one.key,
                rule: one.rule,
                title: one.title,
                severity: one.severity,
                asset: one.asset,
                techniques: one.techniques.into_iter().collect::<BTreeSet<_>>(),
            });
        }
    }
    for (kept, merged) in service.store.links(tenant).await.context("cannot read what joins incidents")? {
        pipeline.remember_link(&kept, &merged);
    }
    Ok(())
}

/// What a baseline has said of an alert, as long as the alert is kept.
async fn explained(
    service: &Service,
    tenant: &TenantId,
    word: &DetectionRow,
    pipeline: &mut Pipeline,
) -> Result<()> {
    let Some(id) = word.evidence.pointer("/alert/event").and_then(Value::as_str) else { return Ok(()) };
    let alert = service.store.event(tenant, id).await.context("cannot read an alert that is expected")?;
    let Some(alert) = alert else { return Ok(()) };
    let event = Event {
        id: alert.row.id,
        time: alert.row.time,
        source: alert.row.origin,
        asset: alert.row.asset,
        body: alert.body.to_string().into_bytes(),
    };
    let Ok(read) = serde_json::from_slice(&event.body) else { return Ok(()) };
    if let Some(judged) = Judged::of_alert(&event, &read) {
        let (rule, evidence, last) = (word.rule.clone(), word.evidence.clone(), word.last);
        pipeline.remember_expected(&event, &read, &Judged { rule, evidence, last, ..judged });
    }
    Ok(())
}

async fn waiting(
    service: &Service,
    tenant: &TenantId,
    watermark: u64,
    pipeline: &mut Pipeline,
) -> Result<()> {
    let (mut after, clock): (Option<(u64, String)>, u64) = (None, now());
    loop {
        let page = service.store.events_after(tenant, watermark, after.as_ref(), PAGE).await;
        let page = page.context("cannot read the events that wait to be judged")?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.time, last.id.clone()));
        for one in page {
            let event =
                Event { id: one.id, time: one.time, source: one.origin, asset: one.asset, body: one.body };
            pipeline.wait_again(&one.source, &event, clock);
        }
    }
}

fn now() -> u64 {
    u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(0)
}
