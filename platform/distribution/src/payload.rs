//! The text that is signed: "simple signing", as cosign writes it.
//!
//! It binds a signature to a manifest digest, and to a name that the signer meant the artifact to have. Keys that stand
//! there twice are refused, since what one reader checks another might not see.

use model::Digest;
use serde::{Deserialize, Serialize};

use crate::error::DistributionError;

/// A payload has 250 bytes and what cosign's user has added to it.
pub(crate) const PAYLOAD_BYTES_MAX: u64 = 64 * 1024;

const TYPE: &str = "cosign container image signature";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    critical: Critical,
    /// What the signer has added. Signed, and not looked at.
    optional: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: Digest,
}

/// What a payload says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The manifest that was signed.
    pub(crate) digest: Digest,
    /// The name that the signer gave it: a repository, or a plugin's id.
    pub(crate) name: String,
}

impl Payload {
    /// The bytes to sign.
    pub(crate) fn write(digest: &Digest, name: &str) -> Result<Vec<u8>, DistributionError> {
        crate::artifact::json(&Raw {
            critical: Critical {
                identity: Identity { reference: name.to_owned() },
                image: Image { digest: digest.clone() },
                kind: TYPE.to_owned(),
            },
            optional: None,
        })
    }

    /// Reads a payload; `None` when it is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() as u64 > PAYLOAD_BYTES_MAX {
            return None;
        }
        let raw: Raw = serde_json::from_slice(bytes).ok()?;
        (raw.critical.kind == TYPE)
            .then_some(Self { digest: raw.critical.image.digest, name: raw.critical.identity.reference })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::digest_of;

    /// The very bytes that cosign signs.
    const COSIGN: &str = "{\"critical\":{\"identity\":{\"docker-reference\":\"registry.example/team/app\"},\"image\":\
        {\"docker-manifest-digest\":\"sha256:9494e567c7c44e8b9f8808c1658a47c9b7979ef3cceef10f48754fc2706802ba\"},\
        \"type\":\"cosign container image signature\"},\"optional\":null}";

    #[test]
    fn the_form_is_that_of_cosign() {
        let payload = Payload::read(COSIGN.as_bytes()).unwrap();
        assert_eq!(payload.name, "registry.example/team/app");
        assert_eq!(Payload::write(&payload.digest, &payload.name).unwrap(), COSIGN.as_bytes());
        let added = COSIGN.replace("null", "{\"by\":{\"me\":1}}");
        assert_eq!(Payload::read(added.as_bytes()), Some(payload));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let digest = digest_of(b"other");
        let twice = [
            COSIGN.replace("\"image\":", "\"image\":{\"docker-manifest-digest\":\"x\"},\"image\":"),
            COSIGN.replace(
                "\"docker-manifest-digest\"",
                &format!("\"docker-manifest-digest\":\"{digest}\",\"docker-manifest-digest\""),
            ),
            COSIGN.replace("\"docker-reference\"", "\"docker-reference\":\"a\",\"docker-reference\""),
            COSIGN.replace("\"type\"", "\"type\":\"x\",\"type\""),
            COSIGN.replace("\"optional\"", "\"critical\":null,\"optional\""),
        ];
        let other = [
            String::new(),
            "null".to_owned(),
            format!("{COSIGN} x"),
            COSIGN.replace("cosign container", "atomic container"),
            COSIGN.replace("sha256", "sha512"),
            COSIGN.replace("null", "{\"a\":") + &"[".repeat(1000),
            COSIGN.replace("null", &format!("{{\"a\":\"{}\"}}", " ".repeat(70_000))),
        ];
        for text in twice.iter().chain(&other) {
            assert_eq!(Payload::read(text.as_bytes()), None, "{text:.200}");
        }
        for cut in 0..COSIGN.len() {
            assert_eq!(Payload::read(&COSIGN.as_bytes()[..cut]), None);
        }
    }
}
