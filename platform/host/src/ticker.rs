//! The clock that lets the host interrupt guests: a thread that advances the engine's epoch every 10 ms.
//!
//! It ticks only while calls run and sleeps without waking after a second of rest, so that an idle server costs nothing.
//! A tick proves nothing by itself: the interrupted call measures the processor time of its own thread, so that a busy
//! machine does not punish an innocent guest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

/// Time between two ticks: how far beyond its limits a guest may run.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Ticks without a call before the thread sleeps. Waking it costs some microseconds of the next call.
const IDLE_TICKS: u32 = 100;

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A call that runs; the clock ticks as long as there is one.
pub(crate) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (seen, weak) = (Arc::clone(&shared), engine.weak());
        let tick = move || {
            let mut idle = 0;
            while !seen.stopped.load(Ordering::SeqCst) {
                if seen.running.load(Ordering::SeqCst) > 0 {
                    idle = 0;
                } else if idle < IDLE_TICKS {
                    idle += 1;
                } else {
                    seen.asleep.store(true, Ordering::SeqCst);
                    // A call that began in between has seen `asleep` and left a wake-up token, or is seen here.
                    if seen.running.load(Ordering::SeqCst) == 0 && !seen.stopped.load(Ordering::SeqCst) {
                        std::thread::park();
                    }
                    seen.asleep.store(false, Ordering::SeqCst);
                    idle = 0;
                }
                std::thread::park_timeout(TICK);
                match weak.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("plugin-clock".to_owned()).spawn(tick)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn enter(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It never panics and never blocks longer than a tick.
            let _ = thread.join();
        }
    }
}
