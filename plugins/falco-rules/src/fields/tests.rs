use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::{Event, Value, all, find};
use crate::json::Doc;
use crate::output::shown;
use crate::source::Source;

/// What a field is of an object, as people see it.
fn of(source: Source, raw: &Json, name: &str) -> String {
    let (name, argument) = name.strip_suffix(']').and_then(|name| name.split_once('[')).unwrap_or((name, ""));
    let text = raw.to_string();
    let doc = Doc::read(&text).unwrap();
    let event = Event { source, raw: doc.root(), time: 1_718_108_124_058_348_969, organization: "acme" };
    shown(&find(name).unwrap().of(&event, argument))
}

fn expect(source: Source, raw: &Json, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(of(source, raw, name), *value, "{name}");
    }
}

#[test]
fn of_audit_events() {
    let raw = json!({
        "requestURI": "/a?command=sh&command=-c&x=1%2B1",
        "annotations": { "authorization.k8s.io/decision": "allow" },
        "user": { "groups": ["a", "b"] },
        "requestObject": { "roleRef": { "name": "admin" }, "subjects": [{ "name": "bob" }], "data": { "k": "v" },
            "rules": [{ "verbs": ["get"], "resources": ["pods", "secrets"] }, { "nonResourceURLs": ["/x"], "verbs": ["*"] }],
            "spec": { "hostPID": true, "securityContext": { "runAsUser": 5, "supplementalGroups": [1, 2] },
                "volumes": [{ "name": "v", "hostPath": { "path": "/etc/x" } }, { "name": "w", "emptyDir": {} },
                    { "name": "f", "flexVolume": { "driver": "d" } }],
                "ports": [{ "port": 80 }], "type": "NodePort",
                "containers": [
                    { "image": "r:5000/a:1", "ports": [{ "hostPort": 80 }, { "containerPort": 81 }],
                      "securityContext": { "privileged": true, "runAsUser": 7, "capabilities": { "add": ["A", "B"] } } },
                    { "image": "b@sha256:1", "securityContext": { "capabilities": { "add": ["C"] }, "procMount": "Unmasked",
                      "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false } } ] } },
        "responseObject": { "metadata": { "name": "n" } }, "responseStatus": { "code": 403, "reason": "Forbidden" },
    });
    expect(
        Source::K8sAudit,
        &raw,
        &[
            ("ka.auth.decision", "allow"),
            ("ka.user.groups", "(a,b)"),
            ("ka.user.name", "<NA>"),
            ("ka.uri.param[command]", "sh"),
            ("ka.uri.param[x]", "1+1"),
            ("ka.req.binding.role", "admin"),
            ("ka.req.binding.subjects", "({\"name\":\"bob\"})"),
            ("ka.req.binding.subject.has_name[bob]", "true"),
            ("ka.req.configmap.obj", "{\"k\":\"v\"}"),
            ("ka.req.pod.containers.image", "(r:5000/a:1,b@sha256:1)"),
            ("ka.req.pod.containers.image[1]", "(b@sha256:1)"),
            ("ka.req.pod.containers.image[2]", "<NA>"),
            ("ka.req.container.image", "r:5000/a:1"),
            ("ka.req.pod.containers.image.repository", "(r:5000/a,b)"),
            ("ka.req.container.image.repository", "r:5000/a"),
            ("ka.req.pod.host_pid", "true"),
            ("ka.req.pod.host_ipc", "<NA>"),
            ("ka.req.pod.containers.host_port", "(80,81)"),
            ("ka.req.pod.containers.privileged", "(true)"),
            ("ka.req.pod.containers.privileged[1]", "<NA>"),
            ("ka.req.container.privileged", "true"),
            ("ka.req.pod.containers.allow_privilege_escalation", "(false)"),
            ("ka.req.pod.containers.read_only_fs", "(true)"),
            ("ka.req.pod.run_as_user", "5"),
            ("ka.req.pod.containers.run_as_user", "(7)"),
            ("ka.req.pod.containers.eff_run_as_user", "(7,5)"),
            ("ka.req.pod.containers.eff_run_as_group", "(0,0)"),
            ("ka.req.pod.containers.proc_mount", "(Unmasked)"),
            ("ka.req.pod.supplemental_groups", "(1,2)"),
            ("ka.req.pod.containers.add_capabilities", "(A,B,C)"),
            ("ka.req.role.rules.verbs", "(get,*)"),
            ("ka.req.role.rules.verbs[1]", "(*)"),
            ("ka.req.role.rules.resources", "(pods,secrets)"),
            ("ka.req.role.rules.nonResourceURLs", "(/x)"),
            ("ka.req.role.rules.apiGroups", "<NA>"),
            ("ka.req.service.type", "NodePort"),
            ("ka.req.service.ports", "({\"port\":80})"),
            ("ka.req.pod.volumes.hostpath", "(/etc/x)"),
            ("ka.req.volume.hostpath[/etc/*]", "true"),
            ("ka.req.volume.hostpath[/etc]", "false"),
            ("ka.req.pod.volumes.volume_type", "(hostPath,emptyDir,flexVolume)"),
            ("ka.req.pod.volumes.flexvolume_driver", "(d)"),
            ("ka.resp.name", "n"),
            ("ka.response.code", "403"),
            ("ka.response.reason", "Forbidden"),
        ],
    );
}

#[test]
fn of_cloudtrail_records() {
    let raw = json!({
        "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "sourceIPAddress": "1.2.3.4", "recipientAccountId": "1",
        "userIdentity": { "type": "AssumedRole", "sessionContext": { "sessionIssuer": { "userName": "web" } } },
        "requestParameters": { "bucketName": "b", "key": "k/x" }, "managementEvent": false,
        "additionalEventData": { "bytesTransferredIn": 1, "bytesTransferredOut": 33.0 },
        "responseElements": { "instancesSet": { "items": [{ "imageId": "ami-1" }] } },
    });
    expect(
        Source::AwsCloudtrail,
        &raw,
        &[
            ("ct.shortsrc", "s3"),
            ("ct.user", "web"),
            ("ct.user.accountid", "1"),
            ("ct.error", "<NA>"),
            ("ct.readonly", "true"),
            ("ct.managementevent", "false"),
            ("ct.info", "web via 1.2.3.4 ← GetObject Size=34 URI=s3://b/k/x"),
            ("s3.uri", "s3://b/k/x"),
            ("s3.bytes", "34"),
            ("s3.bytes.out", "33"),
            ("s3.cnt.get", "1"),
            ("s3.cnt.put", "0"),
            ("s3.cnt.other", "0"),
            ("ec2.imageid", "ami-1"),
            ("ec2.name", "<NA>"),
        ],
    );
    let raw = json!({ "eventName": "RunInstances", "userIdentity": { "type": "IAMUser", "userName": "bob" }, "requestParameters":
        { "tagSpecificationSet": { "items": [{ "resourceType": "instance", "tags": [{ "key": "Name", "value": "n" }] }] } } });
    expect(
        Source::AwsCloudtrail,
        &raw,
        &[("ec2.name", "n"), ("ct.readonly", "false"), ("ct.user", "bob"), ("s3.cnt.other", "1")],
    );
}

#[test]
fn of_google_cloud_entries() {
    let raw = json!({
        "protoPayload": { "authenticationInfo": { "principalEmail": "a@b" }, "request": { "x": 1 },
            "serviceData": { "policyDelta": { "bindingDeltas": [{ "action": "ADD" }] } } },
        "resource": { "type": "logging_sink", "labels": { "zone": "us-central1-a", "name": "s", "project_id": "p" } },
    });
    expect(
        Source::GcpAuditlog,
        &raw,
        &[
            ("gcp.user", "a@b"),
            ("gcp.request", "{\"x\":1}"),
            ("gcp.policyDelta", "[{\"action\":\"ADD\"}]"),
            ("gcp.location", "us-central1"),
            ("gcp.logging.sink", "s"),
            ("gcp.projectId", "p"),
            ("gcp.callerIP", "<NA>"),
        ],
    );
    let of_set = json!({ "protoPayload": { "metadata": { "datasetChange": { "bindingDeltas": [1] } } }, "resource": { "type": "x", "labels": { "location": "eu" } } });
    expect(
        Source::GcpAuditlog,
        &of_set,
        &[("gcp.policyDelta", "[1]"), ("gcp.location", "eu"), ("gcp.logging.sink", "<NA>")],
    );
}

#[test]
fn of_okta_and_github() {
    let raw = json!({
        "actor": { "type": "User" }, "client": { "geographicalContext": { "geolocation": { "lat": 1.5 } } },
        "debugContext": { "debugData": { "requestUri": "/app/mail/x" } }, "securityContext": { "asNumber": 7 },
        "target": [{ "type": "User", "id": "1" }, { "type": "User", "id": "2" }, { "type": "UserGroup", "displayName": "g" }],
    });
    expect(
        Source::Okta,
        &raw,
        &[
            ("okta.app", "mail"),
            ("okta.org", "acme"),
            ("okta.actor.Type", "User"),
            ("okta.client.geo.lat", "1.5"),
            ("okta.security.asnumber", "7"),
            ("okta.target.user.id", "2"),
            ("okta.target.group.name", "g"),
            ("okta.mfa.deny.countlast[300]", "<NA>"),
        ],
    );
    let push = json!({
        "repository": { "html_url": "https://github.com/a/b", "private": false, "owner": { "login": "a" } }, "head_commit": { "id": "c" },
        "commits": [{ "added": ["x", "y"] }, { "added": ["z"], "removed": [] }],
        "files": [{ "name": "f", "matches": [{ "desc": "key", "line": 3 }] }],
        "workflow_miner_detections": { "matches": [{ "type": "xmrig" }, { "type": "stratum" }, { "type": "xmrig" }] },
    });
    expect(
        Source::Github,
        &push,
        &[
            ("github.type", "push"),
            ("github.repo.name", "a/b"),
            ("github.repo.public", "true"),
            ("github.commit.added", "x,y,z"),
            ("github.commit.removed", "<NA>"),
            ("github.diff.has_secrets", "true"),
            ("github.diff.committed_secrets.desc", "key"),
            ("github.diff.committed_secrets.files", "f"),
            ("github.diff.committed_secrets.lines", "3"),
            ("github.diff.committed_secrets.links", "https://github.com/a/b/blob/c/f/#L3"),
            ("github.workflow.has_miners", "true"),
            ("github.workflow.miners.type", "stratum,xmrig"),
        ],
    );
    let audit = json!({ "action": "repo.create", "actor": "bob", "org": "a", "repo": "a/b", "visibility": "private" });
    expect(
        Source::Github,
        &audit,
        &[
            ("github.type", "repo"),
            ("github.action", "create"),
            ("github.user", "bob"),
            ("github.repo.name", "a/b"),
            ("github.repo.public", "false"),
        ],
    );
}

#[test]
fn of_every_event() {
    let raw = json!({ "a": { "b/c": [{ "~": 1 }], "n": null, "o": { "x": 2 } } });
    expect(
        Source::Okta,
        &raw,
        &[
            ("json.value[/a/b~1c/0/~0]", "1"),
            ("jevt.value[a/o]", "{\"x\":2}"),
            ("json.value[/a/n]", "<NA>"),
            ("json.value[/a/b~1c/1]", "<NA>"),
            ("jevt.obj", &raw.to_string()),
            ("jevt.rawtime", "1718108124058348969"),
            ("evt.time", "12:15:24.058348969"),
            ("evt.datetime.s", "2024-06-11 12:15:24"),
            ("evt.rawtime.s", "1718108124"),
            ("evt.rawtime.ns", "58348969"),
            ("evt.source", "okta"),
        ],
    );
}

#[test]
fn no_field_of_no_object_makes_it_panic() {
    for text in [
        "{}",
        "[]",
        "1",
        "null",
        "\"x\"",
        "{\"requestObject\":{\"spec\":[1]},\"target\":{},\"userIdentity\":[],\"action\":7,\"eventName\":{}}",
    ] {
        let doc = Doc::read(text).unwrap();
        for source in Source::ALL {
            let event = Event { source, raw: doc.root(), time: u64::MAX, organization: "" };
            for field in all() {
                for argument in ["", "0", "99", "/", "x"] {
                    let _: Value<'_> = field.of(&event, argument);
                }
            }
        }
    }
}

#[test]
fn the_readme_has_every_field() {
    let readme = include_str!("../../README.md");
    let names = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .filter(|(name, _)| name.contains('.'));
    let told: Vec<Cow<'_, str>> = names.map(|(name, _)| Cow::from(name)).collect();
    let known: Vec<Cow<'_, str>> = all()
        .map(|field| match field.argument {
            super::Argument::No => Cow::from(field.name),
            super::Argument::Key => Cow::from(format!("{}[key]", field.name)),
            super::Argument::Place => Cow::from(format!("{}[place]", field.name)),
            super::Argument::Pointer => Cow::from(format!("{}[/pointer]", field.name)),
            super::Argument::Number => Cow::from(format!("{}[seconds]", field.name)),
        })
        .collect();
    assert_eq!(told, known);
}
