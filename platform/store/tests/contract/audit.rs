//! The audit log: in pages, for whoever looks for somebody or something, and as a chain that shows what was changed.

use model::TenantId;
use store::{AuditEvent, AuditFilter, PageRequest, Store};

use crate::Place;
use crate::migration::run;
use crate::world::{at, tenant};

fn line(number: i64, actor: &str) -> AuditEvent {
    AuditEvent {
        at: at(number),
        actor: actor.to_owned(),
        action: "PATCH /api/v1/findings/{fingerprint}".to_owned(),
        subject: format!("/api/v1/findings/{}", number % 3),
        detail: format!("line {number}"),
    }
}

async fn broken(store: &Store) -> Option<u64> {
    store.verify_audit(&tenant()).await.unwrap().broken.map(|(sequence, _)| sequence)
}

pub(crate) async fn the_audit_log_tells_what_was_changed(place: Place) {
    let store = place.store().await;
    let other = TenantId::parse("other").unwrap();
    assert_eq!(broken(&store).await, None);
    for number in 0..6 {
        store.append_audit(&tenant(), &[line(number, "ann")]).await.unwrap();
        store.append_audit(&other, &[line(number, "bob")]).await.unwrap();
    }
    let sound = store.verify_audit(&tenant()).await.unwrap();
    assert_eq!((sound.records, sound.broken), (6, None));
    for (change, sequence) in [
        ("UPDATE audit_event SET detail = 'another' WHERE tenant = 'default' AND detail = 'line 2'", 2),
        ("UPDATE audit_event SET record = REPLACE(record, 'line 2', 'line 7') WHERE tenant = 'default'", 2),
        ("UPDATE audit_event SET record = NULL WHERE tenant = 'default' AND detail = 'line 3'", 3),
        ("DELETE FROM audit_event WHERE tenant = 'default' AND detail = 'line 4'", 4),
        ("DELETE FROM audit_event WHERE tenant = 'default' AND detail = 'line 5'", 5),
        ("UPDATE audit_event SET record = '{}' WHERE tenant = 'default' AND detail = 'line 0'", 0),
    ] {
        run(&place, "CREATE TABLE audit_copy AS SELECT * FROM audit_event").await;
        run(&place, change).await;
        assert_eq!(broken(&store).await, Some(sequence), "{change}");
        assert_eq!(store.verify_audit(&other).await.unwrap().broken, None);
        run(&place, "DELETE FROM audit_event").await;
        run(&place, "INSERT INTO audit_event SELECT * FROM audit_copy").await;
        run(&place, "DROP TABLE audit_copy").await;
    }
    assert_eq!(broken(&store).await, None);
}

pub(crate) async fn an_audit_log_that_grows_is_sound_all_the_time(place: Place) {
    let store = place.store().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6_i64 {
        let store = store.clone();
        writers.spawn(async move {
            for number in 0..20 {
                store.append_audit(&tenant(), &[line(number, &format!("w{writer}"))]).await.unwrap();
            }
        });
    }
    while writers.try_join_next().is_none() {
        assert_eq!(broken(&store).await, None);
    }
    writers.join_all().await;
    let check = store.verify_audit(&tenant()).await.unwrap();
    assert_eq!((check.records, check.broken), (120, None));
    let lines = store.audit_after(&tenant(), i64::MIN).await.unwrap();
    assert!(lines.is_sorted_by_key(|line| line.seq) && lines.iter().all(|line| line.record.is_some()));
    assert_eq!(lines.len(), 120);
}

pub(crate) async fn the_audit_log_is_read_by_who_and_what(place: Place) {
    let store = place.store().await;
    for number in 0..30 {
        let actor = if number % 2 == 0 { "ann" } else { "bob" };
        store.append_audit(&tenant(), &[line(number, actor)]).await.unwrap();
    }
    let read = async |filter: AuditFilter| {
        let mut request = PageRequest { cursor: None, limit: 4 };
        let mut all = Vec::new();
        loop {
            let page = store.audit(&tenant(), &filter, &request).await.unwrap();
            all.extend(page.items.into_iter().map(|line| line.event));
            request.cursor = page.next;
            if request.cursor.is_none() {
                return all;
            }
        }
    };
    let all: Vec<AuditEvent> =
        (0..30).rev().map(|number| line(number, if number % 2 == 0 { "ann" } else { "bob" })).collect();
    assert_eq!(read(AuditFilter::default()).await, all);
    let of = |keep: &dyn Fn(&AuditEvent) -> bool| {
        all.iter().filter(|line| keep(line)).cloned().collect::<Vec<_>>()
    };
    let ann = AuditFilter { actor: Some("ann".to_owned()), ..AuditFilter::default() };
    assert_eq!(read(ann).await, of(&|line| line.actor == "ann"));
    let subject = "/api/v1/findings/1".to_owned();
    let both = AuditFilter {
        subject: Some(subject.clone()),
        from: Some(at(5)),
        to: Some(at(20)),
        action: Some("PATCH /api/v1/findings/{fingerprint}".to_owned()),
        actor: None,
    };
    assert_eq!(read(both).await, of(&|line| line.subject == subject && line.at >= at(5) && line.at < at(20)));
    let nobody = AuditFilter { actor: Some("an".to_owned()), ..AuditFilter::default() };
    assert_eq!(read(nobody).await, []);
    let foreign = PageRequest { cursor: Some("forged".to_owned()), limit: 4 };
    assert_eq!(
        store.audit(&tenant(), &AuditFilter::default(), &foreign).await.unwrap_err().code(),
        "cursor-invalid"
    );
}
