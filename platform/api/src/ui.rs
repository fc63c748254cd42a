//! The user interface: static files compiled into the binary.
//!
//! A path that names no file is a page of the single-page application and gets its shell, so that every address can be
//! opened, reloaded and shared. A missing file below `assets/` is missing: answering it with the shell would make a
//! browser run HTML as a script.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Where the build puts files whose names contain a hash of their content.
const HASHED: &str = "assets/";
/// The page that starts the application.
const SHELL: &str = "index.html";

/// What is shown instead of the application when it was not compiled in.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Palisade</title></head>\n\
<body>\n<h1>The user interface is not in this binary</h1>\n\
<p>The server and its API work; this build was made without the files of the user interface.</p>\n\
<p>To build both, run <code>cargo xtask up</code> at the root of the repository. By hand: \
<code>npm ci</code> and <code>npm run build</code> in <code>ui/</code>, then \
<code>cargo build --package palisade --features api/embed-ui</code>.</p>\n\
</body>\n</html>\n";

/// One file of the user interface.
pub(crate) struct File {
    bytes: Cow<'static, [u8]>,
    /// Entity tag, quoted.
    tag: String,
}

/// The response for a path of the user interface; nothing when there is no such file.
pub(crate) fn serve(path: &str, headers: &HeaderMap) -> Option<Response> {
    respond(path, headers, &embedded)
}

fn respond(path: &str, headers: &HeaderMap, find: &dyn Fn(&str) -> Option<File>) -> Option<Response> {
    let name = path.trim_start_matches('/');
    // Build metadata such as `.vite/manifest.json` and whatever else starts with a dot is nobody's business.
    if name.split('/').any(|part| part.starts_with('.')) || name.ends_with(".br") {
        return None;
    }
    let name = if !name.is_empty() && find(name).is_some() { name } else { shell_for(name)? };
    let Some(plain) = find(name) else { return Some(not_built()) };
    let (file, coding) = compressed(name, headers, find).map_or((plain, None), |file| (file, Some("br")));
    Some(file_response(name, file, coding, headers))
}

/// The shell, unless the path can only mean a file.
fn shell_for(name: &str) -> Option<&'static str> {
    (!name.starts_with(HASHED)).then_some(SHELL)
}

fn compressed(name: &str, headers: &HeaderMap, find: &dyn Fn(&str) -> Option<File>) -> Option<File> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok())?;
    let takes_brotli = accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("br")
            && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    });
    if takes_brotli { find(&format!("{name}.br")) } else { None }
}

fn file_response(name: &str, file: File, coding: Option<&'static str>, headers: &HeaderMap) -> Response {
    let unchanged = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == file.tag);
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(file.bytes));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
        if let Some(coding) = coding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    };
    let caching = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&file.tag) {
        out.insert(header::ETAG, tag);
    }
    response
}

fn not_built() -> Response {
    let kind = (header::CONTENT_TYPE, "text/html; charset=utf-8");
    ([kind, (header::CACHE_CONTROL, "no-store")], NOT_BUILT).into_response()
}

/// Types of the files that a web build makes; anything else is offered as bytes, which no browser runs.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(feature = "embed-ui")]
fn embedded(name: &str) -> Option<File> {
    #[derive(rust_embed::RustEmbed)]
    #[folder = "$CARGO_MANIFEST_DIR/../../ui/dist"]
    #[allow_missing = true]
    struct Files;

    let file = Files::get(name)?;
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash().get(..16)?));
    Some(File { bytes: file.data, tag })
}

#[cfg(not(feature = "embed-ui"))]
fn embedded(_: &str) -> Option<File> {
    None
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
    use axum::response::Response;

    use super::{File, respond};

    fn find(name: &str) -> Option<File> {
        let bytes: &'static [u8] = match name {
            "index.html" => b"shell",
            "assets/app-1a2b.js" => b"script",
            "assets/app-1a2b.js.br" => b"squeezed",
            "favicon.svg" => b"<svg/>",
            ".vite/manifest.json" => b"{}",
            _ => return None,
        };
        Some(File { bytes: bytes.into(), tag: format!("\"{name}\"") })
    }

    fn get(path: &str, headers: &[(header::HeaderName, &'static str)]) -> Option<Response> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        respond(path, &headers, &find)
    }

    fn header(response: &Response, name: header::HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn pages_get_the_shell_and_files_get_themselves() {
        for path in ["/", "/findings", "/images/sha256:00/packages", "/assetsx"] {
            let response = get(path, &[]).unwrap();
            assert_eq!(header(&response, header::CONTENT_TYPE), "text/html; charset=utf-8", "{path}");
            assert_eq!(header(&response, header::CACHE_CONTROL), "no-cache", "{path}");
        }
        let script = get("/assets/app-1a2b.js", &[]).unwrap();
        assert_eq!(header(&script, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(header(&script, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
        assert_eq!(header(&get("/favicon.svg", &[]).unwrap(), header::CONTENT_TYPE), "image/svg+xml");
    }

    #[test]
    fn a_missing_asset_and_hidden_files_are_not_there() {
        for path in ["/assets/gone.js", "/.vite/manifest.json", "/../secret", "/assets/app-1a2b.js.br"] {
            assert!(get(path, &[]).is_none(), "{path}");
        }
    }

    #[test]
    fn brotli_is_sent_to_those_who_take_it() {
        let yes = get("/assets/app-1a2b.js", &[(header::ACCEPT_ENCODING, "gzip, br")]).unwrap();
        assert_eq!(header(&yes, header::CONTENT_ENCODING), "br");
        assert_eq!(header(&yes, header::VARY), "accept-encoding");
        let no = get("/assets/app-1a2b.js", &[(header::ACCEPT_ENCODING, "gzip, br;q=0")]).unwrap();
        assert_eq!(header(&no, header::CONTENT_ENCODING), "");
    }

    #[test]
    fn a_known_tag_is_answered_without_the_file() {
        let response = get("/favicon.svg", &[(header::IF_NONE_MATCH, "\"x\", W/\"favicon.svg\"")]).unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header(&response, header::ETAG), "\"favicon.svg\"");
    }

    #[test]
    fn without_files_a_page_says_how_to_get_them() {
        let response = respond("/findings", &HeaderMap::new(), &|_| None).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, header::CACHE_CONTROL), "no-store");
    }
}
