//! The collector against AWS as a function.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use palisade_sdk::http::Request;
use palisade_sdk::testing::{Fakes, Reply};
use palisade_sdk::{Collector as _, Config, Error, HostError, Missing, collect};
use serde_json::{Value, json};

use crate::Aws;
use crate::operations::OPERATIONS;

type Server = Rc<dyn Fn(&str, &Request) -> Option<Reply>>;

/// What a whole collection gave.
#[derive(Default)]
struct Gathered {
    resources: BTreeMap<String, Vec<Value>>,
    missing: Vec<Missing>,
    requests: Vec<String>,
    calls: usize,
    pauses: Vec<u64>,
    outcome: Option<Error>,
}

impl Gathered {
    fn body(&self, asset: &str) -> &Value {
        let bodies =
            self.resources.get(asset).unwrap_or_else(|| panic!("{asset} of {:?}", self.resources.keys()));
        assert_eq!(bodies.len(), 1, "{asset} was handed over more than once");
        &bodies[0]
    }

    fn subjects(&self) -> Vec<&str> {
        self.missing.iter().map(|missing| missing.subject.as_str()).collect()
    }

    fn asked(&self, operation: &str) -> usize {
        self.requests.iter().filter(|asked| *asked == operation).count()
    }
}

/// `SERVICE OPERATION` of a request.
fn operation(request: &Request) -> String {
    let header = |name: &str| {
        request.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.as_str())
    };
    let service = header("palisade-aws-scope").split('/').nth(1).unwrap();
    let body = String::from_utf8_lossy(&request.body);
    let name = match (header("x-amz-target").rsplit_once('.'), body.strip_prefix("Action=")) {
        (Some((_, name)), _) => name.to_owned(),
        (None, Some(form)) => form.split('&').next().unwrap().to_owned(),
        _ => format!("{} /{}", request.method, request.url.splitn(4, '/').nth(3).unwrap_or_default()),
    };
    format!("{service} {name}")
}

/// The answer of an account that has nothing.
fn nothing(request: &Request) -> Reply {
    let body = String::from_utf8_lossy(&request.body);
    match body.strip_prefix("Action=").and_then(|form| form.split('&').next()) {
        Some("GetCallerIdentity") => form(
            "GetCallerIdentity",
            "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/palisade</Arn><UserId>U</UserId>",
        ),
        Some("DescribeVpcs" | "DescribeSnapshots" | "DescribeInstances") => {
            Reply::status(200).body("<Response/>")
        }
        Some(name) => form(name, ""),
        None if operation(request).starts_with("s3 ") => Reply::status(200).body("<Result/>"),
        None if operation(request) == "sqs GetQueueAttributes" => Reply::json(&json!({ "Attributes": {} })),
        None => Reply::json(&json!({})),
    }
}

fn form(name: &str, result: &str) -> Reply {
    Reply::status(200).body(format!("<{name}Response><{name}Result>{result}</{name}Result></{name}Response>"))
}

fn json_error(status: u16, code: &str) -> Reply {
    Reply::status(status)
        .body(json!({ "__type": format!("com.amazonaws#{code}"), "message": "no" }).to_string())
}

/// Collects everything from an account that answers as `server` says, and elsewhere has nothing.
fn gather(services: &[&str], server: impl Fn(&str, &Request) -> Option<Reply> + 'static) -> Gathered {
    let config = json!({ "regions": ["eu-west-1"], "services": services });
    run(&config, Rc::new(server))
}

fn run(config: &Value, server: Server) -> Gathered {
    let mut gathered = Gathered::default();
    let (mut cursor, mut now) = (None::<String>, 1_767_323_045_000_000_000_u64);
    let asked = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..5_000 {
        let (own, server) = (Rc::clone(&asked), Rc::clone(&server));
        let answer = move |request: &Request| {
            let operation = operation(request);
            own.borrow_mut().push(operation.clone());
            assert_eq!(request.secret.as_deref(), Some("aws"));
            Some(server(&operation, request).unwrap_or_else(|| nothing(request)))
        };
        let _fakes = Fakes::new().now(now).server(answer).install();
        gathered.calls += 1;
        match collect::<Aws>(&config.to_string(), cursor.as_deref()) {
            Ok(page) => {
                for resource in page.resources {
                    let mut body: Value = serde_json::from_slice(&resource.body).unwrap();
                    body["kind"] = Value::String(resource.kind);
                    gathered.resources.entry(resource.asset).or_default().push(body);
                }
                gathered.missing.extend(page.missing);
                assert!(page.next.is_none() || page.next != cursor);
                cursor = page.next;
                if cursor.is_none() {
                    gathered.requests = asked.borrow().clone();
                    return gathered;
                }
                assert!(cursor.as_ref().unwrap().len() <= 64 * 1024);
            }
            Err(Error::RetryAfter(pause)) => {
                gathered.pauses.push(pause);
                now += pause * 1_000_000;
            }
            Err(error) => {
                gathered.outcome = Some(error);
                gathered.requests = asked.borrow().clone();
                return gathered;
            }
        }
    }
    panic!("the collection does not end");
}

fn queue_list(count: usize) -> Reply {
    let urls: Vec<String> = (0..count)
        .map(|n| format!("https://sqs.eu-west-1.amazonaws.com/123456789012/queue-{n:04}"))
        .collect();
    Reply::json(&json!({ "QueueUrls": urls }))
}

fn queue(number: usize) -> String {
    format!("arn:aws:sqs:eu-west-1:123456789012:queue-{number:04}")
}

#[test]
fn the_policy_allows_exactly_what_is_called() {
    let policy: Value = serde_json::from_str(crate::POLICY).unwrap();
    let actions: Vec<&str> = policy["Statement"][0]["Action"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    let wanted: BTreeSet<&str> =
        OPERATIONS.iter().map(|operation| operation.action).filter(|action| !action.is_empty()).collect();
    assert_eq!(actions, Vec::from_iter(wanted));
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
    for action in actions {
        let verb = action.split(':').nth(1).unwrap();
        let reads = ["Describe", "Get", "List", "GET", "GenerateCredentialReport"];
        assert!(reads.iter().any(|prefix| verb.starts_with(prefix)), "{action} may change something");
    }
}

#[test]
fn the_manifest_names_the_secrets_that_the_configuration_may() {
    let manifest: toml::Value = toml::from_str(crate::MANIFEST).unwrap();
    let names = &manifest["capabilities"]["secret"]["names"];
    assert_eq!(names, &manifest["config"]["properties"]["secret"]["enum"]);
}

#[test]
fn configurations_that_cannot_be_meant_are_refused() {
    for (config, wanted) in [
        (json!({ "account": "12" }), "12 digits"),
        (json!({ "regions": ["evil.example/"] }), "regions"),
        (json!({ "regions": [] }), "empty"),
        (json!({ "services": ["s33"] }), "s33"),
        (json!({ "endpoint": "file:///etc" }), "endpoint"),
        (json!({ "other": 1 }), "other"),
    ] {
        match Aws::new(&Config::new(config.to_string())) {
            Err(Error::InvalidConfig(message)) => assert!(message.contains(wanted), "{message}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[test]
fn the_wrong_account_is_not_collected() {
    let config = json!({ "account": "999999999999", "regions": ["eu-west-1"] });
    let gathered = run(&config, Rc::new(|_, _| None));
    assert!(format!("{:?}", gathered.outcome).contains("999999999999"));
    assert!(gathered.resources.is_empty());
}

#[test]
fn an_account_without_anything_is_collected_to_its_end() {
    let gathered = run(&json!({ "regions": ["eu-west-1", "eu-north-1"] }), Rc::new(|_, _| None));
    assert_eq!(gathered.outcome, None);
    assert!(gathered.resources.contains_key("arn:aws:account::123456789012:region/eu-north-1"));
    assert_eq!(gathered.body("arn:aws:iam::123456789012:user/palisade")["kind"], "aws:sts:caller-identity");
    assert_eq!(gathered.asked("sts GetCallerIdentity"), 1);
    assert_eq!(gathered.asked("ec2 DescribeInstances"), 2);
}

#[test]
fn every_regions_name_comes_from_aws_where_none_is_configured() {
    let gathered = run(
        &json!({ "services": ["sqs"] }),
        Rc::new(|operation, _| {
            (operation == "ec2 DescribeRegions").then(|| {
            Reply::status(200).body(
                "<R><regionInfo><item><regionName>eu-west-1</regionName><optInStatus>opted-in</optInStatus></item>\
                 <item><regionName>af-south-1</regionName><optInStatus>not-opted-in</optInStatus></item>\
                 <item><regionName>eu-north-1</regionName></item></regionInfo></R>",
            )
        })
        }),
    );
    assert_eq!((gathered.outcome.as_ref(), gathered.asked("sqs ListQueues")), (None, 2));
}

#[test]
fn throttling_is_waited_for_by_the_platform_and_loses_nothing() {
    let count = Rc::new(RefCell::new(0));
    let gathered = gather(&["sqs"], move |operation, _| match operation {
        "sqs ListQueues" => Some(queue_list(3)),
        "sqs GetQueueAttributes" => {
            *count.borrow_mut() += 1;
            match *count.borrow() {
                2 | 3 => Some(json_error(400, "ThrottlingException")),
                4 => Some(Reply::status(503).header("retry-after", "7")),
                _ => Some(Reply::json(&json!({ "Attributes": { "SqsManagedSseEnabled": "true" } }))),
            }
        }
        _ => None,
    });
    for number in 0..3 {
        assert_eq!(gathered.body(&queue(number))["Attributes"]["SqsManagedSseEnabled"], "true");
        assert_eq!(gathered.body(&queue(number))["Policy"], Value::Null);
    }
    assert_eq!((gathered.missing.len(), gathered.asked("sqs GetQueueAttributes")), (0, 6));
    assert_eq!((gathered.pauses.len(), gathered.pauses[2]), (3, 7_000));
    assert!((500..=625).contains(&gathered.pauses[0]), "{:?}", gathered.pauses);
    assert!((1_000..=1_250).contains(&gathered.pauses[1]), "{:?}", gathered.pauses);
}

#[test]
fn what_is_throttled_for_ever_is_missing_and_the_rest_goes_on() {
    let gathered = gather(&["sqs", "sns"], |operation, _| match operation {
        "sqs ListQueues" => Some(queue_list(2)),
        "sns ListTopics" => Some(Reply::status(429)),
        _ => None,
    });
    assert_eq!(gathered.subjects(), ["aws:sns:topic eu-west-1 ListTopics"]);
    assert_eq!(gathered.asked("sns ListTopics"), 8);
    assert!(gathered.resources.contains_key(&queue(1)));
    assert!(gathered.pauses.iter().all(|pause| *pause <= 60_000));
}

#[test]
fn a_refusal_costs_its_key_alone() {
    let gathered = gather(&["s3"], |operation, _| match operation {
        "s3 GET /?max-buckets=10000" => Some(Reply::status(200).body(
            "<R><Buckets><Bucket><Name>one</Name><BucketRegion>eu-west-1</BucketRegion></Bucket>\
             <Bucket><Name>two</Name><BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets></R>",
        )),
        "s3 GET /one?policy" | "s3 GET /two?policy" => {
            Some(Reply::status(403).body("<Error><Code>AccessDenied</Code><Message>no</Message></Error>"))
        }
        "s3 GET /one?encryption" => Some(
            Reply::status(404)
                .body("<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>"),
        ),
        "s3 GET /one?versioning" => Some(Reply::status(200).body("<V><Status>Enabled</Status></V>")),
        "s3 GET /one?publicAccessBlock" => Some(Reply::status(500)),
        _ => None,
    });
    let one = gathered.body("arn:aws:s3:::one");
    assert_eq!(one["Unknown"], json!(["PublicAccessBlock", "Policy"]));
    assert_eq!(one.get("Policy"), None);
    assert_eq!((&one["Encryption"], &one["Versioning"]), (&Value::Null, &json!({ "Status": "Enabled" })));
    assert_eq!(one["Region"], "eu-west-1");
    let subjects = gathered.subjects();
    assert!(subjects.contains(&"aws:s3:bucket global GetBucketPolicy"), "{subjects:?}");
    let policy =
        gathered.missing.iter().find(|missing| missing.subject.ends_with("GetBucketPolicy")).unwrap();
    assert!(policy.message.contains("AccessDenied: no"), "{}", policy.message);
    // Three tries for what failed, and nothing that was known already a second time.
    assert_eq!(gathered.asked("s3 GET /one?publicAccessBlock"), 3);
    assert_eq!(gathered.asked("s3 GET /one?encryption"), 1);
    assert_eq!(gathered.asked("s3 GET /one?location"), 0);
}

#[test]
fn a_page_that_is_cut_off_or_repeated_ends_its_listing_alone() {
    let cut = gather(&["sns", "sqs"], |operation, _| match operation {
        "sns ListTopics" => {
            Some(Reply::status(200).body("<ListTopicsResponse><ListTopicsResult><Topics><member>"))
        }
        "sqs ListQueues" => Some(queue_list(1)),
        _ => None,
    });
    assert_eq!(cut.subjects(), ["aws:sns:topic eu-west-1 ListTopics"]);
    assert!(cut.missing[0].message.contains("cut off"));
    assert!(cut.resources.contains_key(&queue(0)));
    let circle = gather(&["sqs"], |operation, request| match operation {
        "sqs ListQueues" => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let next = if body["NextToken"] == "a" { "b" } else { "a" };
            Some(Reply::json(&json!({ "QueueUrls": [format!("https://x/{next}")], "NextToken": next })))
        }
        _ => None,
    });
    assert_eq!(circle.subjects(), ["aws:sqs:queue eu-west-1 ListQueues"]);
    assert!(circle.missing[0].message.contains("second time"), "{}", circle.missing[0].message);
    assert_eq!(circle.asked("sqs ListQueues"), 3);
}

#[test]
fn more_than_a_cursor_holds_is_listed_again_and_handed_over_once() {
    let gathered = gather(&["sqs"], |operation, _| match operation {
        "sqs ListQueues" => Some(queue_list(2_000)),
        _ => None,
    });
    for number in 0..2_000 {
        gathered.body(&queue(number));
    }
    assert_eq!((gathered.missing.len(), gathered.asked("sqs GetQueueAttributes")), (0, 2_000));
    assert!(gathered.asked("sqs ListQueues") <= 20, "{}", gathered.asked("sqs ListQueues"));
    assert!(gathered.calls <= 25, "{}", gathered.calls);
}

#[test]
fn answers_that_are_too_large_are_missing() {
    let gathered = gather(&["sqs", "sns"], |operation, _| match operation {
        "sqs ListQueues" => Some(Reply::failure(HostError::Limit("egress-mib".into()))),
        _ => None,
    });
    assert_eq!(gathered.subjects(), ["aws:sqs:queue eu-west-1 ListQueues"]);
    assert!(gathered.missing[0].message.contains("egress-mib"));
    // Once in the call that other requests had used up, and once alone.
    assert!(gathered.asked("sqs ListQueues") <= 2);
}

#[test]
fn a_host_that_is_not_granted_is_asked_once_in_a_call() {
    let gathered = gather(&["ec2"], |operation, _| {
        operation.starts_with("ec2 ").then(|| Reply::failure(HostError::Denied("http".into())))
    });
    assert_eq!(gathered.requests.iter().filter(|asked| asked.starts_with("ec2 ")).count(), 1);
    assert_eq!(gathered.missing.len(), 12);
}

#[test]
fn credentials_that_expire_end_the_call_and_not_the_collection() {
    let gathered = gather(&["sqs"], |operation, _| match operation {
        "sqs ListQueues" => Some(json_error(400, "ExpiredTokenException")),
        _ => None,
    });
    assert!(
        matches!(&gathered.outcome, Some(Error::Host(message)) if message.contains("ExpiredTokenException"))
    );
}

#[test]
fn foreign_cursors_are_refused() {
    for cursor in ["", "{}", "[]", "null", "{\"steps\":1}"] {
        assert!(matches!(collect::<Aws>("{}", Some(cursor)), Err(Error::InvalidInput(_))), "{cursor}");
    }
}

#[test]
fn no_answer_however_strange_stops_a_collection() {
    let strange = [
        "",
        "{",
        "[]",
        "null",
        "{\"QueueUrls\": 7, \"NextToken\": []}",
        "<a>",
        "<a/>",
        "<a b='c'><![CDATA[",
        "\u{0}",
        "&x;",
        "{\"trailList\": {}, \"Keys\": [null, 1], \"clusters\": [[]], \"repositories\": [{}], \"items\": \"x\"}",
        "<R><Buckets><Bucket><Name>../..</Name></Bucket></Buckets><vpcSet><item/></vpcSet><snapshotSet><item/></snapshotSet></R>",
    ];
    for body in strange {
        let gathered = run(
            &json!({ "regions": ["eu-west-1"] }),
            Rc::new(move |operation, _| {
                (operation != "sts GetCallerIdentity").then(|| Reply::status(200).body(body))
            }),
        );
        assert_eq!(gathered.outcome, None, "{body}");
        let values = gathered.resources.values().flatten();
        assert!(values.into_iter().all(|body| body["Account"] == "123456789012"), "{body}");
    }
}

#[test]
fn values_of_secrets_stay_behind() {
    let gathered = gather(&["lambda", "ecs"], |operation, _| match operation {
        "lambda GET /2015-03-31/functions?MaxItems=50" => Some(Reply::json(&json!({ "Functions": [{
            "FunctionName": "f", "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "Environment": { "Variables": { "DB_PASSWORD": "hunter2" } },
        }] }))),
        "ecs ListTaskDefinitionFamilies" => Some(Reply::json(&json!({ "families": ["t"] }))),
        "ecs DescribeTaskDefinition" => Some(Reply::json(&json!({ "taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/t:1",
            "containerDefinitions": [{ "environment": [{ "name": "TOKEN", "value": "hunter2" }] }],
        } }))),
        _ => None,
    });
    let function = gathered.body("arn:aws:lambda:eu-west-1:123456789012:function:f");
    assert_eq!(function["Environment"], json!({ "VariableNames": ["DB_PASSWORD"] }));
    let task = gathered.body("arn:aws:ecs:eu-west-1:123456789012:task-definition/t:1");
    assert_eq!(task["containerDefinitions"][0]["environment"], json!([{ "name": "TOKEN" }]));
    assert!(!format!("{:?}", gathered.resources).contains("hunter2"));
}

/// What PyPI `moto` answered about the account that `tests/moto/populate.py --resources 60` makes; see README.md.
#[test]
fn a_recorded_account_is_collected_whole() {
    let recorded: Vec<Value> = serde_json::from_str(include_str!("../fixtures/moto.json")).unwrap();
    let answers: Rc<RefCell<Vec<Value>>> = Rc::new(RefCell::new(recorded));
    let left = Rc::clone(&answers);
    let config = json!({ "regions": ["eu-west-1"], "endpoint": "http://127.0.0.1:5000" });
    let gathered = run(
        &config,
        Rc::new(move |_, request| {
            let ask = asked(request);
            let mut answers = answers.borrow_mut();
            let place = answers.iter().position(|one| one["ask"] == ask).unwrap_or_else(|| panic!("{ask}"));
            let one = answers.remove(place);
            let status = u16::try_from(one["status"].as_u64().unwrap()).unwrap();
            let reply = Reply::status(status).body(one["body"].as_str().unwrap());
            Some(match one["error"].as_str() {
                Some("") | None => reply,
                Some(error) => reply.header("x-amzn-errortype", error),
            })
        }),
    );
    assert_eq!((gathered.outcome.as_ref(), left.borrow().len()), (None, 0));
    let kinds: BTreeSet<&str> =
        gathered.resources.values().flatten().map(|body| body["kind"].as_str().unwrap()).collect();
    for kind in [
        "aws:s3:bucket",
        "aws:iam:user",
        "aws:iam:role",
        "aws:iam:policy",
        "aws:ec2:instance",
        "aws:kms:key",
        "aws:ec2:security-group",
        "aws:rds:db-instance",
        "aws:lambda:function",
        "aws:sqs:queue",
        "aws:sns:topic",
        "aws:dynamodb:table",
        "aws:cloudtrail:trail",
        "aws:logs:log-group",
        "aws:secretsmanager:secret",
        "aws:ecr:repository",
    ] {
        assert!(kinds.contains(kind), "{kind} of {kinds:?}");
    }
    let public = gathered.body("arn:aws:s3:::example-public-policy");
    assert_eq!(public["Policy"]["Statement"][0]["Principal"], "*");
    assert_eq!(public["Region"], "eu-west-1");
    let user = gathered.body("arn:aws:iam::123456789012:user/example-inline");
    assert_eq!(user["Credentials"]["MfaActive"], false);
    assert!(user["UserPolicyList"][0]["PolicyDocument"]["Statement"].is_array());
}

/// As `examples/collect.rs` writes it.
fn asked(request: &Request) -> String {
    let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
    let header =
        |name: &str| request.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    format!(
        "{} {} /{path} {} {}",
        header("palisade-aws-scope").unwrap_or_default(),
        request.method,
        header("x-amz-target").unwrap_or("-"),
        String::from_utf8_lossy(&request.body)
    )
}
