//! Signs requests to AWS: Signature Version 4, as the IAM User Guide describes it under "Create a signed AWS API request", with
//! one key and headers. No I/O: the caller brings the time and sends the request.
//!
//! ```
//! let file = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n";
//! let credentials = aws_sign::Credentials::parse(file)?;
//! let request = aws_sign::Request {
//!     method: "GET",
//!     url: "https://ec2.eu-west-1.amazonaws.com/",
//!     headers: &[],
//!     body: b"",
//! };
//! let headers = aws_sign::sign(&credentials, &"eu-west-1/ec2".parse()?, &request, 1_440_938_160)?;
//! assert!(headers.iter().any(|(name, value)| name == "authorization" && value.starts_with("AWS4-HMAC-SHA256 ")));
//! # Ok::<(), aws_sign::SignError>(())
//! ```

mod canonical;
mod credentials;
mod error;
mod mac;
mod scope;
#[cfg(test)]
mod tests;

pub use credentials::Credentials;
pub use error::SignError;
pub use mac::mac;
pub use scope::Scope;

use canonical::Canonical;
use mac::{hash, hex};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is signed, as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Method in capitals.
    pub method: &'a str,
    /// Absolute URL, percent-encoded.
    pub url: &'a str,
    /// Names and values. Of them, `content-type` and those that start with `x-amz-` are signed.
    pub headers: &'a [(String, String)],
    /// Body; empty for none.
    pub body: &'a [u8],
}

/// The headers that sign a request: `authorization`, `x-amz-date`, for S3 `x-amz-content-sha256`, and for temporary credentials
/// `x-amz-security-token`. They replace headers of the same names. `seconds` is the time, since 1970 in UTC; AWS takes a
/// signature for some minutes.
///
/// # Errors
/// [`SignError::Url`] for a URL without a host, [`SignError::Time`] for a time that no calendar has.
pub fn sign(
    credentials: &Credentials,
    scope: &Scope,
    request: &Request<'_>,
    seconds: i64,
) -> Result<Vec<(String, String)>, SignError> {
    let time = jiff::Timestamp::from_second(seconds).map_err(|_| SignError::Time { seconds })?;
    let (time, day) = (time.strftime("%Y%m%dT%H%M%SZ").to_string(), time.strftime("%Y%m%d").to_string());
    let content = hex(&hash(request.body));
    let mut added = vec![("x-amz-date".to_owned(), time.clone())];
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token".to_owned(), token.clone()));
    }
    if scope.is_storage() {
        added.push(("x-amz-content-sha256".to_owned(), content.clone()));
    }
    let canonical = Canonical::of(request, &added, scope, &content)?;
    let range = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!("{ALGORITHM}\n{time}\n{range}\n{}", hex(&hash(canonical.text.as_bytes())));
    let mut key = mac(format!("AWS4{}", credentials.secret).as_bytes(), day.as_bytes());
    for part in [scope.region.as_str(), scope.service.as_str(), "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let value = format!(
        "{ALGORITHM} Credential={}/{range}, SignedHeaders={}, Signature={}",
        credentials.key_id,
        canonical.names,
        hex(&mac(&key, text.as_bytes())),
    );
    added.push(("authorization".to_owned(), value));
    Ok(added)
}
