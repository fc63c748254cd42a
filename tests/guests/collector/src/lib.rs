//! A well-behaved plugin of kind `collector`: reads users page by page with the operator's secret, and tells of groups that it
//! may not read.

use palisade_sdk::http::Request;
use palisade_sdk::{Collector, Config, Error, Page, Resource};
use serde::{Deserialize, Serialize};

struct Directory;

#[derive(Deserialize)]
struct Answer {
    users: Vec<User>,
    #[serde(default)]
    hidden: Vec<String>,
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
        let mut request = Request::get("https://directory.example/v1/users").secret("directory");
        if let Some(cursor) = cursor {
            request = request.query("after", cursor);
        }
        let answer: Answer = request.send()?.ok()?.json()?;
        let user = |user: &User| Resource::new(format!("identity:{}", user.id), "directory:user", user);
        let page = Page::new(answer.users.iter().map(user)).next(answer.next);
        let hidden = answer.hidden.into_iter();
        Ok(hidden.fold(page, |page, group| page.missing(group, "The directory does not show this group.")))
    }
}
