use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use egress::{AllowRule, Client, Policy};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::{Provider, Settings};

pub(super) const CLIENT: &str = "palisade";
pub(super) const SECRET: &str = "a secret: with + signs";
pub(super) const CODE: &str = "the-code";
const REDIRECT: &str = "http://127.0.0.1:8717/api/v1/session/oidc/callback";

/// A key pair on the curve P-256.
struct Key {
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl Key {
    fn new() -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        Self { pkcs8: pkcs8.as_ref().to_vec(), public: pair.public_key().as_ref().to_vec() }
    }
}

struct State {
    base: String,
    issuer: String,
    key: Key,
    foreign: Key,
    signs: &'static str,
    form: bool,
    /// What the last visit asked for.
    visit: BTreeMap<String, String>,
    claims: Map<String, Value>,
    described: Value,
}

pub(super) struct Fake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<std::sync::atomic::AtomicBool>,
}

impl Fake {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = format!("http://{address}");
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": issuer, "sub": "7", "aud": CLIENT, "exp": now + 300, "iat": now,
            "email": "dan@example.org", "email_verified": true, "groups": ["sec", "all"],
        });
        let state = State {
            base: issuer.clone(),
            issuer,
            key: Key::new(),
            foreign: Key::new(),
            signs: "well",
            form: false,
            visit: BTreeMap::new(),
            claims: claims.as_object().unwrap().clone(),
            described: json!({ "sub": "7" }),
        };
        let state = Arc::new(Mutex::new(state));
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (seen, ends) = (Arc::clone(&state), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
                answer(stream, &seen.lock().unwrap());
            }
        });
        Self { address, state, stop }
    }

    pub(super) fn provider(&self, secret: Option<&str>) -> Provider {
        let allow = vec![AllowRule::parse(&self.address.to_string()).unwrap()];
        let client = Client::new(Policy { allow, ..Policy::default() }).unwrap();
        let settings = Settings {
            issuer: format!("http://{}", self.address),
            client_id: CLIENT.to_owned(),
            client_secret: secret.map(str::to_owned),
            redirect_uri: REDIRECT.to_owned(),
            scopes: vec!["email".to_owned(), "groups".to_owned()],
            groups_claim: "groups".to_owned(),
            name_claims: vec!["email".to_owned()],
        };
        Provider::new(settings, client).unwrap()
    }

    /// A browser has come by, and is sent back with the code.
    pub(super) fn visited(&self, url: &str) {
        let url = Url::parse(url).unwrap();
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(url.path(), "/authorize");
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
        assert_eq!(
            (asked["redirect_uri"].as_str(), asked["scope"].as_str()),
            (REDIRECT, "openid email groups")
        );
        assert_eq!(asked["code_challenge_method"], "S256");
        self.state.lock().unwrap().visit = asked;
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Map<String, Value>)) {
        change(&mut self.state.lock().unwrap().claims);
    }

    pub(super) fn describes(&self, person: &Value) {
        self.state.lock().unwrap().described = person.clone();
    }

    pub(super) fn signs(&self, kind: &'static str) {
        self.state.lock().unwrap().signs = kind;
    }

    pub(super) fn wants_form(&self) {
        self.state.lock().unwrap().form = true;
    }

    pub(super) fn calls_itself(&self, issuer: &str) {
        self.state.lock().unwrap().issuer = issuer.to_owned();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, std::sync::atomic::Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn answer(stream: TcpStream, state: &State) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, said) = match path.as_str() {
        "/.well-known/openid-configuration" => (200, configuration(state)),
        "/keys" => (200, json!({ "keys": [{ "kty": "OKP", "crv": "X448", "x": "AA" }, jwk(&state.key)] })),
        "/token" => token(state, &headers, &body),
        "/person" => {
            assert_eq!(headers["authorization"], "Bearer access");
            (200, state.described.clone())
        }
        _ => (404, Value::Null),
    };
    let said = said.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", said.len());
    reader.get_mut().write_all(format!("{head}{said}").as_bytes()).unwrap();
}

fn configuration(state: &State) -> Value {
    let at = |path: &str| format!("{}{path}", state.base);
    let mut all = json!({
        "issuer": state.issuer,
        "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
        "userinfo_endpoint": at("/person"),
    });
    if state.form {
        all["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    }
    all
}

fn jwk(key: &Key) -> Value {
    let coordinate = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&key.public[range]);
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": "one", "x": coordinate(1..33), "y": coordinate(33..65) })
}

fn token(state: &State, headers: &BTreeMap<String, String>, body: &[u8]) -> (u16, Value) {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
    let basic = headers.get("authorization").map(|value| {
        let text = STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (id, secret) = text.split_once(':').unwrap();
        let plain = |text: &str| {
            url::form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned()
        };
        (plain(id), Some(plain(secret)))
    });
    assert!(basic.is_none() || !state.form, "by form alone");
    let by_form = || (form.get("client_id").cloned().unwrap_or_default(), form.get("client_secret").cloned());
    let (id, secret) = basic.unwrap_or_else(by_form);
    if id != CLIENT || secret.is_some_and(|secret| secret != SECRET) {
        return (401, json!({ "error": "invalid_client" }));
    }
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    let fits = form["grant_type"] == "authorization_code"
        && form["code"] == CODE
        && form["redirect_uri"] == REDIRECT;
    if !fits || state.visit.get("code_challenge") != Some(&challenge) {
        return (400, json!({ "error": "invalid_grant" }));
    }
    let mut claims = state.claims.clone();
    claims.entry("nonce").or_insert_with(|| state.visit["nonce"].clone().into());
    (200, json!({ "access_token": "access", "token_type": "Bearer", "id_token": signed(state, &claims) }))
}

fn signed(state: &State, claims: &Map<String, Value>) -> String {
    let with = |key: &Key, name: &str| {
        let header = Header { kid: Some(name.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&key.pkcs8)).unwrap()
    };
    match state.signs {
        "well" => with(&state.key, "one"),
        "foreign key of the same name" => with(&state.foreign, "one"),
        "foreign key of another name" => with(&state.foreign, "two"),
        "cut" => with(&state.key, "one").rsplit_once('.').unwrap().0.to_owned() + ".",
        "none" => {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            format!(
                "{}.{}.",
                part(&json!({ "alg": "none", "kid": "one" })),
                part(&Value::Object(claims.clone()))
            )
        }
        _ => {
            let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
            jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&state.key.public)).unwrap()
        }
    }
}
