//! Tells destinations of their tickets, through plugins of kind `notifier`.
//!
//! This reconciles: what a ticket ought to say is compared with what was told last, and a difference is told as a whole. A server that was
//! away is told of the state when it is back, not of each change in between. One process tells a destination at a time, and no destination
//! waits for another.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use engine::audit::Trail;
use host::kinds::{Notice, Receipt};
use host::{Answer, CallContext, Capability, Fault, FaultKind, Grant, Input, Kind, Services};
use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use serde_json::{Value, json};
use store::{Destination, Failure, NewDestination, Standing, Ticket, Wanted};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::lease::RENEW_EVERY;
use super::{Service, ticket_reads};

/// How often changed findings and due tickets are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a process has a destination that it does not ask for again. The clocks of processes have to agree better than this.
const HELD: SignedDuration = SignedDuration::from_secs(30);
/// Tickets that are looked for at once.
const AT_ONCE: u32 = 50;
/// Shortest and longest rest of a destination that asks for none itself; doubled with each failure.
const REST_MIN: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(8);
/// Longest rest that a destination is granted, whatever it asks for.
const ASKED_MAX: Duration = Duration::from_mins(15);
/// Shortest and longest pause of a ticket that the other system refuses; doubled with each refusal.
const REFUSED_MIN: Duration = Duration::from_secs(10);
const REFUSED_MAX: Duration = Duration::from_hours(1);
/// How long a ticket is tried that fails every time.
const DEAD_AFTER: SignedDuration = SignedDuration::from_hours(72);
/// How often all findings are looked at again: filters speak of their age.
const ALL_EVERY: Duration = Duration::from_hours(6);
/// How often it is looked whether a scan has seen something of a ticket that people have closed.
const VERIFY_EVERY: Duration = Duration::from_secs(10);
/// The code of a destination whose plugin cannot be called.
const UNUSABLE_CODE: &str = "destination-unusable";

/// What is known of a destination between two looks at it.
#[derive(Default)]
struct Desk {
    at_work: Option<JoinHandle<Rest>>,
    rest: Rest,
}

/// How long a destination is left alone.
#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    until: Option<tokio::time::Instant>,
    /// Failures in a row.
    failures: u32,
}

/// Runs until stopped.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    // A process that was killed is followed by another of the same instance, which need not wait until nobody has its destinations.
    let (tenant, holder) = (TenantId::default_tenant(), service.instance.name);
    let mut desks: HashMap<String, Desk> = HashMap::new();
    let mut all = tokio::time::Instant::now();
    while !*stopped.borrow() {
        if let Err(error) = turn(&service, &tenant, holder, &mut desks, &mut all, &stopped).await {
            tracing::warn!(error = %crate::exit::one_line(&error), "cannot look for tickets; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopped.changed() => {}
        }
    }
    for at_work in desks.into_values().filter_map(|desk| desk.at_work) {
        // What is under way is finished; its bound is the plugin's.
        let _ = at_work.await;
    }
    let released = service.store.release_destinations(&tenant, holder).await;
    if let Err(error) = released {
        tracing::warn!(error = %error, "cannot give destinations back; that ends by itself");
    }
    Ok(())
}

async fn turn(
    service: &Arc<Service>,
    tenant: &TenantId,
    holder: Uuid,
    desks: &mut HashMap<String, Desk>,
    all: &mut tokio::time::Instant,
    stopped: &watch::Receiver<bool>,
) -> Result<()> {
    let destinations = service.store.destinations(tenant).await?;
    if destinations.is_empty() {
        return Ok(());
    }
    if all.elapsed() >= ALL_EVERY {
        service.store.look_at_all_findings(tenant).await?;
        *all = tokio::time::Instant::now();
    }
    while !*stopped.borrow() && service.store.look_at_changed_findings(tenant, Timestamp::now()).await? > 0 {}
    for destination in destinations.into_iter().filter(|destination| destination.said.enabled) {
        let desk = desks.entry(destination.said.name.clone()).or_default();
        if let Some(ended) = desk.at_work.take_if(|at_work| at_work.is_finished()) {
            desk.rest = ended.await.context("telling a destination stopped by a fault of the program")?;
        }
        let resting = desk.rest.until.is_some_and(|until| until > tokio::time::Instant::now());
        if desk.at_work.is_some() || resting || *stopped.borrow() {
            continue;
        }
        let (service, tenant, failures) = (Arc::clone(service), tenant.clone(), desk.rest.failures);
        let stopped = stopped.clone();
        desk.at_work = Some(tokio::spawn(async move {
            let telling = tell_all(&service, &tenant, &destination, holder, failures, &stopped);
            match Box::pin(telling).await {
                Ok(rest) => rest,
                Err(error) => {
                    let error = crate::exit::one_line(&error);
                    tracing::warn!(
                        destination = destination.said.name,
                        error,
                        "cannot tell a destination; trying again"
                    );
                    resting_for(failures, None)
                }
            }
        }));
    }
    Ok(())
}

/// Tells a destination whatever is due, until it is all told or the destination needs a rest.
async fn tell_all(
    service: &Arc<Service>,
    tenant: &TenantId,
    destination: &Destination,
    holder: Uuid,
    mut failures: u32,
    stopped: &watch::Receiver<bool>,
) -> Result<Rest> {
    let name = &destination.said.name;
    if let Some(asked) = ticket_reads::read(service, tenant, destination, holder).await? {
        return Ok(resting_for(failures, Some(asked)));
    }
    while !*stopped.borrow() {
        let due = service.store.tickets_due(tenant, name, Timestamp::now(), AT_ONCE).await?;
        if due.is_empty() {
            break;
        }
        for ticket in due {
            if !claim(service, tenant, name, holder).await? || *stopped.borrow() {
                return Ok(Rest::default());
            }
            let telling = Box::pin(tell(service, tenant, destination, ticket));
            match held(service, tenant, name, holder, telling).await? {
                Told::Right => {}
                Told::Accepted => failures = 0,
                Told::Away(asked) => return Ok(resting_for(failures, asked)),
            }
        }
        let known = service.store.destination(tenant, name).await?;
        if known.is_none_or(|known| known.version != destination.version) {
            // Somebody has changed it: the next look goes by what is said now.
            break;
        }
    }
    Ok(Rest { until: None, failures })
}

/// Takes a destination, or keeps it; false if another process has it.
pub(super) async fn claim(
    service: &Service,
    tenant: &TenantId,
    name: &str,
    holder: Uuid,
) -> store::Result<bool> {
    let now = Timestamp::now();
    let until = now.saturating_add(HELD).unwrap_or(now);
    service.store.claim_destination(tenant, name, holder, now, until).await
}

/// Asks for the destination again and again while something is done with it. Who loses it all the same finishes what is under way: the
/// marker of a ticket keeps another process from making it twice.
pub(super) async fn held<T>(
    service: &Service,
    tenant: &TenantId,
    name: &str,
    holder: Uuid,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(RENEW_EVERY) => match claim(service, tenant, name, holder).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!(destination = name, "another process has the destination"),
                Err(error) => tracing::warn!(destination = name, error = %error, "cannot keep the destination; trying again"),
            },
        }
    }
}

/// What became of one ticket.
enum Told {
    /// It said what it ought to.
    Right,
    /// The other system took it, or refused this one.
    Accepted,
    /// The other system takes nothing at the moment, and may have said for how long.
    Away(Option<Duration>),
}

async fn tell(
    service: &Arc<Service>,
    tenant: &TenantId,
    destination: &Destination,
    mut ticket: Ticket,
) -> Result<Told> {
    let name = &destination.said.name;
    let wanted = service.store.wanted(tenant, name, &ticket.key).await?;
    let closed = ticket.open && ticket.category.as_deref() == Some(Standing::Done.as_str());
    if closed && wanted.counts.total() > 0 && !is_seen_since(&ticket, &wanted) {
        // People say that it is mended; the next scan tells.
        let until = after(Timestamp::now(), VERIFY_EVERY);
        service.store.put_off_ticket(tenant, name, &ticket.key, until).await?;
        return Ok(Told::Right);
    }
    let body = body(tenant, destination, &ticket, &wanted, closed);
    let digest = blake3::hash(told_part(&body).to_string().as_bytes()).as_bytes().to_vec();
    let never = ticket.told.is_none() && ticket.attempts == 0 && wanted.counts.total() == 0;
    if never || (!closed && ticket.told.as_ref() == Some(&digest)) {
        service.store.ticket_is_right(tenant, name, &ticket.key, ticket.mark).await?;
        return Ok(Told::Right);
    }
    let id =
        blake3::hash(&[marker(tenant, name, &ticket.key).as_bytes(), &digest].concat()).to_hex().to_string();
    ticket.title = body.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
    let notice = Notice { id: id.clone(), body: body.to_string().into_bytes() };
    let answer = call(service, &destination.said, notice).await?;
    let now = Timestamp::now();
    match answer {
        Ok(receipt) => {
            ticket.told = Some(digest);
            ticket.open = wanted.counts.total() > 0;
            ticket.external_id = Some(receipt.id);
            ticket.url = receipt.url;
            ticket.next_at = after(now, Duration::from_secs(destination.said.interval_seconds.into()));
            service.store.ticket_told(tenant, name, &ticket, &id, now).await?;
            Ok(Told::Accepted)
        }
        Err(fault) => failed(service, tenant, name, &ticket, &id, &fault).await,
    }
}

/// Whether a scan has seen anything of a ticket after people closed it.
fn is_seen_since(ticket: &Ticket, wanted: &Wanted) -> bool {
    let closed_at = ticket.read_at.unwrap_or(Timestamp::MAX);
    wanted.findings.iter().any(|finding| finding.last_seen_at > closed_at)
}

/// Notes a failure. One that asks to be called again is the whole destination's, any other this ticket's alone.
async fn failed(
    service: &Service,
    tenant: &TenantId,
    name: &str,
    ticket: &Ticket,
    notice: &str,
    fault: &Fault,
) -> Result<Told> {
    let now = Timestamp::now();
    let exponent = u32::try_from(ticket.attempts).unwrap_or(u32::MAX).min(16);
    let pause = match fault.retry_after {
        Some(_) => Duration::ZERO,
        None => jittered(REFUSED_MIN.saturating_mul(1 << exponent).min(REFUSED_MAX)),
    };
    let dead = ticket.failing_since.is_some_and(|since| now.duration_since(since) >= DEAD_AFTER);
    let code = if fault.kind == FaultKind::Host { UNUSABLE_CODE } else { fault.kind.as_str() };
    let failure =
        Failure { code: code.to_owned(), message: fault.message.clone(), next_at: after(now, pause), dead };
    service.store.ticket_failed(tenant, name, ticket, notice, &failure, now).await?;
    tracing::warn!(destination = name, ticket = ticket.key, code, dead, "{}", fault.message);
    Ok(match fault.retry_after {
        Some(asked) => Told::Away(Some(asked)),
        None => Told::Accepted,
    })
}

/// Calls the plugin of a destination; the outer error is one of this process, not of the destination.
async fn call(
    service: &Arc<Service>,
    said: &NewDestination,
    notice: Notice,
) -> Result<std::result::Result<Receipt, Fault>> {
    let answer = plugin_called(service, said, Kind::Notifier, Input::Notifier { notice }).await?;
    Ok(answer.and_then(|answer| match answer {
        Answer::Notifier(receipt) => Ok(receipt),
        other => Err(other.unexpected()),
    }))
}

/// What the plugin of a destination answers; the outer error is one of this process, not of the destination.
pub(super) async fn plugin_called(
    service: &Arc<Service>,
    said: &NewDestination,
    kind: Kind,
    input: Input,
) -> Result<std::result::Result<Answer, Fault>> {
    let (working, said) = (Arc::clone(service), said.clone());
    let occasion = format!("the destination {}", said.name);
    // Calls of plugins block, and so may the services that they ask for.
    let called = tokio::task::spawn_blocking(move || called(&working, &said, kind, input)).await;
    let (answer, trail) = called.context("the call of a plugin stopped by a fault of the program")?;
    if !trail.is_empty() {
        let kept = crate::audit::keep(&service.store, &trail, &occasion).await;
        kept.context("cannot write the audit log of what was sent")?;
    }
    Ok(answer)
}

fn called(
    service: &Service,
    said: &NewDestination,
    kind: Kind,
    input: Input,
) -> (std::result::Result<Answer, Fault>, Trail) {
    let mut trail = Trail::default();
    let unusable = |error: anyhow::Error| Fault::of(FaultKind::Host, crate::exit::one_line(&error));
    let set = service.live.set();
    let loaded = match teller(&set, &said.plugin, kind) {
        Ok(loaded) => loaded,
        Err(error) => return (Err(unusable(error)), trail),
    };
    let tenant = TenantId::default_tenant();
    let grant = Grant {
        tenant: tenant.clone(),
        digest: loaded.plugin.digest().clone(),
        rights: loaded.rights.clone(),
    };
    let services: Arc<dyn Services> = Arc::new(service.platform());
    let context = CallContext {
        grant: Some(Arc::new(grant)),
        services,
        ..CallContext::new(tenant, Arc::from(said.settings.to_string()))
    };
    let outcome = loaded.plugin.call(&context, input);
    trail.note(&said.plugin, outcome.audit, outcome.audit_dropped);
    (outcome.result, trail)
}

/// The plugin of a destination, if it can be called.
fn teller<'a>(
    set: &'a crate::plugins::PluginSet,
    id: &str,
    kind: Kind,
) -> Result<&'a crate::plugins::Loaded> {
    let fits = |one: &&crate::plugins::Loaded| {
        one.plugin.manifest().id == id && one.plugin.manifest().declares(kind)
    };
    let found = set.loaded.iter().find(fits);
    let found =
        found.with_context(|| format!("no plugin of kind {} is loaded whose id is {id:?}", kind.as_str()))?;
    ensure!(
        found.rights.has(Capability::Http) || !found.plugin.asked().has(Capability::Http),
        "{id} may send no request: grant it its hosts, or where it is built in name them for its secret under [plugins.secrets]"
    );
    Ok(found)
}

/// Asks a destination whether all would go well; writes nothing there. The inner error is for the person who asked.
pub(crate) async fn test(
    service: &Arc<Service>,
    tenant: &TenantId,
    said: &NewDestination,
) -> Result<std::result::Result<(String, Option<String>), String>> {
    let body = json!({
        "type": "self-test", "state": "open", "key": "self-test", "marker": marker(tenant, &said.name, "self-test"),
        "destination": said.name, "title": "Self-test", "severity": "none", "counts": {}, "total": 0, "members": [],
        "owner": null, "ticket": null,
    });
    let notice = Notice { id: Uuid::now_v7().to_string(), body: body.to_string().into_bytes() };
    let answer = call(service, said, notice).await?;
    Ok(answer.map(|receipt| (receipt.id, receipt.url)).map_err(|fault| match fault.retry_after {
        Some(pause) => format!("the other system asks to come back in {} seconds", pause.as_secs()),
        None => fault.message,
    }))
}

/// What the plugin is told.
fn body(
    tenant: &TenantId,
    destination: &Destination,
    ticket: &Ticket,
    wanted: &Wanted,
    closed: bool,
) -> Value {
    let worst = wanted.findings.first();
    let owner = wanted.findings.first().and_then(|finding| finding.triage.assignee.clone());
    let same = wanted.findings.iter().all(|finding| finding.triage.assignee == owner);
    let title = match worst {
        Some(worst) if wanted.counts.total() == 1 => worst.finding.title.clone(),
        Some(worst) => group_title(destination, worst, wanted.counts.total()),
        None => ticket.title.clone(),
    };
    json!({
        "type": "ticket",
        "state": if wanted.counts.total() > 0 { "open" } else { "resolved" },
        "key": ticket.key,
        "marker": marker(tenant, &destination.said.name, &ticket.key),
        "destination": destination.said.name,
        "title": title,
        "severity": worst.map_or("none", |worst| worst.finding.severity.as_str()),
        "counts": wanted.counts,
        "total": wanted.counts.total(),
        "members": wanted.findings.iter().map(member).collect::<Vec<_>>(),
        "owner": owner.filter(|_| same),
        "ticket": ticket.external_id,
        "closed": closed,
    })
}

fn group_title(destination: &Destination, worst: &store::StoredFinding, total: u64) -> String {
    match (destination.said.per, &worst.finding.package, worst.finding.fix.versions.first()) {
        (store::Per::Fix, Some(package), Some(version)) => {
            format!("Update {} to {version}: {total} findings", package.name)
        }
        (store::Per::Owner, ..) => {
            let owner = worst.triage.assignee.as_deref().unwrap_or("nobody");
            format!("{total} findings of {owner}")
        }
        _ => format!("{}: {total} findings", worst.finding.title),
    }
}

fn member(stored: &store::StoredFinding) -> Value {
    let (finding, package) = (&stored.finding, stored.finding.package.as_ref());
    json!({
        "fingerprint": stored.fingerprint.0,
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity.as_str(),
        "asset": stored.asset.0,
        "package": package.map(|package| &package.name),
        "version": package.map(|package| &package.version),
        "fixed": finding.fix.versions,
        "status": stored.triage.status.as_str(),
        "assignee": stored.triage.assignee,
        "first_seen_at": stored.first_seen_at,
    })
}

/// What makes a difference: not the other system's name for the ticket, which comes with the first receipt.
fn told_part(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("ticket");
        fields.remove("closed");
        if fields.get("state").is_some_and(|state| state == "resolved") {
            fields.remove("title");
        }
    }
    body
}

/// What plugins put into a ticket to find it again. It says nothing about the finding, and fits into any subject.
fn marker(tenant: &TenantId, destination: &str, key: &str) -> String {
    let digest = blake3::hash(format!("{tenant}\n{destination}\n{key}").as_bytes()).to_hex();
    format!("palisade:{}", digest.get(..20).unwrap_or(&digest))
}

/// The rest of a destination after one more failure: what it asked for, and more with every failure in a row.
fn resting_for(failures: u32, asked: Option<Duration>) -> Rest {
    let own = REST_MIN.saturating_mul(1 << failures.min(8)).min(REST_MAX);
    let pause = jittered(asked.unwrap_or_default().min(ASKED_MAX).max(own));
    Rest { until: tokio::time::Instant::now().checked_add(pause), failures: failures.saturating_add(1) }
}

/// Up to an eighth longer, so that many who were sent away do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let [.., byte] = Uuid::now_v7().into_bytes();
    pause.saturating_add(pause / 2048 * u32::from(byte))
}

fn after(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}
