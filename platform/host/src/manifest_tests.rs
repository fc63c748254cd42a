use super::Manifest;
use crate::{Capability, Kind, LoadError};

const GOOD: &str = r#"
id = "palisade.image-packages"
version = "0.1.0"
publisher = "Palisade"
license = "Apache-2.0"
description = "Finds installed software."
metrics = ["jars"]
[[kinds.image-analyzer.interests]]
name = "dpkg-status"
paths = ["var/lib/dpkg/status", "var/lib/dpkg/status.d/*"]
[[kinds.image-analyzer.interests]]
name = "elf"
magic = [{ offset = 0, bytes = "7f454c46" }]
keywords = ["Go buildinf:", "hex:ff20476f"]
size-max = 134217728
[capabilities.http]
why = "asks the registry"
allow = [{ host = "api.example.org", methods = ["GET"], paths = ["/v1/**"] }]
[limits]
memory-mib = 128
[config.properties.depth]
type = "integer"
[[rules]]
id = "weak-key"
title = "A weak key"
severity = "high"
"#;

#[test]
fn each_capability_has_one_parameter_and_asks_for_something() {
    let with = |table: &str| {
        let (head, rest) = GOOD.split_once("[capabilities.http]").unwrap();
        let (_, tail) = rest.split_once("[limits]").unwrap();
        format!("{head}{table}\n[limits]{tail}")
    };
    for (table, capability) in [
        ("[capabilities.secret]\nwhy = \"w\"\nnames = [\"token\"]", Capability::Secret),
        ("[capabilities.state]\nwhy = \"w\"\nbytes = 1", Capability::State),
        ("[capabilities.assets]\nwhy = \"w\"\nkinds = [\"pod\"]", Capability::Assets),
        ("[capabilities.blob]\nwhy = \"w\"\nrepositories = [\"r.example/**\"]", Capability::Blob),
        ("[capabilities.advisories]\nwhy = \"w\"", Capability::Advisories),
        (
            "[capabilities.http]\nwhy = \"w\"\nallow = [{ host = \"*\", methods = [\"GET\"], paths = [\"/\"] }]",
            Capability::Http,
        ),
    ] {
        let asked = Manifest::parse(&with(table)).unwrap().asked();
        assert_eq!(asked.capabilities(), [capability], "{table}");
    }
    for (table, key, hint) in [
        ("[capabilities.http]\nwhy = \"w\"", "capabilities.http.allow", "missing"),
        ("[capabilities.http]\nwhy = \"w\"\nallow = []", "capabilities.http", "asks for nothing"),
        ("[capabilities.state]\nwhy = \"w\"\nbytes = 0", "capabilities.state", "asks for nothing"),
        ("[capabilities.secret]\nwhy = \"w\"\nnames = [\"*\"]", "capabilities.secret", "letters"),
        (
            "[capabilities.advisories]\nwhy = \"w\"\nbytes = 1",
            "capabilities.advisories.bytes",
            "not a parameter",
        ),
        ("[capabilities.assets]\nwhy = \"w\"\nkinds = [\"*\"]", "capabilities.assets", "kind of asset"),
        ("[capabilities.blob]\nwhy = \"w\"\nrepositories = [\"/a\"]", "capabilities.blob", "starts with /"),
    ] {
        let (got_key, problem) = problem(&with(table));
        assert_eq!(got_key, key, "{table}: {problem}");
        assert!(problem.contains(hint), "{table}: {problem}");
    }
}

fn problem(text: &str) -> (String, String) {
    match Manifest::parse(text) {
        Err(LoadError::Manifest { key, problem }) => (key, problem),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn the_contract_example_is_read_whole() {
    let manifest = Manifest::parse(GOOD).unwrap();
    assert!(manifest.declares(Kind::ImageAnalyzer) && manifest.asks(Capability::Http));
    let [dpkg, elf] = manifest.interests() else { panic!("two interests") };
    assert_eq!((dpkg.name.as_str(), dpkg.paths.len()), ("dpkg-status", 2));
    assert_eq!(elf.magic[0].bytes, [0x7f, 0x45, 0x4c, 0x46]);
    assert_eq!(elf.keywords, [b"Go buildinf:".to_vec(), b"\xff Go".to_vec()]);
    assert_eq!(elf.size_max, 134_217_728);
    assert_eq!(manifest.limits.memory_mib, Some(128));
    assert_eq!(manifest.config["properties"]["depth"]["type"], "integer");
    assert_eq!(manifest.rules[0].id, "weak-key");
}

#[test]
fn every_wrong_value_is_named_with_what_is_allowed() {
    let cases = [
        ("id = \"palisade.image-packages\"", "id = \"Palisade\"", "id", "segments"),
        ("version = \"0.1.0\"", "version = \"1\"", "version", "three numbers"),
        ("license = \"Apache-2.0\"", "license = \"\"", "license", "one line"),
        ("publisher = \"Palisade\"", "publisher = \"a\\u0007\"", "publisher", "control"),
        ("var/lib/dpkg/status\"", "/etc/passwd\"", "kinds.image-analyzer.interests[0].paths[0]", "leading"),
        ("var/lib/dpkg/status\"", "a/../b\"", "kinds.image-analyzer.interests[0].paths[0]", "`..`"),
        ("var/lib/dpkg/status\"", "a[\"", "kinds.image-analyzer.interests[0].paths[0]", "glob"),
        ("7f454c46", "7f4", "kinds.image-analyzer.interests[1].magic[0].bytes", "pairs"),
        ("7f454c46", "+f", "kinds.image-analyzer.interests[1].magic[0].bytes", "pairs"),
        ("offset = 0", "offset = 4093", "kinds.image-analyzer.interests[1].magic[0].offset", "4096"),
        ("hex:ff20476f", "hex:ff", "kinds.image-analyzer.interests[1].keywords[1]", "3 to 128"),
        ("134217728", "9999999999", "kinds.image-analyzer.interests[1].size-max", "1073741824"),
        ("name = \"elf\"", "name = \"dpkg-status\"", "kinds.image-analyzer.interests[1].name", "twice"),
        ("memory-mib = 128", "memory-mib = 513", "limits.memory-mib", "1 to 512"),
        ("memory-mib = 128", "memory-mib = 0", "limits.memory-mib", "1 to 512"),
        ("[capabilities.http]", "[capabilities.shell]", "capabilities.shell", "http, secret, state"),
        ("allow = [{ host", "bytes = 5\nxallow = [{ host", "manifest", "unknown field `xallow`"),
        ("allow = [", "kinds = []\nallow = [", "capabilities.http.kinds", "not a parameter"),
        ("api.example.org", "API.example.org", "capabilities.http", "lower case"),
        ("\"GET\"", "\"CONNECT\"", "capabilities.http", "method"),
        ("/v1/**", "v1", "capabilities.http", "start with /"),
        ("id = \"weak-key\"", "id = \"weak key\"", "rules[0].id", "letters"),
        (
            "[[kinds.image-analyzer.interests]]\nname = \"elf\"",
            "[[kinds.analyser.interests]]\nname = \"elf\"",
            "kinds.analyser",
            "image-analyzer",
        ),
    ];
    Manifest::parse(GOOD).unwrap();
    for (from, to, key, hint) in cases {
        assert!(GOOD.contains(from), "{from}");
        let (got_key, got_problem) = problem(&GOOD.replacen(from, to, 1));
        assert_eq!(got_key, key, "{to}: {got_problem}");
        assert!(got_problem.contains(hint), "{to}: {got_problem}");
    }
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    for (from, to) in [
        ("publisher =", "publisher2 = \"x\"\npublisher ="),
        ("paths =", "path = []\npaths ="),
        ("offset = 0", "offset = 0, mask = \"ff\""),
        ("why =", "reason = \"\"\nwhy ="),
        ("memory-mib =", "memory = 1\nmemory-mib ="),
        ("id = \"weak-key\"", "id = \"weak-key\"\nlevel = 3"),
    ] {
        let (key, problem) = problem(&GOOD.replacen(from, to, 1));
        assert_eq!(key, "manifest");
        assert!(problem.contains("unknown field"), "{problem}");
    }
}

#[test]
fn lists_and_texts_have_bounds() {
    let many = format!("paths = [{}]", "\"a\",".repeat(257));
    let (key, _) =
        problem(&GOOD.replacen("paths = [\"var/lib/dpkg/status\", \"var/lib/dpkg/status.d/*\"]", &many, 1));
    assert_eq!(key, "kinds.image-analyzer.interests[0].paths");
    let head = GOOD.split("[[kinds").next().unwrap();
    let interests = (0..65)
        .map(|n| format!("[[kinds.image-analyzer.interests]]\nname = \"n{n}\"\npaths = [\"a\"]\n"))
        .collect::<String>();
    assert_eq!(problem(&format!("{head}{interests}")).0, "kinds.image-analyzer.interests");
    assert_eq!(problem(&"#".repeat(300_000)).0, "manifest");
    let nothing = "[[kinds.image-analyzer.interests]]\nname = \"all\"\n";
    assert!(problem(&format!("{head}{nothing}")).1.contains("every file"));
    assert_eq!(problem(&format!("{head}[kinds]\n")).0, "kinds");
    assert_eq!(problem(&format!("{head}[kinds.image-analyzer]\n")).0, "kinds.image-analyzer.interests");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,400}") {
        let _ = Manifest::parse(&text);
    }

    #[test]
    fn no_damage_panics(at in 0..GOOD.len(), byte in 0u8..128) {
        let mut bytes = GOOD.as_bytes().to_vec();
        bytes[at] = byte;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = Manifest::parse(text);
        }
    }
}
