//! What holds for any order.

use std::collections::BTreeSet;

use model::Severity;
use proptest::prelude::*;

use crate::{Bounds, Caps, Detected, Incident, Incidents, Order, Placed, Waiting};

/// An order of arrival in which nothing comes later than `lateness` after a successor: each event is delayed by less than that.
fn arrivals(delays: &[u64], times: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|place| (times[*place] + delays[*place], *place));
    order
}

const LATENESS: u64 = 50;

fn through(
    times: &[u64],
    sources: &[u8],
    order: &[usize],
    delays: &[u64],
    every: usize,
) -> (Vec<String>, u64) {
    let bounds = Bounds { lateness: LATENESS, idle: u64::MAX, waiting: usize::MAX };
    let mut waiting = Order::new(bounds, 0);
    let mut out = Vec::new();
    for (count, place) in order.iter().enumerate() {
        let (time, now) = (times[*place], times[*place] + delays[*place]);
        let source = format!("s{}", sources[*place]);
        let placed = waiting.push(Waiting { time, id: format!("{place:04}"), source, event: *place }, now);
        assert_eq!(placed, Placed::Waits, "nothing within the bound is late");
        if count % every == 0 {
            out.extend(waiting.release(now).0);
        }
    }
    out.extend(waiting.finish().0);
    (out.into_iter().map(|waiting| waiting.id).collect(), waiting.late())
}

#[derive(Debug, Clone)]
enum Part {
    Detection(Detected),
    Link(String, String),
}

fn part(number: usize) -> impl Strategy<Value = Part> {
    let key = || prop_oneof![Just(String::new()), "[a-e]"];
    let detection =
        (0_u64..1_000, key(), "[xyz]", "[rst]", 0_u8..3).prop_map(move |(time, key, asset, rule, bad)| {
            let severity = [Severity::Low, Severity::High, Severity::Critical][usize::from(bad)];
            let id = format!("d{number:03}");
            Part::Detection(Detected {
                title: id.clone(),
                id,
                time,
                key,
                rule,
                severity,
                asset,
                techniques: BTreeSet::new(),
            })
        });
    prop_oneof![
        5 => detection,
        1 => ("[a-e]", "[a-e]").prop_map(|(kept, merged)| Part::Link(kept, merged)),
    ]
}

fn joined(parts: &[Part]) -> Vec<Incident> {
    let mut all = Incidents::new(Caps { gap: 60, assets: usize::MAX, steps: usize::MAX });
    for part in parts {
        match part {
            Part::Detection(detected) => drop(all.add(detected)),
            Part::Link(kept, merged) => drop(all.link(kept, merged)),
        }
    }
    all.all()
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    (1_usize..40).prop_flat_map(|count| (0..count).map(part).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_arrival_within_the_bound_gives_the_order_of_time(
        events in prop::collection::vec((60_u64..2_000, 0_u8..3, 0_u64..LATENESS), 1..80),
        every in 1_usize..9,
    ) {
        let times: Vec<u64> = events.iter().map(|event| event.0).collect();
        let sources: Vec<u8> = events.iter().map(|event| event.1).collect();
        let delays: Vec<u64> = events.iter().map(|event| event.2).collect();
        let order = arrivals(&delays, &times);
        let (found, late) = through(&times, &sources, &order, &delays, every);
        let mut wanted: Vec<(u64, String)> =
            times.iter().enumerate().map(|(place, time)| (*time, format!("{place:04}"))).collect();
        wanted.sort();
        prop_assert_eq!(found, wanted.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
        prop_assert_eq!(late, 0);
    }

    #[test]
    fn any_order_of_detections_and_links_gives_the_same_incidents(
        parts in parts(),
        seed in prop::collection::vec(any::<u64>(), 40),
    ) {
        let mut keyed: Vec<(u64, Part)> =
            parts.iter().cloned().enumerate().map(|(place, part)| (seed[place], part)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Part> = keyed.into_iter().map(|(_, part)| part).collect();
        prop_assert_eq!(joined(&parts), joined(&shuffled));
    }

    #[test]
    fn what_changed_is_told(parts in parts()) {
        let mut all = Incidents::new(Caps { gap: 60, assets: usize::MAX, steps: usize::MAX });
        let mut known: std::collections::BTreeMap<String, Incident> = Default::default();
        for part in &parts {
            let added = match part {
                Part::Detection(detected) => all.add(detected),
                Part::Link(kept, merged) => all.link(kept, merged),
            };
            for gone in added.merged.keys() {
                known.remove(gone);
            }
            let now: std::collections::BTreeMap<String, Incident> =
                all.all().into_iter().map(|incident| (incident.id.clone(), incident)).collect();
            for id in &added.changed {
                if let Some(incident) = now.get(id) {
                    known.insert(id.clone(), incident.clone());
                }
            }
            prop_assert_eq!(&known, &now);
        }
    }
}
