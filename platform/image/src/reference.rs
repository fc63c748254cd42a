//! What people write to name an image, read into what it means.

use std::path::{Path, PathBuf};

use model::Digest;

use crate::error::ImageError;

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An OCI image layout directory.
    OciLayout {
        /// The directory with `oci-layout` in it.
        path: PathBuf,
        /// Which of its images, when it has several.
        tag: Option<String>,
    },
    /// A tar of an OCI image layout.
    OciArchive {
        /// The tar.
        path: PathBuf,
        /// Which of its images, when it has several.
        tag: Option<String>,
    },
    /// A tar as `docker save` writes it.
    DockerArchive {
        /// The tar.
        path: PathBuf,
        /// Which of its images, when it has several, as `name:tag`.
        tag: Option<String>,
    },
    /// A registry that speaks the OCI Distribution protocol.
    Registry(Reference),
    /// A root directory.
    Directory(PathBuf),
}

/// An image in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host, and port where one is given.
    pub host: String,
    /// Repository within the registry.
    pub repository: String,
    /// Tag; `latest` when neither tag nor digest is given.
    pub tag: Option<String>,
    /// Digest. Wins over the tag.
    pub digest: Option<Digest>,
}

impl Source {
    /// Reads `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME:TAG]`, `dir:PATH`,
    /// `host/repository[:tag][@digest]`, or the path of something that exists, whose kind is then told from its content.
    ///
    /// # Errors
    /// [`ImageError::Reference`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        if let Some(rest) = text.strip_prefix("oci:") {
            let (path, tag) = split_tag(rest);
            return Ok(Self::OciLayout { path, tag });
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            let (path, tag) = split_tag(rest);
            return Ok(Self::OciArchive { path, tag });
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            let (path, tag) = split_tag(rest);
            return Ok(Self::DockerArchive { path, tag });
        }
        if let Some(rest) = text.strip_prefix("dir:") {
            return Ok(Self::Directory(PathBuf::from(rest)));
        }
        let path = Path::new(text);
        if path.is_dir() {
            let layout = path.join("oci-layout").is_file() && path.join("index.json").is_file();
            let path = path.to_owned();
            return Ok(if layout { Self::OciLayout { path, tag: None } } else { Self::Directory(path) });
        }
        if path.is_file() {
            let path = path.to_owned();
            let docker = crate::archive::Archive::open(&path)?.has("manifest.json");
            return Ok(if docker {
                Self::DockerArchive { path, tag: None }
            } else {
                Self::OciArchive { path, tag: None }
            });
        }
        Reference::parse(text).map(Self::Registry)
    }
}

/// `PATH[:TAG]`. The longest existing path wins, so that colons in file names do no harm.
fn split_tag(text: &str) -> (PathBuf, Option<String>) {
    let mut splits = vec![(text, None)];
    splits.extend(
        text.rmatch_indices(':').filter_map(|(colon, _)| Some((text.get(..colon)?, text.get(colon + 1..)))),
    );
    let existing = splits.iter().find(|(path, _)| Path::new(path).exists());
    let first_colon = splits.last().filter(|_| existing.is_none());
    let (path, tag) = existing.or(first_colon).copied().unwrap_or((text, None));
    (PathBuf::from(path), tag.filter(|tag| !tag.is_empty()).map(str::to_owned))
}

impl Reference {
    /// Reads `host[:port]/repository[:tag][@digest]`. The host must be written out: a name without one means another
    /// image to every tool.
    ///
    /// # Errors
    /// [`ImageError::Reference`].
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let wrong =
            |why: &str| ImageError::Reference { text: text.chars().take(300).collect(), why: why.to_owned() };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                (name, Some(Digest::parse(digest).map_err(|error| wrong(&error.to_string()))?))
            }
            None => (text, None),
        };
        let (host, rest) = name
            .split_once('/')
            .filter(|(host, _)| host.contains(['.', ':']) || *host == "localhost")
            .ok_or_else(|| {
                wrong("no such file or directory, and an image in a registry is written host/repository:tag")
            })?;
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        if !is_host(host) {
            return Err(wrong("the registry host has characters that hosts do not have"));
        }
        if !is_repository(repository) {
            return Err(wrong("the repository must be lower-case letters, digits and . _ - between slashes"));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("the tag must be up to 128 letters, digits and . _ -"));
        }
        let tag = match (tag, &digest) {
            (None, None) => Some("latest"),
            (tag, _) => tag,
        };
        Ok(Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !host.is_empty() && host.len() <= 255 && host.chars().all(plain)
}

/// The grammar of the Distribution specification, a little wider in its separators.
fn is_repository(name: &str) -> bool {
    let component = |part: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let plain = part.bytes().all(|c| inner(c) || matches!(c, b'.' | b'_' | b'-'));
        plain
            && part.bytes().next().is_some_and(inner)
            && part.bytes().last().is_some_and(inner)
            && !part.contains("..")
    };
    name.len() <= 255 && name.split('/').all(component)
}

pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let plain = tag.bytes().all(|c| word(c) || matches!(c, b'.' | b'-'));
    plain && tag.len() <= 128 && tag.bytes().next().is_some_and(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_references_are_read() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let read = |text: &str| Reference::parse(text).unwrap().to_string();
        assert_eq!(read("registry.example/team/app"), "registry.example/team/app:latest");
        assert_eq!(read("registry.example/app:1.2"), "registry.example/app:1.2");
        assert_eq!(read("localhost:5000/app"), "localhost:5000/app:latest");
        assert_eq!(read(&format!("registry.example/app@{digest}")), format!("registry.example/app@{digest}"));
        assert_eq!(
            read(&format!("registry.example/app:1@{digest}")),
            format!("registry.example/app:1@{digest}")
        );
        assert_eq!(Reference::parse("[::1]:5000/app:2").unwrap().host, "[::1]:5000");
    }

    #[test]
    fn other_text_is_refused() {
        for bad in [
            "",
            "app",
            "app:1",
            "team/app",
            "registry.example/",
            "registry.example/App",
            "registry.example/a/../b",
            "registry.example/app:",
            "registry.example/app:-x",
            "registry.example/app@sha256:12",
            "registry.example//app",
            "evil.example\\@x/app",
            "user@registry.example/app",
            "registry.example/app?x=y",
            "registry.example/app#f",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Source::parse("no/such/thing").unwrap_err().code(), "image-reference-invalid");
    }

    #[test]
    fn tags_come_off_paths() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(split_tag(here), (PathBuf::from(here), None));
        assert_eq!(split_tag(&format!("{here}:v1")), (PathBuf::from(here), Some("v1".to_owned())));
        assert_eq!(split_tag(&format!("{here}:app:v1")), (PathBuf::from(here), Some("app:v1".to_owned())));
        assert_eq!(split_tag("missing:v1"), (PathBuf::from("missing"), Some("v1".to_owned())));
    }
}
