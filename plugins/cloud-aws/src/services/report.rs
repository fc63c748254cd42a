//! The credential report: a table in CSV with a line for every user.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The `Credentials` of every user by ARN. Values have no commas and no quotes: names of users cannot.
pub(crate) fn read(content: &str) -> Option<BTreeMap<String, Value>> {
    let text = String::from_utf8(bytes(content)?).ok()?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next()?.split(',').collect();
    let arn = names.iter().position(|name| *name == "arn")?;
    let mut users = BTreeMap::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let values: Vec<&str> = line.split(',').collect();
        if values.len() != names.len() {
            return None;
        }
        let of = |name: &str| {
            let place = names.iter().position(|own| *own == name)?;
            values.get(place).map(|value| value.trim())
        };
        users.insert((*values.get(arn)?).to_owned(), credentials(&of));
    }
    Some(users)
}

fn credentials<'a>(of: &impl Fn(&str) -> Option<&'a str>) -> Value {
    let flag = |name: &str| match of(name) {
        Some("true" | "TRUE") => Value::Bool(true),
        Some("false" | "FALSE") => Value::Bool(false),
        _ => Value::Null,
    };
    let word = |name: &str| match of(name) {
        None | Some("" | "N/A" | "n/a" | "not_supported" | "no_information") => Value::Null,
        Some(text) => Value::String(text.to_owned()),
    };
    let time = |name: &str| match word(name) {
        Value::String(text) => Value::String(crate::time::of_text(&text)),
        other => other,
    };
    let key = |number: u8| {
        let name = |part: &str| format!("access_key_{number}_{part}");
        json!({
            "Active": flag(&name("active")),
            "LastRotated": time(&name("last_rotated")),
            "LastUsedDate": time(&name("last_used_date")),
            "LastUsedRegion": word(&name("last_used_region")),
            "LastUsedService": word(&name("last_used_service")),
        })
    };
    let certificate = |number: u8| {
        let name = |part: &str| format!("cert_{number}_{part}");
        json!({ "Active": flag(&name("active")), "LastRotated": time(&name("last_rotated")) })
    };
    json!({
        "UserCreationTime": time("user_creation_time"),
        "PasswordEnabled": flag("password_enabled"),
        "PasswordLastUsed": time("password_last_used"),
        "PasswordLastChanged": time("password_last_changed"),
        "PasswordNextRotation": time("password_next_rotation"),
        "MfaActive": flag("mfa_active"),
        "AccessKeys": [key(1), key(2)],
        "Certificates": [certificate(1), certificate(2)],
    })
}

/// The bytes that a base64 text stands for (RFC 4648, section 4).
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(buffer >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{bytes, read};
    use serde_json::{Value, json};

    #[test]
    fn a_report_tells_the_credentials_of_every_user() {
        // user,arn,mfa_active,password_enabled,password_last_used,access_key_1_active,access_key_1_last_rotated
        // ann,arn:aws:iam::1:user/ann,true,not_supported,no_information,true,2026-01-02T03:04:05+00:00
        let content = "dXNlcixhcm4sbWZhX2FjdGl2ZSxwYXNzd29yZF9lbmFibGVkLHBhc3N3b3JkX2xhc3RfdXNlZCxhY2Nlc3Nfa2V5XzFfYWN0aXZl\
            LGFjY2Vzc19rZXlfMV9sYXN0X3JvdGF0ZWQKYW5uLGFybjphd3M6aWFtOjoxOnVzZXIvYW5uLHRydWUsbm90X3N1cHBvcnRlZCxub19pbmZvcm1hd\
            Glvbix0cnVlLDIwMjYtMDEtMDJUMDM6MDQ6MDUrMDA6MDAK";
        let users = read(content).unwrap();
        let ann = &users["arn:aws:iam::1:user/ann"];
        assert_eq!(ann["MfaActive"], true);
        assert_eq!((&ann["PasswordEnabled"], &ann["PasswordLastUsed"]), (&Value::Null, &Value::Null));
        assert_eq!(ann["AccessKeys"][0]["LastRotated"], json!("2026-01-02T03:04:05Z"));
        assert_eq!(ann["AccessKeys"][1]["Active"], Value::Null);
    }

    #[test]
    fn what_is_no_report_is_none() {
        assert_eq!(bytes("YWI=").as_deref(), Some(b"ab".as_slice()));
        assert_eq!(read("~"), None);
        assert_eq!(read(""), None);
        assert_eq!(read("dXNlcg=="), None);
    }
}
