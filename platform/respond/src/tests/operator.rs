//! What the operator asks for beside the playbook.

use super::world::{Fake, at, begin, decision, event, live, shop};
use crate::{Approval, Driver, MemoryBook, Phase, Settings};

const LABEL: &str =
    "name: p\ntrigger: \"severity>=low\"\nsteps:\n  - label: { target: pod, labels: { seen: \"yes\" } }\n";
#[test]
fn where_nothing_is_done_unasked_a_playbook_without_approvers_waits_too() {
    let (fake, book, settings) = (Fake::with(shop()), MemoryBook::default(), Settings::default());
    let driver = Driver::new(&fake, &book, &settings);
    let mut asked = begin(LABEL, event());
    asked.approval = Some(Approval { of: vec!["responder".to_owned()], need: 1, expires: 60 });
    let mut run = live(driver.begin(asked, at(0))).unwrap().unwrap();
    live(driver.advance(&mut run, at(0))).unwrap().unwrap();
    assert_eq!(run.phase, Phase::Asking);
    let early = live(driver.advance(&mut run, at(1))).unwrap().unwrap();
    assert_eq!(early, crate::Progress::Waiting(at(60)));
    assert!(fake.effects().is_empty());
    let agreed = decision(&run, "ann", &["responder"]);
    live(driver.decide(&mut run, agreed, at(2))).unwrap().unwrap();
    live(driver.advance(&mut run, at(2))).unwrap().unwrap();
    assert_eq!(run.phase, Phase::Acting);
    // Whoever reads the journal again stands at the same place.
    let again = live(driver.resume(&run.begin.tenant.clone(), &run.id)).unwrap().unwrap();
    assert_eq!(again, run);
}

#[test]
fn a_preview_tries_everything_and_leaves_nothing_behind() {
    let (fake, book, settings) = (Fake::with(shop()), MemoryBook::default(), Settings::default());
    let driver = Driver::new(&fake, &book, &settings);
    let plan = live(driver.preview(&begin(LABEL, event()), at(0))).unwrap().unwrap();
    assert_eq!((plan.acts.len(), plan.refusals.len()), (1, 0), "{plan:?}");
    assert!(plan.dry_runs.iter().all(|run| run.passes) && fake.dry_runs() > 0);
    assert!(fake.effects().is_empty());
    let begun = live(driver.resume(&begin(LABEL, event()).tenant, &begin(LABEL, event()).run())).unwrap();
    assert_eq!(begun.unwrap_err().code(), "response-run-unknown");
}
