//! What the platform does for plugins: state in the store, requests through the guarded client, advisories, assets, blobs.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use base64::Engine as _;
use egress::{Method, Origin, Redirects, Request};
use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{Refusal, Services, SharedBytes};
use image::{OpenOptions, Reference, Repository};
use model::Digest;
use store::Store;
use tokio::runtime::Handle;

use crate::config::{self, Config, Secret};
use crate::data::DataDir;

/// Largest secret, in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Header by which a plugin says for which region and service of AWS a request is to be signed; it is not sent.
const AWS_SCOPE: &str = "palisade-aws-scope";
/// Largest blob that is lent to a plugin.
const BLOB_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Serves plugins of this installation. Calls block, and so must not be made on a thread of the asynchronous runtime.
pub(crate) struct Platform {
    pub(crate) runtime: Handle,
    pub(crate) store: Store,
    pub(crate) opening: OpenOptions,
    pub(crate) library: Arc<advisories::Library>,
    pub(crate) secrets: BTreeMap<String, Secret>,
}

impl Platform {
    /// What is configured, for a command that ends: with a store of its own, and on this runtime.
    pub(crate) async fn open(config: &Config, data: &DataDir) -> anyhow::Result<Self> {
        Ok(Self {
            runtime: Handle::current(),
            store: Store::connect(&crate::serve::store_url(config, data)?).await?,
            opening: crate::serve::open_options(config, None)?,
            library: Arc::new(advisories::Library::open(&data.advisories())),
            secrets: config.plugins.secrets.clone(),
        })
    }

    /// The same with a way out to one place alone, whatever its address: for an account whose endpoint the operator named.
    pub(crate) fn only_at(&self, endpoint: &Origin, egress: &config::Egress) -> anyhow::Result<Self> {
        let client = egress::Client::new(egress::Policy { only: Some(endpoint.clone()), ..egress.policy()? })
            .context("cannot prepare the HTTP client of an endpoint")?;
        Ok(Self {
            runtime: self.runtime.clone(),
            store: self.store.clone(),
            opening: OpenOptions { client, ..self.opening.clone() },
            library: Arc::clone(&self.library),
            secrets: self.secrets.clone(),
        })
    }

    fn wait<T>(&self, work: impl Future<Output = store::Result<T>>) -> Result<T, Refusal> {
        self.runtime.block_on(work).map_err(|error| {
            tracing::error!(error = %error, "a plugin's request of the store failed");
            Refusal::Unavailable("the store does not answer".to_owned())
        })
    }

    /// The headers that a secret becomes, if it may go to the host of this URL.
    fn credential(&self, name: &str, request: &HttpRequest) -> Result<Vec<(String, String)>, Refusal> {
        let host = &host::host_of(&request.url).unwrap_or_default();
        let secret =
            self.secrets.get(name).filter(|secret| secret.hosts.iter().any(|allowed| allowed == host));
        let Some(secret) = secret else {
            return Err(Refusal::Denied(format!("secret: {name} is not configured for {host}")));
        };
        let unusable = |problem: &str| {
            tracing::error!(secret.name = name, problem, "a secret of the configuration cannot be used");
            Refusal::Unavailable(format!("the secret {name} cannot be used; the log says why"))
        };
        let bytes = crate::data::read_capped(&secret.file, SECRET_BYTES_MAX)
            .map_err(|error| unusable(&format!("{error:#}")))?;
        let value = String::from_utf8(bytes).map_err(|_| unusable("it is not text"))?;
        let value = value.trim();
        match secret.inject.split_once(':') {
            None if secret.inject == "bearer" => {
                Ok(vec![("authorization".to_owned(), format!("Bearer {value}"))])
            }
            None if secret.inject == "aws-sigv4" => {
                let credentials =
                    aws_sign::Credentials::parse(value).map_err(|error| unusable(&error.to_string()))?;
                signature(&credentials, request)
            }
            Some(("basic", user)) => {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{value}"));
                Ok(vec![("authorization".to_owned(), format!("Basic {pair}"))])
            }
            Some(("header", header)) => Ok(vec![(header.to_ascii_lowercase(), value.to_owned())]),
            _ => Err(unusable("inject is none of bearer, basic:USER, header:NAME and aws-sigv4")),
        }
    }
}

/// The headers that sign a request to AWS, for the region and service that the plugin names. It can name any: what the
/// signature is good for is bounded by the host, which the operator named, and by what AWS lets the credentials do.
fn signature(
    credentials: &aws_sign::Credentials,
    request: &HttpRequest,
) -> Result<Vec<(String, String)>, Refusal> {
    let invalid = |error: aws_sign::SignError| Refusal::Invalid(format!("http: {error}"));
    let scope = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(AWS_SCOPE));
    let scope = scope.map_or("", |(_, scope)| scope.as_str()).parse::<aws_sign::Scope>().map_err(invalid)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let signed = aws_sign::Request {
        method: &request.method,
        url: &request.url,
        headers: &request.headers,
        body: &request.body,
    };
    aws_sign::sign(credentials, &scope, &signed, seconds).map_err(invalid)
}

impl Services for Platform {
    fn state_get(&self, caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.wait(self.store.plugin_state(&caller.tenant, &caller.plugin, key))
    }

    fn state_keys(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        self.wait(self.store.plugin_state_keys(&caller.tenant, &caller.plugin, prefix, after, limit))
    }

    fn state_bytes(&self, caller: &Caller) -> Result<u64, Refusal> {
        self.wait(self.store.plugin_state_bytes(&caller.tenant, &caller.plugin))
    }

    fn http(
        &self,
        caller: &Caller,
        request: &HttpRequest,
        body_bytes_max: usize,
    ) -> Result<HttpResponse, Refusal> {
        if Instant::now() >= caller.deadline {
            return Err(Refusal::Unavailable("the call's time is over".to_owned()));
        }
        let mut headers = request.headers.clone();
        if let Some(name) = &request.secret {
            for credential in self.credential(name, request)? {
                // A header of the plugin's own beside it would leave to the other side which of the two counts.
                headers.retain(|(header, _)| !header.eq_ignore_ascii_case(&credential.0));
                headers.push(credential);
            }
        }
        headers.retain(|(header, _)| !header.eq_ignore_ascii_case(AWS_SCOPE));
        let request = Request {
            method: method(&request.method)?,
            url: request.url.clone(),
            headers,
            body: request.body.clone(),
            // The next hop is the plugin's to ask for, and the gate's to judge.
            follow: Redirects::Return,
        };
        let response = self.opening.client.send(request).map_err(|error| match error.code() {
            "egress-blocked" | "egress-url-invalid" => Refusal::Denied(format!("http: {error}")),
            _ => Refusal::Unavailable(error.to_string()),
        })?;
        let mut body = Vec::new();
        let most = u64::try_from(body_bytes_max).unwrap_or(u64::MAX);
        let read = response.body.take(most.saturating_add(1)).read_to_end(&mut body);
        read.map_err(|error| Refusal::Unavailable(format!("the answer broke off: {error}")))?;
        if body.len() > body_bytes_max {
            return Err(Refusal::Limit("egress-mib".to_owned()));
        }
        Ok(HttpResponse { status: response.status, headers: response.headers, body })
    }

    fn advisories(&self, _: &Caller, purl: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        let none = || Refusal::Unavailable("no advisories are loaded".to_owned());
        let index = self.library.current().map_err(|_| none())?.ok_or_else(none)?;
        let invalid = || Refusal::Invalid("this is not the purl of a package with a version".to_owned());
        // The road of every bill of materials, so that a plugin hears what a scan would say.
        let document = serde_json::json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "components": [{ "type": "library", "name": "package", "purl": purl }],
        });
        let bom = ingest::read(document.to_string().as_bytes()).map_err(|_| invalid())?;
        if bom.packages.is_empty() {
            return Err(invalid());
        }
        let found = advisories::judge(Some(&index), bom.os.as_ref(), &bom.packages).findings;
        let answer = |finding: model::Finding| AdvisoryAnswer {
            id: finding.rule,
            aliases: finding.ids,
            fixed: finding.fix.versions,
        };
        Ok(found.into_iter().map(answer).collect())
    }

    fn asset_kind(&self, caller: &Caller, asset: &str) -> Result<String, Refusal> {
        let found = self.wait(self.store.asset(&caller.tenant, &model::AssetId(asset.to_owned())))?;
        found.map(|found| found.row.kind.as_str().to_owned()).ok_or(Refusal::NotFound)
    }

    fn describe(&self, caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        let found = self.wait(self.store.asset(&caller.tenant, &model::AssetId(asset.to_owned())))?;
        let found = found.ok_or(Refusal::NotFound)?;
        let value = serde_json::json!({
            "id": asset,
            "kind": found.row.kind.as_str(),
            "name": found.row.name,
            "packages": found.row.packages,
        });
        Ok(value.to_string().into_bytes())
    }

    /// Images and directories are joined to nothing yet.
    fn related(&self, _: &Caller, _: &str, _: &str, _: usize) -> Result<Vec<RelatedAsset>, Refusal> {
        Ok(Vec::new())
    }

    fn blob(&self, _: &Caller, repository: &str, digest: &Digest) -> Result<SharedBytes, Refusal> {
        let reference = Reference::parse(&format!("{repository}@{digest}"))
            .map_err(|error| Refusal::Invalid(error.to_string()))?;
        let repository = Repository::new(&reference, &self.opening);
        let bytes = repository.blob(digest, BLOB_BYTES_MAX).map_err(|error| match error.code() {
            "image-not-found" => Refusal::NotFound,
            _ => Refusal::Unavailable(error.to_string()),
        })?;
        Ok(Arc::new(bytes))
    }
}

fn method(word: &str) -> Result<Method, Refusal> {
    Ok(match word {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return Err(Refusal::Invalid("no such method".to_owned())),
    })
}
