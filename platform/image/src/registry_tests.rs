//! The registry client against a registry of this process that can also misbehave.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use egress::{AllowRule, Policy};

use super::*;
use crate::credentials::Credential;
use crate::fixture::{Sample, Tar, selector, sha};
use crate::open::{OpenOptions, open};
use crate::reference::Source;
use crate::sink::SelectedFile;

/// One request as the server saw it.
#[derive(Debug, Clone)]
struct Asked {
    path: String,
    authorization: Option<String>,
}

/// Status, headers, body.
type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// A server that answers with `handler` and remembers what it was asked.
struct Server {
    host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

fn serve(handler: impl Fn(&Asked, usize) -> Answer + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let Some(request) = request(&stream) else { continue };
            let count = {
                let mut seen = seen.lock().unwrap();
                seen.push(request.clone());
                seen.len()
            };
            let _ = respond(stream, handler(&request, count));
        }
    });
    Server { host, asked }
}

fn request(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut authorization = None;
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.trim().to_owned());
        }
    }
    Some(Asked { path, authorization })
}

fn respond(mut stream: TcpStream, (status, headers, body): Answer) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len())?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&body)
}

impl Server {
    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn plain(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    (status, Vec::new(), body.into())
}

fn header(status: u16, name: &str, value: impl Into<String>) -> Answer {
    (status, vec![(name.to_owned(), value.into())], Vec::new())
}

/// What a right registry says for this path.
fn content(sample: &Sample, path: &str) -> Answer {
    let manifest = sample.manifest();
    let name = path.rsplit('/').next().unwrap_or_default();
    if path.contains("/manifests/") && (name == "latest" || name == sha(&manifest).as_str()) {
        return (200, vec![("content-type".into(), crate::manifest::OCI_MANIFEST.into())], manifest);
    }
    let blob = sample.blobs().into_iter().find(|(blob, _)| name == sha(blob).as_str());
    blob.filter(|_| path.contains("/blobs/")).map_or(plain(404, ""), |(blob, _)| plain(200, blob))
}

fn sample() -> Sample {
    Sample::new(vec![Tar::new().file("etc/os-release", "ID=x").end(), Tar::new().file("b", "2").end()])
}

fn options(host: &str) -> OpenOptions {
    let allow = vec![AllowRule::parse(host).unwrap()];
    let read_timeout = Duration::from_millis(400);
    let client = Client::new(Policy { allow, read_timeout, ..Policy::default() }).unwrap();
    let millisecond = Duration::from_millis(1);
    let retry = Retry { attempts: 3, pause: millisecond, pause_max: millisecond };
    OpenOptions { retry, ..OpenOptions::new(client) }
}

fn credentials(host: &str) -> Credentials {
    let mut credentials = Credentials::default();
    credentials.insert(host, Credential { user: "user".into(), password: "s3cret".into() });
    credentials
}

/// Opens and reads everything.
fn pull(reference: &str, options: &OpenOptions) -> Result<Vec<String>, ImageError> {
    let image = open(&Source::parse(reference)?, options)?;
    let mut paths = Vec::new();
    for layer in 0..image.layers().len() {
        image.read_layer(layer, &selector(&["**"]), &mut |file: SelectedFile| paths.push(file.path))?;
    }
    Ok(paths)
}

#[test]
fn an_image_is_read_by_tag_and_by_digest() {
    let server = serve(|asked, _| content(&sample(), &asked.path));
    let options = options(&server.host);
    assert_eq!(pull(&format!("{}/team/app", server.host), &options).unwrap(), ["etc/os-release", "b"]);
    let digest = sha(&sample().manifest());
    assert_eq!(pull(&format!("{}/team/app@{digest}", server.host), &options).unwrap().len(), 2);
    let missing = pull(&format!("{}/team/app:other", server.host), &options).unwrap_err();
    assert_eq!(missing.code(), "image-reference-unknown");
}

#[test]
fn a_token_is_fetched_once_and_used() {
    let server = serve(|_, _| plain(200, r#"{"access_token": "t0ken"}"#));
    let host = server.host.clone();
    let real = serve(move |asked, _| {
        if asked.authorization.as_deref() != Some("Bearer t0ken") {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"reg, x\"");
            return header(401, "www-authenticate", challenge);
        }
        content(&sample(), &asked.path)
    });
    let mut options = options("127.0.0.0/8");
    options.credentials = credentials(&real.host);
    assert_eq!(pull(&format!("{}/app", real.host), &options).unwrap().len(), 2);
    let tokens = server.asked();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert!(
        tokens[0].path.contains("service=reg,%20x") && tokens[0].path.contains("scope=repository:app:pull")
    );
    assert_eq!(tokens[0].authorization, None, "the token service is another host: it gets no password");
    assert!(real.asked().iter().all(|asked| !asked.authorization.as_deref().unwrap_or("").contains("Basic")));
    // Entered for the service itself, they are its own.
    options.credentials = credentials(&server.host);
    assert_eq!(pull(&format!("{}/app", real.host), &options).unwrap().len(), 2);
    assert!(server.asked()[1].authorization.as_deref().unwrap().starts_with("Basic "));
}

#[test]
fn basic_credentials_go_to_their_host_alone() {
    let guarded = |asked: &Asked, _: usize| match &asked.authorization {
        Some(value) if value.starts_with("Basic ") => content(&sample(), &asked.path),
        _ => header(401, "www-authenticate", "Basic realm=\"r\""),
    };
    let server = serve(guarded);
    let mut options = options(&server.host);
    let denied = pull(&format!("{}/app", server.host), &options).unwrap_err();
    assert_eq!(denied.code(), "image-registry-denied");
    options.credentials = credentials("127.0.0.1:1");
    assert_eq!(pull(&format!("{}/app", server.host), &options).unwrap_err().code(), "image-registry-denied");
    options.credentials = credentials(&server.host);
    assert_eq!(pull(&format!("{}/app", server.host), &options).unwrap().len(), 2);
}

#[test]
fn a_redirected_blob_comes_without_credentials() {
    let storage = serve(|asked, _| content(&sample(), &asked.path));
    let target = storage.host.clone();
    let server = serve(move |asked, _| match &asked.authorization {
        None => header(401, "www-authenticate", "Basic realm=\"r\""),
        Some(_) if asked.path.contains("/blobs/") => {
            header(307, "location", format!("http://{target}{}", asked.path))
        }
        Some(_) => content(&sample(), &asked.path),
    });
    let mut options = options("127.0.0.0/8");
    options.credentials = credentials(&server.host);
    assert_eq!(pull(&format!("{}/app", server.host), &options).unwrap().len(), 2);
    let asked = storage.asked();
    assert!(asked.len() >= 3 && asked.iter().all(|asked| asked.authorization.is_none()), "{asked:?}");
}

#[test]
fn a_redirect_into_the_network_is_refused() {
    let server = serve(|asked, _| match asked.path.contains("/blobs/") {
        true => header(307, "location", "http://169.254.169.254/latest/meta-data"),
        false => content(&sample(), &asked.path),
    });
    let error = pull(&format!("{}/app", server.host), &options(&server.host)).unwrap_err();
    assert_eq!(error.code(), "egress-blocked");
}

#[test]
fn a_private_registry_needs_a_rule() {
    let server = serve(|asked, _| content(&sample(), &asked.path));
    let error = pull(&format!("{}/app", server.host), &crate::fixture::options()).unwrap_err();
    assert_eq!((error.code(), server.asked().len()), ("egress-blocked", 0));
}

#[test]
fn a_busy_registry_is_asked_again_a_few_times() {
    for status in [429, 500, 503] {
        let recovering = serve(move |asked, count| match count {
            1 | 2 => header(status, "retry-after", "0"),
            _ => content(&sample(), &asked.path),
        });
        assert!(pull(&format!("{}/app", recovering.host), &options(&recovering.host)).is_ok());
        let dead = serve(move |_, _| header(status, "retry-after", "100000"));
        let error = pull(&format!("{}/app", dead.host), &options(&dead.host)).unwrap_err();
        assert_eq!((error.code(), dead.asked().len()), ("image-registry-busy", 3));
    }
    let refusing = serve(|_, _| plain(418, "secret text"));
    let error = pull(&format!("{}/app", refusing.host), &options(&refusing.host)).unwrap_err();
    assert_eq!((error.code(), refusing.asked().len()), ("image-registry-answer", 1));
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn a_registry_that_hangs_ends_in_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let mut options = options(&host);
    options.retry.attempts = 1;
    let error = pull(&format!("{host}/app"), &options).unwrap_err();
    assert_eq!(error.code(), "egress-timeout");
}

#[test]
fn content_that_does_not_match_is_not_believed() {
    let swapped = serve(|asked, _| match asked.path.contains("/manifests/") {
        true => content(&Sample::new(vec![Tar::new().end()]), "/manifests/latest"),
        false => content(&sample(), &asked.path),
    });
    let digest = sha(&sample().manifest());
    let error = pull(&format!("{}/app@{digest}", swapped.host), &options(&swapped.host)).unwrap_err();
    assert_eq!(error.code(), "image-digest-mismatch");

    let lying = serve(|asked, _| {
        let (status, mut headers, body) = content(&sample(), &asked.path);
        headers.push(("docker-content-digest".into(), sha(b"other").to_string()));
        (status, headers, body)
    });
    let error = pull(&format!("{}/app", lying.host), &options(&lying.host)).unwrap_err();
    assert_eq!(error.code(), "image-digest-mismatch");

    let page = serve(|_, _| plain(200, "<html>sign in</html>"));
    let error = pull(&format!("{}/app", page.host), &options(&page.host)).unwrap_err();
    assert_eq!(error.code(), "image-format-invalid");

    let endless = serve(|_, _| plain(200, vec![b' '; 5 << 20]));
    let error = pull(&format!("{}/app", endless.host), &options(&endless.host)).unwrap_err();
    assert_eq!(error.code(), "image-format-invalid");
}

#[test]
fn token_services_must_belong_to_the_host() {
    let yes = [
        ("https://registry.example.org/token", "registry.example.org"),
        ("https://auth.example.org/token", "registry.example.org"),
        ("https://example.org/jwt/auth", "registry.example.org"),
        ("http://127.0.0.1:5000/token", "127.0.0.1:5000"),
    ];
    let no = [
        ("https://evil.example.net/token", "registry.example.org"),
        ("http://auth.example.org/token", "registry.example.org"),
        ("https://org/token", "example.org"),
        ("https://other.org/token", "example.org"),
        ("https://registry.example.org@evil.example.net/", "registry.example.org"),
        ("https://evil.example.net\\.example.org/", "registry.example.org"),
        ("https://registry.example.org.evil.example.net/", "registry.example.org"),
        ("http://127.0.0.1:5001/token", "127.0.0.1:5000"),
        ("https://127.0.0.2/token", "127.0.0.1"),
        ("relative", "registry.example.org"),
    ];
    for (realm, host) in yes {
        assert!(is_token_service_of(realm, host), "{realm} for {host}");
    }
    for (realm, host) in no {
        assert!(!is_token_service_of(realm, host), "{realm} for {host}");
    }
}

#[test]
fn challenges_are_read_leniently() {
    let (scheme, parameters) =
        parse_challenge("BEARER realm=\"https://a/t\", Service=reg ,scope=\"a:b:pull,push\",x");
    assert_eq!(scheme, "bearer");
    let get = |name: &str| parameters.get(name).map(String::as_str);
    assert_eq!(
        (get("realm"), get("service"), get("scope")),
        (Some("https://a/t"), Some("reg"), Some("a:b:pull,push"))
    );
    for odd in ["", "Basic", "Bearer realm=\"unclosed", "=,=,=", "Bearer a=b=c,,,,"] {
        let _ = parse_challenge(odd);
    }
}

#[test]
fn docker_hub_answers_under_another_name_than_its_references_have() {
    assert_eq!(api_host("docker.io"), "registry-1.docker.io");
    assert_eq!(api_host("registry.example:5000"), "registry.example:5000");
}
