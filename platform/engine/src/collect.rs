//! Resources of a cloud account or another service, page by page through a collector plugin.
//!
//! A cloud throttles, cuts answers off, repeats pages and denies parts. None of that may end in fewer resources without a word: what was
//! not fetched becomes a gap, and of what was fetched each resource counts once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use host::kinds::{Page, Resource};
use host::{Answer, CallContext, Fault, FaultKind, Grant, Input, Plugin, Rights, Services};
use model::{AnalyzerCoverage, Gap, GapCode, TenantId};

use crate::audit::Trail;

/// Times that the same page is asked for again.
const ATTEMPTS_MAX: u32 = 10;
/// Longest pause before a page is asked for again.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Shortest one; doubled at each further attempt.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// A plugin of kind `collector`, and what is granted to it.
#[derive(Clone)]
pub struct CollectorPlugin {
    /// The component.
    pub plugin: Plugin,
    /// Its rights.
    pub rights: Rights,
    /// The operator's configuration, a JSON object.
    pub config: Arc<str>,
}

/// Bounds of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pages.
    pub pages: u32,
    /// Most resources.
    pub resources: usize,
    /// Most bytes of their bodies.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pages: 200_000, resources: 1_000_000, bytes: 256 * 1024 * 1024 }
    }
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// By asset id, each once.
    pub resources: BTreeMap<String, Resource>,
    /// What was not.
    pub gaps: BTreeSet<Gap>,
    /// Pages that came.
    pub pages: u32,
    /// Pages that had to be asked for again.
    pub repeated: u32,
}

/// What a collection needs of whoever makes it.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Who serves what is granted to the plugin.
    pub services: &'a Arc<dyn Services>,
    /// Waits before a page is asked for again, and may end the collection by answering false.
    pub pause: &'a dyn Fn(Duration) -> bool,
    /// Told after each call what it was denied and what it sent, so that a collection that is cut off has been told of too. What cannot be
    /// kept must not go on: false ends the collection.
    pub audit: &'a dyn Fn(Trail) -> bool,
}

/// Who collected, for the coverage statement.
#[must_use]
pub fn coverage(plugin: &CollectorPlugin) -> AnalyzerCoverage {
    let manifest = plugin.plugin.manifest();
    AnalyzerCoverage {
        plugin: manifest.id.clone(),
        version: manifest.version.clone(),
        digest: plugin.plugin.digest().to_string(),
    }
}

/// Fetches every page.
#[must_use]
pub fn collect(plugin: &CollectorPlugin, limits: Limits, around: Surroundings<'_>) -> Collected {
    let id = &plugin.plugin.manifest().id;
    let call = |cursor: Option<&str>| {
        let context = context(plugin, around.services);
        let outcome = plugin.plugin.call(&context, Input::Collector { cursor: cursor.map(str::to_owned) });
        let mut trail = Trail::default();
        trail.note(id, outcome.audit, outcome.audit_dropped);
        if !trail.is_empty() && !(around.audit)(trail) {
            return Err(Fault::of(FaultKind::Host, "what it has sent cannot be written to the audit log"));
        }
        match outcome.result? {
            Answer::Collector(page) => Ok(page),
            other => Err(other.unexpected()),
        }
    };
    let mut work = Work {
        plugin: &plugin.plugin.manifest().id,
        limits,
        bytes: 0,
        seen: HashSet::new(),
        all: Collected::default(),
    };
    work.run(&call, around.pause);
    work.all
}

fn context(plugin: &CollectorPlugin, services: &Arc<dyn Services>) -> CallContext {
    let tenant = TenantId::default_tenant();
    let grant = Grant {
        tenant: tenant.clone(),
        digest: plugin.plugin.digest().clone(),
        rights: plugin.rights.clone(),
    };
    CallContext {
        grant: Some(Arc::new(grant)),
        services: Arc::clone(services),
        ..CallContext::new(tenant, Arc::clone(&plugin.config))
    }
}

struct Work<'a> {
    plugin: &'a str,
    limits: Limits,
    bytes: usize,
    /// Cursors that led somewhere: one that comes again leads in a circle.
    seen: HashSet<String>,
    all: Collected,
}

type Call<'a> = &'a dyn Fn(Option<&str>) -> Result<Page, Fault>;

impl Work<'_> {
    fn run(&mut self, call: Call<'_>, pause: &dyn Fn(Duration) -> bool) {
        let mut cursor: Option<String> = None;
        loop {
            let page = match self.page(call, cursor.as_deref(), pause) {
                Ok(page) => page,
                Err(fault) => {
                    let reason =
                        format!("{} ({}); what comes after is not known", fault.message, fault.kind.as_str());
                    return self.gap(GapCode::PluginFault, reason);
                }
            };
            self.all.pages += 1;
            let next = page.next.clone();
            if !self.take(page) {
                return;
            }
            let Some(next) = next else { return };
            if self.all.pages >= self.limits.pages {
                let reason =
                    format!("there are more than {} pages; what comes after is not known", self.limits.pages);
                return self.gap(GapCode::EntryLimit, reason);
            }
            if !self.seen.insert(next.clone()) {
                let reason = "a page leads back to one that was there before; what comes after is not known";
                return self.gap(GapCode::PluginFault, reason.to_owned());
            }
            cursor = Some(next);
        }
    }

    /// A page, asked for again as long as the plugin says that it is worth it.
    fn page(
        &mut self,
        call: Call<'_>,
        cursor: Option<&str>,
        pause: &dyn Fn(Duration) -> bool,
    ) -> Result<Page, Fault> {
        for attempt in 0..ATTEMPTS_MAX {
            let fault = match call(cursor) {
                Ok(page) => return Ok(page),
                Err(fault) => fault,
            };
            let Some(asked) = fault.retry_after else { return Err(fault) };
            self.all.repeated += 1;
            let wait = asked.max(PAUSE_MIN.saturating_mul(1 << attempt.min(16))).min(PAUSE_MAX);
            if attempt + 1 == ATTEMPTS_MAX || !pause(wait) {
                return Err(fault);
            }
        }
        call(cursor)
    }

    /// Adds a page; false where a limit ends the collection.
    fn take(&mut self, page: Page) -> bool {
        for missing in page.missing {
            let gap = Gap { code: GapCode::NotCollected, subject: missing.subject, reason: missing.message };
            self.all.gaps.insert(gap);
        }
        for resource in page.resources {
            self.bytes = self.bytes.saturating_add(resource.body.len());
            if self.bytes > self.limits.bytes || self.all.resources.len() >= self.limits.resources {
                let reason = format!(
                    "there are more than {} resources or {} bytes of them; the rest is not known",
                    self.limits.resources, self.limits.bytes
                );
                self.gap(GapCode::EntryLimit, reason);
                return false;
            }
            // A page that comes twice changes nothing; of two states of one resource the later one is taken.
            self.all.resources.insert(resource.asset.clone(), resource);
        }
        true
    }

    /// A gap about the whole: nothing that is not here may count as gone.
    fn gap(&mut self, code: GapCode, reason: String) {
        self.all.gaps.insert(Gap { code, subject: self.plugin.to_owned(), reason });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use host::FaultKind;
    use host::kinds::Missing;
    use proptest::prelude::*;

    use super::*;

    fn resource(id: &str) -> Resource {
        Resource { asset: id.to_owned(), kind: "aws:s3:bucket".to_owned(), body: b"{}".to_vec() }
    }

    fn page(ids: &[&str], next: Option<&str>) -> Page {
        Page {
            resources: ids.iter().map(|id| resource(id)).collect(),
            missing: Vec::new(),
            next: next.map(str::to_owned),
        }
    }

    fn fault(retry_after: Option<u64>) -> Fault {
        Fault {
            retry_after: retry_after.map(Duration::from_millis),
            ..Fault::of(FaultKind::Declined, "slow down")
        }
    }

    fn run(call: Call<'_>, limits: Limits) -> (Collected, Vec<Duration>) {
        let waited = RefCell::new(Vec::new());
        let pause = |time| {
            waited.borrow_mut().push(time);
            true
        };
        let mut work =
            Work { plugin: "p", limits, bytes: 0, seen: HashSet::new(), all: Collected::default() };
        work.run(call, &pause);
        (work.all, waited.into_inner())
    }

    #[test]
    fn pages_are_followed_to_the_end_and_doubles_count_once() {
        let call = |cursor: Option<&str>| {
            Ok(match cursor {
                None => page(&["a", "b"], Some("1")),
                Some("1") => page(&["b", "c"], Some("2")),
                Some(_) => Page {
                    missing: vec![Missing { subject: "s".into(), message: "m".into() }],
                    ..page(&[], None)
                },
            })
        };
        let (all, _) = run(&call, Limits::default());
        assert_eq!((all.resources.len(), all.pages, all.gaps.len()), (3, 3, 1));
    }

    #[test]
    fn a_cloud_that_throttles_is_asked_again_ever_later_and_at_last_no_more() {
        let left = Cell::new(3);
        let call = |_: Option<&str>| {
            left.set(left.get() - 1);
            if left.get() > 0 { Err(fault(Some(500))) } else { Ok(page(&["a"], None)) }
        };
        let (all, waited) = run(&call, Limits::default());
        assert_eq!((all.resources.len(), all.repeated, all.gaps.len()), (1, 2, 0));
        assert_eq!(waited, [Duration::from_millis(500), Duration::from_millis(500)]);
        let (all, waited) = run(&|_: Option<&str>| Err(fault(Some(1))), Limits::default());
        assert_eq!((all.gaps.len(), waited.len()), (1, 9));
        assert!(waited.is_sorted() && waited[8] == Duration::from_millis(51_200));
    }

    #[test]
    fn what_ends_a_collection_early_is_a_gap_about_the_whole() {
        let circle =
            |cursor: Option<&str>| Ok(page(&["a"], Some(if cursor == Some("1") { "2" } else { "1" })));
        let broken = |cursor: Option<&str>| {
            if cursor.is_none() { Ok(page(&["a"], Some("1"))) } else { Err(fault(None)) }
        };
        let endless = {
            let number = Cell::new(0);
            move |_: Option<&str>| {
                number.set(number.get() + 1);
                Ok(page(&["a"], Some(&number.get().to_string())))
            }
        };
        let many = |_: Option<&str>| Ok(page(&["a", "b", "c"], None));
        let limits = Limits { pages: 50, resources: 2, bytes: 1_000_000 };
        for (name, call) in
            [("circle", &circle as Call<'_>), ("broken", &broken), ("endless", &endless), ("many", &many)]
        {
            let (all, _) = run(call, limits);
            assert_eq!(all.gaps.len(), 1, "{name}");
            assert!(all.gaps.iter().all(|gap| gap.subject == "p"), "{name}");
            assert!(all.resources.contains_key("a"), "{name}");
        }
    }

    proptest! {
        /// However a list is cut into pages, and whichever page has to be asked for again: the same resources.
        #[test]
        fn the_cut_into_pages_does_not_matter(
            ids in proptest::collection::vec("[a-z]{1,3}", 0..40),
            size in 1_usize..7,
            throttled in proptest::collection::hash_set(0_usize..40, 0..10),
        ) {
            let tried = RefCell::new(HashSet::new());
            let call = |cursor: Option<&str>| {
                let start: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
                if throttled.contains(&start) && tried.borrow_mut().insert(start) {
                    return Err(fault(Some(0)));
                }
                let end = (start + size).min(ids.len());
                let some: Vec<&str> = ids[start..end].iter().map(String::as_str).collect();
                Ok(page(&some, (end < ids.len()).then(|| end.to_string()).as_deref()))
            };
            let (all, _) = run(&call, Limits::default());
            let wanted: BTreeSet<&String> = ids.iter().collect();
            prop_assert_eq!(all.resources.keys().collect::<BTreeSet<_>>(), wanted);
            prop_assert!(all.gaps.is_empty());
        }
    }
}
