//! What looks like a secret. A name alone is not enough, and neither is a value: a wrong alarm about a secret costs trust.

/// Parts of names that hold secrets, without separators, in lower case.
const NAMES: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "pgpassword",
    "secret",
    "secretkey",
    "secretaccesskey",
    "apikey",
    "accesstoken",
    "authtoken",
    "refreshtoken",
    "bearertoken",
    "privatekey",
    "clientsecret",
    "encryptionkey",
    "signingkey",
    "credential",
    "credentials",
];

/// Endings that make of such a name something else: where a secret is, how it is called, what it must be like.
const ABOUT: [&str; 26] = [
    "file",
    "path",
    "dir",
    "name",
    "names",
    "ref",
    "url",
    "uri",
    "host",
    "length",
    "size",
    "policy",
    "enabled",
    "ttl",
    "type",
    "id",
    "arn",
    "version",
    "namespace",
    "mount",
    "key_ref",
    "format",
    "min",
    "max",
    "store",
    "provider",
];

/// Whether a variable, key or option is named like one that holds a secret.
pub(crate) fn secret_name(name: &str) -> bool {
    if name.len() > 200 {
        return false;
    }
    let words = words(name);
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    let joined = words.concat();
    // `TLS_SECRET`, `EXISTING_SECRET`: the name of a Secret, not a secret.
    let about =
        |word: &String| matches!(word.as_str(), "tls" | "existing" | "pull" | "cert" | "ca" | "image");
    if last == "secret" && words.iter().rev().nth(1).is_some_and(about) {
        return false;
    }
    let ends = NAMES.iter().any(|known| joined.ends_with(known));
    ends || matches!(last.as_str(), "pass" | "pwd" | "token" | "pat")
}

/// The words of a name: `dbPassword`, `DB_PASSWORD` and `db-password` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            words.push(String::new());
            lower = false;
            continue;
        }
        if words.is_empty() || letter.is_uppercase() && lower {
            words.push(String::new());
        }
        lower = letter.is_lowercase() || letter.is_numeric();
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether the value of something named like a secret is one, and not a reference to where it is, or a switch.
pub(crate) fn secret_value(value: &str) -> bool {
    let value = value.trim();
    let word = value.trim_matches('"');
    let short = word.len() < 4;
    let reference = value.contains("$(")
        || value.contains("${")
        || value.contains("{{")
        || ["/", "./", "file:", "vault:", "arn:", "ref+", "secretref:", "http://", "https://", "<", "op://"]
            .iter()
            .any(|start| word.starts_with(start));
    let switch = matches!(
        word.to_ascii_lowercase().as_str(),
        "true" | "false" | "none" | "null" | "optional" | "required" | "disabled" | "enabled"
    );
    let number = word.len() < 8 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let masked = word.bytes().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'));
    !(short || reference || switch || number || masked)
}

/// What kind of secret a text is or holds, whatever it is called.
pub(crate) fn secret_in(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if url_password(text) {
        return Some("an address with a password in it");
    }
    let mut tokens =
        text.split(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.')));
    tokens.find_map(token)
}

/// Tokens that their makers gave a form of its own, documented by them.
fn token(word: &str) -> Option<&'static str> {
    let long = |start: &str, rest: usize| {
        word.strip_prefix(start).is_some_and(|tail| {
            tail.len() >= rest && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        })
    };
    let upper = word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if word.len() == 20 && upper && (word.starts_with("AKIA") || word.starts_with("ASIA")) {
        return Some("an AWS access key id");
    }
    if ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].iter().any(|start| long(start, 36)) || long("github_pat_", 60)
    {
        return Some("a GitHub token");
    }
    if long("glpat-", 20) {
        return Some("a GitLab token");
    }
    if ["xoxb-", "xoxp-", "xoxa-", "xoxr-"].iter().any(|start| long(start, 20)) {
        return Some("a Slack token");
    }
    if long("sk_live_", 20) || long("rk_live_", 20) {
        return Some("a Stripe key");
    }
    if long("hvs.", 20) || long("hvb.", 20) {
        return Some("a Vault token");
    }
    if long("AIza", 35) {
        return Some("a Google API key");
    }
    let parts = word.split('.').count() == 3 && word.split('.').all(|part| part.len() >= 10);
    if word.starts_with("eyJ") && parts {
        return Some("a JSON Web Token");
    }
    None
}

/// Whether an address carries a user's password: `scheme://user:password@host`.
fn url_password(text: &str) -> bool {
    text.match_indices("://").take(100).any(|(place, _)| {
        let rest = text.get(place + 3..).unwrap_or_default();
        let end = rest
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '"' | '\''));
        let authority = rest.get(..end.unwrap_or(rest.len()).min(2_000)).unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| secret_value(password))
    })
}

#[cfg(test)]
mod tests {
    use super::{secret_in, secret_name, secret_value};

    #[test]
    fn names_of_secrets_and_names_about_secrets() {
        for name in [
            "PGPASSWORD",
            "DB_PASSWORD",
            "dbPassword",
            "aws_secret_access_key",
            "API_KEY",
            "github-token",
            "MYSQL_PWD",
        ] {
            assert!(secret_name(name), "{name}");
        }
        for name in [
            "PASSWORD_FILE",
            "SECRET_NAME",
            "TOKEN_TTL",
            "COMPASS",
            "KEY",
            "tokenizer",
            "AUTH_TOKEN_URL",
            "TLS_SECRET",
            "",
            "secretId",
        ] {
            assert!(!secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_that_are_secrets_and_those_that_point_to_one() {
        for value in ["example-not-a-secret", "hunter22", "12345678"] {
            assert!(secret_value(value), "{value}");
        }
        for value in
            ["", "true", "$(DB_PASSWORD)", "/run/secrets/db", "vault:secret/db#pw", "****", "300", "<set me>"]
        {
            assert!(!secret_value(value), "{value}");
        }
    }

    #[test]
    fn secrets_of_a_known_form() {
        let cases = [
            (
                "postgres://shop:example-not-a-secret@db.shop.svc:5432/shop",
                Some("an address with a password in it"),
            ),
            ("postgres://shop@db/shop", None),
            ("https://example.org/a:b@c", None),
            ("-----BEGIN CERTIFICATE-----", None),
            ("-----BEGIN EC PRIVATE KEY-----", Some("a private key")),
            ("key=AKIAIOSFODNN7EXAMPLE;", Some("an AWS access key id")),
        ];
        for (text, wanted) in cases {
            assert_eq!(secret_in(text), wanted, "{text}");
        }
    }
}
