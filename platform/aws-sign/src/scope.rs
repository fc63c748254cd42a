//! What a signature is good for.

use std::str::FromStr;

use crate::SignError;

/// A region and a service, written `eu-west-1/ec2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// S3 reads paths as they are, and wants the hash of the body in a header.
    pub(crate) fn is_storage(&self) -> bool {
        self.service == "s3"
    }
}

impl FromStr for Scope {
    type Err = SignError;

    fn from_str(text: &str) -> Result<Self, SignError> {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let word = |part: &str| (1..=64).contains(&part.len()) && part.bytes().all(letters);
        match text.split_once('/') {
            Some((region, service)) if word(region) && word(service) => {
                Ok(Self { region: region.to_owned(), service: service.to_owned() })
            }
            _ => Err(SignError::Scope { text: text.chars().take(100).collect() }),
        }
    }
}
