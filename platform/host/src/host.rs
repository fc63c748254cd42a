//! The host: one engine, one pool, one clock, one cache for all plugins of a process.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use model::Digest;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::admission::Admission;
use crate::cache::{Cache, EntryName};
use crate::child::Compiler;
use crate::error::{HostError, LoadError, shown};
use crate::health::Ledger;
use crate::inspect::{Inspection, inspect};
use crate::meter::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX};
use crate::plugin::{Plugin, Prepared};
use crate::ticker::Ticker;
use crate::{Limits, child, compiled, contract};

/// Plugins whose behaviour is remembered. Beyond it, those that are neither loaded nor in quarantine are forgotten.
const LEDGERS_MAX: usize = 4_096;

/// Bytes of a pooled memory that stay resident between calls: zeroing those that were touched is cheaper than faulting them in
/// again. Holds for each call that runs at a time, not for each plugin.
const MEMORY_KEPT_BYTES: usize = 8 * 1024 * 1024;
/// The same for tables.
const TABLE_KEPT_BYTES: usize = 16 * 1024;

/// How a host is set up.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// Where compiled code is kept; created with mode 700. Without it every load compiles.
    pub cache_dir: Option<PathBuf>,
    /// The most that any plugin may ask for.
    pub limits_ceiling: Limits,
    /// Calls that may run at a time; more wait. At least 1.
    pub instances: u32,
    /// Instances that [sessions](crate::Session) may keep between calls, beside those of calls that run.
    pub kept_instances: u32,
    /// Who compiles what is not in the cache. Without it, or without a cache, this process does.
    pub compiler: Option<Compiler>,
}

impl Default for HostOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            cache_dir: None,
            limits_ceiling: Limits::CEILING,
            instances: u32::try_from(cores).unwrap_or(8).saturating_mul(2).clamp(4, 64),
            kept_instances: 0,
            compiler: None,
        }
    }
}

/// Where the breaker takes its time from.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) admission: Admission,
    /// Instances that sessions may keep still.
    pub(crate) keepable: AtomicU32,
    pub(crate) clock: Clock,
    limits_ceiling: Limits,
    compiler: Option<Compiler>,
    cache: Option<Cache>,
    ledgers: Mutex<HashMap<Digest, Arc<Ledger>>>,
}

impl Host {
    /// Starts an engine.
    ///
    /// # Errors
    /// The engine cannot reserve its pool, its thread cannot be started, or the cache directory is not fit.
    pub fn new(options: HostOptions) -> Result<Self, HostError> {
        Self::with_clock(options, Arc::new(SystemTime::now))
    }

    /// Starts an engine whose breaker takes its time from `clock`.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn with_clock(options: HostOptions, clock: Clock) -> Result<Self, HostError> {
        let instances = options.instances.clamp(1, 1_024);
        let kept = options.kept_instances.min(1_024);
        let engine = engine(instances + kept, options.limits_ceiling.memory_bytes())?;
        Ok(Self(Arc::new(Shared {
            ticker: Ticker::start(&engine).map_err(HostError::Ticker)?,
            cache: options.cache_dir.as_deref().map(Cache::open).transpose()?,
            admission: Admission::new(instances),
            keepable: AtomicU32::new(kept),
            clock,
            limits_ceiling: options.limits_ceiling,
            compiler: options.compiler,
            ledgers: Mutex::new(HashMap::new()),
            engine,
        })))
    }

    /// Checks, compiles (or takes from the cache) and links a component. Links only what it imports and asked for; whether it
    /// is granted is settled at every call, for the tenant of that call.
    ///
    /// # Errors
    /// Every way in which a component is not what it says or may not be loaded: see [`LoadError`].
    pub fn load(&self, component: &[u8]) -> Result<Plugin, LoadError> {
        let inspection = inspect(component)?;
        check_kinds(&inspection)?;
        check_imports(&inspection)?;
        let limits = inspection
            .manifest
            .limits
            .resolve(&self.0.limits_ceiling)
            .map_err(|(key, problem)| LoadError::Manifest { key, problem })?;
        let compiled = self.compile(component, &inspection.digest)?;
        check_needs(&compiled, &limits)?;
        let pre = contract::linker(&self.0.engine, &inspection.imports)?
            .instantiate_pre(&compiled)
            .map_err(|e| mismatch("an import", &e))?;
        let mut kinds = BTreeMap::new();
        if let Some(version) = contract::of_kind(&inspection.contract) {
            for kind in &inspection.kinds {
                kinds.insert(*kind, contract::bind(version, *kind, &pre)?);
            }
        }
        let ledger = self.ledger(&inspection.digest);
        Ok(Plugin::new(Prepared {
            host: Arc::clone(&self.0),
            asked: Arc::new(inspection.manifest.asked()),
            inspection,
            limits,
            pre,
            kinds,
            ledger,
        }))
    }

    fn compile(&self, component: &[u8], digest: &Digest) -> Result<Component, LoadError> {
        let engine = &self.0.engine;
        let cache = self.0.cache.as_ref().map(|cache| (cache, EntryName::new(digest, engine)));
        let known = cache.and_then(|(cache, name)| cache.get(name, |code| compiled::load(engine, code).ok()));
        if let Some(component) = known {
            return Ok(component);
        }
        if let (Some(compiler), Some((cache, name))) = (&self.0.compiler, cache) {
            child::compile(compiler, cache.directory(), component)?;
            let made = cache.get(name, |code| compiled::load(engine, code).ok());
            return made.ok_or_else(|| LoadError::CompilerFailed {
                reason: "it left no machine code that this process can trust".to_owned(),
            });
        }
        let compiled = Component::from_binary(engine, component)
            .map_err(|e| LoadError::Compile { reason: shown(&e.root_cause().to_string()) })?;
        if let Some((cache, name)) = cache
            && let Ok(code) = compiled.serialize()
        {
            // A full disk must not keep a plugin from running; the next start compiles again.
            let _ = cache.put(name, &code);
        }
        Ok(compiled)
    }

    fn ledger(&self, digest: &Digest) -> Arc<Ledger> {
        let mut ledgers = self.0.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        if ledgers.len() >= LEDGERS_MAX {
            ledgers.retain(|_, ledger| Arc::strong_count(ledger) > 1 || ledger.is_quarantined());
        }
        Arc::clone(ledgers.entry(digest.clone()).or_default())
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

fn mismatch(interface: &str, error: &wasmtime::Error) -> LoadError {
    LoadError::Mismatch { interface: interface.to_owned(), reason: shown(&format!("{error:#}")) }
}

/// Declared and exported kinds must be the same ones.
fn check_kinds(inspection: &Inspection) -> Result<(), LoadError> {
    for declared in &inspection.manifest.kinds {
        if !inspection.kinds.contains(&declared.kind) {
            return Err(LoadError::KindNotExported { kind: declared.kind });
        }
    }
    for kind in &inspection.kinds {
        if !inspection.manifest.declares(*kind) {
            return Err(LoadError::KindNotDeclared { kind: *kind });
        }
    }
    Ok(())
}

/// Refuses imports that are unknown or were not asked for. The first one by name is reported.
fn check_imports(inspection: &Inspection) -> Result<(), LoadError> {
    use crate::Capability;
    use crate::contract::Import;
    for name in &inspection.imports {
        let refused = |capability| Err(LoadError::ImportNotAsked { import: shown(name), capability });
        match contract::find(name)?.1.import {
            Import::Capability(capability) if !inspection.manifest.asks(capability) => {
                return refused(capability);
            }
            Import::Content
                if !inspection.kinds.contains(&crate::Kind::ImageAnalyzer)
                    && !inspection.manifest.asks(Capability::Blob) =>
            {
                return refused(Capability::Blob);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a component needs to be instantiated at all must fit into its limits and its part of the pool.
fn check_needs(component: &Component, limits: &Limits) -> Result<(), LoadError> {
    let refuse = |what: String| Err(LoadError::NeedsTooMuch { what });
    let Some(needs) = component.resources_required() else {
        return refuse("core modules as imports; none can be given".to_owned());
    };
    let memory = limits.memory_bytes();
    if needs.num_memories > MEMORIES_MAX {
        return refuse(format!("{} memories; at most {MEMORIES_MAX} are allowed", needs.num_memories));
    }
    if needs.num_tables > TABLES_MAX {
        return refuse(format!("{} tables; at most {TABLES_MAX} are allowed", needs.num_tables));
    }
    let pages = |bytes: usize| u64::try_from(bytes / 65_536).unwrap_or(u64::MAX);
    if needs.max_initial_memory_size.is_some_and(|initial| initial > pages(memory)) {
        return refuse(format!(
            "more than {} MiB of memory to start; raise limits.memory-mib",
            limits.memory_mib
        ));
    }
    let elements = u64::try_from(TABLE_ELEMENTS_MAX).unwrap_or(u64::MAX);
    if needs.max_initial_table_size.is_some_and(|initial| initial > elements) {
        return refuse(format!("a table of more than {TABLE_ELEMENTS_MAX} elements"));
    }
    Ok(())
}

fn engine(instances: u32, memory_bytes_max: usize) -> Result<Engine, HostError> {
    let pooled = Engine::new(config().allocation_strategy(pool(instances, memory_bytes_max)));
    // Where address space is scarce (`ulimit -v`, small address spaces) calls get slower, not impossible.
    let engine = match pooled {
        Ok(engine) => Ok(engine),
        Err(_) => Engine::new(config().allocation_strategy(InstanceAllocationStrategy::OnDemand)),
    };
    engine.map_err(|e| HostError::Engine { reason: format!("{e:#}") })
}

/// An engine that makes the same machine code without reserving a pool for it.
pub(crate) fn compiling_engine() -> Result<Engine, HostError> {
    Engine::new(config().allocation_strategy(InstanceAllocationStrategy::OnDemand))
        .map_err(|e| HostError::Engine { reason: format!("{e:#}") })
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // The same input gives the same output on every processor, so that a call can be replayed bit for bit.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_component_model(true)
        .max_wasm_stack(512 * 1024);
    config
}

fn pool(instances: u32, memory_bytes_max: usize) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_MAX))
        .total_memories(instances.saturating_mul(MEMORIES_MAX))
        .total_tables(instances.saturating_mul(TABLES_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(memory_bytes_max)
        .linear_memory_keep_resident(MEMORY_KEPT_BYTES)
        .table_keep_resident(TABLE_KEPT_BYTES)
        // Where the kernel can name the pages that a call has touched (Linux 6.7), only those are reset.
        .pagemap_scan(Enabled::Auto);
    // Memory protection keys are not even compiled in: with copy-on-write they let one instance read another
    // (wasmtime issue 13982).
    InstanceAllocationStrategy::Pooling(pool)
}

#[cfg(test)]
mod tests {
    use super::{compiling_engine, engine};
    use crate::cache::EntryName;

    #[test]
    fn what_the_child_compiles_is_what_the_parent_looks_for() {
        let digest = crate::inspect::digest(b"component");
        let (pooled, child) = (engine(4, 1 << 26).unwrap(), compiling_engine().unwrap());
        assert!(EntryName::new(&digest, &pooled) == EntryName::new(&digest, &child));
    }
}
