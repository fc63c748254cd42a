//! Reads users of a directory service, page by page.

use palisade_sdk::http::Request;
use palisade_sdk::{Collector, Config, Error, Page, Resource};
use serde::{Deserialize, Serialize};

struct Directory;

#[derive(Deserialize)]
struct Answer {
    users: Vec<User>,
    next: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct User {
    id: String,
    admin: bool,
}

#[palisade_sdk::collector]
impl Collector for Directory {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn collect(&self, cursor: Option<&str>) -> Result<Page, Error> {
        let mut request = Request::get("https://api.example.com/v1/users").secret("token");
        if let Some(cursor) = cursor {
            request = request.query("after", cursor);
        }
        let answer: Answer = request.send()?.ok()?.json()?;
        let users = answer.users.iter();
        let resources =
            users.map(|user| Resource::new(format!("identity:{}", user.id), "example:user", user));
        Ok(Page::new(resources).next(answer.next))
    }
}

#[cfg(test)]
mod tests {
    use super::Directory;
    use palisade_sdk::Error;
    use palisade_sdk::testing::{Fakes, Reply};
    use serde_json::json;

    const URL: &str = "https://api.example.com/v1/users";

    #[test]
    fn pages_follow_each_other_to_the_last() {
        let first =
            Reply::json(&json!({ "users": [{ "id": "ada", "admin": true }], "next": "a/d" }));
        let last = Reply::json(&json!({ "users": [] }));
        let fakes =
            Fakes::new()
                .http("GET", URL, first)
                .http("GET", format!("{URL}?after=a%2Fd"), last);
        let fakes = fakes.install();
        let page = palisade_sdk::collect::<Directory>("{}", None).unwrap();
        assert_eq!(page.resources[0].asset, "identity:ada");
        let page = palisade_sdk::collect::<Directory>("{}", page.next.as_deref()).unwrap();
        assert_eq!((page.resources.len(), page.next), (0, None));
        assert!(
            fakes
                .requests()
                .iter()
                .all(|request| request.secret.as_deref() == Some("token"))
        );
    }

    #[test]
    fn a_busy_directory_is_asked_again_later() {
        let busy = Reply::status(429).header("retry-after", "2");
        let _fakes = Fakes::new().http("GET", URL, busy).install();
        assert_eq!(
            palisade_sdk::collect::<Directory>("{}", None),
            Err(Error::RetryAfter(2_000))
        );
    }
}
