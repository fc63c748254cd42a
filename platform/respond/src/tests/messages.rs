//! Messages: that they arrive, that they arrive under one key, and what becomes of a run whose destination is away.

use super::world::{Fake, TripBook, at, begin, drive, event, live, shop};
use crate::{CallCause, Driver, How, MemoryBook, Nowhere, Outcome, Phase, Progress, Settings};

const TICKET: &str = "name: p\ntrigger: \"severity>=low\"\nsteps:\n  - ticket: { title: \"Look at ${event.pod.name}\", queue: ops }\n";
const ON: &str =
    "name: p\ntrigger: \"severity>=low\"\non-error: continue\nsteps:\n  - webhook: { endpoint: nowhere }\n";

#[test]
fn a_message_that_has_nowhere_to_go_is_refused_before_anything_is_done() {
    let (fake, book, settings) = (Fake::with(shop()), MemoryBook::default(), Settings::default());
    let preview = |text: &str, to_fake: bool| {
        let begin = begin(text, event());
        let driver = Driver::new(&fake, &book, &settings);
        let plan = match to_fake {
            true => live(driver.with_post(&fake).preview(&begin, at(0))),
            false => live(driver.preview(&begin, at(0))),
        };
        plan.unwrap().unwrap()
    };
    let nowhere = TICKET.replace("ops", "nowhere");
    for (text, to_fake, refusals, warnings) in
        [(TICKET, true, 0, 0), (TICKET, false, 1, 0), (nowhere.as_str(), true, 1, 0), (ON, true, 0, 1)]
    {
        let plan = preview(text, to_fake);
        assert_eq!((plan.refusals.len(), plan.warnings.len()), (refusals, warnings), "{text}: {plan:?}");
        assert_eq!((plan.dry_runs.len(), plan.dry_runs[0].passes), (1, refusals + warnings == 0));
    }
    assert!(fake.requests().is_empty(), "a plan sends nothing");
}

#[test]
fn a_playbook_that_only_tells_needs_no_cluster_and_its_ticket_is_in_the_ledger() {
    let (fake, book, settings) = (Fake::default(), MemoryBook::default(), Settings::default());
    let driver = Driver::new(&Nowhere, &book, &settings).with_post(&fake);
    let mut run = live(driver.begin(begin(TICKET, event()), at(0))).unwrap().unwrap();
    assert!(run.playbook.tells_only());
    while !matches!(run.phase, Phase::Over(_)) {
        live(driver.advance(&mut run, at(1))).unwrap().unwrap();
    }
    assert_eq!(run.phase, Phase::Over(Outcome::Succeeded), "{:?}", run.plan.unwrap().refusals);
    let [message] = fake.requests().try_into().unwrap();
    assert_eq!((message.how.as_str(), message.destination.as_deref()), ("ticket", Some("ops")));
    assert_eq!((message.incident.as_str(), message.severity.as_str()), ("incident-1", "critical"));
    assert_eq!(message.said["title"], "Look at web-1");
    let (lines, _) = book.ledger(&run.begin.tenant);
    let lines: Vec<String> = lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line.contains("\"applied\"") && line.contains("id T-1")), "{lines:#?}");
}

#[test]
fn a_destination_that_is_away_is_tried_again_and_given_up_in_the_end() {
    let away = (CallCause::Uncertain, "503", None);
    let outcome = |answers: &[(CallCause, &str, Option<u32>)]| {
        let fake = Fake::with(shop());
        fake.answers(answers);
        let book = TripBook::new(&fake);
        let settings = Settings::default();
        let (run, progress) =
            drive(&fake, &book, &settings, &begin(TICKET, event()), &[], at(0), at(1_000_000));
        let Progress::Over(outcome) = progress else { panic!("{progress:?}") };
        assert_eq!(fake.messages().len(), 1, "always the same key");
        (outcome, fake.requests().len(), run)
    };
    assert_eq!(outcome(&[]).1, 1);
    let (done, requests, run) = outcome(&[away, (CallCause::Busy, "429", Some(7)), away]);
    assert_eq!((done, requests), (Outcome::Succeeded, 4));
    assert!(matches!(run.acts[0].done, Some((How::Found, when)) if when == at(5 + 7 + 5)), "{:?}", run.acts);
    let (given_up, requests, run) = outcome(&vec![away; 100]);
    assert_eq!((given_up, requests), (Outcome::Partial, 12));
    assert_eq!(run.acts[0].failed.as_deref(), Some("503"));
    let (refused, requests, _) = outcome(&[(CallCause::Invalid, "400", None)]);
    assert_eq!((refused, requests), (Outcome::Partial, 1));
}

#[test]
fn a_death_around_a_request_sends_the_same_message_under_the_same_key() {
    let mut sent_again = 0;
    for point in 0..12 {
        let fake = Fake::with(shop());
        let book = TripBook::new(&fake);
        let settings = Settings::default();
        let (_, progress) =
            drive(&fake, &book, &settings, &begin(TICKET, event()), &[point], at(0), at(1_000_000));
        assert_eq!(progress, Progress::Over(Outcome::Succeeded));
        let requests = fake.requests();
        assert!(requests.iter().all(|request| *request == requests[0]), "{requests:?}");
        sent_again += requests.len() - 1;
    }
    assert!(sent_again > 0, "some process died between the request and its answer");
}

#[test]
fn who_stops_a_run_while_its_destination_is_away_waits_for_nothing() {
    let fake = Fake::with(shop());
    fake.answers(&[(CallCause::Uncertain, "503", None); 3]);
    let (book, settings) = (MemoryBook::default(), Settings::default());
    let driver = Driver::new(&fake, &book, &settings).with_post(&fake);
    let mut run = live(driver.begin(begin(TICKET, event()), at(0))).unwrap().unwrap();
    while !matches!(live(driver.advance(&mut run, at(0))).unwrap().unwrap(), Progress::Waiting(_)) {}
    live(driver.undo(&mut run, "ann", at(1))).unwrap().unwrap();
    while !matches!(run.phase, Phase::Over(_)) {
        live(driver.advance(&mut run, at(1))).unwrap().unwrap();
    }
    assert_eq!((run.phase, fake.requests().len()), (Phase::Over(Outcome::Partial), 1));
    assert!(run.acts[0].failed.as_deref().unwrap().contains("stopped"), "{:?}", run.acts);
}
