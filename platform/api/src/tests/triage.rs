//! What people make of findings, as clients say it.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Rig, content};

const IMAGE: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";
const CHANGES: &str = "/api/v1/finding-changes";

async fn rig() -> Rig {
    let rig = Rig::new().await;
    content::scanned(&rig.store, &rig.tenant(), IMAGE).await;
    rig
}

async fn send(rig: &Rig, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let bearer = rig.bearer();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    rig.send(method, path, &headers, body.map(Value::to_string).as_deref()).await
}

async fn of(rig: &Rig, rule: &str) -> (String, Value) {
    let row = rig.get(&format!("/api/v1/findings?rule={rule}")).await.json()["items"][0].clone();
    (format!("/api/v1/findings/{}", row["fingerprint"].as_str().unwrap()), row)
}

#[tokio::test]
async fn a_finding_is_taken_up_accepted_and_seen_to_be_so() {
    let rig = rig().await;
    let (path, row) = of(&rig, "CVE-2024-0001").await;
    assert_eq!((&row["status"], &row["version"], &row["tags"]), (&json!("open"), &json!(1), &json!([])));
    let first: Timestamp = row["first_seen_at"].as_str().unwrap().parse().unwrap();
    let due: Timestamp = row["due_at"].as_str().unwrap().parse().unwrap();
    assert_eq!((due - first).total(jiff::Unit::Hour).unwrap(), 15.0 * 24.0);

    let taken = json!({ "status": "in-progress", "assignee": "dan", "add_tags": ["team:web"], "comment": "on it", "version": 1 });
    let detail = send(&rig, Method::PATCH, &path, Some(&taken)).await;
    assert_eq!(detail.status.as_u16(), 200, "{}", detail.text());
    let detail = detail.json();
    assert_eq!((&detail["status"], &detail["assignee"]), (&json!("in-progress"), &json!("dan")));
    let last = detail["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["transition"], &last["actor"], &last["note"]),
        (&json!("commented"), &json!("test"), &json!("on it"))
    );
    assert!(last.get("scan").is_none(), "{last}");
    send(&rig, Method::PATCH, &path, Some(&taken)).await.problem(409, "version-stale");

    let accepted = json!({ "status": "accepted", "reason": "no data on it", "owner": "ann", "approver": "bob",
        "until": Timestamp::now().checked_add(jiff::SignedDuration::from_hours(24)).unwrap().to_string() });
    let detail = send(&rig, Method::PATCH, &path, Some(&accepted)).await.json();
    assert_eq!((&detail["decision"]["owner"], &detail["decision"]["by"]), (&json!("ann"), &json!("test")));
    assert!(detail["accepted_until"].is_string() && detail.get("due_at").is_none(), "{detail}");
    let overview = rig.get("/api/v1/overview").await.json();
    assert_eq!(overview["findings_by_severity"]["critical"], 0, "{overview}");
    for (query, found) in [
        ("status=accepted", 1),
        ("status=open,reopened", 4),
        ("assignee=dan", 1),
        ("assignee=-", 4),
        ("tag=team:web", 1),
        ("tag=team", 0),
        ("overdue=true", 0),
        ("status=accepted&suppressed=true", 1),
        ("filter=status:accepted%20assignee:d*", 1),
        ("filter=severity%3E%3Dhigh%20and%20not%20status:accepted", 2),
        ("filter=age%3E30", 0),
    ] {
        let page = rig.get(&format!("/api/v1/findings?{query}")).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{query}");
    }
    let reopened = json!({ "status": "open", "assignee": null });
    let detail = send(&rig, Method::PATCH, &path, Some(&reopened)).await.json();
    assert!(detail.get("decision").is_none() && detail.get("assignee").is_none(), "{detail}");
}

#[tokio::test]
async fn what_nobody_can_answer_for_is_refused() {
    let rig = rig().await;
    let (path, row) = of(&rig, "CVE-2024-0001").await;
    for (change, pointer) in [
        (json!({ "status": "accepted" }), "/reason"),
        (json!({ "status": "reopened" }), "/status"),
        (json!({}), ""),
    ] {
        let problem =
            send(&rig, Method::PATCH, &path, Some(&change)).await.problem(422, "finding-change-refused");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    send(&rig, Method::PATCH, &path, Some(&json!({ "colour": "red" }))).await.problem(422, "invalid-body");
    send(&rig, Method::PATCH, &path, Some(&json!({ "status": "gone" }))).await.problem(422, "invalid-body");
    let nobody = "/api/v1/findings/0000";
    send(&rig, Method::PATCH, nobody, Some(&json!({ "status": "open" })))
        .await
        .problem(404, "finding-not-found");
    assert_eq!(of(&rig, "CVE-2024-0001").await.1, row, "nothing of it was changed");

    let everything = json!({ "filter": {}, "change": { "status": "acknowledged" } });
    let problem =
        send(&rig, Method::POST, CHANGES, Some(&everything)).await.problem(422, "finding-change-refused");
    assert_eq!(problem["errors"][0]["pointer"], "/filter");
    let versioned = json!({ "filter": { "state": ["open"] }, "change": { "status": "open", "version": 1 } });
    let problem =
        send(&rig, Method::POST, CHANGES, Some(&versioned)).await.problem(422, "finding-change-refused");
    assert_eq!(problem["errors"][0]["pointer"], "/change/version");
}

#[tokio::test]
async fn many_findings_are_tried_changed_and_taken_back() {
    let rig = rig().await;
    let mut asked = json!({ "filter": { "package": "openssl" }, "change": { "status": "false-positive",
        "reason": "not built", "justification": "vulnerable_code_not_present" }, "dry_run": true });
    let tried = send(&rig, Method::POST, CHANGES, Some(&asked)).await;
    assert_eq!((tried.status.as_u16(), &tried.json()["matched"]), (200, &json!(2)), "{}", tried.text());
    assert_eq!(tried.json()["examples"][0]["rule"], "CVE-2024-0001");
    assert_eq!(rig.get(CHANGES).await.json()["items"], json!([]));

    asked["dry_run"] = json!(false);
    let accepted = send(&rig, Method::POST, CHANGES, Some(&asked)).await;
    assert_eq!(accepted.status.as_u16(), 202, "{}", accepted.text());
    let path = accepted.header("location").to_owned();
    let job = accepted.json();
    assert_eq!((&job["state"], &job["matched"], &job["by"]), (&json!("queued"), &json!(2), &json!("test")));
    assert_eq!(job["change"], "No finding: not built");
    send(&rig, Method::POST, &format!("{path}/undo"), None).await.problem(409, "finding-job-over");
    let work = async |path: &str| {
        let id = path.rsplit('/').next().unwrap().parse().unwrap();
        while rig.store.work_at_finding_job(&rig.tenant(), id, Timestamp::now()).await.unwrap() {}
    };
    work(&path).await;
    let job = rig.get(&path).await.json();
    assert_eq!((&job["state"], &job["changed"]), (&json!("finished"), &json!(2)), "{job}");
    send(&rig, Method::POST, &format!("{path}/cancel"), None).await.problem(409, "finding-job-over");
    let page = rig.get("/api/v1/findings?status=false-positive").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);

    let undone = send(&rig, Method::POST, &format!("{path}/undo"), None).await;
    assert_eq!((undone.status.as_u16(), &undone.json()["undoes"]), (202, &job["id"]), "{}", undone.text());
    send(&rig, Method::POST, &format!("{path}/undo"), None).await.problem(409, "finding-job-over");
    work(undone.header("location")).await;
    let page = rig.get("/api/v1/findings?status=false-positive").await.json();
    assert_eq!(page["items"], json!([]));
    assert_eq!(rig.get(&path).await.json()["undone_by"], undone.json()["id"]);

    let waits = send(&rig, Method::POST, CHANGES, Some(&asked)).await;
    let path = waits.header("location").to_owned();
    assert_eq!(send(&rig, Method::POST, &format!("{path}/cancel"), None).await.status.as_u16(), 200);
    assert_eq!(rig.get(&path).await.json()["state"], "cancelled");
    let unknown = format!("{CHANGES}/01890000-0000-7000-8000-000000000000");
    rig.get(&unknown).await.problem(404, "finding-job-not-found");
}

#[tokio::test]
async fn findings_leave_as_files_of_every_form() {
    let rig = rig().await;
    let (path, _) = of(&rig, "CVE-2024-0001").await;
    let none = json!({ "status": "false-positive", "reason": "never built", "justification": "component_not_present" });
    send(&rig, Method::PATCH, &path, Some(&none)).await;
    let export = async |query: &str| rig.get(&format!("/api/v1/findings/export?{query}")).await;

    let csv = export("").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"findings.csv\"");
    let lines: Vec<String> = csv.text().split("\r\n").map(str::to_owned).collect();
    assert_eq!(lines.len(), 7, "a line of names, five findings, and the end of the last");
    assert!(lines[1].contains(",CVE-2024-0001,") && lines[1].contains(",false-positive,"), "{}", lines[1]);

    let rows: Vec<Value> = export("format=ndjson&package=openssl")
        .await
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let list = rig.get("/api/v1/findings?package=openssl").await.json();
    assert_eq!(Value::Array(rows), list["items"], "the rows of the list");

    let vex = export("format=openvex").await.json();
    let statements = vex["statements"].as_array().unwrap();
    assert_eq!((statements.len(), &vex["author"]), (5, &json!("test")));
    assert_eq!(
        (&statements[0]["status"], &statements[0]["justification"]),
        (&json!("not_affected"), &json!("component_not_present"))
    );
    assert_eq!(statements[1]["status"], "under_investigation");
    let empty = export("format=openvex&rule=nothing").await.json();
    assert_eq!(empty["statements"], json!([]));

    let bom = export("format=cyclonedx").await.json();
    let vulnerabilities = bom["vulnerabilities"].as_array().unwrap();
    assert_eq!((&bom["specVersion"], vulnerabilities.len()), (&json!("1.6"), 5));
    assert_eq!(vulnerabilities[0]["analysis"]["state"], "false_positive");
    assert_eq!(export("format=cyclonedx&rule=nothing").await.json()["components"], json!([]));

    let ocsf = export("format=ocsf&severity=critical").await.text();
    let object: Value = serde_json::from_str(ocsf.trim()).unwrap();
    assert_eq!((&object["class_uid"], &object["status"]), (&json!(2002), &json!("Suppressed")));
    for (filter, detail) in [
        ("kev%3Atrue%20colour%3Ared", "at character 10"),
        ("%28kev%3Atrue", "never closed"),
        ("", "expected"),
    ] {
        let problem = export(&format!("filter={filter}")).await.problem(400, "invalid-filter");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    }
    export("format=pdf").await.problem(400, "invalid-parameter");
}
