//! Follows a redirect by hand to a host that was not granted, and asks every inner address that it can spell.

use contract::host::http;
use contract::{Error, Page};

contract::collector!(collect);

const PLACES: [&str; 12] = [
    "https://evil.example/",
    "https://granted.example.evil.example/",
    "https://evil-granted.example/",
    "https://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "https://localhost/",
    "https://127.1/",
    "https://0x7f000001/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "file:///etc/passwd",
    "https://granted.example:6443/",
];

fn collect(_cursor: Option<String>) -> Result<Page, Error> {
    let first = http::send(&contract::request("GET", "https://granted.example/redirect"));
    let mut attempts = vec![contract::outcome("granted", &first)];
    if let Ok(response) = first {
        attempts.push(format!("status {}", response.status));
        let locations = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("location"));
        attempts.extend(locations.map(|(_, place)| asked(place)));
    }
    attempts.extend(PLACES.iter().map(|place| asked(place)));
    for method in ["POST", "CONNECT", "get", "GET / HTTP/1.1\r\nX: y", ""] {
        let answer = http::send(&contract::request(method, "https://granted.example/"));
        attempts.push(contract::outcome(&format!("method {method:?}"), &answer));
    }
    Ok(contract::told(attempts))
}

fn asked(place: &str) -> String {
    contract::outcome(place, &http::send(&contract::request("GET", place)))
}
