//! What a certificate says of its owner: the extensions of X.509 (RFC 5280) that name an identity. Certificates have been
//! read and verified by `webpki` before; it does not show these.

/// `subjectAltName`.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// `1.3.6.1.4.1.57264.1.1`: the issuer of the identity, as bare text.
const ISSUER_TEXT: [u8; 10] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x01];
/// `1.3.6.1.4.1.57264.1.8`: the same as a `UTF8String`.
const ISSUER_STRING: [u8; 10] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08];

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
/// `[3]` of `TBSCertificate`.
const EXTENSIONS: u8 = 0xa3;
/// `rfc822Name` and `uniformResourceIdentifier` of `GeneralName`.
const NAMES: [u8; 2] = [0x81, 0x86];

/// Who a certificate was issued to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Who vouched for the identity: the URL of an OpenID Connect provider.
    pub(crate) issuer: String,
    /// The identity: an e-mail address or a URI.
    pub(crate) subject: String,
}

impl Owner {
    /// Reads it from a certificate. `None` unless there is exactly one subject and one issuer.
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let (SEQUENCE, certificate, _) = element(certificate)? else { return None };
        let (SEQUENCE, body, _) = element(certificate)? else { return None };
        let extensions = Elements(body).find(|(tag, _)| *tag == EXTENSIONS)?.1;
        let (SEQUENCE, extensions, _) = element(extensions)? else { return None };
        let subject = one(names(only(extensions, &SUBJECT_ALT_NAME)??))?;
        let bare = only(extensions, &ISSUER_TEXT)?;
        let string = match only(extensions, &ISSUER_STRING)? {
            None => None,
            Some(value) => {
                let (UTF8_STRING, text, []) = element(value)? else { return None };
                Some(text)
            }
        };
        let issuer = match (bare, string) {
            (Some(bare), Some(string)) if bare != string => return None,
            (bare, string) => string.or(bare)?,
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Self { issuer: text(issuer)?, subject: text(subject)? })
    }
}

/// The value of the extension with this identifier: `Some(None)` when it is not there, `None` when it is there twice.
fn only<'a>(extensions: &'a [u8], identifier: &[u8]) -> Option<Option<&'a [u8]>> {
    let mut found = None;
    for (_, extension) in Elements(extensions) {
        let mut parts = Elements(extension);
        if parts.next() != Some((OBJECT_IDENTIFIER, identifier)) {
            continue;
        }
        let value = parts.find(|(tag, _)| *tag == OCTET_STRING)?.1;
        if found.replace(value).is_some() {
            return None;
        }
    }
    Some(found)
}

/// The e-mail addresses and URIs of a `subjectAltName`.
fn names(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let names = match element(value) {
        Some((SEQUENCE, names, [])) => names,
        _ => &[],
    };
    Elements(names).filter(|(tag, _)| NAMES.contains(tag)).map(|(_, name)| name)
}

fn one<T>(mut of: impl Iterator<Item = T>) -> Option<T> {
    let first = of.next()?;
    of.next().is_none().then_some(first)
}

/// The elements that follow each other; ends where the bytes are no element.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, content, rest) = element(self.0)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// Tag, content and what follows. Tags of one byte and lengths of up to four are all that certificates have.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..0x80 => (short, rest),
        long => {
            let (digits, rest) =
                rest.split_at_checked(long - 0x80).filter(|(digits, _)| digits.len() <= 4)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Owner::of(&bytes);
            let _ = Owner::of(&[&[0x30, bytes.len() as u8][..], &bytes].concat());
        }
    }
}
