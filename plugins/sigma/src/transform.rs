//! What modifiers make of a text: other encodings of it, other dashes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with its padding (RFC 4648).
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| chunk.get(place).copied().map_or(0, u32::from);
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4usize {
            let index = (group >> (18 - 6 * place)) & 63;
            let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// The parts of base64 that do not depend on what stands around the bytes, for each of the three places where they may begin.
pub(crate) fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    (0..3usize)
        .map(|offset| {
            let shifted: Vec<u8> = std::iter::repeat_n(b' ', offset).chain(bytes.iter().copied()).collect();
            let text = base64(&shifted);
            let start = [0, 2, 3].get(offset).copied().unwrap_or_default();
            let cut = [0, 3, 2].get(shifted.len() % 3).copied().unwrap_or_default();
            text.get(start..text.len().saturating_sub(cut)).unwrap_or_default().to_owned()
        })
        .collect()
}

/// UTF-16, little or big end first.
pub(crate) fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// What an option may begin with.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// Places of options that are varied one by one; more are varied together.
const DASHES_ALONE: usize = 3;

/// A text with every dash that may begin an option in all its forms.
pub(crate) fn dashes(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let places: Vec<usize> = (0..characters.len())
        .filter(|&place| {
            let before = place.checked_sub(1).and_then(|place| characters.get(place));
            matches!(characters.get(place), Some('-' | '/'))
                && !word(before)
                && word(characters.get(place + 1))
        })
        .collect();
    let with = |places: &[usize], from: &[char], dash: char| -> Vec<char> {
        let at = |(place, c): (usize, &char)| if places.contains(&place) { dash } else { *c };
        from.iter().enumerate().map(at).collect()
    };
    let mut variants = vec![characters.clone()];
    if places.len() > DASHES_ALONE {
        variants.extend(DASHES.iter().map(|dash| with(&places, &characters, *dash)));
    } else {
        for place in &places {
            variants = variants
                .iter()
                .flat_map(|variant| DASHES.map(|dash| with(std::slice::from_ref(place), variant, dash)))
                .collect();
        }
    }
    let mut texts: Vec<String> = variants.into_iter().map(|variant| variant.into_iter().collect()).collect();
    texts.sort();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::{base64, base64_offsets, dashes, utf16};

    #[test]
    fn base64_as_the_standard_has_it() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(base64(&utf16("hi", false)), "aABpAA==");
        assert_eq!(utf16("h", true), [0, b'h']);
    }

    #[test]
    fn a_text_is_found_wherever_it_begins() {
        let parts = base64_offsets(b"http://");
        assert_eq!(parts, ["aHR0cDovL", "h0dHA6Ly", "odHRwOi8v"]);
        for (before, part) in ["", "a", "ab"].iter().zip(&parts) {
            for after in ["", "x", "xy", "xyz"] {
                assert!(base64(format!("{before}http://{after}").as_bytes()).contains(part.as_str()));
            }
        }
    }

    #[test]
    fn dashes_of_options_alone() {
        assert_eq!(dashes("a-b c/d"), ["a-b c/d"]);
        assert_eq!(dashes("-x").len(), 5);
        assert_eq!(dashes(" -x /y").len(), 25);
        assert_eq!(dashes("-a -b -c -d -e").len(), 5);
        assert!(dashes("-x").contains(&"—x".to_owned()));
    }
}
