//! A loaded plugin, and the one way to call it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use model::{Digest, TenantId};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, UpdateDeadline};

use crate::analysis::{Analysis, InputFile, LogLine, Usage};
use crate::clocks::Clocks;
use crate::contract::Callable;
use crate::fault::{Fault, FaultKind, classify};
use crate::gate::{Audit, Egress, Gate, Source};
use crate::health::{Health, Ledger};
use crate::host::Shared;
use crate::inspect::Inspection;
use crate::kinds::{Answer, Bounds, Input};
use crate::meter::Meter;
use crate::overlay::StateChanges;
use crate::redaction::Redaction;
use crate::rights::{Grant, Rights};
use crate::services::{Caller, NoServices, Services};
use crate::state::{Remains, State, handles_max, make_images, not_started};
use crate::transcript::{
    Difference, Exchange, Recorded, RecordedFault, Replayer, TRANSCRIPT_VERSION, Transcript, compare,
};
use crate::{Capability, Kind, Limits, Manifest};

/// What loading made ready.
pub(crate) struct Prepared {
    pub(crate) host: Arc<Shared>,
    pub(crate) inspection: Inspection,
    pub(crate) asked: Arc<Rights>,
    pub(crate) limits: Limits,
    pub(crate) pre: InstancePre<State>,
    pub(crate) kinds: BTreeMap<Kind, Box<dyn Callable>>,
    pub(crate) ledger: Arc<Ledger>,
}

/// On whose behalf a plugin is called, and with what.
#[derive(Clone)]
pub struct CallContext {
    /// For whose data.
    pub tenant: TenantId,
    /// The operator's configuration, a JSON object.
    pub config: Arc<str>,
    /// The time that the guest sees, in nanoseconds since 1970 in UTC.
    pub now: u64,
    /// What the operator allows. A grant for another tenant or another digest allows nothing.
    pub grant: Option<Arc<Grant>>,
    /// Who serves what is allowed.
    pub services: Arc<dyn Services>,
    /// Whether to write the call down, and what to leave out of it.
    pub record: Option<Arc<Redaction>>,
}

impl CallContext {
    /// A call with this configuration, now, with nothing granted.
    #[must_use]
    pub fn new(tenant: TenantId, config: Arc<str>) -> Self {
        static NOTHING: LazyLock<Arc<NoServices>> = LazyLock::new(Arc::default);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            tenant,
            config,
            now: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
            grant: None,
            services: Arc::clone(&NOTHING) as Arc<dyn Services>,
            record: None,
        }
    }
}

impl std::fmt::Debug for CallContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallContext")
            .field("tenant", &self.tenant)
            .field("now", &self.now)
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}

/// What came of a call.
pub struct Outcome {
    /// The checked answer, or the fault by its exact kind. Nothing of a failed call is believed.
    pub result: Result<Answer, Fault>,
    /// Changes of state, to be kept together with the answer. Empty when the call failed.
    pub state: StateChanges,
    /// What it logged.
    pub logs: Vec<LogLine>,
    /// What it cost.
    pub usage: Usage,
    /// What was denied, and what left the machine.
    pub audit: Vec<Audit>,
    /// Entries that are missing from `audit`.
    pub audit_dropped: u64,
    /// The call, written down; nothing if that was not asked for, or if it was too large.
    pub transcript: Option<Transcript>,
}

/// What came of a repetition.
pub struct Replay {
    /// What came out.
    pub outcome: Outcome,
    /// The first difference from what was recorded; nothing when both are the same.
    pub difference: Option<Difference>,
}

/// A loaded plugin. Cheap to clone; may be called from many threads at once.
#[derive(Clone)]
pub struct Plugin(Arc<Prepared>);

impl Plugin {
    pub(crate) fn new(prepared: Prepared) -> Self {
        Self(Arc::new(prepared))
    }

    /// Digest of the component.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0.inspection.digest
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.inspection.manifest
    }

    /// What was read from it when it was loaded.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.0.inspection
    }

    /// The limits in force: asked, else default, under the ceiling.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What its manifest asks for.
    #[must_use]
    pub fn asked(&self) -> &Rights {
        &self.0.asked
    }

    /// The capabilities in force under a grant: asked and granted.
    #[must_use]
    pub fn capabilities(&self, granted: &Rights) -> Vec<Capability> {
        granted.capabilities().into_iter().filter(|capability| self.0.asked.has(*capability)).collect()
    }

    /// Bytes of the machine code that it was compiled to.
    #[must_use]
    pub fn machine_code_bytes(&self) -> usize {
        let range = self.0.pre.component().image_range();
        range.end.addr().saturating_sub(range.start.addr())
    }

    /// How it behaves.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.ledger.health((self.0.host.clock)())
    }

    /// Takes it out of service, as the breaker does: for a quarantine that began in another process or before a restart.
    pub fn hold(&self, reason: &str) {
        let fault = Fault::new(FaultKind::Quarantined, crate::error::shown(reason));
        self.0.ledger.hold(fault, (self.0.host.clock)());
    }

    /// Lets it be called again after quarantine. A decision of the operator.
    pub fn release(&self) {
        self.0.ledger.release();
    }

    /// Calls an image analyzer with one batch of files, and nothing granted. As [`Plugin::call`].
    ///
    /// # Errors
    /// The fault, by its exact kind.
    pub fn analyze_files(&self, config: &str, files: Vec<InputFile>) -> Result<Analysis, Fault> {
        let context = CallContext::new(TenantId::default_tenant(), Arc::from(config));
        let outcome = self.call(&context, Input::ImageAnalyzer { files });
        match outcome.result {
            Ok(Answer::ImageAnalyzer(analysis)) => {
                Ok(Analysis { logs: outcome.logs, usage: outcome.usage, ..*analysis })
            }
            Ok(_) => Err(crate::contract::misdirected()),
            Err(fault) => Err(Fault { logs: outcome.logs, ..fault }),
        }
    }

    /// Calls the plugin for the kind of this input, in a fresh store. Blocks: waits for a free instance, then runs the guest
    /// on this thread, of whose stack it may use 512 KiB; call it from threads with 2 MiB, as Rust's are.
    #[must_use]
    pub fn call(&self, context: &CallContext, input: Input) -> Outcome {
        let kept = context.record.as_ref().map(|redaction| (redaction, input.clone()));
        let granted = self.granted(context);
        let source = Source::Live(Arc::clone(&context.services));
        let (mut outcome, exchanges) = self.counted(context, &granted, source, input);
        if let (Some((redaction, input)), Some(exchanges)) = (kept, exchanges) {
            outcome.transcript =
                Some(self.transcript(context, &granted, (input, exchanges), &outcome, redaction));
        }
        outcome
    }

    /// Repeats a call from its transcript, with nothing but what is in there. Not counted in the plugin's health.
    ///
    /// # Errors
    /// [`Fault`] of kind `host` for a transcript of another form. A transcript of another plugin or version is repeated all the
    /// same: to see what differs is what it is for.
    pub fn replay(&self, transcript: &Transcript) -> Result<Replay, Fault> {
        if transcript.version != TRANSCRIPT_VERSION {
            let message = format!(
                "the transcript has the form {}; this release reads {TRANSCRIPT_VERSION}",
                transcript.version
            );
            return Err(Fault::new(FaultKind::Host, message));
        }
        let context = CallContext {
            now: transcript.now,
            ..CallContext::new(TenantId::default_tenant(), Arc::from(transcript.config.as_str()))
        };
        let (replayer, progress) = Replayer::new(transcript.exchanges.clone());
        let granted = Arc::new(transcript.granted.clone());
        let _permit = self.0.host.admission.enter();
        let _running = self.0.host.ticker.enter();
        let (outcome, _) =
            self.guarded(&context, &granted, Source::Replay(replayer), transcript.input.clone());
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        let difference = progress
            .asked()
            .or_else(|| compare(&transcript.recorded, &recorded(&outcome)))
            .or_else(|| progress.left_out(&transcript.exchanges));
        drop(progress);
        Ok(Replay { outcome, difference })
    }

    /// What is granted in this context: for another tenant or another component, nothing.
    pub(crate) fn granted(&self, context: &CallContext) -> Arc<Rights> {
        static NOTHING: LazyLock<Arc<Rights>> = LazyLock::new(Arc::default);
        match &context.grant {
            Some(grant) if grant.tenant == context.tenant && grant.digest == *self.digest() => {
                Arc::new(grant.rights.clone())
            }
            _ => Arc::clone(&NOTHING),
        }
    }

    /// A call that counts in the plugin's health, and that its quarantine prevents.
    fn counted(
        &self,
        context: &CallContext,
        granted: &Arc<Rights>,
        source: Source,
        input: Input,
    ) -> (Outcome, Option<Vec<Exchange>>) {
        self.accounted(|| self.run(context, granted, source, input))
    }

    /// Makes a call when there is room, and counts it in the plugin's health; does not where quarantine prevents it.
    pub(crate) fn accounted(
        &self,
        call: impl FnOnce() -> (Outcome, Option<Vec<Exchange>>),
    ) -> (Outcome, Option<Vec<Exchange>>) {
        let Prepared { host, ledger, .. } = &*self.0;
        if let Err(fault) = ledger.admit() {
            return (failed(fault), None);
        }
        let asked = Instant::now();
        let _permit = host.admission.enter();
        let queued = asked.elapsed();
        let _running = host.ticker.enter();
        let (mut outcome, exchanges) = caught(call);
        outcome.usage.queued = queued;
        ledger.spent(&outcome.usage, &outcome.logs);
        if let Err(fault) = &outcome.result {
            ledger.failed(fault, (host.clock)());
        }
        (outcome, exchanges)
    }

    fn guarded(
        &self,
        context: &CallContext,
        granted: &Arc<Rights>,
        source: Source,
        input: Input,
    ) -> (Outcome, Option<Vec<Exchange>>) {
        caught(|| self.run(context, granted, source, input))
    }

    fn transcript(
        &self,
        context: &CallContext,
        granted: &Arc<Rights>,
        (input, exchanges): (Input, Vec<Exchange>),
        outcome: &Outcome,
        redaction: &Redaction,
    ) -> Transcript {
        let mut transcript = Transcript {
            version: TRANSCRIPT_VERSION,
            plugin: self.manifest().id.clone(),
            plugin_version: self.manifest().version.clone(),
            digest: self.digest().clone(),
            limits: self.0.limits,
            granted: Rights::clone(granted),
            config: context.config.as_ref().to_owned(),
            now: context.now,
            redacted: 0,
            input,
            exchanges,
            recorded: recorded(outcome),
        };
        redaction.apply(&mut transcript);
        if transcript.redacted > 0 {
            // With other words in it the call may end in another way, and asks may name what was replaced. What is kept is a
            // call that repeats.
            let (replayer, _) = Replayer::new(transcript.exchanges.clone());
            let context = CallContext { config: Arc::from(transcript.config.as_str()), ..context.clone() };
            let source = Source::Replay(replayer.lenient());
            let (again, exchanges) = self.guarded(&context, granted, source, transcript.input.clone());
            transcript.recorded = recorded(&again);
            transcript.exchanges = exchanges.unwrap_or_default();
        }
        transcript
    }

    /// Instantiates the component in a fresh store and drops it again: shows that it can be instantiated, and how long
    /// that takes. Not counted in its health.
    ///
    /// # Errors
    /// As [`Plugin::call`], for what a start function does.
    pub fn instantiate(&self) -> Result<Duration, Fault> {
        let _permit = self.0.host.admission.enter();
        let _running = self.0.host.ticker.enter();
        let started = Instant::now();
        let context = CallContext::new(TenantId::default_tenant(), Arc::from("{}"));
        let source = Source::Live(Arc::clone(&context.services));
        let (mut store, _) = self.store(&context, &self.granted(&context), source, 0);
        let made = make_images(self.0.pre.component());
        let outcome = made.and_then(|()| self.0.pre.instantiate(&mut store)).map(|_| ());
        let outcome = outcome.map_err(|error| not_started(error, store.data()));
        let refused = store.data().meter.refused();
        drop(store);
        outcome.map(|()| started.elapsed()).map_err(|error| classify(&error, refused))
    }

    fn run(
        &self,
        context: &CallContext,
        granted: &Arc<Rights>,
        source: Source,
        input: Input,
    ) -> (Outcome, Option<Vec<Exchange>>) {
        let lent = if let Input::ImageAnalyzer { files } = &input { files.len() } else { 0 };
        let (mut store, clocks) = self.store(context, granted, source, lent);
        let answer = self.enter(&mut None, &mut store, input);
        self.settle(answer, store.into_data(), &clocks)
    }

    /// Calls into a store: the instance that is there, or a new one. The outer error is the engine's.
    pub(crate) fn enter(
        &self,
        instance: &mut Option<Instance>,
        store: &mut Store<State>,
        input: Input,
    ) -> wasmtime::Result<Result<Answer, Fault>> {
        let Some(kind) = self.0.kinds.get(&input.kind()) else {
            let message = format!("the plugin is not of the kind {}", input.kind());
            return Ok(Err(Fault::new(FaultKind::Host, message)));
        };
        let bounds = Bounds {
            items: input.items(),
            results_max: usize::try_from(self.0.limits.results).unwrap_or(usize::MAX),
            rules: &self.0.inspection.manifest.rules,
        };
        kind.call(&self.0.pre, instance, store, input, &bounds)
    }

    /// What a call comes to, given what its store holds.
    pub(crate) fn settle(
        &self,
        answer: wasmtime::Result<Result<Answer, Fault>>,
        state: State,
        clocks: &Clocks,
    ) -> (Outcome, Option<Vec<Exchange>>) {
        let Remains { logs, usage, state, audit, audit_dropped, recorder, refused, recent } =
            state.into_remains();
        let result = answer.unwrap_or_else(|error| Err(classify(&error, refused))).map_err(|fault| Fault {
            host_calls: recent,
            logs: logs.clone(),
            ..fault
        });
        let outcome = Outcome {
            state: if result.is_ok() { state } else { StateChanges::new() },
            result,
            logs,
            usage: Usage { wall: clocks.started.elapsed(), cpu: clocks.cpu_used(), ..usage },
            audit,
            audit_dropped,
            transcript: None,
        };
        (outcome, recorder.and_then(crate::transcript::Recorder::finish))
    }

    /// A fresh store with every limit armed, for `lent` files at most, and the clocks that its limits look at.
    pub(crate) fn store(
        &self,
        context: &CallContext,
        granted: &Arc<Rights>,
        source: Source,
        lent: usize,
    ) -> (Store<State>, Clocks) {
        let (state, clocks) = self.state(context, granted, source, lent);
        let mut store = Store::new(&self.0.host.engine, state);
        store.limiter(|state| &mut state.meter);
        // The engine counts handles of its own besides the guest's; its cap is the wall behind the state's, which refuses
        // with a type, and the only one for resources that the guest makes itself.
        let handles = handles_max(&self.0.limits, lent);
        store.set_max_component_handles(handles.saturating_mul(2).saturating_add(64));
        self.arm(&mut store, &clocks);
        (store, clocks)
    }

    /// What one call is counted by and may do.
    pub(crate) fn state(
        &self,
        context: &CallContext,
        granted: &Arc<Rights>,
        source: Source,
        lent: usize,
    ) -> (State, Clocks) {
        let limits = self.0.limits;
        let clocks = Clocks::start(&limits);
        let caller = Caller {
            tenant: context.tenant.clone(),
            plugin: self.0.inspection.manifest.id.clone(),
            digest: self.digest().clone(),
            deadline: clocks.deadline,
        };
        let rights = (Arc::clone(&self.0.asked), Arc::clone(granted));
        let egress = Egress { requests: limits.requests, bytes: limits.egress_bytes() };
        let gate = Gate::new(caller, rights, source, egress, context.record.is_some());
        let meter = Meter::new(limits, clocks.deadline);
        let metrics = &self.0.inspection.manifest.metrics;
        let given = (Arc::clone(&context.config), context.now);
        (State::new((meter, gate), &limits, lent, given, metrics), clocks)
    }

    /// Sets the limits that the engine keeps for one call.
    pub(crate) fn arm(&self, store: &mut Store<State>, clocks: &Clocks) {
        let (limits, ticking) = (self.0.limits, clocks.clone());
        store.set_hostcall_fuel(limits.single_copy_bytes());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| ticking.check(&limits).map(|()| UpdateDeadline::Continue(1)));
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.0
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let manifest = self.manifest();
        f.debug_struct("Plugin")
            .field("id", &manifest.id)
            .field("version", &manifest.version)
            .field("digest", self.digest())
            .finish_non_exhaustive()
    }
}

/// Nothing a guest does should panic the host. If something does after all, it costs this call and not the process.
fn caught(call: impl FnOnce() -> (Outcome, Option<Vec<Exchange>>)) -> (Outcome, Option<Vec<Exchange>>) {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| (failed(Fault::new(FaultKind::Host, "the host panicked in this call")), None))
}

/// A call that did not reach the guest, or whose remains are lost.
fn failed(fault: Fault) -> Outcome {
    Outcome {
        result: Err(fault),
        state: StateChanges::new(),
        logs: Vec::new(),
        usage: Usage::default(),
        audit: Vec::new(),
        audit_dropped: 0,
        transcript: None,
    }
}

/// The part of an outcome that depends on the guest alone.
fn recorded(outcome: &Outcome) -> Recorded {
    Recorded {
        result: match &outcome.result {
            Ok(answer) => Ok(answer.clone()),
            Err(fault) => Err(RecordedFault { kind: fault.kind, message: fault.message.clone() }),
        },
        state: outcome.state.clone(),
        logs: outcome.logs.clone(),
        metrics: outcome.usage.metrics.clone(),
    }
}
