//! Kept assessments as evidence: read back, judged under the exceptions of today's book, turned into documents.

use evidence::{Assessment, Exceptions};
use model::{AssetId, TenantId};
use uuid::Uuid;

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;

/// The exceptions that may be relied on. One that was taken back is over since then, for later assessments.
pub(crate) async fn exceptions(app: &App, tenant: &TenantId) -> Result<Exceptions, Problem> {
    let mut all = Vec::new();
    for stored in app.store.exceptions(tenant).await? {
        let mut exception: evidence::Exception =
            serde_json::from_value(stored.body).map_err(Problem::internal)?;
        if let Some(revoked) = stored.revoked_at {
            // Taken back in the moment of its approval, it never held.
            if revoked <= exception.approved_at {
                continue;
            }
            exception.expires_at = exception.expires_at.map(|end| end.min(revoked));
        }
        all.push(exception);
    }
    Exceptions::new(all).map_err(Problem::internal)
}

/// The assessment that a scan left; the newest without `scan`.
pub(crate) async fn assessment(
    app: &App,
    tenant: &TenantId,
    scope: &AssetId,
    scan: Option<Uuid>,
) -> Result<Assessment, Problem> {
    let bytes = app.store.evidence_assessment(tenant, scope, scan).await?.ok_or_else(not_found)?;
    read(bytes).await
}

/// Reads an assessment back. It may be large.
pub(crate) async fn read(bytes: Vec<u8>) -> Result<Assessment, Problem> {
    blocking(move || serde_json::from_slice(&bytes).map_err(Problem::internal)).await
}

/// Work that takes its time, on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)?
}

pub(crate) fn not_found() -> Problem {
    Problem::new(Code::AssessmentNotFound, "There is no such assessment.")
        .hint("List them at /api/v1/compliance.")
}
