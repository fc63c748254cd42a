//! Events and what they came to: committed once, by whoever has the right, and read again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use model::{Severity, TenantId};
use serde_json::json;
use store::{
    DetectionFilter, Disposition, EventCommit, EventFilter, IncidentChange, IncidentFilter, IncidentStatus,
    NewDetection, NewEvent, NewIncident, NewSource, NewSuppression, PageRequest, SensorReport, SensorState,
    Store, StoreError, TokenHash,
};

use crate::Place;

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn event(number: u32) -> NewEvent {
    NewEvent {
        id: format!("falco:{number}"),
        time: u64::from(number) * 1_000,
        source: "falco".into(),
        origin: "falco".into(),
        kind: "alert".into(),
        severity: Severity::High,
        title: format!("shell \0 {number}"),
        asset: "k8s:c/apps/Deployment/shop/web".into(),
        cluster: Some("c".into()),
        node: None,
        namespace: Some("shop".into()),
        workload: Some("Deployment/web".into()),
        pod: None,
        container: Some("0123456789ab".into()),
        image: None,
        principal: None,
        exec: Some(format!("exec-{number}")),
        parent_exec: None,
        body: br#"{"source":"falco","kind":"alert","raw":{"a":1}}"#.to_vec(),
    }
}

fn detection(number: u32, suppressed_by: Option<String>) -> NewDetection {
    NewDetection {
        id: format!("{number:032x}"),
        rule: "sensor/falco/shell".into(),
        plugin: "sensor".into(),
        title: "shell".into(),
        severity: Severity::High,
        asset: "k8s:c/apps/Deployment/shop/web".into(),
        key: "workload:shop/Deployment/web@c".into(),
        first: u64::from(number) * 1_000,
        last: u64::from(number) * 1_000,
        late: false,
        techniques: vec!["T1059".into()],
        events: vec![format!("falco:{number}")],
        evidence: json!({ "count": 1 }),
        subject: json!({ "container": { "id": "0123456789ab" } }),
        suppressed_by,
    }
}

fn incident(id: u32, detections: u64, steps: &[&str]) -> NewIncident {
    NewIncident {
        id: format!("{id:032x}"),
        first: 1_000,
        last: detections * 1_000,
        severity: Severity::High,
        title: "shell".into(),
        assets: vec!["k8s:c/apps/Deployment/shop/web".into()],
        techniques: vec!["T1059".into()],
        detections,
        left_out: 0,
        steps: steps.iter().map(|rule| json!({ "rule": rule })).collect(),
        source_count: 1,
    }
}

fn commit(events: Vec<NewEvent>) -> EventCommit {
    EventCommit {
        tenant: tenant(),
        holder: "one".into(),
        messages: Vec::new(),
        now: now(),
        events,
        late: BTreeSet::new(),
        problems: BTreeMap::new(),
        repeated: BTreeMap::new(),
        sensors: Vec::new(),
        detections: Vec::new(),
        links: Vec::new(),
        incidents: Vec::new(),
        merged: Vec::new(),
        state: BTreeMap::new(),
        timers: json!({}),
        watermark: 0,
        gaps: Vec::new(),
    }
}

async fn ready(store: &Store) {
    let source = NewSource {
        name: "falco".into(),
        format: "falco".into(),
        cluster: Some("c".into()),
        token: TokenHash::of("secret"),
        created_at: now(),
        created_by: "test".into(),
    };
    store.put_source(&tenant(), &source).await.unwrap();
    let until = now() + SignedDuration::from_secs(30);
    assert!(store.correlator_lease(&tenant(), "one", now(), until).await.unwrap());
}

pub(crate) async fn a_batch_is_committed_once_and_read_again(place: Place) {
    let store = place.store().await;
    ready(&store).await;
    let batch = EventCommit {
        messages: vec!["falco/1".into()],
        late: BTreeSet::from(["falco:2".to_owned()]),
        problems: BTreeMap::from([("falco".to_owned(), (3, "no time".to_owned()))]),
        sensors: vec![
            SensorReport {
                source: "falco".into(),
                sensor: "n1".into(),
                at: now(),
                blind: true,
                drops: 7,
                reason: "drops".into(),
            },
            SensorReport {
                source: "falco".into(),
                sensor: "n2".into(),
                at: now(),
                blind: false,
                drops: 0,
                reason: String::new(),
            },
        ],
        detections: vec![detection(1, None)],
        links: vec![("a".into(), "b".into())],
        incidents: vec![incident(1, 1, &["r"])],
        state: BTreeMap::from([("p".to_owned(), BTreeMap::from([("k".to_owned(), Some(vec![1, 2]))]))]),
        timers: json!({ "near": { "watermark": 5 } }),
        watermark: 1_500,
        ..commit(vec![event(1), event(2), event(3)])
    };
    let done = store.commit_events(&batch).await.unwrap();
    assert_eq!((done.events, done.repeated, done.detections, done.messages_repeated), (3, 0, 1, 0));
    let again = store.commit_events(&batch).await.unwrap();
    assert_eq!((again.events, again.repeated, again.detections, again.messages_repeated), (0, 3, 0, 1));

    let page = store
        .events(&tenant(), &EventFilter::default(), &PageRequest { limit: 2, cursor: None })
        .await
        .unwrap();
    let times: Vec<u64> = page.items.iter().map(|row| row.time).collect();
    assert_eq!(times, [3_000, 2_000], "the newest first");
    let rest = store
        .events(&tenant(), &EventFilter::default(), &PageRequest { limit: 2, cursor: page.next })
        .await
        .unwrap();
    assert_eq!((rest.items.len(), rest.items[0].time, rest.next), (1, 1_000, None));
    let one = store.event(&tenant(), "falco:1").await.unwrap().unwrap();
    assert_eq!((one.body["raw"]["a"].as_u64(), one.detections.len()), (Some(1), 1));
    assert_eq!(one.row.title, "shell \u{fffd} 1");
    let tree = store.process_tree(&tenant(), "0123456789ab", 0, 2_500).await.unwrap();
    assert_eq!(tree.len(), 2);

    let waiting = store.events_after(&tenant(), 1_500, None, 10).await.unwrap();
    assert_eq!(
        waiting.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        ["falco:3"],
        "the late one does not wait"
    );
    let place = store.correlator_checkpoint(&tenant()).await.unwrap().unwrap();
    assert_eq!((place.watermark, &place.timers["near"]["watermark"]), (1_500, &json!(5)));
    assert_eq!(store.plugin_state(&tenant(), "p", "k").await.unwrap(), Some(vec![1, 2]));
    assert_eq!(store.links(&tenant()).await.unwrap(), [("a".to_owned(), "b".to_owned())]);

    let source = store.source_of_token(&TokenHash::of("secret")).await.unwrap().unwrap().1;
    assert_eq!((source.events, source.late, source.problems, source.drops), (3, 1, 6, 14));
    assert_eq!(source.last_problem.as_deref(), Some("no time"));
    let sensors = store.sensors(&tenant(), now(), SignedDuration::from_mins(15)).await.unwrap();
    assert_eq!(
        sensors.iter().map(|one| one.state).collect::<Vec<_>>(),
        [SensorState::Blind, SensorState::Seeing]
    );
    let later = now() + SignedDuration::from_hours(1);
    let sensors = store.sensors(&tenant(), later, SignedDuration::from_mins(15)).await.unwrap();
    assert!(sensors.iter().all(|one| one.state == SensorState::Silent));

    let known = store.known_events(&tenant(), &["falco:1".to_owned(), "falco:9".to_owned()]).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["falco:1"]);
    assert_eq!(store.forget_events(&tenant(), 10_000, 10).await.unwrap(), 2, "one is named by a detection");

    store.forget_leftovers(&tenant(), now()).await.unwrap();
    assert_eq!(store.links(&tenant()).await.unwrap().len(), 1, "joined at that very time");
    store.forget_leftovers(&tenant(), now() + SignedDuration::from_secs(1)).await.unwrap();
    assert!(store.links(&tenant()).await.unwrap().is_empty());
    let sensors = store.sensors(&tenant(), now(), SignedDuration::from_mins(15)).await.unwrap();
    assert!(sensors.is_empty(), "{sensors:?}");
}

pub(crate) async fn who_has_no_lease_commits_nothing(place: Place) {
    let store = place.store().await;
    ready(&store).await;
    let until = now() + SignedDuration::from_secs(60);
    assert!(!store.correlator_lease(&tenant(), "two", now(), until).await.unwrap(), "it is held");
    let later = now() + SignedDuration::from_secs(31);
    assert!(
        store.correlator_lease(&tenant(), "two", later, later + SignedDuration::from_secs(30)).await.unwrap()
    );
    let refused = store.commit_events(&commit(vec![event(1)])).await.unwrap_err();
    assert!(matches!(refused, StoreError::Fenced), "{refused}");
    let none = store.events(&tenant(), &EventFilter::default(), &PageRequest::default()).await.unwrap();
    assert!(none.items.is_empty());
    let ended = EventCommit {
        holder: "two".into(),
        now: later + SignedDuration::from_secs(31),
        ..commit(vec![event(1)])
    };
    assert!(matches!(store.commit_events(&ended).await.unwrap_err(), StoreError::Fenced), "its time is over");
    store.correlator_release(&tenant(), "two").await.unwrap();
    assert!(store.correlator_lease(&tenant(), "one", later, until).await.unwrap(), "it was given back");
    let (until, soon) = (later + SignedDuration::from_secs(90), later + SignedDuration::from_secs(60));
    for (holder, takes) in [("a/1", true), ("b/1", false), ("a", false), ("a/2", true), ("a/1", true)] {
        let taken = store.correlator_lease(&tenant(), holder, soon, until).await.unwrap();
        assert_eq!(taken, takes, "{holder}: only another attempt of the same instance need not wait");
    }
}

pub(crate) async fn what_people_say_of_an_incident_stays_until_it_goes_on(place: Place) {
    let store = place.store().await;
    ready(&store).await;
    let told = |detections, steps: &[&str]| EventCommit {
        incidents: vec![incident(1, detections, steps)],
        ..commit(Vec::new())
    };
    store.commit_events(&told(1, &["r"])).await.unwrap();
    let id = format!("{:032x}", 1);
    let change = |status, disposition, if_version| IncidentChange {
        status: Some(status),
        disposition: Some(disposition),
        assignee: None,
        note: Some("looked".into()),
        actor: "ann".into(),
        at: now(),
        if_version,
    };
    let closed = change(IncidentStatus::Closed, Some(Disposition::Benign), Some(1));
    let after = store.change_incident(&tenant(), &id, &closed).await.unwrap().unwrap();
    assert_eq!((after.status, after.version, after.closed_at), (IncidentStatus::Closed, 2, Some(now())));
    let stale = store.change_incident(&tenant(), &id, &closed).await.unwrap_err();
    assert!(matches!(stale, StoreError::Stale { found: 2, expected: 1, .. }), "{stale}");
    assert!(store.change_incident(&tenant(), "nobody", &closed).await.unwrap().is_none());

    store.commit_events(&told(2, &["r"])).await.unwrap();
    let known = store.incident(&tenant(), &id).await.unwrap().unwrap();
    assert_eq!(
        (known.status, known.told.detections),
        (IncidentStatus::Closed, 2),
        "a repeat of what was harmless"
    );
    store.commit_events(&told(3, &["r", "s"])).await.unwrap();
    let known = store.incident(&tenant(), &id).await.unwrap().unwrap();
    assert_eq!((known.status, known.closed_at), (IncidentStatus::Open, None), "a new step");
    let history = store.incident_history(&tenant(), &id).await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.actor.as_str()).collect::<Vec<_>>(), ["ann", "palisade"]);
    assert_eq!(history[0].what["status"], "closed");
}

pub(crate) async fn an_incident_that_becomes_part_of_another_takes_its_story_along(place: Place) {
    let store = place.store().await;
    ready(&store).await;
    store
        .commit_events(&EventCommit {
            incidents: vec![incident(1, 1, &["r"]), incident(2, 1, &["r"])],
            ..commit(Vec::new())
        })
        .await
        .unwrap();
    let (first, second) = (format!("{:032x}", 1), format!("{:032x}", 2));
    let taken = IncidentChange {
        status: Some(IncidentStatus::Investigating),
        disposition: None,
        assignee: Some(Some("bob".into())),
        note: None,
        actor: "bob".into(),
        at: now(),
        if_version: None,
    };
    store.change_incident(&tenant(), &second, &taken).await.unwrap();
    let merged = EventCommit {
        incidents: vec![incident(1, 2, &["r"])],
        merged: vec![(second.clone(), first.clone()), ("never-stored".into(), first.clone())],
        ..commit(Vec::new())
    };
    store.commit_events(&merged).await.unwrap();
    let page = store.incidents(&tenant(), &IncidentFilter::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|one| one.told.id.as_str()).collect::<Vec<_>>(), [first.as_str()]);
    assert_eq!(
        (page.items[0].status, page.items[0].assignee.as_deref()),
        (IncidentStatus::Investigating, Some("bob"))
    );
    let gone = store.incident(&tenant(), &second).await.unwrap().unwrap();
    assert_eq!(gone.merged_into.as_deref(), Some(first.as_str()));
    let history = store.incident_history(&tenant(), &first).await.unwrap();
    assert!(history.iter().any(|entry| entry.incident == second && entry.actor == "bob"), "{history:?}");
    for (filter, found) in [
        (
            IncidentFilter {
                asset: Some("k8s:c/apps/Deployment/shop/web".into()),
                ..IncidentFilter::default()
            },
            1,
        ),
        (
            IncidentFilter {
                asset: Some("k8s:c/apps/Deployment/shop/we".into()),
                ..IncidentFilter::default()
            },
            0,
        ),
        (
            IncidentFilter {
                technique: Some("T1059".into()),
                include_merged: true,
                ..IncidentFilter::default()
            },
            2,
        ),
        (IncidentFilter { assignee: Some(String::new()), ..IncidentFilter::default() }, 0),
        (IncidentFilter { text: Some("SHELL".into()), ..IncidentFilter::default() }, 1),
        (IncidentFilter { status: vec![IncidentStatus::Open], ..IncidentFilter::default() }, 0),
        (IncidentFilter { severity_min: Some(Severity::Critical), ..IncidentFilter::default() }, 0),
    ] {
        assert_eq!(store.count_incidents(&tenant(), &filter).await.unwrap(), found, "{filter:?}");
    }
}

pub(crate) async fn rules_are_counted_with_what_people_made_of_them(place: Place) {
    let store = place.store().await;
    ready(&store).await;
    let new = NewSuppression {
        rule: "sensor/*".into(),
        asset: "*".into(),
        filter: None,
        reason: "known".into(),
        owner: "ann".into(),
        created_at: now(),
        expires_at: now() + SignedDuration::from_hours(1),
    };
    let suppression = store.add_suppression(&tenant(), &new).await.unwrap();
    let by = Some(format!("suppression:{}", suppression.id));
    let batch = EventCommit {
        detections: vec![detection(1, None), detection(2, by)],
        incidents: vec![incident(1, 1, &["sensor/falco/shell"])],
        ..commit(vec![event(1), event(2)])
    };
    store.commit_events(&batch).await.unwrap();
    let judged = IncidentChange {
        status: Some(IncidentStatus::Closed),
        disposition: Some(Some(Disposition::TruePositive)),
        assignee: None,
        note: None,
        actor: "ann".into(),
        at: now(),
        if_version: None,
    };
    store.change_incident(&tenant(), &format!("{:032x}", 1), &judged).await.unwrap();
    let figures = store.rule_figures(&tenant(), 0).await.unwrap();
    assert_eq!((figures[0].detections, figures[0].suppressed, figures[0].precision()), (2, 1, Some(1.0)));
    assert_eq!(store.suppressions(&tenant(), None).await.unwrap()[0].hits, 1);
    assert_eq!(
        store.technique_counts(&tenant(), 0).await.unwrap(),
        BTreeMap::from([("T1059".to_owned(), 1)])
    );
    let quiet = DetectionFilter {
        suppressed: Some(true),
        technique: Some("t1059".into()),
        ..DetectionFilter::default()
    };
    assert_eq!(store.detections(&tenant(), &quiet, &PageRequest::default()).await.unwrap().items.len(), 1);
    assert_eq!(store.detections_since(&tenant(), 0, None, 10).await.unwrap().len(), 1);
    let (found, proof) = store.detection(&tenant(), &format!("{:032x}", 1)).await.unwrap().unwrap();
    assert_eq!((found.evidence["count"].as_u64(), proof), (Some(1), vec!["falco:1".to_owned()]));
    let at = now() + SignedDuration::from_mins(1);
    assert_eq!(store.suppressions(&tenant(), Some(at)).await.unwrap().len(), 1);
    assert!(store.end_suppression(&tenant(), suppression.id, at).await.unwrap());
    assert!(store.suppressions(&tenant(), Some(at)).await.unwrap().is_empty());
}

pub(crate) async fn detections_and_events_are_listed_by_their_incident(place: Place) {
    let store = place.store().await;
    ready(&store).await;
    let of = |number: u32, key: &str| NewDetection { key: key.into(), ..detection(number, None) };
    let elsewhere = |number: u32, key: &str| NewDetection {
        asset: "k8s:c/apps/Deployment/shop/api".into(),
        ..of(number, key)
    };
    let step = |number: u32| json!({ "rule": "sensor/falco/shell", "detection": format!("{number:032x}") });
    let told = |id: u32, first: u64, last: u64| NewIncident {
        first,
        last,
        steps: json!([step(id)]),
        ..incident(id, 1, &[])
    };
    let batch = EventCommit {
        detections: vec![
            of(1, "pod:a"),
            // Of the same rule, asset and time, and of an incident of its own.
            of(2, "pod:b"),
            of(3, "pod:a"),
            // Joined by two links, told in either direction.
            of(4, "principal:p"),
            detection(5, Some("suppression:x".into())),
            NewDetection { key: "pod:a".into(), ..detection(6, Some("suppression:x".into())) },
            // A link to it was refused.
            elsewhere(7, "node:n"),
            // After the incident's end: the key has another incident by then.
            of(9, "pod:a"),
            of(10, ""),
            of(11, ""),
        ],
        links: [("workload:w", "pod:a"), ("principal:p", "workload:w"), ("node:n", "pod:a")]
            .map(|(kept, merged)| (kept.to_owned(), merged.to_owned()))
            .into(),
        incidents: vec![told(1, 1_000, 8_000), told(2, 2_000, 2_000), told(10, 10_000, 10_000)],
        ..commit((1..=11).map(event).collect())
    };
    store.commit_events(&batch).await.unwrap();
    for (id, wanted) in [(1, vec![4_u32, 3, 1]), (2, vec![2]), (10, vec![10]), (99, vec![])] {
        let incident = Some(format!("{id:032x}"));
        let filter = DetectionFilter { incident: incident.clone(), ..DetectionFilter::default() };
        let found = store.detections(&tenant(), &filter, &PageRequest::default()).await.unwrap();
        let ids: Vec<&str> = found.items.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, wanted.iter().map(|id| format!("{id:032x}")).collect::<Vec<_>>(), "{id}");
        let filter = EventFilter { incident, ..EventFilter::default() };
        let found = store.events(&tenant(), &filter, &PageRequest::default()).await.unwrap();
        let ids: Vec<&str> = found.items.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, wanted.iter().map(|id| format!("falco:{id}")).collect::<Vec<_>>(), "{id}");
    }
    let filter =
        EventFilter { incident: Some(format!("{:032x}", 1)), from: Some(2_000), ..EventFilter::default() };
    let page = PageRequest { limit: 1, cursor: None };
    let page = store.events(&tenant(), &filter, &page).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].id.as_str()), (1, "falco:4"));
    let page = PageRequest { limit: 1, cursor: page.next };
    let page = store.events(&tenant(), &filter, &page).await.unwrap();
    assert_eq!((page.items[0].id.as_str(), page.next), ("falco:3", None));
    let other = TenantId::parse("other").unwrap();
    assert!(store.events(&other, &filter, &PageRequest::default()).await.unwrap().items.is_empty());
}

pub(crate) async fn a_source_has_one_name_and_one_token(place: Place) {
    let store = place.store().await;
    ready(&store).await;
    let twin = NewSource {
        name: "falco".into(),
        format: "tetragon".into(),
        cluster: None,
        token: TokenHash::of("other"),
        created_at: now(),
        created_by: "test".into(),
    };
    let refused = store.put_source(&tenant(), &twin).await.unwrap_err();
    assert_eq!(refused.code(), "source-name-taken");
    assert!(store.rotate_source(&tenant(), "falco", &TokenHash::of("new"), now()).await.unwrap());
    assert!(store.source_of_token(&TokenHash::of("secret")).await.unwrap().is_none());
    assert!(store.disable_source(&tenant(), "falco", true).await.unwrap());
    let (_, source) = store.source_of_token(&TokenHash::of("new")).await.unwrap().unwrap();
    assert!(source.disabled && source.rotated_at.is_some());
    assert!(store.remove_source(&tenant(), "falco").await.unwrap());
    assert!(!store.remove_source(&tenant(), "falco").await.unwrap());
    assert!(store.sources(&tenant()).await.unwrap().is_empty());
}
