//! Instances that stay between calls: what stays, for whom, and what ends it.

use std::sync::Arc;

use host::{Answer, CallContext, FaultKind, Host, HostOptions, Input, Plugin, Session};
use model::TenantId;

use crate::built::bytes;

fn host(kept_instances: u32) -> Host {
    Host::new(HostOptions { kept_instances, instances: 4, ..HostOptions::default() }).unwrap()
}

fn plugin(host: &Host) -> Option<Plugin> {
    Some(host.load(&bytes("admission-kept")?).unwrap())
}

fn session(plugin: &Plugin) -> Session {
    Session::new(plugin, &CallContext::new(TenantId::default_tenant(), Arc::from("{}")))
}

fn ask(session: &Session, now: u64, what: &str) -> Result<String, FaultKind> {
    let request = serde_json::json!({ "do": what }).to_string().into_bytes();
    match session.call(now, Input::Admission { request }).result {
        Ok(Answer::Admission(decision)) => Ok(decision.violations[0].message.clone()),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.kind),
    }
}

#[test]
fn admission_kept() {
    let host = host(8);
    let Some(plugin) = plugin(&host) else { return };
    let (one, other) = (session(&plugin), session(&plugin));
    assert_eq!(ask(&one, 7, "").unwrap(), "1 at 7");
    assert_eq!(ask(&one, 8, "").unwrap(), "2 at 8");
    assert_eq!(ask(&other, 9, "").unwrap(), "1 at 9");
    // A call outside of a session has an instance of its own.
    let context = CallContext::new(TenantId::default_tenant(), Arc::from("{}"));
    let outcome = plugin.call(&context, Input::Admission { request: b"{}".to_vec() });
    assert!(
        matches!(outcome.result, Ok(Answer::Admission(decision)) if decision.violations[0].message.starts_with("1 at"))
    );
}

#[test]
fn after_a_fault_nothing_stays() {
    let host = host(8);
    let Some(plugin) = plugin(&host) else { return };
    for (what, kind) in
        [("trap", FaultKind::Trap), ("loop", FaultKind::Cpu), ("decline", FaultKind::Declined)]
    {
        let session = session(&plugin);
        assert_eq!(ask(&session, 1, "").unwrap(), "1 at 1");
        assert_eq!(ask(&session, 2, what), Err(kind), "{what}");
        assert_eq!(ask(&session, 3, "").unwrap(), "1 at 3", "{what}");
        plugin.release();
    }
}

#[test]
fn an_instance_that_grew_is_made_anew_and_memory_is_bounded_over_calls() {
    let host = host(8);
    let Some(plugin) = plugin(&host) else { return };
    let session = session(&plugin);
    for round in 0..5 {
        assert_eq!(ask(&session, round, "grow").unwrap(), format!("1 at {round}"));
    }
}

#[test]
fn where_there_is_no_room_every_call_has_an_instance_of_its_own() {
    let host = host(1);
    let Some(plugin) = plugin(&host) else { return };
    let (one, other) = (session(&plugin), session(&plugin));
    assert_eq!(ask(&one, 1, "").unwrap(), "1 at 1");
    assert_eq!(ask(&other, 2, "").unwrap(), "1 at 2");
    assert_eq!(ask(&other, 3, "").unwrap(), "1 at 3");
    assert_eq!(ask(&one, 4, "").unwrap(), "2 at 4");
    drop(one);
    assert_eq!(ask(&other, 5, "").unwrap(), "1 at 5");
    assert_eq!(ask(&other, 6, "").unwrap(), "2 at 6");
}

#[test]
fn many_threads_share_a_session() {
    let host = host(4);
    let Some(plugin) = plugin(&host) else { return };
    let session = session(&plugin);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for now in 0..200 {
                    let told = ask(&session, now, "").unwrap();
                    assert!(told.ends_with(&format!(" at {now}")), "{told}");
                }
            });
        }
    });
}

#[test]
fn calls_that_quarantine_refuses_take_no_room() {
    let host = host(1);
    let Some(plugin) = plugin(&host) else { return };
    let session = session(&plugin);
    plugin.hold("a test");
    for now in 0..5 {
        assert_eq!(ask(&session, now, ""), Err(FaultKind::Quarantined));
    }
    plugin.release();
    assert_eq!(ask(&session, 6, "").unwrap(), "1 at 6");
    assert_eq!(ask(&session, 7, "").unwrap(), "2 at 7", "the room is still there");
}
