//! The pages about every stable code of the platform, compiled in: an error message and its explanation travel together.

use std::borrow::Cow;

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../error-codes"]
struct Pages;

/// The page about a code of an error, a coverage gap or a plugin fault, in Markdown: what happened, why, and what to do.
/// `None` when nothing has that code.
#[must_use]
pub fn error_page(code: &str) -> Option<Cow<'static, str>> {
    let page = Pages::get(&format!("{code}.md"))?;
    match page.data {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// Every code that has a page, in alphabetical order.
#[must_use]
pub fn explained_codes() -> Vec<String> {
    let names = Pages::iter().filter_map(|name| name.strip_suffix(".md").map(str::to_owned));
    let mut codes: Vec<String> = names.collect();
    codes.sort();
    codes
}

#[cfg(test)]
mod tests {
    use super::{error_page, explained_codes};
    use crate::Code;

    #[test]
    fn codes_of_the_api_and_of_everything_else_have_pages() {
        for code in Code::ALL {
            assert!(error_page(code.as_str()).unwrap().starts_with(&format!("# {}", code.as_str())));
        }
        assert!(error_page("image-digest-mismatch").unwrap().contains("## What to do"));
        assert!(explained_codes().len() > 140);
    }

    #[test]
    fn nothing_else_is_a_page() {
        for name in ["", "../openapi", "image-digest-mismatch.md", "IMAGE-DIGEST-MISMATCH", "/etc/passwd"] {
            assert!(error_page(name).is_none(), "{name}");
        }
    }
}
