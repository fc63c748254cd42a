//! Bad input, from outside: every case ends in a clear error or a named gap, in bounded time and memory, and the server serves on.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use serde_json::Value;

use crate::support::layout::{GZIP, Layout, Tar, digest, gzip, gzip_at, header};
use crate::support::{Data, Server, fixture, full};

/// How a scan of something bad must end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// A result with this gap in its coverage, and with the package that was there before the trouble.
    Gap(&'static str),
    /// No result, for the reason that this code names.
    Fails(&'static str),
    /// An ordinary result.
    Finds,
}

/// The list of the issue, as layouts.
fn cases() -> Vec<(&'static str, Layout, End)> {
    let package = || Tar::default().vulnerable_package();
    let whole = package().end();
    let bent = package().file("../../../../../../tmp/palisade-escaped", "x").file("a/../../b", "x").end();
    let absolute = package().file("/tmp/palisade-escaped", "x").end();
    let status = "var/lib/dpkg/status";
    let links = package().symlink(status, "x").symlink("var/lib/dpkg/x", "status").hard_link("y", "y").end();
    let odd_name = package().file(b"srv/node_modules/\xff\xfe/package.json", "{}").end();
    let mut list = vec![
        (
            "a tar that is cut",
            Layout::plain(&package().file("big", [7; 9000]).cut(4000)),
            End::Gap("corrupt"),
        ),
        ("a gzip that is cut", cut_gzip(&package().file("noise", noise(400_000)).end()), End::Gap("corrupt")),
        ("a wrong digest", Layout::plain(&whole).damaged(), End::Fails("image-digest-mismatch")),
        ("names with ../", Layout::plain(&bent), End::Gap("unsafe-path")),
        ("absolute names", Layout::plain(&absolute), End::Finds),
        ("links in a circle", Layout::plain(&links), End::Gap("broken-link")),
        ("names that are no UTF-8", Layout::plain(&odd_name), End::Gap("unsafe-path")),
        ("indexes without end", Layout::nested(&whole, 40), End::Fails("image-format-invalid")),
        (
            "an unknown type of layer",
            Layout::of("application/x-made-up", &whole, &digest(&whole)),
            End::Gap("unsupported"),
        ),
        ("an unknown type of image", Layout::of_unknown_type(), End::Fails("image-media-type-unknown")),
        ("a bomb: 5 GB of zeroes", zeroes(Compression::best()), End::Gap("ratio-limit")),
        ("text for a layer", Layout::of(GZIP, b"not a gzip", &digest(b"not a gzip")), End::Gap("corrupt")),
        ("a size beyond everything", Layout::plain(&endless()), End::Gap("corrupt")),
    ];
    if full() {
        list.push(("three million files", many_files(3_000_000), End::Finds));
        list.push(("5 GB of zeroes that are packed badly", zeroes(Compression::fast()), End::Finds));
    } else {
        list.push(("a hundred thousand files", many_files(100_000), End::Finds));
    }
    list
}

/// Bytes that do not compress, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// The digest is that of the cut file, so it is not the digest that gives it away.
fn cut_gzip(tar: &[u8]) -> Layout {
    let packed = gzip(tar);
    Layout::of(GZIP, &packed[..packed.len() / 2], &digest(tar))
}

/// A package, then one file of 5 GB of zeroes. Members of a gzip file may follow each other, so one is packed and repeated.
fn zeroes(compression: Compression) -> Layout {
    const SIZE: u64 = 5_000_000_000;
    const MEMBER: usize = 50_000_000;
    let start = [Tar::default().vulnerable_package().cut(0), header(b"zeroes", b'0', SIZE, b"").into()];
    let member = gzip_at(compression, &vec![0; MEMBER]);
    let members = member.repeat((SIZE as usize).div_ceil(MEMBER));
    let packed = [gzip(&start.concat()), members, gzip(&[0; 1024])].concat();
    Layout::of(GZIP, &packed, &digest(b"nobody asks"))
}

/// A header that promises more than there is room for anywhere.
fn endless() -> Vec<u8> {
    let mut tar = Tar::default().vulnerable_package().cut(0);
    tar.extend(header(b"endless", b'0', u64::MAX / 2, b""));
    tar.extend([0; 4096]);
    tar
}

fn many_files(count: usize) -> Layout {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    let mut hash = sha2::Sha256::default();
    let mut write = |bytes: &[u8]| {
        packed.write_all(bytes).unwrap();
        sha2::Digest::update(&mut hash, bytes);
    };
    write(&Tar::default().vulnerable_package().cut(0));
    for number in 0..count {
        write(&header(format!("tiny/{}/{number}", number % 997).as_bytes(), b'0', 0, b""));
    }
    write(&[0; 1024]);
    let diff_id = sha2::Digest::finalize(hash)
        .iter()
        .fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    Layout::of(GZIP, &packed.finish().unwrap(), &diff_id)
}

fn has_gap(coverage: &Value, code: &str) -> bool {
    coverage["gaps"].as_array().unwrap().iter().any(|gap| gap["code"] == code)
}

fn finds_the_package(packages: &Value) -> bool {
    packages.as_array().unwrap().iter().any(|package| package["name"] == "minimist")
}

/// The longest that any of the cases may take here, on a loaded machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn the_command_line_says_what_is_wrong_with_an_image() {
    for (name, layout, end) in cases() {
        let began = Instant::now();
        let words = ["scan", "image", &layout.reference(), "--format", "json", "--no-cache", "--strict"];
        let ran = Data::shared().run(&words);
        println!("{name}: exit {}, {:.1} s", ran.code, began.elapsed().as_secs_f32());
        assert!(began.elapsed() < PATIENCE, "{name}");
        match end {
            End::Fails(code) => {
                assert_eq!(ran.code, 2, "{name}: {}", ran.stdout);
                assert!(ran.stderr.contains(code), "{name}: {}", ran.stderr);
            }
            End::Gap(code) => {
                assert_eq!(ran.code, 3, "{name}: {}", ran.stderr);
                let report = ran.json();
                assert!(has_gap(&report["coverage"], code), "{name}: {}", report["coverage"]["gaps"]);
                let early = ["text for a layer", "an unknown type of layer"];
                assert!(early.contains(&name) || finds_the_package(&report["packages"]), "{name}");
            }
            End::Finds => {
                assert_eq!(ran.code, 0, "{name}: {} {}", ran.stdout, ran.stderr);
                assert!(finds_the_package(&ran.json()["packages"]), "{name}");
            }
        }
    }
}

#[test]
fn the_server_names_every_fault_and_serves_on() {
    let data = Data::with_sample();
    let server = Server::embedded(&data);
    let api = server.api();
    let list = cases();
    let submitted: Vec<String> = list
        .iter()
        .map(|(name, layout, _)| {
            let answer = api.submit("image", &layout.reference(), &name.replace(' ', "-")).unwrap();
            assert_eq!(answer.status, 202, "{name}: {}", answer.body);
            answer.body["id"].as_str().unwrap().to_owned()
        })
        .collect();
    for ((name, _, end), id) in list.iter().zip(&submitted) {
        let scan = api.follow(id);
        match end {
            End::Fails(code) => {
                assert_eq!(
                    (&scan["state"], &scan["error"]["code"]),
                    (&"failed".into(), &(*code).into()),
                    "{name}"
                );
                assert!(!scan["error"]["message"].as_str().unwrap().is_empty(), "{name}");
            }
            End::Gap(_) | End::Finds => {
                assert_eq!(scan["state"], "finished", "{name}: {scan}");
                let gaps = scan["summary"]["gaps"].as_u64().unwrap();
                assert_eq!(gaps > 0, matches!(end, End::Gap(_)), "{name}: {scan}");
            }
        }
    }
    let good = api.scan("directory", &fixture("rootfs").canonicalize().unwrap().display().to_string());
    assert_eq!(good["state"], "finished", "{good}");
    let peak = server.peak_mib();
    println!("peak memory of the server: {peak} MiB");
    assert!(peak < 512, "{peak} MiB");
    assert_eq!(server.written_elsewhere(), Vec::<std::path::PathBuf>::new());
    assert!(!std::path::Path::new("/tmp/palisade-escaped").exists());
}

/// Advisory records of every kind of wrongness, beside one good one.
#[test]
fn broken_advisories_are_left_out_by_name_and_the_rest_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let npm = folder.path().join("npm");
    std::fs::create_dir(&npm).unwrap();
    let record = |id: &str, events: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","summary":"s","affected":[{{"package":
            {{"ecosystem":"npm","name":"minimist"}},"ranges":[{{"type":"SEMVER","events":{events}}}]}}]}}"#
        )
    };
    let good = record("GHSA-good", r#"[{"introduced":"0"},{"fixed":"1.2.6"}]"#);
    let write = |name: &str, text: &[u8]| std::fs::write(npm.join(name), text).unwrap();
    write("good.json", good.as_bytes());
    write("cut.json", &good.as_bytes()[..good.len() / 2]);
    write("doubled-1.json", record("GHSA-twice", r#"[{"introduced":"0"}]"#).as_bytes());
    write("doubled-2.json", record("GHSA-twice", r#"[{"introduced":"0"},{"fixed":"1.0.0"}]"#).as_bytes());
    let contradictory =
        r#"[{"fixed":"1.0.0"},{"introduced":"9"},{"fixed":"2"},{"introduced":"1"},{"limit":"*"}]"#;
    write("contradictory.json", record("GHSA-against-itself", contradictory).as_bytes());
    let long = format!(r#"{{"id":"GHSA-long","details":"{}"}}"#, "x".repeat(100 << 20));
    write("long.json", long.as_bytes());
    write("deep.json", "[".repeat(1 << 20).as_bytes());
    write("binary.json", &noise(10_000));

    let data = Data::empty();
    let imported = data.run(&["advisories", "import", &folder.path().display().to_string()]).expect_code(0);
    let said = format!("{}{}", imported.stdout, imported.stderr);
    for name in ["cut.json", "long.json", "deep.json", "binary.json"] {
        assert!(said.contains(name), "{name} is not named in {said}");
    }
    let found = data.run(&["advisories", "lookup", "npm", "minimist"]).expect_code(0).stdout;
    assert!(found.contains("GHSA-good") && !found.contains("GHSA-long"), "{found}");
    let layout = Layout::plain(&Tar::default().vulnerable_package().end());
    let report = data.run(&["scan", "image", &layout.reference(), "--format", "json"]).expect_code(0).json();
    let rules: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"GHSA-good"), "{rules:?}");
}

#[test]
fn bills_of_materials_that_lie_are_refused_or_read_in_part() {
    let data = Data::shared();
    let judge = |text: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        data.run(&["scan", "sbom", &file.path().display().to_string(), "--format", "json"])
    };
    let deep =
        format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}"#, "[".repeat(100_000));
    for bad in [&b""[..], b"{}", b"\xff\xfe\x00", b"[1,2", deep.as_bytes(), b"<bom/>", &noise(50_000)] {
        let ran = judge(bad).expect_code(2);
        assert!(ran.stderr.contains("the code is document-"), "{}", ran.stderr);
    }
    let odd = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
        {"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"},
        {"type":"library","name":"x","purl":"not a purl"}]}"#;
    let report = judge(odd).expect_code(0).json();
    assert!(report["packages"].as_array().unwrap().iter().any(|package| package["name"] == "lodash"));
    assert!(report["coverage"]["gaps"].to_string().contains("not a purl"), "{}", report["coverage"]["gaps"]);
}
