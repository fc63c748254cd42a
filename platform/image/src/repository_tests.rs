//! Pushing and pulling against a registry of this process that can also misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use egress::{AllowRule, Client, Policy};

use super::*;
use crate::credentials::{Credential, Credentials};
use crate::fixture::Tar;
use crate::registry::Retry;

/// One request as the server saw it.
#[derive(Debug, Clone)]
struct Asked {
    method: String,
    path: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

/// Status, headers, body.
type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

struct Server {
    host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

fn serve(handler: impl Fn(&Asked) -> Answer + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let request = read(&mut BufReader::new(&stream));
            seen.lock().unwrap().push(request.clone());
            let (status, headers, body) = handler(&request);
            let mut head =
                format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            let _ = stream.write_all(&[head.as_bytes(), b"\r\n", &body].concat());
        }
    });
    Server { host, asked }
}

fn read(stream: &mut impl std::io::BufRead) -> Asked {
    let mut first = String::new();
    stream.read_line(&mut first).unwrap();
    let (mut authorization, mut length) = (None, 0);
    for line in stream.by_ref().lines() {
        let line = line.unwrap();
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let mut words = first.split(' ').map(str::to_owned);
    Asked { method: words.next().unwrap(), path: words.next().unwrap(), authorization, body }
}

impl Server {
    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn repository(&self) -> Repository {
        let client = Client::new(Policy {
            allow: vec![AllowRule::parse("127.0.0.0/8").unwrap()],
            ..Policy::default()
        });
        let mut credentials = Credentials::default();
        credentials.insert(&self.host, Credential { user: "user".into(), password: "s3cret".into() });
        let retry = Retry { attempts: 1, ..Retry::default() };
        let options = OpenOptions { retry, credentials, ..OpenOptions::new(client.unwrap()) };
        Repository::new(&Reference::parse(&format!("{}/team/app", self.host)).unwrap(), &options)
    }
}

fn plain(status: u16) -> Answer {
    (status, Vec::new(), Vec::new())
}

/// A registry in memory that wants credentials; upload sessions are at `place`, or at home.
fn registry(place: Option<String>) -> Server {
    let kept: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::default();
    serve(move |asked| {
        if asked.authorization.is_none() {
            return (401, vec![("www-authenticate", "Basic realm=\"r\"".to_owned())], Vec::new());
        }
        let mut kept = kept.lock().unwrap();
        let path = asked.path.as_str();
        match asked.method.as_str() {
            "POST" => {
                let at = place.clone().unwrap_or_else(|| "/v2/team/app/blobs/uploads/7".to_owned());
                (202, vec![("location", format!("{at}?_state=a%3Db"))], Vec::new())
            }
            "PUT" if path.contains("/uploads/") => {
                let digest = path.rsplit("digest=").next().unwrap().replace("%3A", ":");
                assert!(path.contains("_state=a%3Db&"), "{path}");
                kept.insert(format!("/v2/team/app/blobs/{digest}"), asked.body.clone());
                plain(201)
            }
            "PUT" => {
                kept.insert(path.to_owned(), asked.body.clone());
                plain(201)
            }
            _ => kept.get(path).map_or(plain(404), |bytes| (200, Vec::new(), bytes.clone())),
        }
    })
}

#[test]
fn what_is_pushed_comes_back_and_is_pushed_once() {
    let server = registry(None);
    let repository = server.repository();
    let digest = repository.put_blob(b"content").unwrap();
    assert_eq!(repository.put_blob(b"content").unwrap(), digest);
    assert_eq!(repository.blob(&digest, 100).unwrap(), b"content");
    assert_eq!(repository.blob(&digest, 6).unwrap_err().code(), "image-format-invalid");
    let uploads = server.asked().iter().filter(|asked| asked.method == "POST").count();
    assert_eq!(uploads, 1, "known blobs are not sent again");
    let stored = repository.put_manifest("1.0", "application/x", b"{}").unwrap();
    let manifest = repository.manifest("1.0", 100).unwrap();
    assert_eq!((manifest.bytes.as_slice(), manifest.digest), (&b"{}"[..], stored));
    assert_eq!(repository.manifest("2.0", 100).unwrap_err().code(), "image-reference-unknown");
}

#[test]
fn another_origin_gets_the_bytes_without_credentials() {
    let storage = serve(|_| plain(201));
    let server = registry(Some(format!("http://{}/up", storage.host)));
    server.repository().put_blob(b"content").unwrap();
    let asked = storage.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].method.as_str(), asked[0].body.as_slice()), ("PUT", &b"content"[..]));
    assert_eq!(asked[0].authorization, None);
}

#[test]
fn an_upload_place_in_the_network_or_nowhere_is_refused() {
    let table = [
        ("http://169.254.169.254/latest", "egress-blocked"),
        ("ftp://x/", "egress-url-invalid"),
        ("http://user:word@x/", "egress-url-invalid"),
        ("http://a\\b/", "image-format-invalid"),
    ];
    for (place, code) in table {
        let server = registry(Some(place.to_owned()));
        assert_eq!(server.repository().put_blob(b"content").unwrap_err().code(), code, "{place}");
    }
    let silent = serve(|asked| if asked.method == "POST" { plain(202) } else { plain(404) });
    assert_eq!(silent.repository().put_blob(b"x").unwrap_err().code(), "image-format-invalid");
}

#[test]
fn a_registry_that_refuses_or_keeps_something_else_is_told() {
    for (status, code) in
        [(403, "image-registry-denied"), (503, "image-registry-busy"), (200, "image-registry-answer")]
    {
        let server = serve(move |asked| if asked.method == "HEAD" { plain(404) } else { plain(status) });
        assert_eq!(server.repository().put_blob(b"x").unwrap_err().code(), code, "{status}");
        let repository = server.repository();
        assert_eq!(repository.put_manifest("1", "a/b", b"{}").unwrap_err().code(), code, "{status}");
    }
    let other = digest_of(b"other").as_str().to_owned();
    let lying = serve(move |_| (201, vec![("docker-content-digest", other.clone())], Vec::new()));
    let error = lying.repository().put_manifest("1", "a/b", b"{}").unwrap_err();
    assert_eq!(error.code(), "image-digest-mismatch");
    let swapped = serve(|_| (200, Vec::new(), b"other".to_vec()));
    let error = swapped.repository().blob(&digest_of(b"content"), 100).unwrap_err();
    assert_eq!(error.code(), "image-digest-mismatch");
}

#[test]
fn names_that_would_change_the_url_are_refused() {
    let server = registry(None);
    for name in ["", "../x", "a/b", "a?b", "sha256:12", "a#b"] {
        let error = server.repository().manifest(name, 10).unwrap_err();
        assert_eq!(error.code(), "image-reference-invalid", "{name}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_layout_gives_what_its_digests_promise() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (digest_of(b"good"), digest_of(b"bad"));
    let tar = Tar::new()
        .file("index.json", "{}")
        .file(&format!("blobs/sha256/{}", good.hex()), "good")
        .file(&format!("blobs/sha256/{}", bad.hex()), "else")
        .end();
    let path = folder.path().join("a.tar");
    std::fs::write(&path, tar).unwrap();
    let layout = Layout::open_archive(&path).unwrap();
    assert_eq!(layout.file("index.json", 10).unwrap(), b"{}");
    assert_eq!(layout.blob(&good, 10).unwrap(), b"good");
    assert_eq!(layout.blob(&good, 3).unwrap_err().code(), "image-format-invalid");
    assert_eq!(layout.blob(&bad, 10).unwrap_err().code(), "image-digest-mismatch");
    assert_eq!(layout.blob(&digest_of(b"absent"), 10).unwrap_err().code(), "image-reference-unknown");
}
