//! A loaded plugin, and the one way to call it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Digest;
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use crate::analysis::{Analysis, Body, Bounds, InputFile, LogLine, Usage, check};
use crate::bindings::exports::palisade::plugin::image_analyzer as wit;
use crate::bindings::palisade::types::common::Error;
use crate::error::shown;
use crate::fault::{Fault, FaultKind, Stop, classify};
use crate::health::{Health, Ledger};
use crate::host::Shared;
use crate::inspect::Inspection;
use crate::meter::{Meter, cpu_stop, wall_stop};
use crate::state::{State, handles_max};
use crate::{Capability, Grants, Limits, Manifest};

/// What loading made ready.
pub(crate) struct Prepared {
    pub(crate) host: Arc<Shared>,
    pub(crate) inspection: Inspection,
    pub(crate) granted: Grants,
    pub(crate) limits: Limits,
    pub(crate) pre: InstancePre<State>,
    pub(crate) analyzer: Option<wit::GuestIndices>,
    pub(crate) ledger: Arc<Ledger>,
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

    /// The capabilities in force: asked and granted.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        let granted = self.0.granted.capabilities();
        granted.into_iter().filter(|capability| self.manifest().asks(*capability)).collect()
    }

    /// How it behaves.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.ledger.health()
    }

    /// Lets it be called again after quarantine. A decision of the operator.
    pub fn release(&self) {
        self.0.ledger.release();
    }

    /// Calls an image analyzer with one batch of files, in a fresh store. Blocks: waits for a free instance, then runs the guest
    /// on this thread, of whose stack it may use 512 KiB; call it from threads with 2 MiB, as Rust's are. `config` is a JSON
    /// object.
    ///
    /// # Errors
    /// The fault, by its exact kind. Nothing of a failed call is believed.
    pub fn analyze_files(&self, config: &str, files: Vec<InputFile>) -> Result<Analysis, Fault> {
        let Prepared { host, ledger, analyzer, .. } = &*self.0;
        let Some(analyzer) = analyzer else {
            return Err(Fault::new(FaultKind::Host, "the plugin is no image analyzer"));
        };
        ledger.admit()?;
        let asked = Instant::now();
        let _permit = host.admission.enter();
        let queued = asked.elapsed();
        let _running = host.ticker.enter();
        // Nothing a guest does should panic the host. If something does after all, it costs this call and not the process.
        let outcome =
            catch_unwind(AssertUnwindSafe(|| self.run(analyzer, config, files))).unwrap_or_else(|_| {
                Outcome {
                    answer: Err(Fault::new(FaultKind::Host, "the host panicked in this call")),
                    usage: Usage::default(),
                }
            });
        let usage = Usage { queued, ..outcome.usage };
        ledger.spent(&usage);
        match outcome.answer {
            Ok(analysis) => Ok(Analysis { usage, ..analysis }),
            Err(fault) => {
                ledger.failed(&fault, (host.clock)());
                Err(fault)
            }
        }
    }

    /// Instantiates the component in a fresh store and drops it again: shows that it can be instantiated, and how long
    /// that takes. Not counted in its health.
    ///
    /// # Errors
    /// As [`Plugin::analyze_files`], for what a start function does.
    pub fn instantiate(&self) -> Result<Duration, Fault> {
        let _permit = self.0.host.admission.enter();
        let _running = self.0.host.ticker.enter();
        let started = Instant::now();
        let (mut store, _) = self.store("{}", 0);
        let outcome = self.0.pre.instantiate(&mut store).map(|_| ());
        let outcome = outcome.map_err(|error| not_started(error, store.data()));
        let refused = store.data().meter.refused();
        drop(store);
        outcome.map(|()| started.elapsed()).map_err(|error| classify(&error, refused))
    }

    fn run(&self, analyzer: &wit::GuestIndices, config: &str, files: Vec<InputFile>) -> Outcome {
        let (mut store, clocks) = self.store(config, files.len());
        let count = files.len();
        let answer = self.call(analyzer, &mut store, files);
        let state = store.into_data();
        let (refused, recent) = (state.meter.refused(), state.meter.recent());
        let denials = state.meter.denials.keys().next().copied();
        let (logs, usage) = state.into_logs_and_usage();
        let usage = Usage { wall: clocks.started.elapsed(), cpu: clocks.cpu_used(), ..usage };
        let bounds = Bounds {
            files: count,
            results_max: usize::try_from(self.0.limits.results).unwrap_or(usize::MAX),
            rules: &self.0.inspection.manifest.rules,
        };
        let checked = match answer {
            Err(error) => Err(classify(&error, refused)),
            Ok(Err(error)) => Err(declined(error, denials)),
            Ok(Ok(analysis)) => check(analysis, &bounds),
        };
        Outcome { answer: with_logs(checked, logs, recent), usage }
    }

    /// A fresh store with every limit armed, for `lent` files at most, and the clocks that its limits look at.
    fn store(&self, config: &str, lent: usize) -> (Store<State>, Clocks) {
        let limits = self.0.limits;
        let clocks = Clocks::start(&limits);
        let meter = Meter::new(limits, clocks.deadline);
        let metrics = &self.0.inspection.manifest.metrics;
        let state = State::new(meter, &limits, lent, Arc::from(config), metrics);
        let mut store = Store::new(&self.0.host.engine, state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(limits.single_copy_bytes());
        store.set_max_component_handles(handles_max(&limits, lent));
        let ticking = clocks.clone();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| ticking.check(&limits).map(|()| UpdateDeadline::Continue(1)));
        (store, clocks)
    }

    fn call(
        &self,
        analyzer: &wit::GuestIndices,
        store: &mut Store<State>,
        files: Vec<InputFile>,
    ) -> wasmtime::Result<Result<wit::Analysis, Error>> {
        let files = files.into_iter().map(|file| lower(store, file)).collect::<wasmtime::Result<Vec<_>>>()?;
        let instance = self.0.pre.instantiate(&mut *store).map_err(|e| not_started(e, store.data()))?;
        let guest = analyzer.load(&mut *store, &instance)?;
        guest.call_analyze(store, &files)
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

struct Outcome {
    answer: Result<Analysis, Fault>,
    usage: Usage,
}

/// The two clocks of one call, both of the calling thread.
#[derive(Clone)]
struct Clocks {
    started: Instant,
    deadline: Instant,
    cpu_started: Duration,
}

impl Clocks {
    fn start(limits: &Limits) -> Self {
        let started = Instant::now();
        Self { started, deadline: started + limits.wall(), cpu_started: thread_cpu() }
    }

    fn cpu_used(&self) -> Duration {
        thread_cpu().saturating_sub(self.cpu_started)
    }

    /// Asked at every tick. Processor time first: a loop that ran out of both is named for what it did.
    fn check(&self, limits: &Limits) -> wasmtime::Result<()> {
        if self.cpu_used() >= limits.cpu() {
            return Err(cpu_stop(limits).into());
        }
        if Instant::now() >= self.deadline {
            return Err(wall_stop(limits).into());
        }
        Ok(())
    }
}

/// Processor time of this thread, so that other threads and other processes never count against a guest.
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn lower(store: &mut Store<State>, file: InputFile) -> wasmtime::Result<wit::InputFile> {
    let body = match file.body {
        Body::Whole(bytes) => wit::Body::Whole(bytes),
        Body::Stored(bytes) => wit::Body::Handle(store.data_mut().lend(bytes)?),
    };
    Ok(wit::InputFile { path: file.path, size: file.size, interests: file.interests, body })
}

/// An instance that could not be made: a bound refused it, or the host had no room. Only code that ran can trap.
fn not_started(error: wasmtime::Error, state: &State) -> wasmtime::Error {
    if error.downcast_ref::<wasmtime::Trap>().is_some() || error.downcast_ref::<Stop>().is_some() {
        return error;
    }
    let message = shown(&error.root_cause().to_string());
    let host = || Stop { kind: FaultKind::Host, message: format!("it could not be instantiated: {message}") };
    state.meter.refused().unwrap_or_else(host).into()
}

/// What the guest itself says: that it cannot, or that it may not.
fn declined(error: Error, denied: Option<Capability>) -> Fault {
    match (error, denied) {
        (Error::Host(text), Some(capability)) => Fault::new(
            FaultKind::Denied,
            format!("the capability `{capability}` is not granted: {}", shown(&text)),
        ),
        (Error::Host(text), None) => Fault::new(FaultKind::Declined, format!("host: {}", shown(&text))),
        (Error::InvalidInput(text), _) => {
            Fault::new(FaultKind::Declined, format!("invalid input: {}", shown(&text)))
        }
        (Error::InvalidConfig(text), _) => {
            Fault::new(FaultKind::Declined, format!("invalid configuration: {}", shown(&text)))
        }
        (Error::RetryAfter(millis), _) => {
            Fault::new(FaultKind::Declined, format!("asks to be called again after {millis} ms"))
        }
        (Error::Other(text), _) => Fault::new(FaultKind::Declined, shown(&text)),
    }
}

fn with_logs(
    answer: Result<Analysis, Fault>,
    logs: Vec<LogLine>,
    host_calls: Vec<String>,
) -> Result<Analysis, Fault> {
    match answer {
        Ok(analysis) => Ok(Analysis { logs, ..analysis }),
        Err(fault) => Err(Fault { logs, host_calls, ..fault }),
    }
}
