//! Playbooks are read strictly, and those that come with the platform can be planned.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{Fake, TripBook, at, begin, drive, event, live, shop};
use crate::{Aim, Change, Class, Driver, Outcome, Phase, Playbook, PlaybookError, Settings, Step};

const ALL: [(&str, &str); 9] = [
    ("isolate-shell", include_str!("../../playbooks/isolate-shell.yaml")),
    ("stop-miner", include_str!("../../playbooks/stop-miner.yaml")),
    ("end-pod", include_str!("../../playbooks/end-pod.yaml")),
    ("move-pod", include_str!("../../playbooks/move-pod.yaml")),
    ("cordon-node", include_str!("../../playbooks/cordon-node.yaml")),
    ("drain-node", include_str!("../../playbooks/drain-node.yaml")),
    ("revoke-account", include_str!("../../playbooks/revoke-account.yaml")),
    ("evidence-only", include_str!("../../playbooks/evidence-only.yaml")),
    ("exec-by-person", include_str!("../../playbooks/exec-by-person.yaml")),
];

/// An event for each, which its trigger holds of.
fn event_of(name: &str) -> Value {
    let mut event = event();
    match name {
        "revoke-account" => {
            event["source"] = "kubernetes-audit".into();
            event["actor"] = json!({ "kind": "service-account", "name": "system:serviceaccount:shop:web" });
        }
        "exec-by-person" => {
            event["source"] = "kubernetes-audit".into();
            event["actor"] = json!({ "kind": "user", "name": "eve@example.org" });
            event["api"] = json!({ "subresource": "exec", "outcome": "success" });
        }
        _ => {}
    }
    event
}

/// `action target` for every act of a plan.
fn acts(name: &str, text: &str) -> Vec<String> {
    let fake = Fake::with(shop());
    let book = TripBook::new(&fake);
    let settings = Settings::default();
    let driver = Driver::new(&fake, &book, &settings).with_post(&fake);
    let mut run = live(driver.begin(begin(text, event_of(name)), at(0))).unwrap().unwrap();
    assert!(run.playbook.trigger.matches(&event_of(name)).unwrap(), "{name}");
    live(driver.advance(&mut run, at(0))).unwrap().unwrap();
    let plan = run.plan.unwrap();
    assert!(plan.refusals.is_empty(), "{name}: {:?}", plan.refusals);
    let tried = plan.acts.iter().filter(|act| !matches!(act.change, Change::Collect { .. })).count();
    assert_eq!(plan.dry_runs.len(), tried, "{name}");
    assert!(plan.dry_runs.iter().all(|one| one.passes), "{name}: {:?}", plan.dry_runs);
    assert!(fake.effects().is_empty(), "{name}: a plan changes nothing");
    let target =
        |act: &crate::Act| act.target.as_ref().map_or_else(String::new, |target| format!(" {target}"));
    plan.acts.iter().map(|act| format!("{}{}", act.action, target(act))).collect()
}

#[test]
fn every_playbook_that_comes_with_the_platform_is_read_and_planned() {
    for (name, text) in ALL {
        let playbook = Playbook::read(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(playbook.name, name);
        assert!(playbook.warnings.is_empty(), "{name}: {:?}", playbook.warnings);
        assert!(!acts(name, text).is_empty(), "{name}");
    }
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks")).unwrap();
    assert_eq!(files.count(), ALL.len(), "every file is in the list above");
}

#[test]
fn plans_name_every_act() {
    let planned = |name: &str| acts(name, ALL.iter().find(|(of, _)| *of == name).unwrap().1);
    assert_eq!(
        planned("stop-miner"),
        [
            "collect-evidence Pod shop/web-1",
            "collect-evidence Deployment shop/web",
            "scale-to-zero Deployment shop/web",
            "ticket"
        ]
    );
    let isolated = planned("isolate-shell");
    assert!(isolated[2].starts_with("quarantine NetworkPolicy shop/palisade-quarantine-"), "{isolated:?}");
    assert_eq!(isolated[3..], ["quarantine Pod shop/web-1", "notify"]);
    // The agent belongs to a DaemonSet, and `dns` is in a protected namespace.
    assert_eq!(
        planned("drain-node"),
        [
            "collect-evidence Node node-1",
            "drain Node node-1",
            "drain Pod shop/web-1",
            "drain Pod shop/web-2",
            "ticket"
        ]
    );
    assert_eq!(
        planned("revoke-account"),
        [
            "collect-evidence ServiceAccount shop/web",
            "revoke-token RoleBinding shop/b",
            "revoke-token Secret shop/web-token",
            "revoke-token ServiceAccount shop/web",
            "revoke-token ServiceAccount shop/web",
            "notify",
        ]
    );
}

#[test]
fn texts_are_filled_and_text_of_strangers_stays_text() {
    let text = "
name: a
trigger: \"x:*\"
parameters: { labels: { type: list, default: [] }, count: { type: number, default: 3 }, who: { type: text } }
steps:
  - notify: { channel: \"${parameters.who}\", text: \"${parameters.count} ${event.pod.name} ${event.none} ${incident}\" }
  - collect-evidence: { target: pod, logs: \"${parameters.count}\" }
";
    let playbook = Playbook::read(text.as_bytes()).unwrap();
    let given = BTreeMap::from([("who".to_owned(), json!("ops"))]);
    let event = json!({ "pod": { "name": "a\u{1b}[31m\n${parameters.who}" } });
    let values = crate::Values {
        parameters: playbook.parameters(&given).unwrap(),
        event: Some(&event),
        incident: "i-1",
    };
    let Step::Tell { body, .. } = playbook.steps[0].with(&values).unwrap() else { panic!() };
    assert_eq!(body, json!({ "channel": "ops", "text": "3 a\\u{1b}[31m\\n${parameters.who} unknown i-1" }));
    let Step::CollectEvidence { aim, lines } = playbook.steps[1].with(&values).unwrap() else { panic!() };
    assert_eq!((aim, lines), (Aim::Pod, 3));
    for (name, value) in [("who", json!(3)), ("none", json!("x"))] {
        let given = BTreeMap::from([(name.to_owned(), value)]);
        assert_eq!(playbook.parameters(&given).unwrap_err().code(), "playbook-parameter");
    }
    assert_eq!(
        playbook.parameters(&BTreeMap::new()).unwrap_err().code(),
        "playbook-parameter",
        "it has to be given"
    );
}

#[test]
fn mistakes_are_told_with_their_line() {
    let head = "name: a\ntrigger: \"x:1\"\n";
    let one = |step: &str| format!("{head}steps:\n  - {step}\n");
    let cases = [
        ("trigger: \"x:1\"\nsteps: []".to_owned(), 1, "name"),
        ("name: A\ntrigger: \"x:1\"\nsteps: []".to_owned(), 1, "lower-case"),
        ("name: a\ntrigger: \"x\"\nsteps: []".to_owned(), 2, "at character 2 of the filter"),
        (format!("{head}steps: []"), 3, "1 to 32"),
        (format!("{head}more: 1\nsteps: []"), 3, "no such member"),
        (format!("{head}lease: soon\nsteps: []"), 3, "30m"),
        (format!("{head}lease: 32d\nsteps: []"), 3, "at most 31d"),
        (format!("{head}approval: {{ of: [] }}\nsteps: []"), 3, "of"),
        (format!("{head}budget:\n  max-pods-percent: 101\nsteps: []"), 4, "from 0 to 100"),
        (one("reboot: {}"), 4, "no action"),
        (one("{ id: x }"), 4, "one action"),
        (one("{ label: {}, cordon: {} }"), 4, "one action"),
        (one("label: { labels: { a: yes } }"), 4, "put it in quotes"),
        (one("label: { labels: { palisade.dev/response: x } }"), 4, "not for playbooks"),
        (one("label: { labels: { \"a b\": x } }"), 4, "no name of a label"),
        (one("label: { target: { kind: Secret, namespace: a, name: b }, labels: { a: b } }"), 4, "kind"),
        (
            one("label: { target: { kind: Pod, namespace: a, name: \"../b\" }, labels: { a: b } }"),
            4,
            "no name",
        ),
        (one("cordon: { target: pod }"), 4, "cannot be done to this"),
        (one("quarantine: { allow: [{ cidr: 10.0.0.0/33 }] }"), 4, "prefix length"),
        (one("quarantine: { allow: [{}] }"), 4, "a peer has"),
        (one("notify: { text: x }"), 4, "channel"),
        (one("webhook: { endpoint: x, url: \"http://example.org\" }"), 4, "no such member"),
        (one("notify: { channel: \"${parameters.none}\" }"), 4, "no parameter"),
        (one("notify: { channel: \"${secret}\" }"), 4, "neither"),
        (one("notify: { channel: \"${event.x\" }"), 4, "never closed"),
        (one("{ lease: 1h, delete-pod: {} }"), 4, "cannot have a lease"),
        (
            format!("{head}steps:\n  - {{ id: x, cordon: {{}} }}\n  - {{ id: x, cordon: {{}} }}"),
            5,
            "another step",
        ),
        (format!("{head}name: b\nsteps: []"), 1, "twice"),
        ("- 1".to_owned(), 1, "mapping"),
        ("# nothing".to_owned(), 1, "nothing"),
    ];
    for (text, line, said) in cases {
        let error = Playbook::read(text.as_bytes()).unwrap_err();
        match &error {
            PlaybookError::Invalid { line: at, what } => {
                let place = if said == "twice" { *at } else { line };
                assert!(*at == place && what.contains(said), "{text}\n{error}");
            }
            other => panic!("{text}\n{other}"),
        }
    }
    assert_eq!(Playbook::read(b"a: &x [1]\nb: [").unwrap_err().code(), "yaml-syntax");
    let bomb = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]";
    assert_eq!(Playbook::read(bomb.as_bytes()).unwrap_err().code(), "yaml-budget");
}

#[test]
fn what_can_be_taken_back_belongs_first() {
    let text = "{name: a, trigger: \"x:1\", steps: [{delete-pod: {}}, {cordon: {}}]}";
    let playbook = Playbook::read(text.as_bytes()).unwrap();
    assert_eq!(playbook.class(), Class::Destructive);
    assert_eq!(playbook.warnings.len(), 2, "{:?}", playbook.warnings);
    assert!(playbook.warnings[0].contains("put what can be taken back first"));
    assert!(playbook.warnings[1].contains("collects evidence"));
}

#[test]
fn a_playbook_that_observes_only_keeps_and_tells_and_changes_nothing() {
    let fake = Fake::with(shop());
    let book = TripBook::new(&fake);
    let begin = begin(ALL[7].1, event());
    let (run, _) = drive(&fake, &book, &Settings::default(), &begin, &[], at(0), at(1_000_000));
    assert_eq!(run.phase, Phase::Over(Outcome::Succeeded));
    assert!(fake.effects().is_empty());
    assert_eq!(fake.messages().len(), 1);
    let names: Vec<String> = book.book.evidence().into_iter().map(|kept| kept.name).collect();
    assert_eq!(
        names,
        [
            "object.json",
            "owners.json",
            "events.json",
            "log-main.txt",
            "object.json",
            "owners.json",
            "events.json"
        ]
    );
    assert!(run.plan.unwrap().acts.iter().all(|act| !matches!(act.change, Change::Patch(_))));
}
