//! What is installed on an asset, as its newest scan found it.

use model::{AssetId, Package, TenantId};

use crate::page::Position;
use crate::sql::sql;
use crate::{Page, PageRequest, Result, Store, clean};

impl Store {
    /// The packages of an asset in the order of the report; with `text`, those with it in name or version, in any case.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`](crate::StoreError::CursorInvalid) and database errors.
    pub async fn packages(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        text: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Package>> {
        const LIST: &str = "packages";
        let mut statement = sql("SELECT position, body FROM package WHERE tenant = ", []);
        statement.bind(tenant).push(" AND asset = ").bind(clean::text(&asset.0).as_ref());
        if let Some(text) = text {
            statement.push(" AND search LIKE ").bind(clean::contains_pattern(text)?).push(" ESCAPE '\\'");
        }
        if let Some(after) = page.after(LIST)? {
            statement.push(" AND position > ").bind(after.int_key()?);
        }
        statement.push(" ORDER BY position LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list packages", statement).await?;
        let packages = rows
            .iter()
            .map(|row| Ok((row.int("position")?, row.json::<Package>("body")?)))
            .collect::<Result<Vec<_>>>()?;
        let page = Page::new(packages, page, LIST, |(position, _)| Position::int(*position, ""));
        Ok(page.map(|(_, package)| package))
    }
}
