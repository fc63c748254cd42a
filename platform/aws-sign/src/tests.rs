use super::{Credentials, Request, SignError, sign};

/// 2015-08-30 12:36:00, the time of AWS's test suite.
const TIME: i64 = 1_440_938_160;
const KEY: &str = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n";

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Signed header names and signature.
fn signed(
    token: &str,
    scope: &str,
    method: &str,
    url: &str,
    own: &[(&str, &str)],
    body: &str,
) -> (String, String) {
    let credentials = Credentials::parse(&format!("{KEY}aws_session_token = {token}")).unwrap();
    let own = headers(own);
    let request = Request { method, url, headers: &own, body: body.as_bytes() };
    let added = sign(&credentials, &scope.parse().unwrap(), &request, TIME).unwrap();
    let value = added.iter().find(|(name, _)| name == "authorization").unwrap().1.clone();
    let part = |name: &str| value.split(", ").find_map(|part| part.split_once(name)).unwrap().1.to_owned();
    (part("SignedHeaders="), part("Signature="))
}

/// `get-vanilla`, `get-vanilla-query-order-key-case` and `post-x-www-form-urlencoded` of AWS's Signature Version 4 test suite.
#[test]
fn signatures_are_those_of_the_published_test_suite() {
    for (method, query, own, body, names, signature) in [
        (
            "GET",
            "",
            &[][..],
            "",
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET",
            "?Param2=value2&Param1=value1",
            &[][..],
            "",
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "",
            &[("Content-Type", "application/x-www-form-urlencoded")][..],
            "Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ] {
        let url = format!("https://example.amazonaws.com/{query}");
        let found = signed("", "us-east-1/service", method, &url, own, body);
        assert_eq!(found, (names.to_owned(), signature.to_owned()), "{method} {url}");
    }
}

/// Expected values made with botocore 1.44, the signer of the AWS CLI.
#[test]
fn storage_encoded_paths_ports_and_tokens_are_signed_as_the_cli_does() {
    let found = signed(
        "TOKEN+/=",
        "eu-west-1/s3",
        "GET",
        "https://s3.eu-west-1.amazonaws.com/my-bucket?policy",
        &[],
        "",
    );
    assert_eq!(found.0, "host;x-amz-content-sha256;x-amz-date;x-amz-security-token");
    assert_eq!(found.1, "aff1d697402b81a942d2f4d664230ec7cf0693dd1e69ac3390d18729f43dc487");
    let found = signed(
        "",
        "eu-west-1/lambda",
        "GET",
        "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/a%3Ab/policy?Marker=x%20y%2F",
        &[("accept", "not signed")],
        "",
    );
    assert_eq!(found.1, "9a4023f63fec75a4d7afa8d3a9c0f0bd663cdfc185e1ece9dd55c0be1275008b");
    let own = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.ListQueues")];
    let found = signed("TOKEN", "eu-west-1/sqs", "POST", "http://127.0.0.1:5000/", &own, "{}");
    assert_eq!(found.1, "a0af5c9149758c611c05e9cf034d8132565de56790400569742c787c6f7773cd");
}

#[test]
fn headers_of_the_same_name_are_replaced_and_not_signed_twice() {
    let own = [("X-Amz-Date", "20000101T000000Z")];
    let found = signed("", "us-east-1/service", "GET", "https://example.amazonaws.com/", &own, "");
    assert_eq!(found.1, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

#[test]
fn files_are_read_as_the_cli_reads_them() {
    let json = r#"{"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}"#;
    assert_eq!(Credentials::parse(json), Credentials::parse(KEY));
    let several = format!("# mine\n[other]\naws_access_key_id = X\n\n{KEY}\n[third]\nregion = eu-west-1\n");
    assert_eq!(Credentials::parse(&several), Credentials::parse(KEY));
    let one = KEY.replace("default", "audit");
    assert_eq!(Credentials::parse(&one), Credentials::parse(KEY));
    for (text, wanted) in [
        ("", "no profile"),
        ("aws_access_key_id = X", "no profile"),
        ("[a]\n[b]\n", "none is called default"),
        ("[default]\naws_access_key_id = X", "aws_secret_access_key is missing"),
        ("[default]\naws_secret_access_key = X", "aws_access_key_id is missing"),
        ("[default]\naws_access_key_id = X\naws_secret_access_key = a\tb", "characters"),
        (
            "[default]\naws_access_key_id = X\naws_secret_access_key = a\naws_session_token = a b",
            "aws_session_token",
        ),
        ("{", "not JSON"),
        ("{\"aws_access_key_id\": 1}", "aws_access_key_id is missing"),
    ] {
        let error = Credentials::parse(text).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(error.code(), "aws-credentials-invalid");
    }
}

#[test]
fn nothing_shows_the_secret() {
    let credentials = Credentials::parse(&format!("{KEY}aws_session_token = TOKEN")).unwrap();
    let shown = format!("{credentials:?}");
    assert!(shown.contains("AKIDEXAMPLE") && !shown.contains("wJalr") && !shown.contains("TOKEN"), "{shown}");
}

#[test]
fn what_cannot_be_signed_is_refused() {
    for text in ["", "eu-west-1", "/ec2", "eu-west-1/", "eu-west-1/ec2/x", "EU/ec2", "a b/ec2", "a/\n"] {
        assert!(matches!(text.parse::<super::Scope>(), Err(SignError::Scope { .. })), "{text:?}");
    }
    let credentials = Credentials::parse(KEY).unwrap();
    let scope = "eu-west-1/ec2".parse().unwrap();
    for url in ["", "/", "ec2.amazonaws.com", "data:x"] {
        let request = Request { method: "GET", url, headers: &[], body: b"" };
        assert_eq!(sign(&credentials, &scope, &request, TIME), Err(SignError::Url), "{url}");
    }
    let request = Request { method: "GET", url: "https://a.example/", headers: &[], body: b"" };
    let never = sign(&credentials, &scope, &request, i64::MAX);
    assert_eq!(never, Err(SignError::Time { seconds: i64::MAX }));
}
