use super::{HttpRule, Rights, SecretRule};

fn http(host: &str, methods: &[&str], paths: &[&str]) -> Rights {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let rule = HttpRule { host: host.to_owned(), methods: owned(methods), paths: owned(paths) };
    Rights { http: vec![rule], ..Rights::none() }
}

#[test]
fn a_request_needs_host_method_and_path_of_one_rule() {
    let mut rights = http("a.example", &["GET"], &["/v1/**"]);
    rights.http.extend(http("b.example:8443", &["POST"], &["/hook"]).http);
    for (host, method, path, allowed) in [
        ("a.example", "GET", "/v1/things/1", true),
        ("a.example", "POST", "/v1/things/1", false),
        ("a.example", "GET", "/v2", false),
        ("b.example:8443", "POST", "/hook", true),
        ("b.example", "POST", "/hook", false),
        ("b.example:8443", "POST", "/hook/", false),
        ("a.example", "POST", "/hook", false),
        ("sub.a.example", "GET", "/v1/x", false),
    ] {
        assert_eq!(rights.allows_http(host, method, path), allowed, "{method} {host}{path}");
    }
}

#[test]
fn what_cannot_be_granted_is_named() {
    for (rights, word) in [
        (http("*", &["GET"], &["/"]), "name of one host"),
        (http("A.example", &["GET"], &["/"]), "lower case"),
        (http("a..example", &["GET"], &["/"]), "name of one host"),
        (http("a.example:0", &["GET"], &["/"]), "port"),
        (http("a.example:080", &["GET"], &["/"]), "port"),
        (http("a.example", &["TRACE"], &["/"]), "method"),
        (http("a.example", &["GET"], &["v1"]), "path"),
        (http("a.example", &["GET"], &["/a/**/b"]), "path"),
        (http("a.example", &[], &["/"]), "methods"),
    ] {
        let error = rights.check_grant().unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(http("*", &["GET"], &["/"]).check(true).is_ok());
    let secret = |hosts: &[&str]| Rights {
        secrets: vec![SecretRule {
            name: "token".to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        }],
        ..Rights::none()
    };
    assert!(secret(&[]).check_grant().is_err() && secret(&[]).check(true).is_ok());
    assert!(secret(&["*"]).check_grant().is_err());
    assert!(secret(&["a.example"]).check_grant().is_ok());
}

#[test]
fn what_is_left_to_the_operator_is_where_he_lets_the_secrets_go_and_nowhere_else() {
    let secret = |name: &str, hosts: &[&str]| SecretRule {
        name: name.to_owned(),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
    };
    let mut asked = http("*", &["GET"], &["/**"]);
    asked.http.extend(http("fixed.example", &["POST"], &["/hook"]).http);
    asked.secrets = vec![secret("aws", &[]), secret("aws-1", &[]), secret("own", &["own.example"])];
    let aws = ["a.example".to_owned(), "b.example:8443".to_owned()];
    let granted = asked.settled(|name| if name == "aws" { &aws } else { &[] });
    granted.check_grant().unwrap();
    let allowed = |host: &str| granted.allows_http(host, "GET", "/x");
    assert!(allowed("a.example") && allowed("b.example:8443"));
    assert!(
        !allowed("own.example")
            && !allowed("b.example")
            && !allowed("fixed.example")
            && !allowed("other.example")
    );
    assert!(granted.allows_http("fixed.example", "POST", "/hook"));
    assert_eq!(
        granted.secrets,
        [secret("aws", &["a.example", "b.example:8443"]), secret("own", &["own.example"])]
    );
    asked.secrets.clear();
    let nobody = asked.settled(|_| &[]);
    assert!(!nobody.allows_http("a.example", "GET", "/x") && nobody.check_grant().is_ok());
}

#[test]
fn rights_at_one_place_are_the_same_rights_there_and_none_anywhere_else() {
    let mut granted = http("a.example", &["GET"], &["/v1/**"]);
    granted.http.extend(http("b.example", &["GET"], &["/v1/**"]).http);
    granted.secrets = vec![SecretRule { name: "aws".to_owned(), hosts: vec!["a.example".to_owned()] }];
    granted.blob = vec!["registry.example/**".to_owned()];
    granted.state_bytes = 7;
    let there = granted.only_at("127.0.0.1:4566");
    there.check_grant().unwrap();
    let lines: Vec<String> = there.lines().into_iter().collect();
    assert_eq!(lines, ["http GET 127.0.0.1:4566/v1/**", "secret aws to 127.0.0.1:4566", "state 7 bytes"]);
    for host in ["a.example", "b.example", "127.0.0.1:4567", "127.0.0.1", "localhost:4566"] {
        assert!(
            !there.allows_http(host, "GET", "/v1/x") && !there.allows_secret("aws", host, false),
            "{host}"
        );
    }
    assert!(!there.allows_http("127.0.0.1:4566", "POST", "/v1/x"), "no method is added");
    assert!(Rights::none().only_at("127.0.0.1:4566").lines().is_empty(), "nor a right where there was none");
}

#[test]
fn lines_are_read_as_they_are_written() {
    let lines = [
        "advisories",
        "assets pod",
        "blob registry.example/team/*",
        "http GET a.example:8443/v1/**",
        "http POST a.example/",
        "secret token",
        "secret token to a.example",
        "state 65536 bytes",
    ];
    let rights = Rights::from_lines(lines).unwrap();
    assert_eq!(rights.lines().into_iter().collect::<Vec<_>>(), lines);
    for odd in
        ["", "http GET a.example", "http a.example/", "state many bytes", "assets", "all", "advisories "]
    {
        assert!(Rights::from_lines([odd]).is_err(), "{odd:?}");
    }
}

#[test]
fn what_nobody_asked_for_is_named() {
    let asked = Rights::from_lines(["http GET */v1/**", "secret token", "state 10 bytes"]).unwrap();
    let granted = Rights::from_lines([
        "http GET a.example/v1/*",
        "http GET a.example/v2",
        "http POST a.example/v1/x",
        "secret token to a.example",
        "secret other to a.example",
        "state 5 bytes",
        "advisories",
    ])
    .unwrap();
    assert_eq!(
        granted.beyond(&asked),
        ["advisories", "http GET a.example/v2", "http POST a.example/v1/x", "secret other to a.example"]
    );
}

#[test]
fn the_difference_is_what_people_would_say() {
    let before = Rights { state_bytes: 100, ..http("a.example", &["GET"], &["/v1/**"]) };
    let after = Rights { advisories: true, ..http("a.example", &["GET", "POST"], &["/v1/**"]) };
    let difference = after.difference(&before);
    assert_eq!(difference.text(), "- state 100 bytes\n+ advisories\n+ http POST a.example/v1/**\n");
    let smaller = Rights { state_bytes: 50, ..before.clone() };
    assert_eq!(smaller.difference(&before).added, Vec::<String>::new());
    assert_eq!(before.difference(&smaller).added, ["state 100 bytes"]);
    assert_eq!(before.difference(&before), super::RightsDifference::default());
}
