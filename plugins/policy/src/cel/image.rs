//! References of container images, as Kubernetes' library `image` reads them.

/// A reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) registry: String,
    pub(crate) repository: String,
    /// Empty where there is a digest.
    pub(crate) tag: String,
    pub(crate) digest: String,
}

impl Image {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, digest) = text.split_once('@').map_or((text, ""), |(name, digest)| (name, digest));
        let hex = |digest: &str| {
            digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        if name.len() < text.len() && !digest.strip_prefix("sha256:").is_some_and(hex) {
            return None;
        }
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if tag.is_some_and(|tag| tag.is_empty() || tag.len() > 128 || !tag.bytes().all(word)) {
            return None;
        }
        let host = |first: &&str| first.contains(['.', ':']) || *first == "localhost";
        let (registry, path) = match name.split_once('/').filter(|(first, _)| host(first)) {
            None | Some(("docker.io", _)) => {
                ("index.docker.io", name.strip_prefix("docker.io/").unwrap_or(name))
            }
            Some(found) => found,
        };
        let part = |part: &str| {
            let plain =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
            !part.is_empty() && part.bytes().all(plain)
        };
        if !path.split('/').all(part) || path.len() > 255 {
            return None;
        }
        let official = registry == "index.docker.io" && !path.contains('/');
        Some(Self {
            registry: registry.to_owned(),
            repository: if official { format!("library/{path}") } else { path.to_owned() },
            tag: if digest.is_empty() { tag.unwrap_or("latest").to_owned() } else { String::new() },
            digest: digest.to_owned(),
        })
    }

    /// The digest, or where there is none the tag.
    pub(crate) fn identifier(&self) -> &str {
        if self.digest.is_empty() { &self.tag } else { &self.digest }
    }
}
