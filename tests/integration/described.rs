//! `palisade scan dir` over what describes clusters, clouds and images: the same checks, with file and line.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::Data;

fn scan(folder: &Path, extra: &[&str]) -> Value {
    let folder = folder.display().to_string();
    let words = ["scan", "dir", &folder, "--format", "json"];
    Data::shared().run(&[words.as_slice(), extra].concat()).expect_code(0).json()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Whether a rule failed at a line of a file.
fn at(report: &Value, rule: &str, file: &str, line: u64) -> bool {
    report["findings"].as_array().unwrap().iter().any(|finding| {
        let evidence = &finding["evidence"][0];
        finding["rule"].as_str().unwrap().ends_with(&format!("/{rule}"))
            && evidence["path"] == file
            && evidence["line"] == line
    })
}

const DEPLOYMENT: &str = "\
# A comment before it.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          securityContext:
            privileged: yes
";

#[test]
fn files_are_judged_by_the_checks_of_running_systems_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "deploy/web.yaml", DEPLOYMENT);
    write(folder.path(), "app/Dockerfile", "FROM debian:latest\nENV API_TOKEN=abc123secretvalue\nRUN echo\n");
    let bucket = json!({
        "address": "aws_s3_bucket.data", "mode": "managed", "type": "aws_s3_bucket", "name": "data",
        "provider_name": "registry.terraform.io/hashicorp/aws", "values": { "bucket": "data" },
    });
    let block = json!({
        "address": "aws_s3_bucket_public_access_block.data", "mode": "managed",
        "type": "aws_s3_bucket_public_access_block", "name": "data",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "values": { "bucket": "data", "block_public_acls": false, "block_public_policy": false,
            "ignore_public_acls": false, "restrict_public_buckets": false },
    });
    let change = |resource: &Value| {
        json!({
            "address": resource["address"], "mode": "managed", "type": resource["type"], "name": resource["name"],
            "provider_name": resource["provider_name"],
            "change": { "actions": ["create"], "before": null, "after": resource["values"], "after_unknown": {} },
        })
    };
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.0",
        "planned_values": { "root_module": { "resources": [bucket, block] } },
        "resource_changes": [change(&bucket), change(&block)],
    });
    write(folder.path(), "infra/plan.json", &plan.to_string());
    write(
        folder.path(),
        "infra/main.tf",
        "# Storage.\nresource \"aws_s3_bucket\" \"data\" {\n  bucket = \"data\"\n}\n",
    );

    let report = scan(folder.path(), &[]);
    assert!(at(&report, "privileged-container", "deploy/web.yaml", 14), "{report:#}");
    assert!(at(&report, "secret-in-env", "app/Dockerfile", 2), "{report:#}");
    assert!(at(&report, "base-image-tag", "app/Dockerfile", 1), "{report:#}");
    let of_bucket = report["findings"].as_array().unwrap().iter().any(|finding| {
        finding["rule"].as_str().unwrap().starts_with("palisade.cloud-posture/s3")
            && finding["evidence"][0]["path"] == "infra/main.tf"
            && finding["evidence"][0]["line"] == 2
    });
    assert!(of_bucket, "{report:#}");
    // What files cannot say is said once.
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    assert!(gaps.iter().filter(|gap| gap["subject"] == "kubernetes").count() == 1, "{gaps:#?}");

    let without = scan(folder.path(), &["--no-config"]);
    assert_eq!(without["findings"], json!([]));
}

#[test]
fn what_cannot_be_read_is_a_gap_at_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n\
        d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n\
        g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
    write(folder.path(), "bomb.yaml", bomb);
    write(folder.path(), "broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: [\n");
    write(folder.path(), "web.yaml", DEPLOYMENT);
    let report = scan(folder.path(), &[]);
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    for file in ["bomb.yaml", "broken.yaml"] {
        assert!(
            gaps.iter().any(|gap| gap["subject"].as_str().unwrap().starts_with(file)),
            "{file}: {gaps:#?}"
        );
    }
    assert!(at(&report, "privileged-container", "web.yaml", 14), "a bad file costs only itself");
}

#[test]
fn what_plain_directories_hold_is_scanned_as_before() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "notes.txt", "kind: Pod\n");
    write(folder.path(), "values.json", "{\"a\": 1}");
    let report = scan(folder.path(), &[]);
    assert_eq!(report["findings"], json!([]));
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    assert!(gaps.iter().all(|gap| gap["subject"] != "kubernetes"), "{gaps:#?}");
}
