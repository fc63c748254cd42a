//! Instances that stay between calls, for kinds whose callers cannot wait for a plugin to prepare itself anew.
//!
//! An admission decision has a millisecond or two, and a guest that compiles thirty policies first has used them up. What stays is
//! the guest's memory, and it stays for calls of one session alone: one tenant, one component, one configuration, one grant. Every
//! limit is counted anew for each call, but for memory, which counts on. After a fault nothing stays.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::gate::Source;
use crate::kinds::Input;
use crate::plugin::{CallContext, Outcome, Plugin};
use crate::rights::Rights;
use crate::state::State;

/// Calls after which an instance is made anew, so that what a guest leaves lying about does not grow for ever.
const CALLS_MAX: u32 = 10_000;

/// A plugin with instances that stay between calls.
pub struct Session {
    plugin: Plugin,
    context: CallContext,
    granted: Arc<Rights>,
    free: Mutex<Vec<Kept>>,
}

/// An instance between two calls.
struct Kept {
    store: Store<State>,
    instance: Option<Instance>,
    calls: u32,
    /// Held, never read.
    _room: Room,
}

/// Room for one instance that stays. Goes back to the host wherever it is dropped: also by a call that is refused before it begins.
struct Room(Plugin);

impl Room {
    fn take(plugin: &Plugin) -> Option<Self> {
        let less = |room: u32| room.checked_sub(1);
        let taken = plugin.prepared().host.keepable.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.ok().map(|_| Self(plugin.clone()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.prepared().host.keepable.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a call of a session runs in.
enum Place {
    Kept(Kept),
    New(Room),
}

impl Session {
    /// A session of this plugin. Calls of it are not recorded.
    #[must_use]
    pub fn new(plugin: &Plugin, context: &CallContext) -> Self {
        let context = CallContext { record: None, ..context.clone() };
        let granted = plugin.granted(&context);
        Self { plugin: plugin.clone(), context, granted, free: Mutex::default() }
    }

    /// Calls the plugin as [`Plugin::call`] does, in an instance that stays if the host has room to keep it
    /// ([`HostOptions::kept_instances`](crate::HostOptions)). `now` is the time that the guest sees, in nanoseconds since 1970. Image
    /// analyzers are always called anew.
    #[must_use]
    pub fn call(&self, now: u64, input: Input) -> Outcome {
        let context = CallContext { now, ..self.context.clone() };
        if matches!(input, Input::ImageAnalyzer { .. }) {
            return self.plugin.call(&context, input);
        }
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let place = kept.map(Place::Kept).or_else(|| Room::take(&self.plugin).map(Place::New));
        match place {
            Some(place) => self.plugin.accounted(|| self.run(&context, place, input)).0,
            None => self.plugin.call(&context, input),
        }
    }

    fn run(
        &self,
        context: &CallContext,
        place: Place,
        input: Input,
    ) -> (Outcome, Option<Vec<crate::transcript::Exchange>>) {
        let source = Source::Live(Arc::clone(&context.services));
        let (mut kept, clocks) = match place {
            Place::Kept(mut kept) => {
                let (mut state, clocks) = self.plugin.state(context, &self.granted, source, 0);
                state.meter = state.meter.carried_on(&kept.store.data().meter);
                *kept.store.data_mut() = state;
                self.plugin.arm(&mut kept.store, &clocks);
                (kept, clocks)
            }
            Place::New(room) => {
                let (store, clocks) = self.plugin.store(context, &self.granted, source, 0);
                (Kept { store, instance: None, calls: 0, _room: room }, clocks)
            }
        };
        kept.calls += 1;
        let answer = self.plugin.enter(&mut kept.instance, &mut kept.store, input);
        let sound = matches!(answer, Ok(Ok(_)));
        let (after, _) =
            self.plugin.state(context, &self.granted, Source::Live(Arc::clone(&context.services)), 0);
        let state = std::mem::replace(kept.store.data_mut(), after);
        let meter = &mut kept.store.data_mut().meter;
        *meter = crate::meter::Meter::new(*self.plugin.limits(), clocks.deadline).carried_on(&state.meter);
        let grown = state.meter.memory() > self.plugin.limits().memory_bytes() / 2;
        if sound && !grown && kept.calls < CALLS_MAX {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
        self.plugin.settle(answer, state, &clocks)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}
