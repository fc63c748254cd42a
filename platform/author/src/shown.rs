//! Texts of plugins, fit for a terminal.

/// Most characters of one text.
const CHARS_MAX: usize = 2_000;

/// Without control characters and characters that turn the text around them, and cut where it is too long.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == CHARS_MAX {
            out.push('…');
            break;
        }
        let invisible = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if letter.is_control() || invisible {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=10_239_999 => format!("{} KiB", bytes / 1_024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, size};

    #[test]
    fn a_text_cannot_draw_on_a_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(shown(&"x".repeat(5_000)).chars().count(), 2_001);
    }

    #[test]
    fn sizes_have_the_unit_that_people_would_use() {
        assert_eq!([size(12), size(100_000), size(18 << 20)], ["12 bytes", "97 KiB", "18.0 MiB"]);
    }
}
