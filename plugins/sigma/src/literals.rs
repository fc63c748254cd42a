//! Texts that everything a regular expression matches must hold, in small letters.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::text::small;

/// Most texts of which one must be there.
const MOST: usize = 32;

/// Texts of which a match holds at least one; nothing where none can be told. Each has at least `shortest` bytes.
pub(crate) fn of_regex(pattern: &str, shortest: usize) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let texts = best(&hir, shortest)?;
    (!texts.is_empty()).then_some(texts)
}

fn best(hir: &Hir, shortest: usize) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => {
            let text = fixed(hir)?;
            (text.len() >= shortest).then(|| vec![text])
        }
        HirKind::Capture(capture) => best(&capture.sub, shortest),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub, shortest),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(best(part, shortest)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Concat(parts) => concat(parts, shortest),
        _ => None,
    }
}

/// Of neighbours that are fixed one text; of all choices the one whose shortest text is the longest.
fn concat(parts: &[Hir], shortest: usize) -> Option<Vec<String>> {
    let mut choices: Vec<Vec<String>> = Vec::new();
    let mut run = String::new();
    for part in parts {
        match fixed(part) {
            Some(text) => run.push_str(&text),
            None => {
                choices.push(vec![std::mem::take(&mut run)]);
                choices.extend(best(part, shortest));
            }
        }
    }
    choices.push(vec![run]);
    let worth = |texts: &Vec<String>| texts.iter().map(String::len).min().unwrap_or_default();
    choices.into_iter().filter(|texts| worth(texts) >= shortest).max_by_key(worth)
}

/// The one text that a part matches, but for the size of letters.
fn fixed(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Some(text.chars().flat_map(small).collect())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut only: Option<String> = None;
            for character in class.iter().flat_map(|range| range.start()..=range.end()).take(5) {
                let one: String = small(character).collect();
                match &only {
                    Some(known) if *known != one => return None,
                    _ => only = Some(one),
                }
            }
            only
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::of_regex;

    #[test]
    fn what_must_be_there() {
        for (pattern, expected) in [
            ("curling.*http", Some(vec!["curling"])),
            ("(?i)wget +-O", Some(vec!["wget"])),
            ("^(bash|zsh)$", Some(vec!["bash", "zsh"])),
            ("(ab|cd)+x", None),
            (".*", None),
            ("a?bcd", Some(vec!["bcd"])),
            ("(abc)?", None),
            ("[A-Z]{3}", None),
            ("[Cc]hmod", Some(vec!["chmod"])),
            ("(", None),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(of_regex(pattern, 3), expected, "{pattern}");
        }
    }
}
