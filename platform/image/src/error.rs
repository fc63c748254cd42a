//! What stops an image, or a layer of it, from being read at all. What merely limits what was seen is a
//! [`model::Gap`].

use std::path::PathBuf;

use thiserror::Error;

/// An operation on an image that failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The text names no source this product can read.
    #[error("{text:?} is not an image or directory to read: {why}")]
    Reference {
        /// The text, cut to 300 characters.
        text: String,
        /// What is wrong, and what to write instead.
        why: String,
    },
    /// A file or directory could not be opened.
    #[error("cannot open {path}: is it there, and readable?", path = path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// A layout, archive, manifest or configuration is not what it must be.
    #[error("{what} cannot be used: {why}")]
    Format {
        /// Which part.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The source exists, the image in it does not.
    #[error("{what} is not there: {why}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// What is there instead, where that is known.
        why: String,
    },
    /// The image does not exist for the wanted platform.
    #[error("no image for platform {wanted}; available: {found}")]
    Platform {
        /// `os/architecture[/variant]`.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// A media type nobody here reads, where it is not one layer among others.
    #[error("{what} has the media type {media_type:?}, which is not an image this product can read")]
    MediaType {
        /// Which part.
        what: String,
        /// As written, cut to 200 characters.
        media_type: String,
    },
    /// Content is not what its digest promised. Nothing read from it may be believed.
    #[error("the content of {what} does not match its digest: expected {expected}, got {actual}")]
    Digest {
        /// Which part.
        what: String,
        /// The digest it was asked for by.
        expected: String,
        /// The digest or size it has.
        actual: String,
    },
    /// Reading broke off.
    #[error("reading {what} failed")]
    Read {
        /// Which part.
        what: String,
        /// The system's or the network's word.
        #[source]
        source: std::io::Error,
    },
    /// The registry wants credentials, or does not accept those it was given.
    #[error(
        "the registry {host} denies access to {what} (status {status}): check the credentials for this host"
    )]
    Denied {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// HTTP status.
        status: u16,
    },
    /// The registry could not answer, and did not get better within the retries.
    #[error(
        "the registry {host} cannot answer for {what} now (status {status} after {attempts} attempts): try later"
    )]
    Busy {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// HTTP status of the last attempt.
        status: u16,
        /// Attempts made.
        attempts: u32,
    },
    /// The registry answered with something the protocol does not foresee.
    #[error("the registry {host} answered {what} with status {status}")]
    Answer {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// HTTP status.
        status: u16,
    },
    /// The registry could not be reached.
    #[error("the registry could not be asked for {what}")]
    Reach {
        /// What was asked for.
        what: String,
        /// Why; its code and detail are for operators.
        #[source]
        source: egress::EgressError,
    },
    /// An interest that cannot be compiled.
    #[error("the interest {name:?} cannot be used: {why}")]
    Interest {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A pattern of paths to pass over that cannot be compiled.
    #[error("the pattern {glob:?} of paths to exclude cannot be used: {why}")]
    Exclude {
        /// The pattern.
        glob: String,
        /// What is wrong with it.
        why: String,
    },
    /// A layer index in a form or of a version this build does not read; read the layer again.
    #[error("a stored layer index cannot be read: {why}; the layer must be read again")]
    Index {
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no layer of that number.
    #[error("the image has no layer {index}")]
    Layer {
        /// Counted from zero.
        index: usize,
    },
}

impl ImageError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reference { .. } => "image-reference-invalid",
            Self::Open { .. } => "image-open-failed",
            Self::Format { .. } => "image-format-invalid",
            Self::NotFound { .. } => "image-reference-unknown",
            Self::Platform { .. } => "image-platform-missing",
            Self::MediaType { .. } => "image-media-type-unknown",
            Self::Digest { .. } => "image-digest-mismatch",
            Self::Read { .. } => "image-read-failed",
            Self::Denied { .. } => "image-registry-denied",
            Self::Busy { .. } => "image-registry-busy",
            Self::Answer { .. } => "image-registry-answer",
            Self::Reach { source, .. } => source.code(),
            Self::Interest { .. } => "image-interest-invalid",
            Self::Exclude { .. } => "image-exclude-invalid",
            Self::Index { .. } => "image-index-invalid",
            Self::Layer { .. } => "image-layer-missing",
        }
    }

    pub(crate) fn format(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Format { what: what.into(), why: why.into() }
    }

    pub(crate) fn read(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Read { what: what.into(), source }
    }
}
