//! A certificate of the webhook's own, for clusters without an authority for such things.
//!
//! The authority's certificate is what the webhook configurations name, so it stays for ten years; the server's certificate is short
//! lived and made anew in time. The key of the authority stays beside them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use serde_json::{Value, json};

use crate::error::AdmissionError;

/// Time that the server's certificate is good for.
const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Time before its end at which it is made anew.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Time that the authority is good for.
const AUTHORITY_LIFETIME: SignedDuration = SignedDuration::from_hours(3_650 * 24);

/// How the API server reaches the webhook.
#[derive(Debug, Clone)]
pub struct Names {
    /// Name of the Service.
    pub service: String,
    /// Its namespace.
    pub namespace: String,
}

impl Names {
    fn all(&self) -> Vec<String> {
        let Self { service, namespace } = self;
        vec![
            format!("{service}.{namespace}.svc"),
            format!("{service}.{namespace}.svc.cluster.local"),
            format!("{service}.{namespace}"),
        ]
    }
}

/// What [`issue`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// A new certificate was written; otherwise the one that is there is good for long enough.
    pub renewed: bool,
    /// When the certificate in force ends.
    pub expires: Timestamp,
    /// The authority's certificate as PEM, for `caBundle`.
    pub authority: String,
}

/// Makes `ca.crt`, `ca.key`, `tls.crt` and `tls.key` in a folder where they are missing, and the last two anew where they end within
/// thirty days. `expires` in the folder says when that is.
///
/// # Errors
/// [`AdmissionError::Unreadable`], [`AdmissionError::Unwritable`], [`AdmissionError::Issue`].
pub fn issue(folder: &Path, names: &Names, now: Timestamp) -> Result<Issued, AdmissionError> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let authority = authority(folder, names, now)?;
    if let (Some(text), Some(_), Some(_)) = (read("expires"), read("tls.crt"), read("tls.key"))
        && let Ok(expires) = text.trim().parse::<Timestamp>()
        && now + RENEW_BEFORE < expires
    {
        return Ok(Issued { renewed: false, expires, authority: authority.pem });
    }
    let expires = now + LIFETIME;
    let failed = |error: rcgen::Error| failed(names, &error.to_string());
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(names.all()).map_err(failed)?;
    lasts(&mut params, now, expires);
    params.distinguished_name = called(&names.all().swap_remove(0));
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let issuer = Issuer::new(authority.params, authority.key);
    let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
    // The key last: who follows the files takes up a pair only when it fits.
    write(folder, "tls.crt", &certificate.pem(), 0o644)?;
    write(folder, "tls.key", &key.serialize_pem(), 0o600)?;
    write(folder, "expires", &format!("{expires}\n"), 0o644)?;
    Ok(Issued { renewed: true, expires, authority: authority.pem })
}

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

fn authority(folder: &Path, names: &Names, now: Timestamp) -> Result<Authority, AdmissionError> {
    let failed = |error: rcgen::Error| failed(names, &error.to_string());
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name = called(&format!("Palisade admission in {}", names.namespace));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let (key_path, pem_path) = (folder.join("ca.key"), folder.join("ca.crt"));
    if key_path.exists() && pem_path.exists() {
        let read = |path: &Path| {
            std::fs::read_to_string(path)
                .map_err(|source| AdmissionError::Unreadable { path: path.to_owned(), source })
        };
        let key = KeyPair::from_pem(&read(&key_path)?).map_err(failed)?;
        return Ok(Authority { params, key, pem: read(&pem_path)? });
    }
    let key = KeyPair::generate().map_err(failed)?;
    let mut lasting = params.clone();
    lasts(&mut lasting, now, now + AUTHORITY_LIFETIME);
    let pem = lasting.self_signed(&key).map_err(failed)?.pem();
    write(folder, "ca.key", &key.serialize_pem(), 0o600)?;
    write(folder, "ca.crt", &pem, 0o644)?;
    Ok(Authority { params, key, pem })
}

fn called(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

/// From the day before, because clocks differ, to the day of the end.
fn lasts(params: &mut CertificateParams, now: Timestamp, end: Timestamp) {
    let day = |time: Timestamp| {
        let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        let part = |value: i8| u8::try_from(value).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    (params.not_before, params.not_after) = (day(now - SignedDuration::from_hours(24)), day(end));
}

fn failed(names: &Names, reason: &str) -> AdmissionError {
    AdmissionError::Issue { names: names.all().join(", "), reason: reason.to_owned() }
}

/// Beside the file first, so that nobody ever reads half of one.
fn write(folder: &Path, name: &str, text: &str, mode: u32) -> Result<(), AdmissionError> {
    let path = folder.join(name);
    let beside = folder.join(format!(".{name}.new"));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, &path));
    written.map_err(|source| AdmissionError::Unwritable { path, source })
}

/// The two webhook configurations, as a `List` that `kubectl apply` takes. The webhook's own namespace is left out in the
/// selectors too, so that the cluster does not even ask.
#[must_use]
pub fn webhook_configurations(names: &Names, authority: &str, closed: bool, timeout_seconds: u8) -> Value {
    let webhook = |path: &str| {
        json!({
            "name": format!("{}.palisade.io", path.trim_start_matches('/')),
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": timeout_seconds,
            "failurePolicy": if closed { "Fail" } else { "Ignore" },
            "matchPolicy": "Equivalent",
            "clientConfig": {
                "service": { "name": names.service, "namespace": names.namespace, "path": path, "port": 443 },
                "caBundle": STANDARD.encode(authority),
            },
            "namespaceSelector": { "matchExpressions": [{
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": [names.namespace, "kube-system", "kube-node-lease"],
            }] },
            "rules": [{
                "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
                "resources": ["*"], "scope": "*",
            }],
        })
    };
    let configuration = |kind: &str, path: &str| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": { "name": "palisade" },
            "webhooks": [webhook(path)],
        })
    };
    json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            configuration("ValidatingWebhookConfiguration", "/validate"),
            configuration("MutatingWebhookConfiguration", "/mutate"),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{Certificates, Files};

    fn names() -> Names {
        Names { service: "palisade-admission".to_owned(), namespace: "palisade".to_owned() }
    }

    #[test]
    fn a_certificate_is_made_once_and_again_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let first = issue(folder.path(), &names(), now).unwrap();
        assert!(first.renewed);
        let files = Files { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
        let certificates = Certificates::load(files).unwrap();
        let again = issue(folder.path(), &names(), now + SignedDuration::from_hours(59 * 24)).unwrap();
        assert_eq!(again, Issued { renewed: false, ..first.clone() });
        assert!(!certificates.reload().unwrap());
        let later = issue(folder.path(), &names(), now + SignedDuration::from_hours(61 * 24)).unwrap();
        assert!(later.renewed && later.expires > first.expires);
        assert_eq!(later.authority, first.authority, "what the cluster knows stays");
        assert!(certificates.reload().unwrap());
    }

    #[test]
    fn a_pair_that_does_not_fit_is_not_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        issue(folder.path(), &names(), Timestamp::now()).unwrap();
        let files = Files { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
        let certificates = Certificates::load(files).unwrap();
        for (name, text) in [("tls.crt", "nonsense"), ("tls.crt", ""), ("tls.key", "nonsense")] {
            let before = std::fs::read(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
            assert_eq!(certificates.reload().unwrap_err().code(), "admission-certificate-unusable", "{name}");
            std::fs::write(folder.path().join(name), before).unwrap();
        }
        // Another key: each file is sound, the pair is not.
        std::fs::write(folder.path().join("tls.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert_eq!(certificates.reload().unwrap_err().code(), "admission-certificate-unusable");
    }

    #[test]
    fn the_own_namespace_is_not_even_asked_about() {
        let list = webhook_configurations(&names(), "PEM", true, 5);
        for item in list["items"].as_array().unwrap() {
            let webhook = &item["webhooks"][0];
            let values = &webhook["namespaceSelector"]["matchExpressions"][0]["values"];
            assert_eq!(values[0], "palisade");
            assert_eq!(webhook["clientConfig"]["caBundle"], STANDARD.encode("PEM"));
        }
    }
}
