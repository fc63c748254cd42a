//! The language as files write it, through the plugin's own entry: what is defined, changed, excepted and told.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use falco_rules::{CHECK, FalcoRules, load};
use palisade_sdk::{Correlation, Event, Severity};
use serde_json::{Value, json};

fn config(texts: &[&str]) -> String {
    let files = texts
        .iter()
        .enumerate()
        .map(|(place, text)| rules::falco::rules(&format!("f{place}.yaml"), text.as_bytes()).unwrap());
    json!({ "pack": false, "rules": files.collect::<Vec<Value>>() }).to_string()
}

fn event(raw: &Value) -> Event {
    let body = json!({ "source": "kubernetes-audit", "kind": "api.call", "raw": raw,
        "joins": ["container:0123456789ab", "workload:shop/Deployment/web@c", "principal:bob"] });
    Event::new("e", 1_718_108_124_058_348_969, "kubernetes-audit", "k8s:c/apps/Deployment/shop/web", &body)
}

fn correlate(config: &str, raw: &Value) -> Correlation {
    palisade_sdk::correlate::<FalcoRules>(config, &[event(raw)], &[], 0).unwrap()
}

/// A rule with this condition, after other items.
fn rule(items: &str, condition: &str) -> String {
    let condition = serde_json::to_string(condition).unwrap();
    config(&[&format!(
        "{items}\n- rule: r\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n  source: k8s_audit\n"
    )])
}

fn raw() -> Value {
    json!({
        "stage": "ResponseComplete", "verb": "create", "requestURI": "/api?x=a%20b&y", "userAgent": "Kubectl/v1.31",
        "user": { "username": "Bob", "groups": ["dev", "ops"] }, "sourceIPs": ["10.1.2.3"],
        "objectRef": { "resource": "pods", "name": "web", "namespace": "shop" }, "responseStatus": { "code": 201 },
        "annotations": { "b64": "aGVsbG8=", "path": "/usr/bin/cat", "empty": "", "none": null, "odd": "a\u{e9}\n" },
        "requestObject": { "spec": { "containers": [
            { "image": "registry:5000/a/b:1@sha256:x", "securityContext": { "privileged": true } }, { "image": "c" }] } },
    })
}

#[test]
fn conditions_hold_or_fail() {
    for (condition, holds) in [
        ("ka.verb = create", true),
        ("ka.verb == 'create'", true),
        ("ka.verb != create", false),
        ("ka.verb = create and ka.target.name = other", false),
        ("ka.verb = other or ka.target.name = web", true),
        ("not (ka.verb = other or ka.target.name = web)", false),
        ("ka.target.subresource exists", false),
        ("ka.target.subresource = x", false),
        ("ka.target.subresource != x", false),
        ("not ka.target.subresource = x", true),
        ("ka.verb in (get, create)", true),
        ("ka.verb in ()", false),
        ("ka.user.groups in (dev, ops, more)", true),
        ("ka.user.groups in (dev)", false),
        ("ka.user.groups intersects (dev)", true),
        ("ka.user.groups intersects (none)", false),
        ("ka.user.groups startswith o", true),
        ("ka.user.groups != dev", false),
        ("ka.user.groups != none", true),
        ("len(ka.user.groups) = 2", true),
        ("len(ka.verb) >= 0x6", true),
        ("ka.response.code startswith 2", true),
        ("ka.response.code > 200 and ka.response.code <= 201", true),
        ("ka.response.code < 201", false),
        ("ka.useragent contains kubectl", false),
        ("ka.useragent icontains kubectl", true),
        ("ka.useragent bcontains 4B7562", true),
        ("ka.useragent bstartswith 4b", true),
        ("ka.useragent endswith .31", true),
        ("ka.useragent glob Kube*/v1.??", true),
        ("ka.useragent iglob kube*", true),
        ("ka.useragent glob kube*", false),
        ("ka.useragent regex '[A-Z]ubectl/v[0-9.]+'", true),
        ("ka.useragent regex ubectl", false),
        ("ka.uri pmatch (/apis, '/api?x=a%20b&y')", true),
        ("ka.uri pmatch (/ap)", false),
        ("ka.uri.param[x] = 'a b'", true),
        ("ka.uri.param[y] exists", true),
        ("ka.uri.param[z] exists", false),
        ("tolower(ka.user.name) = bob", true),
        ("toupper(ka.user.name) = BOB", true),
        ("b64(jevt.value[/annotations/b64]) = hello", true),
        ("toupper(b64(jevt.value[/annotations/b64])) = HELLO", true),
        ("basename(jevt.value[/annotations/path]) = cat", true),
        ("tolower(ka.user.name) = val(ka.verb)", false),
        ("ka.verb = val(ka.verb)", true),
        ("ka.user.groups intersects val(ka.user.groups)", true),
        ("jevt.value[/sourceIPs/0] in (10.0.0.0/8, x)", true),
        ("jevt.value[/sourceIPs/0] = 10.1.0.0/16", true),
        ("jevt.value[/sourceIPs/0] != 10.2.0.0/16", true),
        ("jevt.value[/sourceIPs/0] in (192.168.0.0/16)", false),
        ("json.value[/annotations/empty] = ''", true),
        ("json.value[/annotations/empty] exists", true),
        ("json.value[annotations/none] exists", false),
        ("json.value[/annotations/odd] = \"a\\xC3\\xa9\\n\"", true),
        ("ka.verb contains anyof (x, eat)", true),
        ("ka.verb contains allof (cre, ate)", true),
        ("ka.verb contains oneof (cre, ate)", false),
        ("ka.verb contains oneof (cre, x)", true),
        ("ka.verb != anyof (create, x)", true),
        ("ka.verb != allof (create, x)", false),
        ("ka.verb = allof ()", false),
        ("ka.req.pod.containers.image.repository in (registry:5000/a/b, c)", true),
        ("ka.req.pod.containers.image[1] = c", true),
        ("ka.req.pod.containers.image[2] exists", false),
        ("ka.req.pod.containers.privileged intersects (true)", true),
        ("ka.req.container.privileged = true", true),
        ("evt.num > 0 and evt.source = k8s_audit", true),
        ("jevt.rawtime = 1718108124058348969", true),
        ("jevt.rawtime = 0", false),
    ] {
        let config = rule("", condition);
        assert_eq!(load(&config).unwrap().errors, Vec::<String>::new(), "{condition}");
        assert_eq!(correlate(&config, &raw()).detections.len(), usize::from(holds), "{condition}");
    }
}

#[test]
fn lists_and_macros_are_put_in() {
    let items = "- list: a\n  items: [get, b]\n- list: b\n  items: ['\"create\"']\n- macro: m\n  condition: ka.verb in (a)\n- macro: other\n  condition: not m\n";
    assert_eq!(correlate(&rule(items, "m and not other"), &raw()).detections.len(), 1);
    // What comes later counts for rules that came earlier.
    let text = |items: &str| format!("{items}\n- macro: m\n  condition: ka.verb = get\n");
    let later = rule("- macro: m\n  condition: ka.verb = create\n", "m");
    assert_eq!(correlate(&later, &raw()).detections.len(), 1);
    let changed = config(&[
        "- macro: m\n  condition: ka.verb = create\n- rule: r\n  desc: d\n  condition: m\n  output: o\n  priority: INFO\n  source: k8s_audit\n",
        &text(""),
    ]);
    assert_eq!(correlate(&changed, &raw()).detections.len(), 0);
}

const BASE: &str = "
- list: verbs
  items: [get]
- macro: m
  condition: (ka.verb in (verbs))
- rule: r
  desc: d
  condition: m
  output: o
  priority: WARNING
  source: k8s_audit
  tags: [a]
";

fn changed(change: &str) -> Correlation {
    let config = config(&[BASE, change]);
    assert_eq!(load(&config).unwrap().errors, Vec::<String>::new(), "{change}");
    correlate(&config, &raw())
}

#[test]
fn later_items_append_replace_and_switch() {
    let matches = |change: &str| changed(change).detections.len();
    assert_eq!(matches(""), 0);
    assert_eq!(matches("- list: verbs\n  items: [create]\n  append: true\n"), 1);
    assert_eq!(matches("- list: verbs\n  items: [create]\n  override: {items: append}\n"), 1);
    assert_eq!(matches("- list: verbs\n  items: [create]\n  override: {items: replace}\n"), 1);
    assert_eq!(matches("- macro: m\n  condition: or ka.verb = create\n  append: true\n"), 1);
    assert_eq!(matches("- macro: m\n  condition: ka.verb = create\n"), 1);
    assert_eq!(matches("- rule: r\n  condition: or ka.verb = create\n  append: true\n"), 1);
    assert_eq!(matches("- rule: r\n  condition: ka.verb = create\n  override: {condition: replace}\n"), 1);
    assert_eq!(
        matches(
            "- rule: r\n  condition: ka.verb = create\n  override: {condition: replace}\n- rule: r\n  enabled: false\n"
        ),
        0
    );
    let told = changed(
        "- rule: r\n  condition: ka.verb = create\n  output: x %ka.verb\n  priority: ERROR\n  tags: [b]\n  override: {condition: replace, output: append, priority: replace, tags: append}\n",
    );
    let evidence: Value = serde_json::from_slice(&told.detections[0].evidence).unwrap();
    assert_eq!(evidence["output"], "o x create");
    assert_eq!(evidence["tags"], json!(["a", "b"]));
    assert_eq!(told.detections[0].severity, Severity::High);
}

#[test]
fn exceptions_say_nothing_of_their_values() {
    let with = |exceptions: &str| {
        let items = format!(
            "- list: names\n  items: [web, other]\n- rule: r\n  desc: d\n  condition: ka.verb = create\n  output: o\n  priority: INFO\n  source: k8s_audit\n  exceptions:\n{exceptions}"
        );
        let config = config(&[&items]);
        assert_eq!(load(&config).unwrap().errors, Vec::<String>::new(), "{exceptions}");
        correlate(&config, &raw()).detections.len()
    };
    assert_eq!(with("  - {name: e, fields: ka.target.name}\n"), 1);
    assert_eq!(with("  - {name: e, fields: ka.target.name, values: [a, web]}\n"), 0);
    assert_eq!(with("  - {name: e, fields: ka.target.name, values: [names]}\n"), 0);
    assert_eq!(with("  - {name: e, fields: ka.uri, comps: pmatch, values: [/other]}\n"), 1);
    assert_eq!(
        with("  - {name: e, fields: [ka.target.name, ka.verb], values: [[web, get], [web, create]]}\n"),
        0
    );
    assert_eq!(with("  - {name: e, fields: [ka.target.name, ka.verb], values: [[web, get]]}\n"), 1);
    assert_eq!(
        with(
            "  - {name: e, fields: [ka.target.name, ka.verb], comps: [startswith, in], values: [[we, [get, create]]]}\n"
        ),
        0
    );
    assert_eq!(with("  - {name: e, fields: [ka.target.name], comps: [in], values: [[(names)]]}\n"), 0);
    assert_eq!(
        with(
            "  - {name: e, fields: ka.target.name, values: [a]}\n- rule: r\n  append: true\n  exceptions:\n  - {name: e, values: [web]}\n"
        ),
        0
    );
    assert_eq!(
        with(
            "  - {name: e, fields: ka.target.name, values: [web]}\n- rule: r\n  override: {exceptions: replace}\n  exceptions:\n  - {name: e, fields: ka.target.name, values: [a]}\n"
        ),
        1
    );
}

#[test]
fn a_detection_says_what_was_seen() {
    let items = config(&[
        "- rule: R 1\n  desc: d\n  condition: ka.verb = create and ka.target.subresource != x or ka.user.name exists\n  output: '*%ka.user.name (%ka.uri.param[x]) 100% %% %ka.target.subresource, %ka.verb. %ka.user.groups %toupper(ka.verb) %evt.time.iso8601 %jevt.value[/stage]'\n  priority: critical\n  source: k8s_audit\n  tags: [T1610, x]\n",
    ]);
    let told = correlate(&items, &raw());
    let detection = &told.detections[0];
    assert_eq!(
        (detection.rule.as_str(), detection.title.as_str(), detection.severity),
        ("k8s-audit", "R 1", Severity::Critical)
    );
    assert_eq!(
        (detection.asset.as_str(), detection.incident_key.as_str()),
        ("k8s:c/apps/Deployment/shop/web", "workload:shop/Deployment/web@c")
    );
    assert_eq!(detection.items, [0]);
    let evidence: Value = serde_json::from_slice(&detection.evidence).unwrap();
    assert_eq!(
        evidence["output"],
        "Bob (a b) 100% % <NA>, create. (dev,ops) CREATE 2024-06-11T12:15:24.058348969+0000 ResponseComplete"
    );
    assert_eq!(evidence["techniques"], json!(["T1610"]));
    assert_eq!(evidence["priority"], "Critical");
    assert_eq!((&evidence["file"], &evidence["line"]), (&json!("f0.yaml"), &json!(1)));
    assert_eq!(evidence["fields"]["ka.uri.param[x]"], "a b");
    assert_eq!(evidence["fields"].get("ka.target.subresource"), None);
    let by_name = items.replace("\"pack\":false", "\"pack\":false,\"rule-ids\":\"rule\"");
    assert_eq!(correlate(&by_name, &raw()).detections[0].rule, "r-1");
    let less = items.replace("\"pack\":false", "\"pack\":false,\"minimum-priority\":\"alert\"");
    assert!(correlate(&less, &raw()).detections.is_empty());
}

#[test]
fn what_cannot_be_used_is_named_with_its_place() {
    let of = |text: &str| load(&config(&[text])).unwrap();
    let rule = |rest: &str| {
        format!("- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  source: k8s_audit\n  {rest}\n")
    };
    for (text, wanted) in [
        (rule("condition: ka.verb = get and\n    ka.verb is x"), "f0.yaml line 6: rule r: line 1, column 27: an operator is expected"),
        (rule("condition: ka.nothing = x"), "rule r: line 1, column 1: the field ka.nothing is not known"),
        (rule("condition: ct.name = x"), "the source k8s_audit has no field ct.name"),
        (rule("condition: nothing"), "rule r: line 1, column 1: there is no macro \"nothing\""),
        (rule("condition: ka.uri.param = x"), "needs an argument"),
        (rule("condition: ka.verb[x] = x"), "takes no argument"),
        (rule("condition: ka.req.pod.containers.image[x] = x"), "must be a whole number"),
        (rule("condition: ka.response.code > x"), "compares with a number"),
        (rule("condition: ka.uri regex '('"), "the regular expression"),
        (rule("condition: ka.uri bcontains xyz"), "hexadecimal"),
        (rule("condition: ka.uri regex val(ka.verb)"), "compares with no field"),
        (rule("condition: ka.verb > anyof (1)"), "takes no modifier"),
        (rule("condition: m\n- macro: m\n  condition: a b"), "in the macro \"m\" (f0.yaml line 8): line 1, column 3"),
        (rule("condition: ka.verb = x\n  exceptions: [{name: e, fields: [ka.verb], values: [x]}]"), "each of its values must be a list"),
        (rule("condition: ka.verb = x\n  exceptions: [{name: e, fields: ka.verb, comps: startswith, values: [x]}]"), "the exception \"e\""),
        (rule("condition: ka.verb = x\n  exceptions: [{name: e, fields: [ka.verb, ka.uri], comps: [in], values: []}]"), "as many `comps` as `fields`"),
        ("- rule: r\n  desc: d\n  condition: evt.num > 0\n  output: '%ka.no.such'\n  priority: INFO\n  source: okta\n".to_owned(), "line 4: rule r: line 1, column 2: output: the field ka.no.such is not known"),
        ("- rule: r\n  desc: d\n  condition: evt.num > 0\n  output: o\n  priority: LOUD\n  source: okta\n".to_owned(), "the priority \"LOUD\" is not known"),
        ("- rule: r\n  condition: evt.num > 0\n  output: o\n  priority: INFO\n  source: okta\n".to_owned(), "needs `desc`"),
        ("- rule: r\n  append: true\n  condition: x\n".to_owned(), "there is no rule of this name to change"),
        ("- list: l\n  append: true\n  items: [x]\n".to_owned(), "there is no list of this name to append to"),
        ("- macro: l\n  override: {condition: replace}\n  condition: x\n".to_owned(), "there is no macro of this name"),
        ("- required_engine_version: 9.0.0\n- macro: x\n".to_owned(), "needs engine 9.0.0"),
    ] {
        let errors = of(&text).errors;
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert!(errors[0].contains(wanted), "{wanted}: {errors:?}");
    }
    let loaded = of(
        "- required_plugin_versions: [{name: other, version: 1.0.0}]\n- rule: s\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n- rule: s\n  enabled: false\n",
    );
    assert!(loaded.errors.is_empty() && loaded.warnings[0].contains("other"), "{loaded:?}");
    assert_eq!(loaded.elsewhere, ["s"]);
    // What YAML holds to be no text.
    let norway = of("- list: l\n  items: [SE, NO]\n");
    assert!(norway.errors.is_empty() && norway.warnings[0].contains("quotation marks"), "{norway:?}");
    let skipped = of(&rule("condition: ka.nothing = x\n  skip-if-unknown-filter: true"));
    assert_eq!(skipped.errors, Vec::<String>::new());
    let memory = of(
        "- rule: r\n  desc: d\n  condition: okta.mfa.deny.countlast[300] >= 3\n  output: o\n  priority: INFO\n  source: okta\n",
    );
    assert!(memory.errors.is_empty() && memory.warnings[0].contains("never has a value"), "{memory:?}");
}

#[test]
fn a_rule_that_does_not_work_costs_only_itself() {
    let config = config(&[
        BASE,
        "- rule: broken\n  desc: d\n  condition: (\n  output: o\n  priority: INFO\n  source: k8s_audit\n- list: verbs\n  items: [create]\n",
    ]);
    assert_eq!(correlate(&config, &raw()).detections.len(), 1);
    let asked = Event::new("e", 1, CHECK, "", &json!({}));
    let problems = palisade_sdk::correlate::<FalcoRules>(&config, &[asked], &[], 0).unwrap().problems;
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].message.starts_with("f1.yaml line 3: rule broken: line 1, column 2"),
        "{}",
        problems[0].message
    );
}
