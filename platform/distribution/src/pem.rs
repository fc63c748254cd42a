//! PEM as RFC 7468 writes it: one block, base64 between two lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Letters of a line.
const LINE: usize = 64;

/// One block with this label.
pub(crate) fn write(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// The content of the only block, if it has this label and nothing but blank space is around it.
pub(crate) fn read(label: &str, text: &str) -> Option<Vec<u8>> {
    let body = text.trim().strip_prefix(&format!("-----BEGIN {label}-----"))?;
    let body = body.strip_suffix(&format!("-----END {label}-----"))?;
    let letters: String = body.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    STANDARD.decode(letters).ok()
}

/// The content of every block, if all have this label and nothing but blank space is around them.
pub(crate) fn read_all(label: &str, text: &str) -> Option<Vec<Vec<u8>>> {
    let end = format!("-----END {label}-----");
    let mut blocks = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (block, after) = rest.split_once(&end)?;
        blocks.push(read(label, &format!("{block}{end}"))?);
        rest = after.trim_start();
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(der: Vec<u8>) {
            let text = write("PUBLIC KEY", &der);
            proptest::prop_assert_eq!(read("PUBLIC KEY", &text), Some(der.clone()));
            proptest::prop_assert_eq!(read_all("PUBLIC KEY", &text), Some(vec![der]));
            proptest::prop_assert!(read("PRIVATE KEY", &text).is_none());
            let twice = read_all("PUBLIC KEY", &text.repeat(2)).unwrap();
            proptest::prop_assert_eq!(&twice[0], &twice[1]);
        }
    }

    #[test]
    fn other_text_is_no_block() {
        let good = write("X", b"abc");
        for bad in ["", "-----BEGIN X-----", &good.repeat(2), &format!("a{good}"), &good.replace("YW", "Y!")]
        {
            assert_eq!(read("X", bad), None, "{bad}");
        }
    }
}
