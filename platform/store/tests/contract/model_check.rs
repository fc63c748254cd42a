//! Random histories against a model so plain that it is obviously right: scans are accepted, end in any order, end twice,
//! fail, see this and that, with and without gaps. Whatever happens, states, histories, figures and counters agree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use model::{
    AssetId, Finding, FindingState, Fingerprint, FixState, GapCode, Kev, Severity, Suppression, TenantId,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Applied, FindingFilter, FindingSort, NewScan, SeverityCounts, Store, Summary};
use uuid::Uuid;

use crate::Place;
use crate::world::*;

const KEYS: usize = 5;

/// How a finding looks in one scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    severity: Severity,
    fixable: bool,
    kev: bool,
    suppressed: bool,
    /// Differs in the description alone: stored, but no news.
    words: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blindness {
    None,
    /// Cannot read the directory where findings 0 and 1 are proved.
    Directory,
    /// A plugin failed.
    Everything,
}

#[derive(Debug, Clone)]
struct Run {
    asset: u8,
    seen: Vec<Option<Look>>,
    blind: Blindness,
}

#[derive(Debug, Clone)]
struct Case {
    runs: Vec<Run>,
    /// Which run ends next, and whether it fails. Runs may be named twice, or never.
    ends: Vec<(usize, bool)>,
}

fn look() -> impl Strategy<Value = Look> {
    let severity = prop_oneof![Just(Severity::Low), Just(Severity::High), Just(Severity::Unknown)];
    (severity, any::<bool>(), any::<bool>(), any::<bool>(), 0..2_u8).prop_map(
        |(severity, fixable, kev, suppressed, words)| Look { severity, fixable, kev, suppressed, words },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let blind = prop_oneof![
        4 => Just(Blindness::None),
        1 => Just(Blindness::Directory),
        1 => Just(Blindness::Everything),
    ];
    let run = (1..3_u8, prop::collection::vec(prop::option::of(look()), KEYS), blind)
        .prop_map(|(asset, seen, blind)| Run { asset, seen, blind });
    prop::collection::vec(run, 1..9).prop_flat_map(|runs| {
        let end = (0..runs.len(), prop::bool::weighted(0.1));
        // Mostly in order, so that most scans count; the shuffled tail brings the others and the repetitions.
        let in_order: Vec<_> = (0..runs.len()).map(|run| (run, false)).collect();
        let swaps = prop::collection::vec((0..runs.len(), 0..runs.len()), 0..3);
        (Just(runs), swaps, prop::collection::vec(end, 0..6)).prop_map(move |(runs, swaps, tail)| {
            let mut ends = in_order.clone();
            swaps.into_iter().for_each(|(a, b)| ends.swap(a, b));
            for (index, end) in tail.into_iter().enumerate() {
                ends.insert((index * 2).min(ends.len()), end);
            }
            Case { runs, ends }
        })
    })
}

fn look_of(number: usize, look: Look) -> Finding {
    let mut found = finding(&format!("CVE-{number}"), &format!("p{number}"), look.severity);
    found.evidence[0].path = if number < 2 { "dark/file" } else { "light/file" }.into();
    found.description = look.words.to_string();
    if look.fixable {
        found.fix.state = FixState::Fixed;
    }
    found.kev = look.kev.then(|| Kev { added: "2024".into(), due: None, ransomware: false });
    found.suppressed = look.suppressed.then(|| Suppression { code: "disputed".into(), reason: "r".into() });
    found
}

/// The model: what is known of one finding of one asset.
#[derive(Debug, Clone)]
struct Known {
    state: FindingState,
    look: Look,
    events: Vec<(&'static str, usize)>,
    last_run: usize,
}

#[derive(Debug, Default)]
struct Model {
    known: BTreeMap<(u8, usize), Known>,
    newest: BTreeMap<u8, usize>,
    done: BTreeSet<usize>,
    failed: usize,
    announced: usize,
}

impl Model {
    fn fail(&mut self, run: usize) -> bool {
        let first = self.done.insert(run);
        self.failed += usize::from(first);
        first
    }

    fn finish(&mut self, number: usize, run: &Run) -> Option<Summary> {
        if !self.done.insert(number) {
            return None;
        }
        let mut summary = Summary {
            packages: run.seen.iter().flatten().count() as u64,
            gaps: u64::from(run.blind != Blindness::None),
            findings: run.seen.iter().flatten().filter(|l| !l.suppressed).map(|l| l.severity).collect(),
            ..Summary::default()
        };
        if self.newest.get(&run.asset).is_some_and(|newest| *newest > number) {
            summary.superseded = true;
            return Some(summary);
        }
        self.newest.insert(run.asset, number);
        for (key, look) in run.seen.iter().enumerate() {
            match look {
                Some(look) => self.see(number, (run.asset, key), *look, &mut summary),
                None => self.miss(number, (run.asset, key), run.blind, &mut summary),
            }
        }
        let news = summary.opened + summary.fixed + summary.reopened + summary.changed;
        self.announced += usize::from(news > 0);
        Some(summary)
    }

    fn see(&mut self, number: usize, key: (u8, usize), look: Look, summary: &mut Summary) {
        let Some(known) = self.known.get_mut(&key) else {
            let events = vec![("opened", number)];
            self.known.insert(key, Known { state: FindingState::Open, look, events, last_run: number });
            summary.opened += 1;
            return;
        };
        if known.state == FindingState::Fixed {
            known.events.push(("reopened", number));
            summary.reopened += 1;
        } else if (Look { words: 0, ..known.look }) != (Look { words: 0, ..look }) {
            known.events.push(("changed", number));
            summary.changed += 1;
        } else {
            summary.unchanged += 1;
        }
        *known = Known { state: FindingState::Open, look, events: known.events.clone(), last_run: number };
    }

    fn miss(&mut self, number: usize, key: (u8, usize), blind: Blindness, summary: &mut Summary) {
        let Some(known) = self.known.get_mut(&key) else { return };
        if known.state == FindingState::Fixed {
            return;
        }
        if blind == Blindness::Everything || (blind == Blindness::Directory && key.1 < 2) {
            summary.hidden += 1;
        } else {
            known.state = FindingState::Fixed;
            known.events.push(("fixed", number));
            summary.fixed += 1;
        }
    }

    /// Severities, exploited and fixable among what is open and counts on an asset.
    fn totals(&self, asset: u8) -> (SeverityCounts, u64, u64) {
        let open = self.known.iter().filter(|((of, _), known)| {
            *of == asset && known.state == FindingState::Open && !known.look.suppressed
        });
        let looks: Vec<Look> = open.map(|(_, known)| known.look).collect();
        let count = |test: fn(&&Look) -> bool| looks.iter().filter(test).count() as u64;
        (looks.iter().map(|look| look.severity).collect(), count(|look| look.kev), count(|look| look.fixable))
    }
}

async fn check(store: &Store, tenant: &TenantId, case: &Case) {
    let before = store.outbox(100_000).await.unwrap().len();
    let mut model = Model::default();
    let mut ids = Vec::new();
    for number in 0..case.runs.len() {
        let id = Uuid::now_v7();
        let new = NewScan { id, idempotency_key: None, request: request("app"), at: at(number as i64) };
        store.submit_scan(tenant, &new).await.unwrap();
        ids.push(id);
    }
    for (moment, (number, fails)) in case.ends.iter().enumerate() {
        let (id, run, now) = (ids[*number], &case.runs[*number], at(100 + moment as i64));
        let message = format!("m-{number}");
        if *fails {
            let done = store.fail_scan(tenant, id, &message, "code", "message", now).await.unwrap();
            assert_eq!(done, model.fail(*number));
            continue;
        }
        let seen = run.seen.iter().enumerate().filter_map(|(key, look)| Some(look_of(key, (*look)?)));
        let report = report(seen.collect());
        let report = match run.blind {
            Blindness::None => report,
            Blindness::Directory => with_gap(report, GapCode::Unreadable, "dark"),
            Blindness::Everything => with_gap(report, GapCode::PluginFault, "p"),
        };
        let done =
            store.finish_scan(tenant, id, &message, &outcome(&image(run.asset), report), now).await.unwrap();
        let wanted = model.finish(*number, run).map_or(Applied::AlreadyApplied, Applied::Applied);
        assert_eq!(done, wanted);
    }
    compare(store, tenant, &model, &ids).await;
    let ledger = store.ledger(tenant).await.unwrap();
    assert!(ledger.balances());
    let in_flight = ids.len() - model.done.len();
    assert_eq!((ledger.failed, ledger.in_flight()), (model.failed as u64, in_flight as u64));
    let after = store.outbox(100_000).await.unwrap().len();
    assert_eq!(after - before, ids.len() + model.announced);
}

async fn compare(store: &Store, tenant: &TenantId, model: &Model, ids: &[Uuid]) {
    let rows =
        store.findings(tenant, &FindingFilter::default(), FindingSort::Package, &page(500)).await.unwrap();
    assert_eq!(rows.items.len(), model.known.len());
    for ((asset, key), known) in &model.known {
        let finding = look_of(*key, known.look);
        let fingerprint = Fingerprint::new(tenant, &image(*asset), &finding.key);
        let row = store.finding(tenant, &fingerprint).await.unwrap().unwrap().stored;
        assert_eq!((row.state, &row.finding, row.last_scan), (known.state, &finding, ids[known.last_run]));
        assert_eq!(row.fixed_at.is_some(), known.state == FindingState::Fixed);
        let history = store.history(tenant, &fingerprint).await.unwrap();
        let told: Vec<(&str, String)> = history
            .iter()
            .map(|event| (event.transition.as_str(), event.scan.clone().unwrap_or_default()))
            .collect();
        let wanted: Vec<(&str, String)> =
            known.events.iter().map(|(what, run)| (*what, ids[*run].to_string())).collect();
        assert_eq!(told, wanted);
    }
    for asset in 1..3_u8 {
        let stored: Option<store::AssetRow> =
            store.asset(tenant, &AssetId(image(asset).0)).await.unwrap().map(|asset| asset.row);
        assert_eq!(stored.as_ref().map(|row| row.last_scan), model.newest.get(&asset).map(|run| ids[*run]));
        if let Some(row) = stored {
            assert_eq!((row.findings, row.kev_open, row.fixable_open), model.totals(asset));
        }
    }
}

pub(crate) async fn random_histories_agree_with_a_plain_model(place: Place) {
    static TENANTS: AtomicU32 = AtomicU32::new(0);
    let store = place.store().await;
    let handle = tokio::runtime::Handle::current();
    let checked = tokio::task::spawn_blocking(move || {
        let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
        TestRunner::new(config).run(&case(), |case| {
            // A tenant per case: a clean slate without a new database, and proof that tenants do not touch.
            let name = format!("t{}", TENANTS.fetch_add(1, Ordering::Relaxed));
            handle.block_on(check(&store, &TenantId::parse(&name).unwrap(), &case));
            Ok(())
        })
    });
    checked.await.unwrap().unwrap();
}
