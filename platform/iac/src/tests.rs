//! Trees of files to documents and gaps.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use model::GapCode;
use serde_json::{Value, json};

use crate::{Document, Limits, Options, Origin, Sources, read};

/// A tree of these files.
pub(crate) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

pub(crate) fn read_with(root: &Path, helm: Option<&Path>, limits: Limits) -> Sources {
    let exclude = |path: &str| path == "left/out";
    read(root, &Options { scope: "repo", helm, exclude: &exclude, limits }).unwrap()
}

pub(crate) fn sources(files: &[(&str, &str)]) -> Sources {
    read_with(tree(files).path(), None, Limits::default())
}

pub(crate) fn body(document: &Document) -> Value {
    serde_json::from_slice(&document.body).unwrap()
}

pub(crate) fn find<'a>(sources: &'a Sources, path: &str) -> &'a Document {
    let found = sources.documents.iter().find(|document| document.path == path);
    found.unwrap_or_else(|| panic!("{path} is not among {:?}", paths(sources)))
}

fn paths(sources: &Sources) -> Vec<&str> {
    sources.documents.iter().map(|document| document.path.as_str()).collect()
}

fn gaps(sources: &Sources) -> Vec<(GapCode, &str)> {
    sources.gaps.iter().map(|gap| (gap.code, gap.subject.as_str())).collect()
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: shop\nspec:\n  containers:\n  - name: c\n    image: x\n    securityContext:\n      privileged: yes\n";

#[test]
fn manifests_become_objects_with_the_lines_they_stand_on() {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "data": { "k": "aHVudGVyMg==" } },
        { "apiVersion": "batch/v1", "kind": "Job", "metadata": { "generateName": "j-" }, "spec": {} },
    ]});
    let list = serde_json::to_string_pretty(&list).unwrap();
    let read = sources(&[
        ("deploy/pod.yaml", POD),
        ("deploy/all.json", &list),
        (".github/ci.yml", "on: push\njobs: {a: [\n"),
        ("compose.yaml", "services: {a: {image: x}}\n"),
        ("tool.yaml", "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnodes: []\n"),
        ("package.json", "{\"name\": \"broken\""),
        ("left/out", POD),
    ]);
    assert_eq!(gaps(&read), []);
    assert_eq!(paths(&read), ["batch/Job/-/j-", "core/Pod/shop/a", "core/Secret/-/s"]);
    let pod = find(&read, "core/Pod/shop/a");
    assert_eq!((pod.file.as_str(), pod.kind.as_str()), ("deploy/pod.yaml", "v1/Pod"));
    assert_eq!(pod.asset, "k8s:repo/core/Pod/shop/a");
    let privileged = "/spec/containers/0/securityContext/privileged";
    assert_eq!((body(pod).pointer(privileged), pod.lines.of(privileged)), (Some(&json!(true)), 11));
    assert_eq!(pod.lines.of("/spec/containers/0/resources/limits"), 8);
    let secret = find(&read, "core/Secret/-/s");
    assert_eq!(body(secret)["data"]["k"], "");
    let line = list.lines().nth(secret.lines.of("/data/k") as usize - 1).unwrap();
    assert!(line.contains("aHVudGVyMg=="), "{line}");
    assert_eq!(read.kubernetes.objects().count(), 3);
    // What is in the tree is known; nothing else is.
    let missing: BTreeSet<String> = read.kubernetes.missing().iter().map(ToString::to_string).collect();
    assert!(missing.contains("NetworkPolicy.networking.k8s.io") && !missing.contains("Pod"));
}

#[test]
fn broken_files_are_gaps_and_what_stands_before_the_mistake_is_judged() {
    let bomb = (1..9).fold(
        "apiVersion: v1\nkind: Pod\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(),
        |text, level| {
            format!("{text}a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(","))
        },
    );
    let read = sources(&[
        ("a.yaml", &format!("{POD}---\napiVersion: v1\nkind: Pod\n  bad: [\n")),
        ("b.yaml", &bomb),
        ("c.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s, name: t}\n"),
        ("d.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .x }}}\n"),
        ("e.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a/b}\n"),
    ]);
    assert_eq!(paths(&read), ["core/Pod/shop/a", "core/Service/-/t"]);
    let parse = GapCode::ParseError;
    assert_eq!(
        gaps(&read),
        [
            (GapCode::SizeLimit, "b.yaml"),
            (parse, "a.yaml"),
            (parse, "c.yaml"),
            (parse, "d.yaml"),
            (parse, "e.yaml")
        ]
    );
    let reason = |file: &str| read.gaps.iter().find(|gap| gap.subject == file).unwrap().reason.clone();
    assert!(reason("c.yaml").contains("line 3: /metadata/name is there twice"), "{}", reason("c.yaml"));
    assert!(reason("d.yaml").contains("looks like a template"), "{}", reason("d.yaml"));
    assert!(reason("a.yaml").contains("line 15"), "{}", reason("a.yaml"));
}

#[test]
fn every_description_of_an_object_is_judged_and_patches_are_none() {
    let kustomization = "resources: [../base]\npatches:\n- path: patch.yaml\n- patch: |\n    a: b\n";
    let prod = POD.replace("yes", "no");
    let read = sources(&[
        ("base/pod.yaml", POD),
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("prod/pod.yaml", &prod),
        ("test/kustomization.yaml", kustomization),
        ("test/patch.yaml", POD),
        ("twice.yaml", &format!("{POD}---\n{POD}")),
    ]);
    assert_eq!(
        paths(&read),
        ["core/Pod/shop/a", "core/Pod/shop/a (prod/pod.yaml)", "core/Pod/shop/a (twice.yaml)"]
    );
    assert_eq!(gaps(&read), [(GapCode::NotCollected, "test/kustomization.yaml")]);
    assert!(read.documents.iter().all(|document| document.asset == "k8s:repo/core/Pod/shop/a"));
    assert_eq!(read.documents[0].file, "base/pod.yaml");
}

#[test]
fn limits_are_gaps() {
    let folder = tree(&[("a/b/c/d.yaml", POD), ("a.yaml", POD), ("b.yaml", POD), ("Dockerfile", "FROM a")]);
    let with = |limits| {
        gaps(&read_with(folder.path(), None, limits)).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    let whole = Limits::default();
    assert_eq!(with(whole), []);
    assert_eq!(with(Limits { depth: 2, ..whole }), [GapCode::DepthLimit]);
    assert_eq!(with(Limits { entries: 2, ..whole }), [GapCode::EntryLimit]);
    assert_eq!(with(Limits { documents: 1, ..whole }), [GapCode::EntryLimit]);
    assert_eq!(with(Limits { file_bytes: 100, ..whole }), [GapCode::SizeLimit; 3]);
    assert_eq!(with(Limits { total_bytes: 200, ..whole }), [GapCode::SizeLimit]);
    let missing = read(
        &folder.path().join("none"),
        &Options { scope: "", helm: None, exclude: &|_| false, limits: whole },
    );
    assert_eq!(missing.unwrap_err().code(), "iac-unreadable");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let folder = tree(&[("elsewhere/pod.yaml", POD), ("root/chart/Chart.yaml", "name: c\nversion: 0.1.0\n")]);
    let root = folder.path().join("root");
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), root.join("link")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere/pod.yaml"), root.join("pod.yaml")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("chart/values.yaml")).unwrap();
    let read = read_with(&root, Some(Path::new("/bin/false")), Limits::default());
    assert_eq!(paths(&read), Vec::<&str>::new());
    assert_eq!(gaps(&read), [(GapCode::UnsafePath, "chart/Chart.yaml")]);
}

#[test]
fn dockerfiles_are_documents_with_what_the_builder_leaves_out() {
    let read = sources(&[
        ("app/Dockerfile", "FROM a\nRUN x\n"),
        (".dockerignore", "# no\n.git\n\n*.pem\n"),
        ("app/Dockerfile.dev.dockerignore", "x\n"),
        ("app/Dockerfile.dev", "FROM b\n"),
        ("Dockerfile", "no\n"),
    ]);
    assert_eq!(gaps(&read), [(GapCode::ParseError, "Dockerfile")]);
    let document = find(&read, "app/Dockerfile");
    assert_eq!(
        (document.kind.as_str(), document.asset.as_str()),
        ("dockerfile", "dockerfile:app/Dockerfile")
    );
    assert_eq!(body(document)["dockerignore"], json!([".git", "*.pem"]));
    assert_eq!(document.lines.of("/stages/0/instructions/0"), 2);
    assert_eq!(body(find(&read, "app/Dockerfile.dev"))["dockerignore"], json!(["x"]));
}

/// The program that tests are to use; nothing, and a line that says so, where there is none.
fn helm() -> Option<PathBuf> {
    let found = std::env::var_os("PALISADE_HELM").map(PathBuf::from).or_else(crate::find_helm);
    if found.is_none() {
        eprintln!("skipped: no helm; set PALISADE_HELM to the program");
    }
    found
}

const TEMPLATE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-web\nspec:\n  template:\n    spec:\n      {{- if .Values.host }}\n      hostNetwork: true\n      {{- end }}\n      containers:\n      - name: web\n        image: {{ .Values.image }}\n        securityContext:\n          privileged: {{ .Values.privileged }}\n";

const CHART: [(&str, &str); 5] = [
    ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
    ("charts/web/values.yaml", "image: nginx:1\nprivileged: true\nhost: false\n"),
    ("charts/web/ci/host-values.yaml", "host: true\n"),
    ("charts/web/templates/deployment.yaml", TEMPLATE),
    (
        "charts/web/templates/tests/test.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\n",
    ),
];

#[test]
fn charts_without_helm_are_one_gap_and_their_templates_none() {
    let read = sources(&CHART);
    assert_eq!((paths(&read), gaps(&read)), (vec![], vec![(GapCode::NotCollected, "charts/web/Chart.yaml")]));
    assert!(read.gaps.first().unwrap().reason.starts_with("chart-not-rendered: there is no program `helm`"));
}

#[test]
fn charts_are_rendered_with_their_values_and_lead_to_their_templates() {
    let Some(helm) = helm() else { return };
    let read = read_with(tree(&CHART).path(), Some(&helm), Limits::default());
    assert_eq!(gaps(&read), []);
    let path = "apps/Deployment/-/release-web";
    let with = format!("{path} (charts/web/templates/deployment.yaml with charts/web/ci/host-values.yaml)");
    assert_eq!(paths(&read), [path, &with]);
    let (plain, host) = (find(&read, path), find(&read, &with));
    let privileged = "/spec/template/spec/containers/0/securityContext/privileged";
    assert_eq!(plain.file, "charts/web/templates/deployment.yaml");
    assert_eq!((body(plain).pointer(privileged), plain.lines.of(privileged)), (Some(&json!(true)), 15));
    assert_eq!(host.lines.of("/spec/template/spec/hostNetwork"), 9);
    // Three lines begin with `spec:`.
    assert_eq!(plain.lines.of("/spec/template/spec"), 6);
    let values = Some("charts/web/ci/host-values.yaml".to_owned());
    assert_eq!(host.origin, Origin::Rendered { chart: "charts/web".to_owned(), values });
}

#[test]
fn charts_that_helm_cannot_render_are_gaps_that_say_why() {
    let Some(helm) = helm() else { return };
    let folder = tree(&[
        ("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("a/templates/x.yaml", "a: {{ required \"name is needed\" .Values.name }}\n"),
        (
            "b/Chart.yaml",
            "apiVersion: v2\nname: b\nversion: 0.1.0\ndependencies: [{name: c, version: 1.0.0, repository: https://charts.example.org}]\n",
        ),
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\ntype: library\n"),
        ("d/Chart.yaml", "apiVersion: v2\nname: d\nversion: 0.1.0\n"),
        (
            "d/templates/x.yaml",
            "{{ range $i := until 20000 }}{{ range $j := until 1000 }}a{{ end }}{{ end }}\n",
        ),
        ("e/Chart.yaml", "apiVersion: v2\nname: e\nversion: 0.1.0\n"),
        (
            "e/templates/x.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}\ndata: {home: {{ env \"HOME\" | default \"none\" }}}\n",
        ),
    ]);
    let read = read_with(folder.path(), Some(&helm), Limits { rendered_bytes: 1 << 20, ..Limits::default() });
    let subjects: Vec<&str> = read.gaps.iter().map(|gap| gap.subject.as_str()).collect();
    assert_eq!(subjects, ["a/Chart.yaml", "b/Chart.yaml", "d/Chart.yaml", "e/Chart.yaml"]);
    let reasons: String = read.gaps.iter().map(|gap| gap.reason.as_str()).collect();
    assert!(reasons.contains("name is needed") && reasons.contains("helm dependency build"), "{reasons}");
    // Charts see nothing of the machine: the function does not exist.
    assert!(reasons.contains("function \\\"env\\\" not defined"), "{reasons}");
    assert!(!reasons.contains(folder.path().to_str().unwrap()), "{reasons}");
}

#[cfg(unix)]
#[test]
fn a_program_that_does_not_end_is_ended() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tree(&CHART);
    for (script, wanted) in [
        ("#!/bin/sh\nexec sleep 1000\n", "it took more than 0 s"),
        ("#!/bin/sh\nexec yes\n", "it printed more than 1000 bytes"),
        ("#!/bin/sh\necho secret=$PALISADE_HELM$USER >&2; exit 3\n", "secret=;"),
        ("#!/bin/sh\nexit 3\n", "exit status: 3"),
    ] {
        let helm = folder.path().join("helm");
        std::fs::write(&helm, script).unwrap();
        std::fs::set_permissions(&helm, std::fs::Permissions::from_mode(0o755)).unwrap();
        let render = std::time::Duration::from_millis(if wanted.contains("took") { 300 } else { 60_000 });
        let limits = Limits { render, rendered_bytes: 1_000, ..Limits::default() };
        let read = read_with(folder.path(), Some(&helm), limits);
        let reasons: String = read.gaps.iter().map(|gap| gap.reason.as_str()).collect();
        assert!(reasons.contains(wanted), "{script}: {reasons}");
    }
}
