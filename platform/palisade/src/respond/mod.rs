//! Responses, for the service and the command line alike: playbooks on offer, who may begin and decide, and which cluster is meant.

mod offered;
mod post;
mod sites;

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;
use model::TenantId;
use respond::{Begin, Cluster, Decision, Driver, Nowhere, Outcome, Phase, Plan, Run, RunId, Settings};
use serde_json::Value;
use store::Store;

use crate::config::{Config, Respond};

pub(crate) use offered::{Offered, offered, read};
pub(crate) use post::Post;
pub(crate) use sites::{NoSite, Sites};

/// How often one playbook is run for one incident.
const ROUNDS_MAX: u32 = 100;
/// Latest steps of an incident whose events are looked at, and events of each.
const STEPS_READ: usize = 50;
const EVENTS_OF_STEP: usize = 5;

/// Where responses are begun and decided about.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) respond: Respond,
    pub(crate) settings: Settings,
    pub(crate) offered: Vec<Offered>,
    pub(crate) sites: Sites,
    pub(crate) post: Post,
}

/// Something is named that there is not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unknown(String);

/// A response that somebody asks for.
pub(crate) struct Asked {
    /// Name of the playbook.
    pub(crate) playbook: String,
    /// Id of the incident.
    pub(crate) incident: String,
    /// What it is about: a normalised event, or an incident with `events`.
    pub(crate) event: Value,
    /// Parameters of the playbook.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// Who asks.
    pub(crate) by: String,
}

impl Desk {
    /// By the configuration.
    ///
    /// # Errors
    /// A playbook that cannot be read, with its file and line; approvals that nobody could give.
    pub(crate) fn new(config: &Config, store: Store) -> Result<Self> {
        let respond = config.respond.clone();
        let offered = offered(&respond)?;
        for one in offered.iter().filter(|one| one.enabled) {
            if let Some(approval) = one.playbook.approval.clone().or_else(|| respond.approval()) {
                respond.can_agree(&one.playbook.name, &approval)?;
            }
        }
        let settings = respond.settings();
        let (sites, post) = (Sites::new(config), Post::new(config)?);
        Ok(Self { store, settings, offered, sites, post, respond })
    }

    fn driver(&self) -> Driver<'_, Nowhere, Store> {
        Driver::new(&Nowhere, &self.store, &self.settings)
    }

    /// A playbook on offer.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn playbook(&self, name: &str) -> Result<&Offered> {
        match self.offered.iter().find(|one| one.playbook.name == name) {
            Some(one) => Ok(one),
            None => Err(Unknown(format!(
                "there is no playbook {name:?}; `palisade respond playbooks` lists them"
            ))
            .into()),
        }
    }

    /// Begins runs of the playbooks in force whose triggers an incident fits, by its newest event. Each is in its journal when this
    /// returns, and the same is begun once however often this is called. What is wrong with one playbook is logged and keeps no other
    /// from being run.
    ///
    /// # Errors
    /// The store did not answer: call it again with the same.
    pub(crate) async fn consider(
        &self,
        tenant: &TenantId,
        incident: &str,
        event: &Value,
    ) -> Result<Vec<RunId>> {
        let mut begun = Vec::new();
        if !self.respond.is_wanted() {
            return Ok(begun);
        }
        for one in self.offered.iter().filter(|one| one.enabled) {
            match one.playbook.trigger.matches(event) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    tracing::warn!(playbook = one.playbook.name, incident, error = %error, "a trigger cannot be asked");
                    continue;
                }
            }
            let begin = self.begin_of(one, tenant, incident, event.clone(), BTreeMap::new(), None, 1);
            match self.driver().begin(begin, Timestamp::now()).await {
                Ok(run) => {
                    if run.entries == 1 {
                        tracing::info!(playbook = one.playbook.name, incident, run = %run.id, "a response begins");
                    }
                    begun.push(run.id);
                }
                Err(respond::RespondError::Book(error)) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(playbook = one.playbook.name, incident, error = %error, "a response cannot begin");
                }
            }
        }
        Ok(begun)
    }

    #[allow(clippy::too_many_arguments, reason = "a run begins with exactly these")]
    fn begin_of(
        &self,
        one: &Offered,
        tenant: &TenantId,
        incident: &str,
        mut event: Value,
        parameters: BTreeMap<String, Value>,
        by: Option<String>,
        round: u32,
    ) -> Begin {
        // The message as it came is large, and nothing of a playbook looks at it.
        if let Some(members) = event.as_object_mut() {
            members.remove("raw");
        }
        Begin {
            tenant: tenant.clone(),
            playbook: one.text.clone(),
            incident: incident.to_owned(),
            cluster: self.sites.named_by(&event).unwrap_or_default(),
            event,
            parameters,
            by,
            round,
            approval: self.respond.approval(),
        }
    }

    /// Begins what somebody asks for.
    ///
    /// # Errors
    /// It is under way, or cannot begin.
    pub(crate) async fn start(&self, tenant: &TenantId, asked: Asked) -> Result<Run> {
        ensure!(
            self.respond.mode != crate::config::RespondMode::Off,
            "responses are off: respond.mode of the configuration says so"
        );
        let one = self.playbook(&asked.playbook)?;
        if let Some(approval) = one.playbook.approval.clone().or_else(|| self.respond.approval()) {
            self.respond.can_agree(&one.playbook.name, &approval)?;
        }
        for round in 1..=ROUNDS_MAX {
            let begin = self.asked(one, tenant, &asked, round);
            match self.driver().resume(tenant, &begin.run()).await {
                Ok(run) if matches!(run.phase, Phase::Over(_)) => {}
                Ok(run) => bail!(
                    "{:?} is under way for this incident: run {} is {}",
                    asked.playbook,
                    run.id,
                    run.phase.as_str()
                ),
                Err(respond::RespondError::Unknown(_)) => {
                    return Ok(self.driver().begin(begin, Timestamp::now()).await?);
                }
                Err(error) => return Err(error.into()),
            }
        }
        bail!("{:?} was run {ROUNDS_MAX} times for this incident", asked.playbook)
    }

    fn asked(&self, one: &Offered, tenant: &TenantId, asked: &Asked, round: u32) -> Begin {
        let (event, parameters) = (asked.event.clone(), asked.parameters.clone());
        self.begin_of(one, tenant, &asked.incident, event, parameters, Some(asked.by.clone()), round)
    }

    /// What an incident of the store is about: the newest of the events that prove its latest steps, with the others as `events`.
    ///
    /// # Errors
    /// There is no such incident, or nothing of it is kept any more.
    pub(crate) async fn event_of(&self, tenant: &TenantId, incident: &str) -> Result<Value> {
        let Some(found) = self.store.incident(tenant, incident).await? else {
            return Err(Unknown(format!("there is no incident {incident:?}")).into());
        };
        let steps = found.told.steps.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut events = Vec::new();
        for step in steps.iter().rev().take(STEPS_READ) {
            let Some(id) = step.get("detection").and_then(Value::as_str) else { continue };
            let Some((_, proof)) = self.store.detection(tenant, id).await? else { continue };
            for event in proof.iter().rev().take(EVENTS_OF_STEP) {
                if let Some(event) = self.store.event(tenant, event).await? {
                    let mut body = event.body;
                    if let Some(members) = body.as_object_mut() {
                        members.remove("raw");
                    }
                    events.push(body);
                }
            }
        }
        let Some(mut newest) = events.first().cloned() else {
            bail!("no event of the incident {incident:?} is kept any more");
        };
        if let Some(members) = newest.as_object_mut() {
            members.insert("events".to_owned(), events.into());
        }
        Ok(newest)
    }

    /// What the plan would be, tried on the cluster without doing anything or writing anything down.
    ///
    /// # Errors
    /// It cannot be planned.
    pub(crate) async fn preview(&self, tenant: &TenantId, asked: &Asked) -> Result<Plan> {
        let one = self.playbook(&asked.playbook)?;
        let begin = self.asked(one, tenant, asked, 1);
        if one.playbook.tells_only() {
            return self.preview_on(&Nowhere, &begin).await;
        }
        self.preview_on(&self.sites.actor(&begin).await?, &begin).await
    }

    async fn preview_on<C: Cluster>(&self, cluster: &C, begin: &Begin) -> Result<Plan> {
        let driver = Driver::new(cluster, &self.store, &self.settings).with_post(&self.post);
        Ok(driver.preview(begin, Timestamp::now()).await?)
    }

    /// A run as its journal says.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(crate) async fn run(&self, tenant: &TenantId, run: &RunId) -> Result<Run> {
        Ok(self.driver().resume(tenant, run).await?)
    }

    /// Writes down what somebody decided about the plan with this digest.
    ///
    /// # Errors
    /// It does not count.
    pub(crate) async fn decide(
        &self,
        tenant: &TenantId,
        run: &RunId,
        by: &str,
        agree: bool,
        plan: &str,
    ) -> Result<Run> {
        let mut run = self.run(tenant, run).await?;
        let decision =
            Decision { by: by.to_owned(), roles: self.respond.roles_of(by), agree, plan: plan.to_owned() };
        self.driver().decide(&mut run, decision, Timestamp::now()).await?;
        Ok(run)
    }

    /// Ends a run: before anything was done at once, afterwards by taking back what can be.
    ///
    /// # Errors
    /// There is nothing to end.
    pub(crate) async fn cancel(&self, tenant: &TenantId, run: &RunId, by: &str) -> Result<Run> {
        let mut run = self.run(tenant, run).await?;
        self.driver().cancel(&mut run, by, Timestamp::now()).await?;
        Ok(run)
    }
}

/// In one line, where a run stands.
pub(crate) fn standing(run: &Run) -> String {
    match run.phase {
        Phase::Over(Outcome::Partial) => {
            format!("partial: {}", run.stopped.as_deref().unwrap_or("not everything was done"))
        }
        Phase::Over(outcome) => outcome.as_str().to_owned(),
        phase => phase.as_str().to_owned(),
    }
}
