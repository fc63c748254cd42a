//! Where the text of the contract is.
//!
//! The SDK is compiled in two layouts: in Palisade's repository it is `plugins/sdk` and the contract is `wit`; in an author's
//! project, made by `palisade plugin new`, they are `sdk` and `wit` side by side. A path in the source could name only
//! one of them, a link in the file system does not survive every checkout, and a build script would be one more program to
//! run: so the macro that needs the path looks where the text is.

use std::path::Path;

use proc_macro::{Delimiter, Group, Literal, Punct, Spacing, TokenStream, TokenTree};

/// The contract's packages, in an order in which each knows those before it.
const PACKAGES: [&str; 4] = ["types", "host", "plugin", "worlds"];

/// From the SDK's folder: beside it, or two above it.
const PLACES: [&str; 2] = ["../wit", "../../wit"];

/// The tokens, with every word `WIT` replaced by the list of the packages' folders.
pub(crate) fn place(tokens: TokenStream) -> TokenStream {
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let found = PLACES.into_iter().find(|place| Path::new(&own).join(place).join("worlds").is_dir());
    match found {
        Some(root) => replaced(tokens, &folders(root)),
        None => {
            let text = format!(
                "the contract is not there: neither {own}/../wit nor {own}/../../wit holds `worlds`; copy the `wit` \
                 folder of Palisade's sources there"
            );
            let text = TokenStream::from(TokenTree::Literal(Literal::string(&text)));
            let path = "::core::compile_error!".parse::<TokenStream>().unwrap_or_default();
            path.into_iter().chain([TokenTree::Group(Group::new(Delimiter::Brace, text))]).collect()
        }
    }
}

fn folders(root: &str) -> Group {
    let paths = PACKAGES.into_iter().flat_map(|package| {
        let path = Literal::string(&format!("{root}/{package}"));
        [TokenTree::Literal(path), TokenTree::Punct(Punct::new(',', Spacing::Alone))]
    });
    Group::new(Delimiter::Bracket, paths.collect())
}

fn replaced(tokens: TokenStream, folders: &Group) -> TokenStream {
    let one = |token: TokenTree| match token {
        TokenTree::Ident(ident) if ident.to_string() == "WIT" => TokenTree::Group(folders.clone()),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), replaced(group.stream(), folders));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => other,
    };
    tokens.into_iter().map(one).collect()
}
