//! A token service as the Distribution specification describes it: basic credentials in, signed tokens out.

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::web::{Asked, Reply, Web};

const SERVICE: &str = "registry.test";
const ISSUER: &str = "tokens.test";

/// What signs tokens, and the certificate that a registry checks them with.
#[derive(Clone)]
pub(crate) struct Signer {
    key: Vec<u8>,
    certificate: Vec<u8>,
    pem: String,
}

impl Signer {
    /// A new key with a certificate of its own.
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec![ISSUER.to_owned()]).unwrap();
        Self {
            key: made.signing_key.serialize_der(),
            certificate: made.cert.der().to_vec(),
            pem: made.cert.pem(),
        }
    }

    /// The registry's configuration for tokens of this signer from this service.
    pub(crate) fn registry_config(&self, folder: &Path, service: &str) -> String {
        let bundle = folder.join("roots.pem");
        std::fs::write(&bundle, &self.pem).unwrap();
        format!(
            "auth: {{ token: {{ realm: \"http://{service}/token\", service: {SERVICE}, issuer: {ISSUER}, \
             rootcertbundle: {} }} }}",
            bundle.display()
        )
    }

    /// A token for one repository, as an `Authorization` header.
    pub(crate) fn bearer(&self, repository: &str, actions: &[&str]) -> String {
        format!("Bearer {}", self.token(repository, actions))
    }

    fn token(&self, repository: &str, actions: &[&str]) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let head = json!({ "typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(&self.certificate)] });
        let claims = json!({
            "iss": ISSUER, "aud": SERVICE, "sub": "tester", "jti": now.to_string(),
            "iat": now, "nbf": now - 10, "exp": now + 300,
            "access": [{ "type": "repository", "name": repository, "actions": actions }],
        });
        let coded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", coded(&head), coded(&claims));
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key).unwrap();
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A service that gives everybody tokens to pull below `public/`, and to pull anything to whoever sends `basic`.
    pub(crate) fn serve(&self, basic: String) -> Web {
        self.serve_actions(basic, &["pull"])
    }

    /// The same with tokens that allow to push as well.
    pub(crate) fn serve_pushers(&self, basic: String) -> Web {
        self.serve_actions(basic, &["pull", "push"])
    }

    fn serve_actions(&self, basic: String, actions: &'static [&'static str]) -> Web {
        let signer = self.clone();
        Web::start(move |asked| match signer.granted(asked, &basic) {
            Some(repository) => {
                let body = json!({ "token": signer.token(&repository, actions), "expires_in": 300 });
                Reply::Answer(
                    200,
                    vec![("content-type", "application/json".to_owned())],
                    body.to_string().into_bytes(),
                )
            }
            None => Reply::Answer(401, Vec::new(), Vec::new()),
        })
    }

    fn granted(&self, asked: &Asked, basic: &str) -> Option<String> {
        let target = asked.target.replace("%3A", ":").replace("%2F", "/");
        let scope = target.split(['?', '&']).find_map(|part| part.strip_prefix("scope=repository:"))?;
        let repository = scope.split(':').next()?.to_owned();
        let known = asked.authorization.as_deref() == Some(basic);
        (known || repository.starts_with("public/")).then_some(repository)
    }
}
