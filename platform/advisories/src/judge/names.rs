//! Names in the form in which each registry treats them as the same.

use std::borrow::Cow;

/// The normal form of a package name in an OSV ecosystem.
pub(crate) fn normalise<'a>(ecosystem: &str, name: &'a str) -> Cow<'a, str> {
    let base = ecosystem.split(':').next().unwrap_or(ecosystem);
    match base {
        "PyPI" => python(name),
        // Registries of these ignore case. Go's does not, but hosts of most modules do, and tools write both.
        "NuGet" | "Packagist" | "Go" | "Hex" | "GitHub Actions" => lower(name),
        "crates.io" => match lower(name) {
            text if text.contains('_') => Cow::Owned(text.replace('_', "-")),
            text => text,
        },
        _ => Cow::Borrowed(name),
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.chars().any(char::is_uppercase) { Cow::Owned(name.to_lowercase()) } else { Cow::Borrowed(name) }
}

/// PEP 503: lower case, and runs of `-`, `_` and `.` are one hyphen.
fn python(name: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if name.bytes().all(plain) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            _ => out.extend(c.to_lowercase()),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn each_registry_has_its_own_idea_of_sameness() {
        for (ecosystem, name, normal) in [
            ("PyPI", "Flask__Cors.x", "flask-cors-x"),
            ("npm", "JSONStream", "JSONStream"),
            ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
            ("Packagist", "Symfony/HTTP-Kernel", "symfony/http-kernel"),
            ("crates.io", "serde_json", "serde-json"),
            ("Go", "github.com/Sirupsen/logrus", "github.com/sirupsen/logrus"),
            ("Debian:12", "libX11", "libX11"),
            ("Maven", "Org.a:B", "Org.a:B"),
        ] {
            assert_eq!(normalise(ecosystem, name), normal);
        }
    }
}
