//! One hostile behaviour each, with the exact fault that it must end in.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use host::{Body, Fault, FaultKind, Host, HostOptions, InputFile, LogLevel, PluginState};

use crate::support::{call, component, file, guest, host, lent, manifest, module, options};

fn fault(more_manifest: &str, more: &str, body: &str) -> Fault {
    call(&guest(more_manifest, more, body), vec![file()]).unwrap_err()
}

#[test]
fn an_empty_answer_is_no_fault() {
    let plugin = guest("", "", "(i32.const 1024)");
    let analysis = call(&plugin, vec![file(), lent(10)]).unwrap();
    assert!(analysis.packages.is_empty() && analysis.findings.is_empty());
    assert!(analysis.usage.memory_bytes_peak >= 131_072);
    let health = plugin.health();
    assert_eq!((health.calls, health.faults.len(), health.state), (1, 0, PluginState::Ready));
    assert!(health.latency_p99 > Duration::ZERO);
}

#[test]
fn records_become_model_types() {
    // One package: item 0, kind rpm, name "bash", version "5", confidence high, method "rpmdb"; a source version alone.
    let data = r#"(data (i32.const 100) "bash5rpmdb")"#;
    let body = "
        (i32.store (i32.const 1040) (i32.const 2048)) (i32.store (i32.const 1044) (i32.const 1))
        (i32.store8 (i32.const 2052) (i32.const 2))
        (i32.store (i32.const 2056) (i32.const 100)) (i32.store (i32.const 2060) (i32.const 4))
        (i32.store (i32.const 2064) (i32.const 104)) (i32.store (i32.const 2068) (i32.const 1))
        (i32.store8 (i32.const 2096) (i32.const 1))
        (i32.store (i32.const 2100) (i32.const 104)) (i32.store (i32.const 2104) (i32.const 1))
        (i32.store (i32.const 2128) (i32.const 105)) (i32.store (i32.const 2132) (i32.const 5))
        (i32.store8 (i32.const 2136) (i32.const 2))
        (i32.const 1024)";
    let analysis = call(&guest("", data, body), vec![file()]).unwrap();
    let package = &analysis.packages[0];
    assert_eq!((package.name.as_str(), package.version.as_str(), package.item), ("bash", "5", 0));
    assert_eq!((package.kind, package.method.as_str()), (model::PackageType::Rpm, "rpmdb"));
    assert_eq!(package.confidence, model::Confidence::High);
    let source = package.source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), source.version.as_deref()), ("bash", Some("5")));
}

#[test]
fn an_endless_loop_runs_out_of_processor_time() {
    let fault = fault("[limits]\ncpu-ms = 30\n", "", "(loop $again (br $again)) (unreachable)");
    assert_eq!(fault.kind, FaultKind::Cpu, "{fault}");
    assert!(fault.message.contains("30 ms"), "{fault}");
    assert!(fault.frames.iter().any(|name| name.contains("analyze")), "{:?}", fault.frames);
}

#[test]
fn an_endless_loop_in_the_start_function_is_stopped_too() {
    let core = module("(func $spin (loop $again (br $again))) (start $spin)", "(i32.const 1024)");
    let bytes = component(&manifest("[limits]\ncpu-ms = 30\n"), &core);
    let plugin = host().load(&bytes).unwrap();
    assert_eq!(call(&plugin, vec![file()]).unwrap_err().kind, FaultKind::Cpu);
}

#[test]
fn time_on_the_clock_is_a_limit_of_its_own() {
    let fault = fault("[limits]\nwall-ms = 30\n", "", "(loop $again (br $again)) (unreachable)");
    assert_eq!(fault.kind, FaultKind::Wall, "{fault}");
}

/// The host's own time in a host call counts: the lender of the bytes is slow, the guest does nothing wrong.
#[test]
fn a_slow_host_call_counts_against_the_clock() {
    struct Slow(Mutex<u32>);
    impl AsRef<[u8]> for Slow {
        fn as_ref(&self) -> &[u8] {
            let mut reads = self.0.lock().unwrap();
            *reads += 1;
            if *reads > 1 {
                let until = std::time::Instant::now() + Duration::from_millis(60);
                while std::time::Instant::now() < until {
                    std::hint::spin_loop();
                }
            }
            b"0123456789"
        }
    }
    // Reads twice: the second read is refused because the first took too long.
    let body = "
        (call $read (i32.load (i32.add (local.get $files) (i32.const 28))) (i64.const 0) (i32.const 4) (i32.const 512))
        (call $read (i32.load (i32.add (local.get $files) (i32.const 28))) (i64.const 0) (i32.const 4) (i32.const 512))
        (i32.const 1024)";
    let plugin = guest("[limits]\nwall-ms = 30\n", "", body);
    let slow = InputFile { body: Body::Stored(Arc::new(Slow(Mutex::new(0)))), ..file() };
    let fault = call(&plugin, vec![slow]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Wall, "{fault}");
    assert!(fault.host_calls.iter().all(|call| call == "content.read(0, 4)"), "{:?}", fault.host_calls);
}

#[test]
fn a_memory_bomb_is_named_for_the_memory() {
    let bomb =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let fault = fault("[limits]\nmemory-mib = 8\n", "", bomb);
    assert_eq!(fault.kind, FaultKind::Memory, "{fault}");
    assert!(fault.message.contains("8 MiB"), "{fault}");
}

#[test]
fn a_guest_that_copes_with_refused_memory_is_no_fault() {
    let body = "(drop (memory.grow (i32.const 60000))) (i32.const 1024)";
    let analysis = call(&guest("[limits]\nmemory-mib = 8\n", "", body), vec![file()]).unwrap();
    assert!(analysis.usage.memory_bytes_peak < 8 << 20);
}

#[test]
fn a_guest_that_asks_for_memory_forever_is_stopped() {
    let body = "(loop $again (drop (memory.grow (i32.const 60000))) (br $again)) (unreachable)";
    assert_eq!(fault("", "", body).kind, FaultKind::Memory);
}

#[test]
fn a_table_bomb_is_named_for_the_memory() {
    let table = "(table $t 1 funcref)";
    let bomb = "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 10000))
        (i32.const -1)))) (unreachable)";
    let fault = fault("", table, bomb);
    assert_eq!(fault.kind, FaultKind::Memory, "{fault}");
    assert!(fault.message.contains("table"), "{fault}");
}

const LENT_HANDLE: &str = "(i32.load (i32.add (local.get $files) (i32.const 28)))";

#[test]
fn a_handle_leak_is_named_for_the_handles() {
    let body = format!(
        "(loop $again (call $slice {LENT_HANDLE} (i64.const 0) (i64.const 1) (i32.const 512)) (br $again))
         (unreachable)"
    );
    let plugin = guest("[limits]\nhandles = 100\n", "", &body);
    let fault = call(&plugin, vec![lent(10)]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Handles, "{fault}");
    // The first refusal is an answer that the guest can act upon: `err(limit(..))` is discriminant 1, case 1.
    let body = format!(
        "(loop $again (call $slice {LENT_HANDLE} (i64.const 0) (i64.const 1) (i32.const 512))
            (br_if $again (i32.eqz (i32.load8_u (i32.const 512)))))
         (if (i32.ne (i32.load8_u (i32.const 516)) (i32.const 1)) (then (unreachable)))
         (i32.const 1024)"
    );
    call(&guest("[limits]\nhandles = 100\n", "", &body), vec![lent(10)]).unwrap();
}

#[test]
fn a_huge_string_to_the_host_is_named_for_the_copy() {
    let body = "(drop (memory.grow (i32.const 600)))
        (call $log (i32.const 0) (i32.const 0) (i32.const 36000000)) (i32.const 1024)";
    let fault = fault("", "", body);
    assert_eq!(fault.kind, FaultKind::HostCopy, "{fault}");
}

#[test]
fn reading_more_than_the_copy_limit_is_named_for_the_copy() {
    // 300 kB a time into the same place: the allocator is set back before each read.
    let reads = |after: &str| {
        format!(
            "(loop $again (global.set $next (i32.const 131072))
               (call $read {LENT_HANDLE} (i64.const 0) (i32.const 300000) (i32.const 512)) {after})"
        )
    };
    let forever = format!("{} (unreachable)", reads("(br $again)"));
    let plugin = guest("[limits]\nhost-copy-mib = 1\n", "", &forever);
    assert_eq!(call(&plugin, vec![lent(300_000)]).unwrap_err().kind, FaultKind::HostCopy);
    let until_refused = reads("(br_if $again (i32.eqz (i32.load8_u (i32.const 512))))");
    let plugin = guest("[limits]\nhost-copy-mib = 1\n", "", &format!("{until_refused} (i32.const 1024)"));
    let analysis = call(&plugin, vec![lent(300_000)]).unwrap();
    assert_eq!(analysis.usage.copied_bytes, 900_000);
}

#[test]
fn a_hundred_thousand_findings_are_too_many_results() {
    let body = "(drop (memory.grow (i32.const 80)))
        (i32.store (i32.const 1056) (i32.const 131072)) (i32.store (i32.const 1060) (i32.const 100000))
        (i32.const 1024)";
    let fault = fault("", "", body);
    assert_eq!(fault.kind, FaultKind::Results, "{fault}");
    assert!(fault.message.contains("100000"), "{fault}");
}

#[test]
fn a_log_flood_is_cut_and_counted_and_the_call_succeeds() {
    let body = "(local $n i32)
        (loop $again (call $log (i32.const 2) (i32.const 0) (i32.const 1000))
            (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))
        (i32.const 1024)";
    let plugin = guest("", "", body);
    let analysis = call(&plugin, vec![file()]).unwrap();
    let kept: usize = analysis.logs.iter().map(|line| line.message.len()).sum();
    assert!(kept <= 64 * 1024 && kept > 60 * 1024, "{kept}");
    assert_eq!(analysis.logs[0].level, LogLevel::Warn);
    assert_eq!(analysis.usage.log_lines_dropped + analysis.logs.len() as u64, 10_000);
    assert_eq!(plugin.health().log_bytes_dropped, analysis.usage.log_lines_dropped * 1000);
}

#[test]
fn a_trap_in_the_allocator_is_a_trap() {
    let core = module("", "(i32.const 1024)").replace("(local $at i32)", "(local $at i32) (unreachable)");
    let plugin = host().load(&component(&manifest(""), &core)).unwrap();
    let fault = call(&plugin, vec![file()]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Trap, "{fault}");
    assert!(fault.frames.iter().any(|name| name.contains("realloc")), "{:?}", fault.frames);
}

#[test]
fn an_allocator_that_lies_breaks_the_contract() {
    for answer in ["(i32.const -8)", "(i32.const 131071)"] {
        let core = module("", "(i32.const 1024)")
            .replace("(local $at i32)", &format!("(local $at i32) (return {answer})"));
        let plugin = host().load(&component(&manifest(""), &core)).unwrap();
        let fault = call(&plugin, vec![file()]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Protocol, "{fault}");
    }
}

#[test]
fn endless_recursion_is_a_trap() {
    let fault = fault("", "(func $deep (call $deep) (call $deep))", "(call $deep) (i32.const 1024)");
    assert_eq!(fault.kind, FaultKind::Trap, "{fault}");
    assert!(fault.message.contains("stack"), "{fault}");
}

#[test]
fn answers_outside_the_contract_are_named() {
    // A problem that names item 7 of a batch of one.
    let wrong_item =
        "(i32.store (i32.const 1064) (i32.const 2048)) (i32.store (i32.const 1068) (i32.const 1))
        (i32.store (i32.const 2048) (i32.const 7)) (i32.const 1024)";
    // A finding of the rule "".
    let wrong_rule =
        "(i32.store (i32.const 1056) (i32.const 2048)) (i32.store (i32.const 1060) (i32.const 1))
        (i32.const 1024)";
    // A problem with a message of 70,000 bytes.
    let long_text = "(i32.store (i32.const 1064) (i32.const 2048)) (i32.store (i32.const 1068) (i32.const 1))
        (i32.store (i32.const 2056) (i32.const 70000)) (i32.const 1024)";
    // A message that is not UTF-8.
    let not_text = "(i32.store (i32.const 1064) (i32.const 2048)) (i32.store (i32.const 1068) (i32.const 1))
        (i32.store (i32.const 2052) (i32.const 3000)) (i32.store (i32.const 2056) (i32.const 1))
        (i32.store8 (i32.const 3000) (i32.const 255)) (i32.const 1024)";
    // A list that leaves the memory, an answer outside of it, an answer that is neither ok nor err.
    let wild_list =
        "(i32.store (i32.const 1064) (i32.const 131064)) (i32.store (i32.const 1068) (i32.const 9))
        (i32.const 1024)";
    let wild_answer = "(i32.const -8)";
    let neither = "(i32.store8 (i32.const 1024) (i32.const 9)) (i32.const 1024)";
    for (body, hint) in [
        (wrong_item, "item 7 of a batch of 1"),
        (wrong_rule, "rule"),
        (long_text, "70000"),
        (not_text, "utf-8"),
        (wild_list, "bounds"),
        (wild_answer, "pointer"),
        (neither, "discriminant"),
    ] {
        let fault = fault("", "", body);
        assert_eq!(fault.kind, FaultKind::Protocol, "{hint}: {fault}");
        assert!(fault.message.to_lowercase().contains(hint), "{hint}: {fault}");
    }
}

#[test]
fn a_nul_in_an_answer_stays_visible_and_harms_nothing() {
    let body = "(i32.store (i32.const 1064) (i32.const 2048)) (i32.store (i32.const 1068) (i32.const 1))
        (i32.store (i32.const 2052) (i32.const 3000)) (i32.store (i32.const 2056) (i32.const 1)) (i32.const 1024)";
    let analysis = call(&guest("", "", body), vec![file()]).unwrap();
    assert_eq!(analysis.problems[0].message, "\u{fffd}");
}

#[test]
fn a_handle_that_is_none_breaks_the_contract() {
    let body = "(call $read (i32.const 77) (i64.const 0) (i32.const 4) (i32.const 512)) (i32.const 1024)";
    assert_eq!(fault("", "", body).kind, FaultKind::Protocol);
}

const STATE_IMPORT: &str = r#"(import "palisade:host/state@0.1.0" "get" (func $get (param i32 i32 i32)))"#;
const STATE_REQUEST: &str = "[capabilities.state]\nwhy = \"remembers\"\nbytes = 1000\n";

fn state_guest(body: &str) -> host::Plugin {
    let core = module("", body).replacen("(memory", &format!("{STATE_IMPORT} (memory"), 1);
    host().load(&component(&manifest(STATE_REQUEST), &core)).unwrap()
}

#[test]
fn what_is_asked_and_not_granted_is_denied_with_a_type_and_counted() {
    // err is discriminant 1, denied is case 0: anything else traps.
    let body = "(call $get (i32.const 0) (i32.const 1) (i32.const 512))
        (if (i32.ne (i32.load8_u (i32.const 512)) (i32.const 1)) (then (unreachable)))
        (if (i32.load8_u (i32.const 516)) (then (unreachable)))
        (i32.const 1024)";
    let plugin = state_guest(body);
    let analysis = call(&plugin, vec![file()]).unwrap();
    assert_eq!(analysis.usage.denials[&host::Capability::State], 1);
    assert_eq!(plugin.health().denials, 1);
    assert!(plugin.capabilities(&host::Rights::none()).is_empty());
}

#[test]
fn a_guest_that_cannot_do_without_is_named_for_the_denial() {
    // Answers err(host("")): discriminant 1, case 2.
    let gives_up = "(call $get (i32.const 0) (i32.const 1) (i32.const 512))
        (i32.store8 (i32.const 1024) (i32.const 1)) (i32.store8 (i32.const 1032) (i32.const 2)) (i32.const 1024)";
    let traps = "(call $get (i32.const 0) (i32.const 1) (i32.const 512)) (unreachable)";
    let insists =
        "(loop $again (call $get (i32.const 0) (i32.const 1) (i32.const 512)) (br $again)) (unreachable)";
    for body in [gives_up, traps, insists] {
        let fault = call(&state_guest(body), vec![file()]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Denied, "{fault}");
        assert!(fault.message.contains("`state`"), "{fault}");
        assert!(fault.host_calls.last().unwrap().starts_with("state.get"));
    }
}

#[test]
fn a_guest_that_declines_says_why_and_is_not_punished() {
    let body = "(i32.store8 (i32.const 1024) (i32.const 1)) (i32.store8 (i32.const 1032) (i32.const 3))
        (i64.store (i32.const 1040) (i64.const 250)) (i32.const 1024)";
    let plugin = guest("", "", body);
    for _ in 0..10 {
        let fault = call(&plugin, vec![file()]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Declined);
        assert!(fault.message.contains("250 ms"), "{fault}");
    }
    assert_eq!(plugin.health().state, PluginState::Ready);
}

#[test]
fn five_faults_lead_to_quarantine_until_released_and_loading_again_does_not_help() {
    let now = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH));
    let seen = Arc::clone(&now);
    let options = HostOptions { instances: 2, ..options() };
    let host = Host::with_clock(options, Arc::new(move || *seen.lock().unwrap())).unwrap();
    let bytes = component(&manifest(""), &module("", "(unreachable)"));
    let plugin = host.load(&bytes).unwrap();
    for _ in 0..4 {
        assert_eq!(call(&plugin, vec![file()]).unwrap_err().kind, FaultKind::Trap);
    }
    *now.lock().unwrap() += Duration::from_secs(601);
    for _ in 0..5 {
        assert_eq!(call(&plugin, vec![file()]).unwrap_err().kind, FaultKind::Trap);
    }
    let again = host.load(&bytes).unwrap();
    for plugin in [&plugin, &again] {
        let fault = call(plugin, vec![file()]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Quarantined);
        assert!(fault.message.contains("unreachable"), "{fault}");
    }
    let health = plugin.health();
    assert_eq!(health.calls, 9);
    let PluginState::Quarantined { since, last } = health.state else { panic!("not quarantined") };
    assert_eq!(since, SystemTime::UNIX_EPOCH + Duration::from_secs(601));
    assert_eq!(last.kind, FaultKind::Trap);
    again.release();
    assert_eq!(call(&plugin, vec![file()]).unwrap_err().kind, FaultKind::Trap);
}

/// Hostile and honest guests at once on one host, more threads than instances: every call ends as it does alone.
#[test]
fn neighbours_do_not_notice() {
    let host = Host::new(HostOptions { instances: 2, ..options() }).unwrap();
    let load = |more: &str, body: &str| host.load(&component(&manifest(more), &module("", body))).unwrap();
    let honest = load("", "(i32.const 1024)");
    let bomb =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let hostile = [
        (load("[limits]\ncpu-ms = 20\n", "(loop $again (br $again)) (unreachable)"), FaultKind::Cpu),
        (load("[limits]\nmemory-mib = 8\n", bomb), FaultKind::Memory),
        (load("", "(unreachable)"), FaultKind::Trap),
    ];
    std::thread::scope(|scope| {
        for (plugin, kind) in &hostile {
            scope.spawn(move || {
                for _ in 0..4 {
                    assert_eq!(call(plugin, vec![file()]).unwrap_err().kind, *kind);
                }
            });
        }
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..200 {
                    call(&honest, vec![file()]).unwrap();
                }
            });
        }
    });
    assert_eq!(honest.health().calls, 600);
    assert!(honest.health().faults.is_empty());
}

/// Each call starts from the same memory: nothing of one call is seen by the next.
#[test]
fn a_call_leaves_nothing_behind() {
    let body = "(if (i32.load (i32.const 8)) (then (unreachable)))
        (i32.store (i32.const 8) (i32.const 1)) (i32.const 1024)";
    let plugin = guest("", "", body);
    for _ in 0..20 {
        call(&plugin, vec![file()]).unwrap();
    }
}

#[test]
fn a_panic_of_the_host_costs_only_the_call() {
    struct Broken;
    impl AsRef<[u8]> for Broken {
        fn as_ref(&self) -> &[u8] {
            panic!("the lender is broken (this message belongs to the test)")
        }
    }
    let plugin = guest("", "", "(i32.const 1024)");
    let broken = InputFile { body: Body::Stored(Arc::new(Broken)), ..file() };
    assert_eq!(call(&plugin, vec![broken]).unwrap_err().kind, FaultKind::Host);
    assert!(call(&plugin, vec![file()]).is_ok());
    assert_eq!(plugin.health().state, PluginState::Ready);
}
