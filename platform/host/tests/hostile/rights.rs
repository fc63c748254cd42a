//! Every capability in every situation in which it must be denied, for every version of the contract; and what happens when
//! it is not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{
    Answer, CallContext, Capability, FaultKind, Grant, HttpRule, Input, Plugin, Redaction, Refusal, Rights,
    SecretRule, Services, SharedBytes,
};
use model::{Digest, TenantId};

use crate::support::{component, file, host, manifest, module};

/// Serves whatever reaches it, and counts.
#[derive(Default)]
struct Open {
    reached: AtomicU64,
    state: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Open {
    fn reach(&self) {
        self.reached.fetch_add(1, Ordering::SeqCst);
    }
}

impl Services for Open {
    fn state_get(&self, _: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.reach();
        Ok(self.state.lock().unwrap().get(key).cloned())
    }
    fn state_keys(&self, _: &Caller, _: &str, _: Option<&str>, _: usize) -> Result<Vec<String>, Refusal> {
        self.reach();
        Ok(self.state.lock().unwrap().keys().cloned().collect())
    }
    fn state_bytes(&self, _: &Caller) -> Result<u64, Refusal> {
        self.reach();
        Ok(0)
    }
    fn http(&self, _: &Caller, _: &HttpRequest, _: usize) -> Result<HttpResponse, Refusal> {
        self.reach();
        Ok(HttpResponse { status: 200, headers: Vec::new(), body: Vec::new() })
    }
    fn advisories(&self, _: &Caller, _: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        self.reach();
        Ok(Vec::new())
    }
    fn asset_kind(&self, _: &Caller, _: &str) -> Result<String, Refusal> {
        Ok("pod".to_owned())
    }
    fn describe(&self, _: &Caller, _: &str) -> Result<Vec<u8>, Refusal> {
        self.reach();
        Ok(b"{}".to_vec())
    }
    fn related(&self, _: &Caller, _: &str, _: &str, _: usize) -> Result<Vec<RelatedAsset>, Refusal> {
        self.reach();
        Ok(Vec::new())
    }
    fn blob(&self, _: &Caller, _: &str, _: &Digest) -> Result<SharedBytes, Refusal> {
        self.reach();
        Ok(Arc::new(b"blob".to_vec()))
    }
}

/// A host function: its capability, how it is imported, and a call whose answer is written to address 512.
struct HostFunction {
    capability: Capability,
    interface: &'static str,
    name: &'static str,
    params: &'static str,
    arguments: &'static str,
}

/// Texts in the guest's memory: where, and what.
const TEXTS: &str = r#"
    (data (i32.const 2000) "POST") (data (i32.const 2010) "https://a.example/hook") (data (i32.const 2040) "token")
    (data (i32.const 2050) "key") (data (i32.const 2060) "pkg:npm/a@1") (data (i32.const 2080) "pod/1")
    (data (i32.const 2100) "r.example/team/app")
    (data (i32.const 2200) "sha256:fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8")"#;

const FUNCTIONS: [HostFunction; 10] = [
    HostFunction {
        capability: Capability::Http,
        interface: "http",
        name: "send",
        params: "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32",
        arguments: "2000 4 2010 22 0 0 0 0 0 0 0",
    },
    HostFunction {
        capability: Capability::Secret,
        interface: "http",
        name: "send",
        params: "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32",
        arguments: "2000 4 2010 22 0 0 0 0 1 2040 5",
    },
    HostFunction {
        capability: Capability::State,
        interface: "state",
        name: "get",
        params: "i32 i32 i32",
        arguments: "2050 3",
    },
    HostFunction {
        capability: Capability::State,
        interface: "state",
        name: "set",
        params: "i32 i32 i32 i32 i32",
        arguments: "2050 3 2050 3",
    },
    HostFunction {
        capability: Capability::State,
        interface: "state",
        name: "delete",
        params: "i32 i32 i32",
        arguments: "2050 3",
    },
    HostFunction {
        capability: Capability::State,
        interface: "state",
        name: "keys",
        params: "i32 i32 i32 i32 i32 i32 i32",
        arguments: "2050 1 0 0 0 9",
    },
    HostFunction {
        capability: Capability::Advisories,
        interface: "advisories",
        name: "matching",
        params: "i32 i32 i32",
        arguments: "2060 11",
    },
    HostFunction {
        capability: Capability::Assets,
        interface: "assets",
        name: "describe",
        params: "i32 i32 i32",
        arguments: "2080 5",
    },
    HostFunction {
        capability: Capability::Assets,
        interface: "assets",
        name: "related",
        params: "i32 i32 i32 i32 i32 i32",
        arguments: "2080 5 2050 3 5",
    },
    HostFunction {
        capability: Capability::Blob,
        interface: "blob",
        name: "open",
        params: "i32 i32 i32 i32 i32",
        arguments: "2100 18 2200 71",
    },
];

const ASKS: &str = r#"
[capabilities.http]
why = "w"
allow = [{ host = "a.example", methods = ["POST"], paths = ["/hook"] }]
[capabilities.secret]
why = "w"
names = ["token"]
[capabilities.state]
why = "w"
bytes = 1000
[capabilities.advisories]
why = "w"
[capabilities.assets]
why = "w"
kinds = ["pod"]
[capabilities.blob]
why = "w"
repositories = ["r.example/team/*"]
"#;

fn all() -> Rights {
    let text = str::to_owned;
    Rights {
        http: vec![HttpRule {
            host: text("a.example"),
            methods: vec![text("POST")],
            paths: vec![text("/hook")],
        }],
        secrets: vec![SecretRule { name: text("token"), hosts: vec![text("a.example")] }],
        state_bytes: 1_000,
        advisories: true,
        assets: vec![text("pod")],
        blob: vec![text("r.example/team/*")],
    }
}

/// All but what one capability needs.
fn without(capability: Capability) -> Rights {
    let mut rights = all();
    match capability {
        Capability::Http => rights.http.clear(),
        Capability::Secret => rights.secrets.clear(),
        Capability::State => rights.state_bytes = 0,
        Capability::Advisories => rights.advisories = false,
        Capability::Assets => rights.assets.clear(),
        Capability::Blob => rights.blob.clear(),
    }
    rights
}

/// All, but reaching elsewhere.
fn elsewhere(capability: Capability) -> Rights {
    let mut rights = all();
    match capability {
        Capability::Http => rights.http[0].paths = vec!["/other".to_owned()],
        Capability::Secret => rights.secrets[0].hosts = vec!["b.example".to_owned()],
        Capability::State | Capability::Advisories => return without(capability),
        Capability::Assets => rights.assets = vec!["node".to_owned()],
        Capability::Blob => rights.blob = vec!["r.example/other/*".to_owned()],
    }
    rights
}

/// A guest that makes one host call and traps unless the answer is what it should be.
fn guest(function: &HostFunction, allowed: bool, salt: usize) -> Plugin {
    let HostFunction { interface, name, params, arguments, .. } = function;
    let import =
        format!(r#"(import "palisade:host/{interface}@0.1.0" "{name}" (func $call (param {params})))"#);
    let arguments: String = arguments.split(' ').map(|argument| format!("(i32.const {argument}) ")).collect();
    let expected = if allowed {
        "(if (i32.load8_u (i32.const 512)) (then (unreachable)))"
    } else {
        // err is discriminant 1, denied is case 0.
        "(if (i32.ne (i32.load8_u (i32.const 512)) (i32.const 1)) (then (unreachable)))
         (if (i32.load8_u (i32.const 516)) (then (unreachable)))"
    };
    let body = format!("(call $call {arguments} (i32.const 512)) {expected} (i32.const 1024)");
    let core = module(TEXTS, &body).replacen("(memory", &format!("{import} (memory"), 1);
    let manifest = manifest(&format!("{ASKS}\n# {salt}\n"));
    host().load(&component(&manifest, &core)).unwrap_or_else(|error| panic!("{interface}.{name}: {error}"))
}

fn context(plugin: &Plugin, rights: Rights, services: &Arc<Open>) -> CallContext {
    let tenant = TenantId::default_tenant();
    let grant = Grant { tenant: tenant.clone(), digest: plugin.digest().clone(), rights };
    CallContext {
        grant: Some(Arc::new(grant)),
        services: Arc::clone(services) as Arc<dyn Services>,
        ..CallContext::new(tenant, Arc::from("{}"))
    }
}

fn input() -> Input {
    Input::ImageAnalyzer { files: vec![file()] }
}

#[test]
fn every_host_function_that_needs_a_grant_is_walked() {
    let text = include_str!("../../../../wit/published/host@0.1.0.wit");
    let mut interface = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("interface ") {
            interface = rest.trim_end_matches(" {");
        }
        let Some((name, _)) = line.strip_prefix("    ").and_then(|line| line.split_once(": func(")) else {
            continue;
        };
        if matches!(interface, "log" | "config" | "metrics" | "clock" | "content") {
            continue;
        }
        let walked =
            FUNCTIONS.iter().any(|function| function.interface == interface && function.name == name);
        assert!(walked, "{interface}.{name} is not walked");
    }
    for capability in Capability::ALL {
        assert!(FUNCTIONS.iter().any(|function| function.capability == capability), "{capability}");
    }
}

/// Makes a situation of a context in which all is granted.
type Change = fn(CallContext, &Plugin, Capability) -> CallContext;

/// (host function) x (situation) x (version of the contract): typed, counted, audited, and nobody is reached.
#[test]
fn what_is_not_both_asked_and_granted_is_denied_whenever_it_is_tried() {
    for function in &FUNCTIONS {
        let plugin = guest(function, false, 0);
        let capability = function.capability;
        let situations: [(&str, Change); 6] = [
            ("nothing was ever granted", |context, _, _| CallContext { grant: None, ..context }),
            ("everything else is granted", |context, plugin, capability| {
                regrant(context, plugin, without(capability))
            }),
            ("it is granted elsewhere", |context, plugin, capability| {
                regrant(context, plugin, elsewhere(capability))
            }),
            ("it is granted for another tenant", |context, _, _| CallContext {
                tenant: TenantId::parse("other").unwrap(),
                ..context
            }),
            ("another component of this id has it, as after an upgrade", |context, plugin, _| {
                let other = Digest::from_sha256([7; 32]);
                let grant = Grant { digest: other, ..(**context.grant.as_ref().unwrap()).clone() };
                let _ = plugin;
                CallContext { grant: Some(Arc::new(grant)), ..context }
            }),
            ("it was withdrawn after it had been used", |context, plugin, capability| {
                let _ = plugin.call(&context, input());
                CallContext {
                    services: Arc::new(Open::default()),
                    ..regrant(context, plugin, without(capability))
                }
            }),
        ];
        for (situation, change) in situations {
            let name = format!("{}.{} for {capability}: {situation}", function.interface, function.name);
            let services = Arc::new(Open::default());
            let mut context = change(context(&plugin, all(), &services), &plugin, capability);
            let fresh = Arc::new(Open::default());
            context.services = Arc::clone(&fresh) as Arc<dyn Services>;
            let outcome = plugin.call(&context, input());
            assert!(outcome.result.is_ok(), "{name}: {:?}", outcome.result.err());
            assert_eq!(outcome.usage.denials.values().sum::<u64>(), 1, "{name}");
            assert_eq!(outcome.audit.iter().filter(|entry| !entry.allowed).count(), 1, "{name}");
            assert_eq!(fresh.reached.load(Ordering::SeqCst), 0, "{name}");
            assert!(outcome.state.is_empty(), "{name}");
        }
    }
}

fn regrant(context: CallContext, plugin: &Plugin, rights: Rights) -> CallContext {
    let grant = Grant { tenant: context.tenant.clone(), digest: plugin.digest().clone(), rights };
    CallContext { grant: Some(Arc::new(grant)), ..context }
}

#[test]
fn what_is_asked_and_granted_arrives() {
    for function in &FUNCTIONS {
        let plugin = guest(function, true, 1);
        let services = Arc::new(Open::default());
        let outcome = plugin.call(&context(&plugin, all(), &services), input());
        let name = format!("{}.{}", function.interface, function.name);
        assert!(outcome.result.is_ok(), "{name}: {:?}", outcome.result.err());
        assert!(services.reached.load(Ordering::SeqCst) > 0, "{name}");
        assert!(outcome.usage.denials.is_empty(), "{name}");
    }
}

#[test]
fn state_is_kept_with_the_answer_or_not_at_all() {
    let set = &FUNCTIONS[3];
    let plugin = guest(set, true, 2);
    let services = Arc::new(Open::default());
    let outcome = plugin.call(&context(&plugin, all(), &services), input());
    assert_eq!(outcome.state["key"].as_deref(), Some(b"key".as_slice()));
    // The same write, and then a trap.
    let body = "(call $call (i32.const 2050) (i32.const 3) (i32.const 2050) (i32.const 3) (i32.const 512)) (unreachable)";
    let import = r#"(import "palisade:host/state@0.1.0" "set" (func $call (param i32 i32 i32 i32 i32)))"#;
    let core = module(TEXTS, body).replacen("(memory", &format!("{import} (memory"), 1);
    let plugin = host().load(&component(&manifest(ASKS), &core)).unwrap();
    let outcome = plugin.call(&context(&plugin, all(), &services), input());
    assert_eq!(outcome.result.unwrap_err().kind, FaultKind::Trap);
    assert!(outcome.state.is_empty());
}

#[test]
fn a_recorded_call_repeats_and_a_changed_one_says_where() {
    for function in &FUNCTIONS {
        let name = format!("{}.{}", function.interface, function.name);
        let plugin = guest(function, true, 3);
        let services = Arc::new(Open::default());
        services.state.lock().unwrap().insert("key".to_owned(), vec![0xff, 0]);
        let recording = CallContext {
            record: Some(Arc::new(Redaction::default())),
            ..context(&plugin, all(), &services)
        };
        let transcript = plugin.call(&recording, input()).transcript.unwrap();
        assert_eq!(transcript.exchanges.len(), 1, "{name}");
        // Through a file, as it is used, and with nobody to ask.
        let file = serde_json::to_vec(&transcript).unwrap();
        let mut read: host::Transcript = serde_json::from_slice(&file).unwrap();
        let replay = plugin.replay(&read).unwrap();
        assert_eq!(replay.difference, None, "{name}");
        assert!(matches!(replay.outcome.result, Ok(Answer::ImageAnalyzer(_))), "{name}");
        // A host call that is not made again is a difference too, even where the answer is the same.
        let mut longer: host::Transcript = serde_json::from_slice(&file).unwrap();
        longer.exchanges.extend(transcript.exchanges.clone());
        let left_out = plugin.replay(&longer).unwrap().difference.unwrap();
        assert_eq!(
            (left_out.at.as_str(), left_out.replayed.as_str()),
            ("/exchanges/1", "no further host call")
        );
        // A reply that is gone: the guest, which would trap, is told, and the place is named.
        read.exchanges.clear();
        let replay = plugin.replay(&read).unwrap();
        assert_eq!(replay.difference.unwrap().at, "/exchanges/0", "{name}");
        let mut newer: host::Transcript = serde_json::from_slice(&file).unwrap();
        newer.version = 2;
        assert!(plugin.replay(&newer).is_err());
    }
}
