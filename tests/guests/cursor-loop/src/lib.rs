//! Has always another page, and nothing on it.

use contract::{Error, Page};

contract::collector!(collect);

fn collect(cursor: Option<String>) -> Result<Page, Error> {
    let page: u64 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
    Ok(Page { next: Some(page.wrapping_add(1).to_string()), ..contract::told(Vec::new()) })
}
