//! The client against servers of this process: what is refused, what follows, what stays behind.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::NextTimeout;

use super::*;
use crate::policy::AllowRule;

/// Answers each connection with the next of `answers` and reports the head of each request.
fn serve(answers: Vec<String>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let _ = sender.send(head);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, receiver)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn policy(rules: &[&str]) -> Policy {
    Policy { allow: rules.iter().map(|rule| AllowRule::parse(rule).unwrap()).collect(), ..Policy::default() }
}

fn client(rules: &[&str]) -> Client {
    Client::new(policy(rules)).unwrap()
}

#[test]
fn every_way_to_write_an_inner_address_is_refused() {
    let client = client(&[]);
    // Alone among these, the last group cannot be a URL at all.
    let blocked = [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://0/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://0xa9fea9fe/",
        "https://2852039166/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0251.0376.0251.0376/",
        "https://100.100.100.200/",
        "https://192.168.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７。０。０。１/",
        "https://127%2e0%2e0%2e1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://1.1.1.1:22/",
        "http://1.1.1.1/",
        "http://example.org/",
    ];
    for url in blocked {
        let error = client.send(Request::get(url)).unwrap_err();
        assert_eq!(error.code(), "egress-blocked", "{url}: {error:?}");
        assert!(!error.to_string().contains("loopback"), "the message says why: {error}");
    }
    let unreadable = [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//127.0.0.1/",
        "https:///",
        "https://",
        "https://user@example.org/",
        "https://user:secret@example.org/",
        "https://example.org@127.0.0.1/",
        "https://example.org\\@127.0.0.1/",
        "https://127.0.0.1\t/",
        "https://exam\r\nple.org/",
        "https://example.org/\r\nHost: x",
        "https://256.256.256.256/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://a b/",
        "https://0x7f.0.0.0.1/",
    ];
    for url in unreadable {
        let error = client.send(Request::get(url)).unwrap_err();
        assert_eq!(error.code(), "egress-url-invalid", "{url}: {error:?}");
    }
}

#[test]
fn blocked_and_failed_read_the_same_and_differ_in_code() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/");
    let blocked = client(&[]).send(Request::get(&url)).unwrap_err();
    let failed = client(&["127.0.0.1"]).send(Request::get(&url)).unwrap_err();
    assert_eq!(blocked.to_string(), failed.to_string());
    assert_eq!((blocked.code(), failed.code()), ("egress-blocked", "egress-failed"));
    assert!(failed.passing() && !blocked.passing());
}

#[test]
fn an_allowed_target_answers_with_any_status() {
    let (address, heads) = serve(vec![answer("404 Not Found", "x-a: b\r\n", "gone")]);
    let request = Request::get(format!("http://{address}/path?q#fragment")).header("accept", "text/plain");
    let mut response = client(&[&address.to_string()]).send(request).unwrap();
    assert_eq!((response.status, response.header("x-a")), (404, Some("b")));
    let mut body = String::new();
    response.body.read_to_string(&mut body).unwrap();
    assert_eq!(body, "gone");
    let head = heads.recv().unwrap().to_lowercase();
    assert!(head.starts_with("get /path?q http/1.1\r\n"), "{head}");
    assert!(head.contains("accept: text/plain\r\n") && !head.contains("accept-encoding: gzip"), "{head}");
}

#[test]
fn credentials_stay_with_their_origin() {
    let (second, second_heads) = serve(vec![answer("200 OK", "", "")]);
    let (first, first_heads) = serve(vec![
        answer("302 Found", "location: /again\r\n", ""),
        answer("307 Temporary Redirect", &format!("location: http://{second}/blob\r\n"), ""),
    ]);
    let request =
        Request::get(format!("http://{first}/")).header("Authorization", "Bearer s3cret").header("x-k", "v");
    let response = client(&["127.0.0.1"]).send(request).unwrap();
    assert_eq!((response.status, response.url.path()), (200, "/blob"));
    for head in first_heads.try_iter() {
        assert!(head.contains("s3cret"), "same origin: {head}");
    }
    let head = second_heads.recv().unwrap();
    assert!(!head.contains("s3cret") && head.contains("x-k: v"), "other origin: {head}");
}

#[test]
fn a_redirect_is_checked_like_a_first_request() {
    for location in ["http://127.0.0.1:1/", "https://169.254.169.254/latest/", "https://[::ffff:10.0.0.1]/"] {
        let (address, _heads) = serve(vec![answer("302 Found", &format!("location: {location}\r\n"), "")]);
        let error =
            client(&[&address.to_string()]).send(Request::get(format!("http://{address}/"))).unwrap_err();
        assert_eq!(error.code(), "egress-blocked", "{location}: {error:?}");
    }
    let (address, _heads) = serve(vec![answer("302 Found", "location: file:///etc/passwd\r\n", "")]);
    let error = client(&[&address.to_string()]).send(Request::get(format!("http://{address}/"))).unwrap_err();
    assert_eq!(error.code(), "egress-redirects");
}

#[test]
fn redirects_end_and_bodies_do_not_follow() {
    let round = || answer("302 Found", "location: /\r\n", "");
    let (address, heads) = serve((0..10).map(|_| round()).collect());
    let error = client(&["127.0.0.1"]).send(Request::get(format!("http://{address}/"))).unwrap_err();
    assert_eq!((error.code(), heads.try_iter().count()), ("egress-redirects", 6));

    for make in [Request::post, Request::put] {
        let (address, heads) = serve(vec![round()]);
        let mut request = make(format!("http://{address}/"), b"hello".to_vec());
        request.follow = Redirects::Follow;
        assert_eq!(client(&["127.0.0.1"]).send(request).unwrap().status, 302);
        assert!(heads.recv().unwrap().to_lowercase().contains("content-length: 5"));
    }
}

#[test]
fn a_location_is_read_from_where_the_answer_came_from() {
    let table = [
        ("location: /other?a=b\r\n", Some("/other?a=b")),
        ("location: next\r\n", Some("/here/next")),
        ("location: /a\\b\r\n", None),
        ("location: http://[\r\n", None),
        ("", None),
    ];
    for (header, expected) in table {
        let (address, _heads) = serve(vec![answer("202 Accepted", header, "")]);
        let request = Request::post(format!("http://{address}/here/now"), Vec::new());
        let location = client(&["127.0.0.1"]).send(request).unwrap().location();
        assert_eq!(location.map(String::from), expected.map(|path| format!("http://{address}{path}")));
    }
}

#[test]
fn a_client_for_one_place_reaches_no_other_port_of_it() {
    let (own, heads) =
        serve(vec![answer("200 OK", "", ""), answer("302 Found", "location: http://127.0.0.1:1/\r\n", "")]);
    // Listens, and would answer whoever came.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let beside = other.local_addr().unwrap();
    let only = Some(crate::Origin::parse(&format!("http://{own}")).unwrap());
    let client = Client::new(Policy { only, ..policy(&["127.0.0.1"]) }).unwrap();
    assert_eq!(client.send(Request::get(format!("http://{own}/path"))).unwrap().status, 200);
    let own =
        [format!("https://{own}/"), format!("http://localhost:{}/", own.port()), format!("http://{own}/")];
    for url in own.iter().chain(&[format!("http://{beside}/"), "https://example.org/".to_owned()]) {
        let error = client.send(Request::get(url)).unwrap_err();
        assert_eq!(error.code(), "egress-blocked", "{url}: {error:?}");
    }
    assert_eq!(heads.try_iter().count(), 2, "the last of its own was a redirect elsewhere");
    assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn headers_cannot_smuggle_lines() {
    let request = Request::get("https://example.org/").header("x", "a\r\nHost: b");
    assert_eq!(client(&[]).send(request).unwrap_err().code(), "egress-header-invalid");
}

#[test]
fn a_body_cut_short_is_an_error() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_owned();
    let (address, _heads) = serve(vec![cut]);
    let mut response = client(&["127.0.0.1"]).send(Request::get(format!("http://{address}/"))).unwrap();
    assert!(response.body.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn silence_ends_in_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let quick = Policy { read_timeout: Duration::from_millis(50), ..policy(&["127.0.0.1"]) };
    let error = Client::new(quick).unwrap().send(Request::get(format!("http://{address}/"))).unwrap_err();
    assert_eq!(error.code(), "egress-timeout", "{error:?}");
}

/// A name server that first gives a public address and then an inner one.
#[derive(Debug)]
struct Rebinding {
    answers: Vec<Vec<SocketAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Resolver for Rebinding {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut addresses = self.empty();
        for address in &self.answers[turn.min(self.answers.len() - 1)] {
            addresses.push(*address);
        }
        Ok(addresses)
    }
}

#[test]
fn a_name_is_asked_once_and_every_answer_counts() {
    let inner: SocketAddr = "10.0.0.1:443".parse().unwrap();
    let public: SocketAddr = "1.1.1.1:443".parse().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let mixed = Rebinding { answers: vec![vec![public, inner]], asked: asked.clone() };
    let client = Client::with_resolver(Policy::default(), mixed).unwrap();
    let error = client.send(Request::get("https://rebind.example/")).unwrap_err();
    assert_eq!((error.code(), asked.load(Ordering::SeqCst)), ("egress-blocked", 1));
}

#[test]
fn the_connection_goes_to_the_address_that_was_checked() {
    let (address, heads) = serve(vec![answer("200 OK", "", "")]);
    let elsewhere = "127.0.0.2:1".parse().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let rebinding = Rebinding { answers: vec![vec![address], vec![elsewhere]], asked: asked.clone() };
    let client = Client::with_resolver(policy(&["rebind.example"]), rebinding).unwrap();
    assert_eq!(client.send(Request::get("http://rebind.example/")).unwrap().status, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(heads.recv().unwrap().to_lowercase().contains("host: rebind.example"));
}

#[test]
fn a_check_says_what_a_request_would_be_told_and_sends_nothing() {
    let (address, requests) = serve(vec![answer("200 OK", "", "")]);
    let url = format!("http://{address}/hook");
    let open = Client::new(policy(&[&address.to_string()])).unwrap();
    open.check(&url).unwrap();
    assert!(requests.try_recv().is_err(), "nothing was sent");
    let shut = Client::new(policy(&[])).unwrap();
    for url in [url.as_str(), "https://127.0.0.1/", "https://localhost/", "https://[::1]:8443/x"] {
        assert_eq!(shut.check(url).unwrap_err().code(), "egress-blocked", "{url}");
    }
    assert_eq!(shut.check("ftp://example.org/").unwrap_err().code(), "egress-url-invalid");
    shut.check("https://1.1.1.1/").unwrap();
}
