//! From `impl Kind for Type { … }` to the export of `Type`.

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

/// The item as it is, and after it `::palisade_sdk::<maker>!(Type);`.
pub(crate) fn expand(kind: &str, maker: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    match exported(kind, &arguments, item.clone()) {
        Ok(name) => item.into_iter().chain(call("palisade_sdk", maker, name)).collect(),
        // The item stays, so that the compiler's other messages about it stay true.
        Err((span, problem)) => call_at(span, &problem).chain(item).collect(),
    }
}

type Problem = (Span, String);

/// The type that the block is for.
fn exported(kind: &str, arguments: &TokenStream, item: TokenStream) -> Result<TokenStream, Problem> {
    if let Some(token) = arguments.clone().into_iter().next() {
        return Err((token.span(), "this attribute takes no arguments".to_owned()));
    }
    let wanted = format!("this attribute stands on `impl {kind} for YourType {{ … }}`");
    let tokens: Vec<TokenTree> = item.into_iter().collect();
    let place = |word: &str| tokens.iter().position(|token| is_word(token, word));
    let (Some(start), Some(middle)) = (place("impl"), place("for")) else {
        return Err((Span::call_site(), wanted));
    };
    // The last word before `for` names the trait, with or without a path in front of it.
    let named = tokens.get(middle.wrapping_sub(1)).filter(|token| is_word(token, kind));
    let generic = tokens.get(start + 1).is_some_and(|token| is_sign(token, '<'));
    if middle < start || named.is_none() {
        return Err((tokens.get(middle).map_or_else(Span::call_site, TokenTree::span), wanted));
    }
    let rest = tokens.get(middle + 1..).unwrap_or_default();
    let name: Vec<TokenTree> = rest.iter().take_while(|token| !ends_type(token)).cloned().collect();
    if generic || name.is_empty() {
        return Err((Span::call_site(), format!("{wanted}, with a type that has no parameters of its own")));
    }
    Ok(name.into_iter().collect())
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn ends_type(token: &TokenTree) -> bool {
    let body = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    body || is_word(token, "where")
}

/// `::library::maker!(argument);`
fn call(library: &str, maker: &str, argument: TokenStream) -> impl Iterator<Item = TokenTree> {
    let path = colons().chain([word(library)]).chain(colons()).chain([word(maker)]);
    path.chain([sign('!', Spacing::Alone), Group::new(Delimiter::Parenthesis, argument).into()])
        .chain([sign(';', Spacing::Alone)])
}

/// `::core::compile_error!("problem");` at a place of the author's text.
fn call_at(span: Span, problem: &str) -> impl Iterator<Item = TokenTree> + use<> {
    let text = TokenTree::Literal(proc_macro::Literal::string(problem));
    call("core", "compile_error", text.into()).map(move |mut token| {
        token.set_span(span);
        token
    })
}

fn colons() -> impl Iterator<Item = TokenTree> {
    [sign(':', Spacing::Joint), sign(':', Spacing::Alone)].into_iter()
}

fn word(text: &str) -> TokenTree {
    Ident::new(text, Span::call_site()).into()
}

fn sign(sign: char, spacing: Spacing) -> TokenTree {
    Punct::new(sign, spacing).into()
}
