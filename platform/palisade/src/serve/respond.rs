//! Goes on with responses: whatever is open in the store, in this process or another before it.
//!
//! Every move is in the journal before and after it, and the store lets only one process make it, so that as many may look after
//! the same runs as there are. A run that fails is tried again later and stops no other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use api::{ResponseAnswer, ResponseOrder};
use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use respond::{BookError, Cluster, Driver, Nowhere, Phase, Progress, RespondError, Run, RunId};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Service;
use super::figures::Mark;
use crate::config::RespondMode;
use crate::respond::{Asked, NoSite, standing};

/// How often the store is asked for runs that are open, and how long one that waits is left alone: people decide in other processes too.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Seconds after which a run that could not go on is tried again.
const AFTER_FAILURE: i64 = 10;
/// Runs that move at the same time.
const AT_ONCE: usize = 8;
/// Moves of one run before others have their turn.
const MOVES_MAX: usize = 1_000;

type Key = (TenantId, RunId);

/// Runs until stopped.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    let desk = &service.desk;
    if desk.respond.mode == RespondMode::Off {
        let open = desk.store.open_responses().await?.len();
        if open > 0 {
            tracing::warn!(
                open,
                "responses are off, and some are open: nothing of them is done or taken back"
            );
        }
        let _ = stopped.wait_for(|stopped| *stopped).await;
        return Ok(());
    }
    tracing::info!(
        mode = desk.respond.mode.as_str(),
        playbooks = desk.offered.iter().filter(|one| one.enabled).count(),
        "responses are looked after"
    );
    let mut resting: HashMap<Key, Timestamp> = HashMap::new();
    while !*stopped.borrow() {
        match desk.store.open_responses().await {
            Ok(open) => turn(&service, open, &mut resting, &stopped).await,
            Err(error) => tracing::warn!(error = %error, "cannot ask which responses are open; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = service.respond_bell.notified() => {}
            _ = stopped.changed() => {}
        }
    }
    Ok(())
}

/// Lets the playbooks in force answer an incident that is new or other than before. A run begins once for each playbook and
/// incident, however often this is called.
///
/// # Errors
/// The store did not answer: call it again with the same.
pub(super) async fn consider(service: &Service, tenant: &TenantId, incident: &str) -> Result<()> {
    if !service.desk.respond.is_wanted() {
        return Ok(());
    }
    let event = match service.desk.event_of(tenant, incident).await {
        Ok(event) => event,
        Err(error) if error.is::<store::StoreError>() => return Err(error),
        // It became part of another one, or is so old that nothing of it is kept.
        Err(error) => {
            let error = crate::exit::one_line(&error);
            tracing::warn!(incident, error, "no response to an incident can be considered");
            return Ok(());
        }
    };
    if !service.desk.consider(tenant, incident, &event).await?.is_empty() {
        service.respond_bell.notify_one();
    }
    Ok(())
}

/// Orders that the API hands on.
pub(crate) async fn order(
    service: &Service,
    by: String,
    tenant: &TenantId,
    order: ResponseOrder,
) -> Result<ResponseAnswer> {
    let desk = &service.desk;
    let done = match order {
        ResponseOrder::Playbooks => {
            return Ok(ResponseAnswer::Playbooks(
                desk.offered.iter().map(super::describe::playbook).collect(),
            ));
        }
        ResponseOrder::Start { playbook, incident, dry_run } => {
            let event = desk.event_of(tenant, &incident).await?;
            let asked = Asked { playbook, incident, event, parameters: BTreeMap::new(), by };
            if dry_run {
                return Ok(ResponseAnswer::Plan(Box::new(desk.preview(tenant, &asked).await?)));
            }
            desk.start(tenant, asked).await?
        }
        ResponseOrder::Decide { run, agree, plan } => desk.decide(tenant, &run, &by, agree, &plan).await?,
        ResponseOrder::Cancel { run } => {
            let mark = Mark::of(&desk.run(tenant, &run).await?);
            let run = desk.cancel(tenant, &run, &by).await?;
            service.figures.note(&mark, &run);
            run
        }
    };
    service.respond_bell.notify_one();
    Ok(ResponseAnswer::Run(Box::new(done)))
}

/// Lets every run that is due make its moves. What is under way is finished when the service stops; it is short.
async fn turn(
    service: &Arc<Service>,
    open: Vec<Key>,
    resting: &mut HashMap<Key, Timestamp>,
    stopped: &watch::Receiver<bool>,
) {
    let now = Timestamp::now();
    resting.retain(|key, until| *until > now && open.contains(key));
    let mut due = open.into_iter().filter(|key| !resting.contains_key(key)).collect::<Vec<_>>().into_iter();
    let mut moving = JoinSet::new();
    loop {
        while moving.len() < AT_ONCE && !*stopped.borrow() {
            let Some(key) = due.next() else { break };
            let service = Arc::clone(service);
            moving.spawn(async move { (go_on(&service, &key).await, key) });
        }
        match moving.join_next().await {
            Some(Ok((Some(until), key))) => drop(resting.insert(key, until)),
            Some(Ok((None, _))) => {}
            Some(Err(error)) => {
                tracing::error!(error = %error, "a response stopped by a fault of the program")
            }
            None => return,
        }
    }
}

/// Makes the moves of a run; until when it is to be left alone because it failed.
async fn go_on(service: &Service, (tenant, id): &Key) -> Option<Timestamp> {
    match moves(service, tenant, id).await {
        Ok(()) => None,
        Err(error) => {
            // Another process made a move; what it came to is read the next time.
            if matches!(error.downcast_ref(), Some(RespondError::Book(BookError::Fenced))) {
                return None;
            }
            tracing::warn!(run = %id, error = %crate::exit::one_line(&error), "a response does not go on; trying again");
            Timestamp::now().checked_add(SignedDuration::from_secs(AFTER_FAILURE)).ok()
        }
    }
}

async fn moves(service: &Service, tenant: &TenantId, id: &RunId) -> Result<()> {
    let desk = &service.desk;
    let run = desk.run(tenant, id).await?;
    if run.playbook.tells_only() {
        return moves_on(service, &Nowhere, run).await;
    }
    match desk.sites.actor(&run.begin).await {
        Ok(actor) => moves_on(service, &actor, run).await,
        Err(error) => without_cluster(service, run, error).await,
    }
}

/// Ends a run that has no plan and will get none, so that people see why; any other waits for its cluster.
async fn without_cluster(service: &Service, mut run: Run, error: anyhow::Error) -> Result<()> {
    let now = Timestamp::now();
    let hopeless = error.is::<NoSite>() || respond::is_stale(&run, now);
    if run.phase != Phase::Planning || !hopeless {
        return Err(error);
    }
    let desk = &service.desk;
    let mark = Mark::of(&run);
    let why = crate::exit::one_line(&error);
    Driver::new(&Nowhere, &desk.store, &desk.settings).refuse(&mut run, &why, now).await?;
    service.figures.note(&mark, &run);
    tracing::warn!(run = %run.id, playbook = run.playbook.name, error = why, "a response has no cluster");
    Ok(())
}

async fn moves_on<C: Cluster>(service: &Service, cluster: &C, mut run: Run) -> Result<()> {
    let desk = &service.desk;
    let driver = Driver::new(cluster, &desk.store, &desk.settings).with_post(&desk.post);
    let before = run.entries;
    for _ in 0..MOVES_MAX {
        let mark = Mark::of(&run);
        let progress = driver.advance(&mut run, Timestamp::now()).await?;
        service.figures.note(&mark, &run);
        match progress {
            Progress::Moved => {}
            Progress::Waiting(_) | Progress::Halted(_) | Progress::Over(_) => break,
        }
    }
    if run.entries > before {
        tracing::info!(run = %run.id, playbook = run.playbook.name, incident = run.begin.incident, standing = standing(&run), "a response went on");
    }
    Ok(())
}
