//! Whole images in every form, right and wrong.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::budget::Budget;
use crate::fixture::{
    Sample, Tar, docker_archive, gzip, interest, layout, oci_archive, options, put_blob, read, read_with,
    selector, sha, zstd,
};
use crate::limits::Limits;
use crate::{
    Image, ImageError, Interest, LayerIndex, Magic, OpenOptions, Overlay, SelectedFile, Selector, Sink,
    Source, open,
};

/// The final file system, as the selector sees it, and the codes of its gaps.
fn contents(image: &Image, selector: &Selector) -> (BTreeMap<String, Vec<u8>>, Vec<String>) {
    let mut found = Vec::new();
    let mut indexes: Vec<LayerIndex> = Vec::new();
    for layer in 0..image.layers().len() {
        let mut sink =
            |file: SelectedFile| found.push((layer, file.path, file.ordinal, file.body.into_vec()));
        indexes.push(image.read_layer(layer, selector, &mut sink).unwrap());
    }
    let overlay = Overlay::new(&indexes);
    let standing = found.into_iter().filter(|(layer, path, ordinal, _)| {
        overlay.visible(*layer, path) && !indexes[*layer].superseded().contains(ordinal)
    });
    let mut files: BTreeMap<_, _> = standing.map(|(_, path, _, body)| (path, body)).collect();
    let mut gaps = [image.gaps().to_vec(), overlay.gaps()].concat();
    for linked in overlay.linked(selector) {
        let mut sink = |file: SelectedFile| {
            assert!(files.insert(file.path, file.body.into_vec()).is_none());
        };
        gaps.extend(image.read_linked(&linked, selector, &mut sink).unwrap());
    }
    (files, gaps.iter().map(|gap| gap.code.as_str().to_owned()).collect())
}

fn open_text(text: &str) -> Result<Image, ImageError> {
    open(&Source::parse(text)?, &options())
}

fn sample() -> Sample {
    let long = "node_modules/".repeat(12) + "package.json";
    Sample::new(vec![
        Tar::new()
            .dir("etc")
            .symlink("etc/os-release", "../usr/lib/os-release")
            .file("usr/lib/os-release", "ID=one")
            .file("opt/app/a.txt", "a")
            .file("opt/gone/b.txt", "b")
            .file("opt/whole/c.txt", "c")
            .hard("opt/app/linked.txt", "opt/app/a.txt")
            .file(&long, "{}")
            .end(),
        Tar::new()
            .file("opt/gone/.wh.b.txt", "")
            .file("opt/whole/.wh..wh..opq", "")
            .file("opt/whole/d.txt", "d")
            .end(),
        Tar::new().file("usr/lib/extra.txt", "e").file("./opt/app/a.txt", "a2").end(),
    ])
}

/// The same file system as a directory.
fn unpacked(root: &Path) {
    let long = "node_modules/".repeat(12) + "package.json";
    let files = [
        ("usr/lib/os-release", "ID=one"),
        ("opt/app/a.txt", "a2"),
        ("opt/app/linked.txt", "a"),
        ("opt/whole/d.txt", "d"),
        ("usr/lib/extra.txt", "e"),
        (&long, "{}"),
    ];
    for (path, body) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    }
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::os::unix::fs::symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
}

#[test]
fn every_source_shows_the_same_file_system() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let sample = sample();
    layout(&at("layout"), &[&sample], json!([sample.descriptor()]));
    std::fs::write(at("oci.tar"), oci_archive(&sample)).unwrap();
    std::fs::write(at("docker.tar"), docker_archive(&sample, "app:1")).unwrap();
    unpacked(&at("root"));
    let interests = ["etc/os-release", "**/*.txt", "**/package.json"];
    for interests in [&interests[..], &interests[1..], &["**"]] {
        let selector = selector(interests);
        let read = |text: String| contents(&open_text(&text).unwrap(), &selector);
        let expected = read(format!("dir:{}", at("root").display()));
        assert_eq!(expected.1, Vec::<String>::new());
        assert!(expected.0.len() >= 5, "{expected:?}");
        for text in [
            "oci:layout",
            "oci-archive:oci.tar",
            "docker-archive:docker.tar",
            "layout",
            "oci.tar",
            "docker.tar",
        ] {
            let (kind, name) = text.split_once(':').map_or(("", text), |(kind, name)| (kind, name));
            let text = if kind.is_empty() {
                at(name).display().to_string()
            } else {
                format!("{kind}:{}", at(name).display())
            };
            assert_eq!(read(text.clone()), expected, "{text}");
        }
    }
    let image = open_text(&at("layout").display().to_string()).unwrap();
    let saved = open_text(&at("docker.tar").display().to_string()).unwrap();
    assert_eq!((image.config_digest(), image.platform()), (saved.config_digest(), Some("linux/amd64")));
    assert_eq!(image.digest(), Some(&sha(&sample.manifest())));
    assert_eq!((saved.digest(), saved.diff_ids()), (None, image.diff_ids()));
    assert_eq!(saved.layers()[0].key(), Some(&image.diff_ids()[0]));
}

fn one_layer(blob: &[u8], diff_of: &[u8]) -> (tempfile::TempDir, Image) {
    let folder = tempfile::tempdir().unwrap();
    let sample = Sample::new(vec![diff_of.to_vec()]);
    layout(folder.path(), &[&sample], json!([sample.descriptor()]));
    let real = sample.blobs().remove(0).0;
    std::fs::write(folder.path().join("blobs/sha256").join(sha(&real).hex()), blob).unwrap();
    let image = open_text(&folder.path().display().to_string()).unwrap();
    (folder, image)
}

#[test]
fn content_that_is_not_what_its_digest_says_is_an_error() {
    let tar = Tar::new().file("a", "hello").end();
    let right = gzip(&tar);
    let mut flipped = right.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let other = gzip(&Tar::new().file("a", "world").end());
    let longer = [right.as_slice(), b"x"].concat();
    for wrong in [&flipped, &other, &right[..right.len() - 3].to_vec(), &longer, &Vec::new()] {
        let (_folder, image) = one_layer(wrong, &tar);
        let error = image.read_layer(0, &selector(&["**"]), &mut |_: SelectedFile| ()).unwrap_err();
        assert_eq!(error.code(), "image-digest-mismatch");
    }
    let (_folder, image) = one_layer(&right, &tar);
    assert!(image.read_layer(0, &selector(&["**"]), &mut |_: SelectedFile| ()).is_ok());
    assert_eq!(
        image.read_layer(1, &selector(&["**"]), &mut |_: SelectedFile| ()).unwrap_err().code(),
        "image-layer-missing"
    );
    // The same for a docker archive, where the digest is of the unpacked bytes.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.tar");
    let right = docker_archive(&Sample::new(vec![tar]), "a:1");
    let position = right.windows(5).position(|window| window == b"hello").unwrap();
    let mut wrong = right;
    wrong[position] = b'j';
    std::fs::write(&path, wrong).unwrap();
    let error = open_text(&path.display().to_string())
        .unwrap()
        .read_layer(0, &selector(&["**"]), &mut |_: SelectedFile| ())
        .unwrap_err();
    assert_eq!(error.code(), "image-digest-mismatch");
}

#[test]
fn every_packing_is_unpacked_and_the_rest_is_a_gap() {
    let tar = Tar::new().file("a", "hello").file("b", "world").end();
    let (first, second) = tar.split_at(700);
    let skippable = [&b"\x50\x2a\x4d\x18\x03\0\0\0abc"[..], &zstd(&tar)].concat();
    let good = [
        tar.clone(),
        gzip(&tar),
        zstd(&tar),
        skippable,
        [gzip(first), gzip(second)].concat(),
        [zstd(first), zstd(second)].concat(),
    ];
    for packed in good {
        let outcome = read(&packed, &["**"]);
        assert_eq!((outcome.contents(), outcome.codes()), (vec![("a", "hello"), ("b", "world")], vec![]));
        let counters = outcome.index.counters();
        assert_eq!((counters.packed_bytes, counters.selected), (packed.len() as u64, 2));
    }
    assert_eq!(read(b"BZh91AY&SY", &["**"]).codes(), ["unsupported"]);
    assert_eq!(read(b"\xfd7zXZ\0\0", &["**"]).codes(), ["unsupported"]);
    assert_eq!(read(b"", &["**"]).codes(), ["corrupt"]);
    // Damage that the digest vouches for: what was read before it stays.
    for packed in [gzip(&tar), zstd(&tar)] {
        let outcome = read(&packed[..packed.len() / 2], &["**"]);
        assert_eq!(outcome.codes(), ["corrupt"]);
    }
    let cut = read(&tar[..tar.len() - 1024 - 512], &["**"]);
    assert_eq!((cut.contents(), cut.codes()), (vec![("a", "hello")], vec!["corrupt"]));
}

#[test]
fn bombs_end_at_the_caps() {
    let zeroes = vec![0; 8 << 20];
    let tar = Tar::new().file("first", "kept").file("zeroes", &zeroes).file("after", "lost").end();
    let limits = Limits { ratio: 50, ratio_floor: 1 << 20, ..Limits::default() };
    let with = |bytes: &[u8], limits: &Limits| {
        read_with(bytes, &selector(&["first", "after"]), limits, &Budget::default()).unwrap()
    };
    for packed in [gzip(&tar), zstd(&tar)] {
        let outcome = with(&packed, &limits);
        assert_eq!((outcome.contents(), outcome.codes()), (vec![("first", "kept")], vec!["ratio-limit"]));
        assert!(outcome.index.counters().unpacked_bytes < 3 << 20);
        assert_eq!(with(&packed, &Limits::default()).codes(), Vec::<&str>::new());
    }
    let small = Limits { layer_bytes: 1 << 20, ..Limits::default() };
    assert_eq!(with(&tar, &small).codes(), ["size-limit"]);
    let hasty = Limits { layer_time: std::time::Duration::ZERO, ..Limits::default() };
    assert_eq!(with(&tar, &hasty).codes(), ["time-limit"]);
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    std::io::Write::write_all(&mut encoder, &vec![7; 20 << 20]).unwrap();
    let wide = encoder.finish().unwrap();
    assert_eq!(with(&wide, &Limits { zstd_window_log: 23, ..Limits::default() }).codes(), ["size-limit"]);
}

#[test]
fn the_names_of_selected_files_end_at_their_cap() {
    let bytes = (0..100).fold(Tar::new(), |tar, number| tar.file(&format!("{number:0>50}"), "")).end();
    let few = Limits { selected_name_bytes: 2000, ..Limits::default() };
    let outcome = read_with(&bytes, &selector(&["**"]), &few, &Budget::default()).unwrap();
    assert!((1..40).contains(&outcome.files.len()) && outcome.codes() == ["entry-limit"]);
}

#[test]
fn many_entries_and_odd_names_end_at_the_caps() {
    let many = (0..200).fold(Tar::new(), |tar, number| tar.file(&format!("f{number:03}"), "")).end();
    let outcome = read_with(
        &many,
        &selector(&["**"]),
        &Limits { entries: 100, ..Limits::default() },
        &Budget::default(),
    );
    let outcome = outcome.unwrap();
    assert_eq!((outcome.files.len(), outcome.codes()), (100, vec!["entry-limit"]));
    let mut tar = (0..200).fold(Tar::new(), |tar, number| tar.file(&format!("../{number}"), "x"));
    for name in [&b"ok/\xff\xfe"[..], b"a/../b", b"/abs"] {
        tar = tar.raw(name, b'0', 1, b"", b"x");
    }
    let outcome = read(&tar.file("/", "x").file("./fine/./x//y", "z").end(), &["**"]);
    assert_eq!(outcome.contents(), [("abs", "x"), ("fine/x/y", "z")]);
    let gaps = outcome.index.gaps();
    assert_eq!(gaps.len(), Limits::default().gaps + 1, "bounded");
    assert!(gaps.iter().any(|gap| gap.subject == "layer" && gap.reason.contains("153 more")), "{gaps:?}");
    let deep = Tar::new().file(&"d/".repeat(300), "x").file(&"n".repeat(9000), "").file("last", "x").end();
    let outcome = read(&deep, &["**"]);
    assert_eq!(
        (outcome.contents(), outcome.codes()),
        (vec![("last", "x")], vec!["depth-limit", "name-limit"])
    );
}

#[test]
fn links_inside_a_layer_are_read_under_the_names_asked_for() {
    let tar =
        || Tar::new().file("data/real", "content").hard("bin/one", "data/real").hard("./bin/two", "/bin/one");
    let read = |tar: Tar, paths: &[&str]| {
        let outcome = read(&tar.end(), paths);
        let contents =
            outcome.contents().iter().map(|(path, body)| format!("{path}={body}")).collect::<Vec<_>>();
        (contents.join(" "), outcome.codes().join(" "), outcome.index.links().len())
    };
    let result = |contents: &str, codes: &str, links| (contents.to_owned(), codes.to_owned(), links);
    assert_eq!(read(tar(), &["bin/*"]), result("bin/one=content bin/two=content", "", 0));
    assert_eq!(read(tar(), &["**"]), result("bin/one=content bin/two=content data/real=content", "", 0));
    assert_eq!(read(tar(), &["data/*"]), result("data/real=content", "", 0));
    // Links before their target, and replaced targets: the last one counts.
    let early = Tar::new().hard("bin/one", "data/real").file("data/real", "old").file("data/real", "new");
    assert_eq!(read(early, &["bin/*"]), result("bin/one=new", "", 0));
    assert_eq!(read(Tar::new().hard("bin/one", "nowhere"), &["bin/*"]), result("", "broken-link", 0));
    assert_eq!(
        read(Tar::new().hard("a", "b").hard("b", "a"), &["*"]),
        result("", "broken-link broken-link", 0)
    );
    assert_eq!(read(Tar::new().hard("a", "../../etc/shadow"), &["*"]), result("", "unsafe-path", 0));
    let symlinks =
        || Tar::new().symlink("etc/x", "../lib/x").symlink("lib", "/usr/lib").file("usr/lib/x", "content");
    assert_eq!(read(symlinks(), &["etc/x"]), result("etc/x=content", "", 1));
    assert_eq!(read(symlinks(), &["lib/x"]), result("lib/x=content", "", 1));
    assert_eq!(read(symlinks(), &["etc/x", "**/lib/x"]), result("usr/lib/x=content", "", 0));
    assert_eq!(read(symlinks(), &["etc/*"]), result("", "", 0));
    assert_eq!(read(Tar::new().symlink("a", "b").symlink("b", "a"), &["a"]), result("", "broken-link", 0));
    assert_eq!(read(Tar::new().symlink("a", "../../../../etc/shadow"), &["a"]), result("", "", 1));
}

#[test]
fn links_lead_from_layer_to_layer() {
    let folder = tempfile::tempdir().unwrap();
    let seen = |layers: Vec<Tar>| {
        let sample = Sample::new(layers.into_iter().map(Tar::end).collect());
        layout(folder.path(), &[&sample], json!([sample.descriptor()]));
        let image = open_text(&folder.path().display().to_string()).unwrap();
        let (files, gaps) = contents(&image, &selector(&["etc/x"]));
        (
            files
                .into_iter()
                .map(|(path, body)| format!("{path}={}", String::from_utf8(body).unwrap()))
                .collect::<Vec<_>>()
                .join(" "),
            gaps.join(" "),
        )
    };
    let result = |files: &str, gaps: &str| (files.to_owned(), gaps.to_owned());
    let link = || Tar::new().symlink("etc/x", "../lib/x");
    let file = |body: &str| Tar::new().file("lib/x", body);
    assert_eq!(seen(vec![link(), file("up")]), result("etc/x=up", ""));
    assert_eq!(seen(vec![file("down"), link()]), result("etc/x=down", ""));
    assert_eq!(seen(vec![link().file("lib/x", "old"), file("new")]), result("etc/x=new", ""));
    assert_eq!(seen(vec![link(), file("1"), file("2").file("lib/x", "3")]), result("etc/x=3", ""));
    assert_eq!(
        seen(vec![link(), Tar::new().file("lib/y", "hard").hard("lib/x", "lib/y")]),
        result("etc/x=hard", "")
    );
    assert_eq!(seen(vec![file("1"), link(), Tar::new().file(".wh.lib", "")]), result("", "broken-link"));
    assert_eq!(seen(vec![file("1"), link(), Tar::new().file("etc/.wh.x", "")]), result("", ""));
    assert_eq!(
        seen(vec![link(), Tar::new().symlink("lib/x", "y"), Tar::new().file("lib/y", "z")]),
        result("", "broken-link")
    );
}

#[test]
fn what_a_layer_replaces_itself_is_marked() {
    let outcome =
        read(&Tar::new().file("a", "1").file("b/c", "1").file("a", "2").file("b", "2").end(), &["**"]);
    assert_eq!(outcome.index.superseded().len(), 2);
    assert_eq!(outcome.contents(), [("a", "2"), ("b", "2")]);
    let outcome = read(&Tar::new().file("a", "1").dir("a").file("b", "1").symlink("b", "a").end(), &["**"]);
    assert_eq!(outcome.contents(), []);
}

#[test]
fn unknown_types_and_odd_manifests_are_told() {
    let sample = sample();
    let folder = tempfile::tempdir().unwrap();
    let manifest = String::from_utf8(sample.manifest()).unwrap();
    let open_manifest = |manifest: &str, media_type: &str| {
        layout(
            folder.path(),
            &[&sample],
            json!([{"mediaType": media_type, "digest": sha(manifest.as_bytes()).to_string()}]),
        );
        put_blob(folder.path(), manifest.as_bytes());
        open_text(&folder.path().display().to_string())
    };
    let oci = "application/vnd.oci.image.manifest.v1+json";
    let encrypted = manifest.replace("tar+zstd", "tar+zstd+encrypted");
    let image = open_manifest(&encrypted, oci).unwrap();
    let (files, gaps) = contents(&image, &selector(&["**/*.txt"]));
    assert_eq!((gaps, image.layers()[1].key()), (vec!["unsupported".to_owned()], None));
    assert!(files.contains_key("usr/lib/extra.txt"));
    let code = |manifest: &str, media_type: &str| open_manifest(manifest, media_type).unwrap_err().code();
    assert_eq!(code(&manifest.replace("image.config", "helm.config"), oci), "image-media-type-unknown");
    assert_eq!(code(&manifest, "application/vnd.oci.image.index.v1+json"), "image-format-invalid");
    assert_eq!(code(r#"{"schemaVersion": 1, "fsLayers": []}"#, oci), "image-media-type-unknown");
    assert_eq!(
        code(r#"{"manifests": [], "config": {"digest": ""}, "layers": []}"#, oci),
        "image-format-invalid"
    );
    assert_eq!(code("[1, 2", oci), "image-format-invalid");
    assert_eq!(code(&"[".repeat(100_000), oci), "image-format-invalid");
    assert_eq!(code(&manifest.replace("sha256:", "sha512:"), oci), "image-format-invalid");
    let mut fewer: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    fewer["layers"].as_array_mut().unwrap().pop();
    assert_eq!(code(&fewer.to_string(), oci), "image-format-invalid");
}

#[test]
fn platforms_and_tags_are_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let of = |os: &str, architecture: &str| Sample {
        platform: (os.to_owned(), architecture.to_owned()),
        ..Sample::new(vec![Tar::new().file("arch.txt", format!("{os}/{architecture}")).end()])
    };
    let samples = [of("linux", "arm64"), of("linux", "amd64"), of("windows", "amd64"), of("linux", "s390x")];
    let mut manifests: Vec<_> = samples.iter().map(Sample::descriptor).collect();
    // One of them one level down.
    let nested = json!({"schemaVersion": 2, "manifests": [manifests.pop()]}).to_string();
    put_blob(folder.path(), nested.as_bytes());
    let index = "application/vnd.oci.image.index.v1+json";
    manifests.push(json!({"mediaType": index, "digest": sha(nested.as_bytes()).to_string()}));
    let attestation =
        json!({"digest": sha(b"none").to_string(), "platform": {"os": "unknown", "architecture": "unknown"}});
    manifests.insert(0, attestation);
    layout(folder.path(), &samples.each_ref(), json!(manifests));
    let source = Source::parse(&folder.path().display().to_string()).unwrap();
    let platform = |wanted: Option<&str>| {
        let options = OpenOptions { platform: wanted.map(str::to_owned), ..options() };
        open(&source, &options)
            .map(|image| image.platform().unwrap().to_owned())
            .map_err(|error| error.code())
    };
    assert_eq!(platform(None).as_deref(), Ok("linux/amd64"));
    assert_eq!(platform(Some("linux/arm64")).as_deref(), Ok("linux/arm64"));
    assert_eq!(platform(Some("linux/arm64/v8")).as_deref(), Ok("linux/arm64"));
    assert_eq!(platform(Some("linux/s390x")).as_deref(), Ok("linux/s390x"));
    assert_eq!(platform(Some("linux/riscv64")), Err("image-platform-missing"));
    assert_eq!(platform(Some("linux")), Err("image-reference-invalid"));

    let named = |sample: &Sample, name: &str| {
        let mut descriptor = sample.descriptor();
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        descriptor
    };
    layout(
        folder.path(),
        &samples.each_ref(),
        json!([named(&samples[0], "one"), named(&samples[1], "app:two")]),
    );
    let by_tag = |tag: &str| {
        let text = format!("oci:{}{tag}", folder.path().display());
        open_text(&text).map(|image| image.platform().unwrap().to_owned()).map_err(|error| error.code())
    };
    assert_eq!(by_tag(":one").as_deref(), Ok("linux/arm64"));
    assert_eq!(by_tag(":two").as_deref(), Ok("linux/amd64"));
    assert_eq!(by_tag(":three"), Err("image-reference-unknown"));
    assert_eq!(by_tag(""), Err("image-reference-unknown"));
}

#[test]
fn indexes_that_contain_themselves_or_go_too_deep_end() {
    use crate::choose::choose;
    use crate::manifest::{Descriptor, Document};
    let index = |digest: String| {
        json!({"manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest}]})
            .to_string()
    };
    let start = |digest: String| match Document::parse(index(digest).as_bytes(), None, "index").unwrap() {
        Document::Index(entries) => entries,
        Document::Manifest(_) => panic!("an index"),
    };
    let own = sha(b"own").to_string();
    let itself = |_: &Descriptor| Ok(index(own.clone()).into_bytes());
    let error = choose(start(own.clone()), None, &itself, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("contains itself"));
    let deeper =
        |descriptor: &Descriptor| Ok(index(sha(descriptor.digest.as_bytes()).to_string()).into_bytes());
    let error = choose(start(own.clone()), None, &deeper, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("nested"));
    let wide = |_: &Descriptor| Ok(json!({"manifests": []}).to_string().into_bytes());
    let many = start(own).into_iter().cycle().take(100_000).collect();
    assert!(choose(many, None, &wide, &Limits::default()).unwrap_err().to_string().contains("more than"));
}

#[test]
fn archives_with_links_damage_and_several_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let layer = Tar::new().file("a", "1").end();
    let sample = Sample::new(vec![layer.clone(), layer.clone()]);
    let config = sample.config();
    let manifest = json!([
        {"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["x/layer.tar", "y/layer.tar"]},
        {"Config": "c.json", "RepoTags": null, "Layers": []},
    ]);
    let tar = Tar::new()
        .file("c.json", config)
        .file("x/layer.tar", &layer)
        .symlink("y/layer.tar", "../x/layer.tar");
    let tar = tar.file("manifest.json", manifest.to_string()).end();
    std::fs::write(&path, &tar).unwrap();
    let text = format!("docker-archive:{}", path.display());
    assert_eq!(open_text(&text).unwrap_err().code(), "image-reference-unknown");
    let image = open_text(&format!("{text}:app:1")).unwrap();
    assert_eq!(contents(&image, &selector(&["**"])).0.len(), 1);
    std::fs::write(&path, &tar[..tar.len() / 2]).unwrap();
    assert_eq!(open_text(&text).unwrap_err().code(), "image-format-invalid");
    std::fs::write(&path, gzip(&tar)).unwrap();
    assert_eq!(open_text(&text).unwrap_err().code(), "image-format-invalid");
    assert_eq!(open_text("oci:missing").unwrap_err().code(), "image-open-failed");
    assert_eq!(open_text("dir:missing").unwrap_err().code(), "image-open-failed");
}

#[test]
fn a_file_too_large_to_hold_is_a_gap_only_if_it_is_wanted() {
    let elf = Interest {
        magic: vec![Magic { offset: 0, bytes: b"\x7fELF".to_vec() }],
        keywords: vec![b"needle".to_vec()],
        ..interest("elf", &[])
    };
    let body = |needle: &str| {
        [b"\x7fELF".as_slice(), &vec![b'.'; 100_000], needle.as_bytes(), &vec![b'.'; 100_000]].concat()
    };
    let tar = Tar::new()
        .file("with", body("needle"))
        .file("without", body(""))
        .file("small", "\x7fELFneedle")
        .end();
    let selector = Selector::new(vec![elf]).unwrap();
    let outcome = read_with(&tar, &selector, &Limits::default(), &Budget::new(100_000)).unwrap();
    assert_eq!((outcome.contents(), outcome.codes()), (vec![("small", "\x7fELFneedle")], vec!["size-limit"]));
    assert_eq!(outcome.index.gaps()[0].subject, "with");
    let roomy = read_with(&tar, &selector, &Limits::default(), &Budget::new(1 << 20)).unwrap();
    assert_eq!((roomy.files.len(), roomy.codes()), (2, vec![]));
}

/// Gathers files until told to let go, like a caller that works in batches.
#[derive(Default)]
struct Batches {
    held: Vec<SelectedFile>,
    done: usize,
}

impl Sink for Batches {
    fn file(&mut self, file: SelectedFile) {
        self.held.push(file);
    }
    fn release(&mut self) {
        self.done += self.held.len();
        self.held.clear();
    }
}

#[test]
fn readers_that_share_little_memory_all_finish() {
    let tar =
        (0..60).fold(Tar::new(), |tar, n: usize| tar.file(&format!("f{n}"), vec![b'x'; n * 37 % 900])).end();
    let folder = tempfile::tempdir().unwrap();
    let sample = Sample::new((0..6).map(|_| tar.clone()).collect());
    layout(folder.path(), &[&sample], json!([sample.descriptor()]));
    let budget = Budget::new(1200);
    let options = OpenOptions { budget: budget.clone(), ..options() };
    let image = open(&Source::parse(&folder.path().display().to_string()).unwrap(), &options).unwrap();
    let selector = selector(&["**"]);
    std::thread::scope(|scope| {
        for layer in 0..6 {
            let (image, selector) = (&image, &selector);
            scope.spawn(move || {
                let mut sink = Batches::default();
                image.read_layer(layer, selector, &mut sink).unwrap();
                sink.release();
                assert_eq!(sink.done, 60);
            });
        }
    });
    assert!(budget.peak() <= 1200);
}
