//! Lines of the audit log about what plugins were denied and what they sent.

use anyhow::{Context as _, Result};
use engine::audit::Trail;
use jiff::Timestamp;
use model::TenantId;
use store::{AuditEvent, Store};

use crate::config::Config;
use crate::data::DataDir;

/// Writes a trail down; `occasion` is what the plugins were called for, such as `the account prod`.
pub(crate) async fn keep(store: &Store, trail: &Trail, occasion: &str) -> store::Result<()> {
    store.append_audit(&TenantId::default_tenant(), &events(trail, occasion, Timestamp::now())).await
}

/// The same for a command that ends and has no store open. Without a store there is no log, and what was denied is told to whoever ran
/// the command.
pub(crate) fn keep_once(config: &Config, data: &DataDir, trail: &Trail, occasion: &str) -> Result<()> {
    if trail.is_empty() {
        return Ok(());
    }
    if config.store.url.is_none() && !data.has_store() {
        for event in events(trail, occasion, Timestamp::now()) {
            tracing::warn!(plugin.id = %event.actor, action = %event.action, "{}", event.detail);
        }
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let store = Store::connect(&crate::serve::store_url(config, data)?).await?;
        let kept = keep(&store, trail, occasion).await;
        store.close().await;
        kept.context("cannot write the audit log")
    })
}

/// One line for each ask, however often it came.
pub(crate) fn events(trail: &Trail, occasion: &str, at: Timestamp) -> Vec<AuditEvent> {
    let line = |plugin: &str, action: &str, detail: String| AuditEvent {
        at,
        actor: plugin.to_owned(),
        action: action.to_owned(),
        subject: plugin.to_owned(),
        detail,
    };
    let of = if occasion.is_empty() { String::new() } else { format!(", for {occasion}") };
    let mut events: Vec<AuditEvent> = trail
        .entries()
        .map(|(plugin, entry, times)| {
            let action = if entry.allowed { "plugin-allowed" } else { "plugin-denied" };
            let often = if times > 1 { format!(", {times} times") } else { String::new() };
            line(plugin, action, format!("{}: {}{often}{of}", entry.capability, entry.what))
        })
        .collect();
    if trail.beyond() > 0 {
        let detail = format!("{} more asks than the log keeps of one occasion{of}", trail.beyond());
        events.push(line("plugins", "plugin-asks-beyond", detail));
    }
    events
}

#[cfg(test)]
mod tests {
    use host::{Audit, Capability};

    use super::*;

    #[test]
    fn a_line_says_who_asked_what_how_often_and_for_what() {
        let entry =
            |what: &str, allowed| Audit { capability: Capability::Http, what: what.to_owned(), allowed };
        let mut trail = Trail::default();
        trail.note("a.b", vec![entry("POST x/", true), entry("POST x/", true), entry("GET y/", false)], 4);
        let told: Vec<String> = events(&trail, "the account prod", Timestamp::UNIX_EPOCH)
            .into_iter()
            .map(|event| format!("{} {} {}", event.actor, event.action, event.detail))
            .collect();
        assert_eq!(
            told,
            [
                "a.b plugin-denied http: GET y/, for the account prod",
                "a.b plugin-allowed http: POST x/, 2 times, for the account prod",
                "plugins plugin-asks-beyond 4 more asks than the log keeps of one occasion, for the account prod",
            ]
        );
        assert!(events(&trail, "", Timestamp::UNIX_EPOCH).iter().all(|event| !event.detail.contains("for ")));
    }
}
