//! What looks like the name of a secret. Values are never seen, so a name has to say it plainly.

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
