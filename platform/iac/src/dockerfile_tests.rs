use proptest::prelude::*;
use serde_json::{Value, json};

use super::{is_dockerfile, parse_dockerfile};

fn body(text: &str) -> Value {
    parse_dockerfile(text.as_bytes(), None).unwrap().0
}

fn error(text: &str) -> String {
    parse_dockerfile(text.as_bytes(), None).unwrap_err()
}

#[test]
fn stages_have_their_instructions_with_lines() {
    let text = "# syntax=docker/dockerfile:1\n# a comment\nARG TAG=3.19\nARG BASE=alpine:${TAG}\n\nFROM --platform=linux/amd64 ${BASE} AS build\nRUN apk add \\\n    # why\n    curl \\\n\n    git\nFROM scratch\nCOPY --from=build --chown=1:1 /a \"/b c\"\nFROM BUILD as last\nENTRYPOINT [\"/app\", \"-x\"]\ncmd run it\n";
    let (body, lines) = parse_dockerfile(text.as_bytes(), Some(vec![".git".to_owned()])).unwrap();
    assert_eq!(body["dockerignore"], json!([".git"]));
    assert_eq!(body["globals"][1]["args"], json!(["BASE=alpine:${TAG}"]));
    let stages = body["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 3);
    let head = |stage: usize, key: &str| stages[stage][key].clone();
    assert_eq!((head(0, "from"), head(0, "reference")), (json!("alpine:3.19"), json!("${BASE}")));
    assert_eq!(
        (head(0, "as"), head(0, "platform"), head(0, "base")),
        (json!("build"), json!("linux/amd64"), Value::Null)
    );
    assert_eq!((head(2, "base"), head(2, "line")), (json!(0), json!(14)));
    let run = &stages[0]["instructions"][0];
    assert_eq!(
        (&run["op"], &run["args"], &run["line"]),
        (&json!("RUN"), &json!(["apk", "add", "curl", "git"]), &json!(7))
    );
    let copy = &stages[1]["instructions"][0];
    assert_eq!(copy["flags"], json!({ "from": "build", "chown": "1:1" }));
    assert_eq!(copy["args"], json!(["/a", "/b c"]));
    let last = stages[2]["instructions"].as_array().unwrap();
    assert_eq!((&last[0]["form"], &last[0]["args"]), (&json!("exec"), &json!(["/app", "-x"])));
    assert_eq!((&last[1]["op"], &last[1]["form"]), (&json!("CMD"), &json!("shell")));
    assert_eq!(
        (lines.of("/stages/2/instructions/1/args"), lines.of("/globals/0"), lines.of("/stages/1")),
        (16, 3, 12)
    );
}

#[test]
fn here_documents_and_the_escape_directive_are_read() {
    let text =
        "FROM a\nRUN <<EOF cat <<-'TWO'\none\nFROM no\nEOF\n\t\tthree\n\tTWO\nRUN cat <<< word\nUSER x\n";
    let read = body(text);
    let instructions = &read["stages"][0]["instructions"];
    assert_eq!(instructions[0]["heredocs"], json!(["one\nFROM no\n", "three\n"]));
    assert_eq!(
        instructions[2],
        json!({ "op": "USER", "form": "shell", "args": ["x"], "flags": {}, "text": "x", "line": 9 })
    );
    let windows = body("# escape=`\r\nFROM a\r\nRUN dir C:\\ `\r\n  more\r\nCOPY a C:\\b\\\r\n");
    let instructions = &windows["stages"][0]["instructions"];
    assert_eq!(instructions[0]["args"], json!(["dir", "C:\\", "more"]));
    assert_eq!(instructions[1]["args"], json!(["a", "C:\\b\\"]));
}

#[test]
fn names_of_images_take_defaults_of_arguments_and_keep_what_is_unknown() {
    let from = |text: &str| body(text)["stages"][0]["from"].as_str().unwrap().to_owned();
    assert_eq!(from("FROM ${R:-docker.io}/a:$V"), "docker.io/a:$V");
    assert_eq!(from("ARG R=r\nFROM ${R:-docker.io}/a${R:+-x}:${V}"), "r/a-x:${V}");
    assert_eq!(from("ARG R\nFROM $R/a"), "$R/a");
    let doubling: String = (0..60).map(|n| format!("ARG A{}=$A{n}$A{n}\n", n + 1)).collect();
    assert!(from(&format!("ARG A0=xx\n{doubling}FROM $A60")).len() <= 1_000);
}

#[test]
fn what_is_no_dockerfile_is_said() {
    assert!(error("RUN x\nFROM a").contains("line 1: RUN stands before FROM"));
    assert!(error("").contains("no FROM"));
    assert!(error("FROM a\n{{ x }}\n").contains("line 2"));
    assert!(error("FROM a\nRUN <<EOF\nx\n").contains("does not end"));
    assert!(parse_dockerfile(b"FROM a\xff", None).is_err());
    assert!(error(&format!("FROM a\n{}", "RUN x\n".repeat(5_001))).contains("more than"));
}

#[test]
fn names_of_files_tell() {
    for yes in [
        "Dockerfile",
        "a/dockerfile",
        "Dockerfile.dev",
        "x/web.Dockerfile",
        "Containerfile",
        "Containerfile.x",
    ] {
        assert!(is_dockerfile(yes), "{yes}");
    }
    for no in ["Dockerfile.dockerignore", "Dockerfile.md", "dockerfiles", "mydockerfile", "Dockerfile/x"] {
        assert!(!is_dockerfile(no), "{no}");
    }
}

proptest! {
    #[test]
    fn any_text_comes_back(text in "(FROM|RUN|ARG|COPY|[ \n\\\\`$#{}:+<\"'a-c=-]){0,40}") {
        if let Ok((body, lines)) = parse_dockerfile(format!("FROM a\n{text}").as_bytes(), None) {
            let count = u32::try_from(text.lines().count()).unwrap() + 2;
            for (number, stage) in body["stages"].as_array().unwrap().iter().enumerate() {
                let line = lines.of(&format!("/stages/{number}"));
                prop_assert_eq!(&stage["line"], &json!(line));
                prop_assert!(line <= count);
            }
        }
    }
}
