//! From a playbook and an incident to a plan: reads what the steps are about, and has the API server try every change without doing it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::change::Change;
use crate::entry::Begin;
use crate::error::{BookError, PlaybookError};
use crate::guard::reconciler;
use crate::key::{Key, Origin};
use crate::object::{Kind, ObjectRef, word};
use crate::plan::{ACTS_MAX, Act, DryRun, Plan};
use crate::playbook::{Gitops, OnError, PlannedStep, Playbook, Values};
use crate::seams::{Book, CallCause, CallError, Cluster, Deliver, Query, Quota};
use crate::send::message;
use crate::settings::Settings;
use crate::step::{Aim, Class};
use crate::subject::Subjects;

/// Owners on the way up from a pod: a Deployment is two above.
const OWNERS_MAX: usize = 6;
/// How often an object that changes under the eyes is read again.
const TRIES_MAX: usize = 4;

/// Why there is no plan yet.
#[derive(Debug)]
pub(crate) enum NoPlan {
    /// The API server; later may do.
    Call(CallError),
    /// The book.
    Book(BookError),
}

impl From<CallError> for NoPlan {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<BookError> for NoPlan {
    fn from(error: BookError) -> Self {
        Self::Book(error)
    }
}

/// What quotas an act of this class counts against.
pub(crate) fn quotas(settings: &Settings, playbook: &Playbook, class: Class, now: Timestamp) -> Vec<Quota> {
    if class == Class::Observing {
        return Vec::new();
    }
    let since = |seconds: i64| now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
    let mut quotas = Vec::new();
    if let Some(rate) = settings.rates.get(&class) {
        let (class, since) = (Some(class), since(rate.seconds));
        quotas.push(Quota { playbook: None, class, since, seconds: rate.seconds, max: rate.count });
    }
    if let Some(rate) = playbook.budget.max_actions {
        let (playbook, since) = (Some(playbook.name.clone()), since(rate.seconds));
        quotas.push(Quota { playbook, class: None, since, seconds: rate.seconds, max: rate.count });
    }
    quotas
}

pub(crate) struct Survey<'a, C, D> {
    pub(crate) cluster: &'a C,
    deliver: &'a D,
    settings: &'a Settings,
    playbook: &'a Playbook,
    begin: &'a Begin,
    subjects: Subjects,
    seen: BTreeMap<ObjectRef, Option<Value>>,
    affected: BTreeSet<ObjectRef>,
    pub(crate) plan: Plan,
}

/// Makes the plan. What must not be done is in its refusals.
pub(crate) async fn survey<C: Cluster, B: Book, D: Deliver>(
    cluster: &C,
    book: &B,
    deliver: &D,
    settings: &Settings,
    playbook: &Playbook,
    begin: &Begin,
    now: Timestamp,
) -> Result<Plan, NoPlan> {
    let subjects = Subjects::of(&begin.event);
    let plan = Plan { warnings: playbook.warnings.clone(), ..Plan::default() };
    let (seen, affected) = (BTreeMap::new(), BTreeSet::new());
    let mut survey = Survey { cluster, deliver, settings, playbook, begin, subjects, seen, affected, plan };
    if survey.subjects.cut {
        survey.refuse("the incident is about more objects than one response may be".to_owned());
    }
    if playbook.class() > settings.automatic && playbook.approval.is_none() && begin.approval.is_none() {
        survey.refuse(format!(
            "the playbook does what is {} and names nobody who has to approve it",
            playbook.class().as_str()
        ));
    }
    if let Err(error) = survey.steps().await? {
        survey.refuse(error.to_string());
    }
    if survey.plan.acts.len() > ACTS_MAX {
        survey.refuse(format!("there are more than {ACTS_MAX} acts"));
        survey.plan.acts.truncate(ACTS_MAX);
    }
    survey.dry_runs().await?;
    survey.reach().await?;
    survey.rates(book, now).await?;
    Ok(survey.plan)
}

impl<C: Cluster, D: Deliver> Survey<'_, C, D> {
    pub(crate) fn refuse(&mut self, why: String) {
        if self.plan.refusals.len() < 50 {
            self.plan.refusals.push(why);
        }
    }

    pub(crate) fn warn(&mut self, what: String) {
        if self.plan.warnings.len() < 50 && !self.plan.warnings.contains(&what) {
            self.plan.warnings.push(what);
        }
    }

    async fn steps(&mut self) -> Result<Result<(), PlaybookError>, NoPlan> {
        let (playbook, begin) = (self.playbook, self.begin);
        let parameters = match playbook.parameters(&begin.parameters) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(error)),
        };
        let values = Values { parameters, event: Some(&begin.event), incident: &begin.incident };
        for step in &playbook.steps {
            let held = step.when.as_ref().map_or(Ok(true), |when| when.matches(&begin.event));
            match held {
                Ok(true) => {}
                Ok(false) => {
                    self.plan.skipped.push((step.id.clone(), "its condition does not hold".to_owned()));
                    continue;
                }
                Err(error) => {
                    self.refuse(format!("step {:?}: {error}", step.id));
                    continue;
                }
            }
            match step.with(&values) {
                Ok(action) => self.step(step, action).await?,
                Err(error) => return Ok(Err(error)),
            }
            // What a plan may not have need not be found to its end.
            if self.plan.acts.len() > ACTS_MAX {
                break;
            }
        }
        Ok(Ok(()))
    }

    fn origin(&self) -> Origin<'_> {
        Origin { tenant: &self.begin.tenant, playbook: &self.playbook.digest, incident: &self.begin.incident }
    }

    /// A short name for what a step makes.
    pub(crate) fn short(&self, step: &PlannedStep) -> String {
        self.origin().short(&step.id)
    }

    /// Adds an act, unless it is one that must not be done.
    pub(crate) fn act(
        &mut self,
        step: &PlannedStep,
        class: Class,
        target: ObjectRef,
        object: Option<&Value>,
        change: Change,
    ) {
        if change.is_write() && !self.may(&target, object) {
            return;
        }
        let part = match &change {
            Change::Create(_) => "create",
            Change::Delete { .. } | Change::Evict { .. } => "end",
            _ => "",
        };
        let key = Key::new(&self.origin(), &step.id, &target, part);
        let lease = step.lease.filter(|_| change.is_reversible());
        self.plan.acts.push(Act {
            key,
            step: step.id.clone(),
            action: step.action().to_owned(),
            class,
            target: Some(target),
            change,
            on_error: step.on_error,
            lease,
        });
    }

    /// A message.
    pub(crate) fn tell(&mut self, step: &PlannedStep, body: Value) {
        let nobody = ObjectRef::named(Kind::Namespace, "", "");
        // Whoever runs a playbook again wants its message again; a destination would take the same key for a repeat.
        let part = match self.begin.round {
            0 | 1 => "tell".to_owned(),
            round => format!("tell {round}"),
        };
        self.plan.acts.push(Act {
            key: Key::new(&self.origin(), &step.id, &nobody, &part),
            step: step.id.clone(),
            action: step.action().to_owned(),
            class: Class::Observing,
            target: None,
            change: Change::Send(body),
            on_error: step.on_error,
            lease: None,
        });
    }

    /// Whether an object may be changed; otherwise the plan is refused.
    fn may(&mut self, target: &ObjectRef, object: Option<&Value>) -> bool {
        let namespace = if target.kind == Kind::Namespace { &target.name } else { &target.namespace };
        if self.is_protected(namespace) {
            self.refuse(format!(
                "{target} is in a protected namespace, which the playbook does not name under `allow-protected`"
            ));
            return false;
        }
        let Some(owner) = object.and_then(reconciler) else { return true };
        match self.playbook.gitops.unwrap_or(self.settings.gitops) {
            Gitops::Refuse => {
                self.refuse(format!("{target} belongs to {owner}, which would put it back: change it there"));
                false
            }
            Gitops::Warn => {
                self.warn(format!("{target} belongs to {owner}, which may put it back"));
                true
            }
            Gitops::Ignore => true,
        }
    }

    pub(crate) fn is_protected(&self, namespace: &str) -> bool {
        self.settings.protected.iter().any(|name| name == namespace)
            && !self.playbook.allow_protected.iter().any(|name| name == namespace)
    }

    /// Counts a pod as one that is cut off or ended.
    pub(crate) fn touch(&mut self, pod: ObjectRef) {
        self.affected.insert(pod);
    }

    pub(crate) async fn read(&mut self, target: &ObjectRef) -> Result<Option<Value>, CallError> {
        if let Some(seen) = self.seen.get(target) {
            return Ok(seen.clone());
        }
        let object = self.cluster.read(target).await?.filter(|object| target.is(object));
        self.seen.insert(target.clone(), object.clone());
        Ok(object)
    }

    pub(crate) fn seen(&mut self, kind: Kind, object: &Value) -> ObjectRef {
        let target = ObjectRef::of(kind, object);
        self.seen.insert(target.clone(), Some(object.clone()));
        target
    }

    /// The objects that a step is about, as they are now.
    pub(crate) async fn aim(
        &mut self,
        step: &PlannedStep,
        aim: &Aim,
    ) -> Result<Vec<(ObjectRef, Value)>, CallError> {
        let wanted: Vec<ObjectRef> = match aim {
            Aim::Pod => self.subjects.pods.iter().cloned().collect(),
            Aim::Workload => self.workloads().await?,
            Aim::Node => self.of_pods(self.subjects.nodes.clone(), Kind::Node, "/spec/nodeName").await?,
            Aim::ServiceAccount => {
                let known = self.subjects.accounts.clone();
                self.of_pods(known, Kind::ServiceAccount, "/spec/serviceAccountName").await?
            }
            Aim::Named(kind, namespace, name) => vec![ObjectRef::named(*kind, namespace, name)],
        };
        let mut objects = Vec::new();
        for target in wanted {
            match self.read(&target).await? {
                Some(object) => objects.push((self.seen(target.kind, &object), object)),
                None => self.warn(format!("step {:?}: {target} is gone", step.id)),
            }
        }
        if objects.is_empty() {
            self.plan.skipped.push((step.id.clone(), "there is nothing that it could be done to".to_owned()));
            if step.on_error == OnError::Stop {
                self.refuse(format!("step {:?}: there is nothing that it could be done to", step.id));
            }
        }
        Ok(objects)
    }

    /// The workloads that events name, or that the pods belong to: those that nothing else controls.
    async fn workloads(&mut self) -> Result<Vec<ObjectRef>, CallError> {
        let known = self.subjects.workloads.clone();
        let from = if known.is_empty() { self.subjects.pods.clone() } else { known };
        let mut tops = BTreeSet::new();
        for target in from {
            let top = self.owners(&target).await?.pop();
            tops.extend(top.filter(|top| top.kind != Kind::Pod));
        }
        Ok(tops.into_iter().collect())
    }

    /// An object and what controls it, upwards, as far as it is of kinds that are known.
    pub(crate) async fn owners(&mut self, target: &ObjectRef) -> Result<Vec<ObjectRef>, CallError> {
        let mut chain: Vec<ObjectRef> = Vec::new();
        let mut next = target.clone();
        while chain.len() < OWNERS_MAX {
            let Some(object) = self.read(&next).await? else { break };
            chain.push(ObjectRef::of(next.kind, &object));
            match controller(&object) {
                Some(owner) => next = owner,
                None => break,
            }
        }
        Ok(chain)
    }

    async fn of_pods(
        &mut self,
        known: BTreeSet<ObjectRef>,
        kind: Kind,
        pointer: &str,
    ) -> Result<Vec<ObjectRef>, CallError> {
        let mut found = known;
        if found.is_empty() {
            for pod in self.subjects.pods.clone() {
                if let Some(object) = self.read(&pod).await? {
                    let name = word(&object, pointer);
                    let name = if name.is_empty() && kind == Kind::ServiceAccount { "default" } else { name };
                    if !name.is_empty() {
                        found.insert(ObjectRef::named(kind, &pod.namespace, name));
                    }
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    pub(crate) async fn list(&mut self, query: Query) -> Result<Vec<Value>, CallError> {
        self.cluster.list(&query).await
    }

    /// Has the API server try every change.
    async fn dry_runs(&mut self) -> Result<(), CallError> {
        let acts = self.plan.acts.clone();
        for (place, act) in acts.iter().enumerate() {
            if let Change::Send(said) = &act.change {
                self.has_destination(place, act, said).await;
                continue;
            }
            let Some(target) = act.target.as_ref().filter(|_| act.change.is_write()) else { continue };
            let again = matches!(act.change, Change::Create(_)) && target.kind == Kind::ServiceAccount;
            if again {
                let said = "made only after the one of this name is deleted".to_owned();
                self.plan.dry_runs.push(DryRun { act: place, passes: true, said });
                continue;
            }
            let (passes, said) = match self.dry_run(act, target).await? {
                Ok(()) => (true, String::new()),
                Err(error) if error.cause == CallCause::Blocked => {
                    self.warn(format!("{target} cannot be evicted now: {}", error.message));
                    (false, error.message)
                }
                Err(error) => {
                    let said = format!("{} {target}: {}", act.action, error.message);
                    match act.on_error {
                        OnError::Stop => self.refuse(said),
                        OnError::Continue => self.warn(said),
                    }
                    (false, error.message)
                }
            };
            self.plan.dry_runs.push(DryRun { act: place, passes, said });
        }
        Ok(())
    }

    /// Whether a message has somewhere to go. Nothing is sent. What may pass is no reason to refuse: it is tried again when it is sent.
    async fn has_destination(&mut self, place: usize, act: &Act, said: &Value) {
        let message = message(act, said, &self.playbook.name, self.begin);
        let (passes, said) = match self.deliver.check(&message).await {
            Ok(()) => (true, String::new()),
            Err(error) => {
                let said = format!("step {:?}: {}", act.step, error.message);
                if error.is_passing() || act.on_error == OnError::Continue {
                    self.warn(said);
                } else {
                    self.refuse(said);
                }
                (false, error.message)
            }
        };
        self.plan.dry_runs.push(DryRun { act: place, passes, said });
    }

    /// One change; what the server refuses for good is told, whatever may pass ends the survey.
    async fn dry_run(&mut self, act: &Act, target: &ObjectRef) -> Result<Result<(), CallError>, CallError> {
        let mut object = self.seen.get(target).cloned().flatten();
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let Some(write) = act.change.write(target, &act.key, object.as_ref()) else { return Ok(Ok(())) };
            match self.cluster.write(&write, true).await {
                Ok(_) => return Ok(Ok(())),
                Err(error) if matches!(error.cause, CallCause::Busy | CallCause::Uncertain) => {
                    return Err(error);
                }
                Err(error)
                    if error.cause == CallCause::Conflict && matches!(act.change, Change::Patch(_)) =>
                {
                    object = self.cluster.read(target).await?;
                    last = Some(error);
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(last.map_or(Ok(()), Err))
    }

    /// How many of all pods it would touch.
    async fn reach(&mut self) -> Result<(), CallError> {
        // Messages alone are about no cluster, and there need not be one.
        if self.playbook.tells_only() {
            return Ok(());
        }
        self.plan.pods = self.affected.iter().cloned().collect();
        self.plan.pods_total = self.cluster.pods().await?;
        let touched = self.plan.pods.len() as u64;
        let percent =
            self.playbook.budget.max_pods_percent.unwrap_or(100).min(self.settings.max_pods_percent);
        let allowed = (self.plan.pods_total.saturating_mul(percent) / 100).max(1);
        if touched > allowed {
            let total = self.plan.pods_total;
            self.refuse(format!(
                "{touched} of {total} pods would be cut off or ended, and {percent} percent, which is {allowed}, is the most"
            ));
        }
        Ok(())
    }

    /// How much of each budget it would take.
    async fn rates<B: Book>(&mut self, book: &B, now: Timestamp) -> Result<(), BookError> {
        let writes = |class: Option<Class>| {
            let fits = |act: &&Act| act.change.is_write() && class.is_none_or(|class| act.class == class);
            self.plan.acts.iter().filter(fits).count() as u64
        };
        let mut all = Vec::new();
        for class in [Class::Reversible, Class::Destructive] {
            if writes(Some(class)) > 0 {
                all.extend(quotas(self.settings, self.playbook, class, now));
            }
        }
        let mut over = BTreeSet::new();
        for quota in all {
            let wanted = writes(quota.class);
            let used = book.used(&self.begin.tenant, &quota).await?;
            if used.saturating_add(wanted) > quota.max {
                over.insert(format!("{}; {used} were used, and the plan has {wanted}", quota.error()));
            }
        }
        over.into_iter().for_each(|why| self.refuse(why));
        Ok(())
    }
}

/// What controls an object.
pub(crate) fn controller(object: &Value) -> Option<ObjectRef> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let kind = Kind::from_name(word(owner, "/kind"))?;
    // Other groups have kinds of the same names.
    if word(owner, "/apiVersion") != kind.api_version() {
        return None;
    }
    let mut target = ObjectRef::named(kind, word(object, "/metadata/namespace"), word(owner, "/name"));
    target.uid = Some(word(owner, "/uid").to_owned());
    Some(target)
}
