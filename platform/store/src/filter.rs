//! Which findings, in which order: from typed wishes to conditions with bound values.

use jiff::Timestamp;
use model::{AssetId, FindingClass, FindingState, Severity, TenantId, Triage};
use serde::{Deserialize, Serialize};

use crate::counts::rank;
use crate::dialect::Dialect;
use crate::finding_query::FindingQuery;
use crate::page::Position;
use crate::prepare::{ATTENTION_PER_SEVERITY, class_name};
use crate::sql::{Param, Sql};
use crate::{Result, assets, clean};

/// Which findings. Empty means all; everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FindingFilter {
    /// Of one of these severities.
    pub severities: Vec<Severity>,
    /// In one of these states.
    pub states: Vec<FindingState>,
    /// Of one of these classes.
    pub classes: Vec<FindingClass>,
    /// Known to be exploited, or not.
    pub kev: Option<bool>,
    /// With a version that mends it, or without.
    pub fixable: Option<bool>,
    /// Kept for the record only, or counting.
    pub suppressed: Option<bool>,
    /// On this asset.
    pub asset: Option<AssetId>,
    /// About the package of exactly this name.
    pub package: Option<String>,
    /// About the resource at exactly this path of its asset.
    pub subject: Option<String>,
    /// By exactly this rule, such as a CVE id.
    pub rule: Option<String>,
    /// With this in an id, the package's name or the title, in any case.
    pub text: Option<String>,
    /// One of these.
    pub fingerprints: Vec<String>,
    /// People stand so with it.
    pub statuses: Vec<Triage>,
    /// Assigned to this person; empty: to nobody.
    pub assignee: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Found by this one: [`OWN`](crate::OWN), or the name of an import.
    pub found_by: Option<String>,
    /// With at least this risk, 0–100.
    pub risk_min: Option<u8>,
    /// What this says, too.
    pub query: Option<FindingQuery>,
    /// Open, counting, and first seen before then, a time for each severity; severities that have none do not fit.
    #[serde(alias = "first_seen_before")]
    pub overdue: Option<Vec<(Severity, Timestamp)>>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FindingSort {
    /// Worst first: severity, then known exploitation, then its predicted probability.
    #[default]
    Severity,
    /// Highest risk first; what is gone comes after everything that is open.
    Risk,
    /// Last seen first.
    LastSeen,
    /// By package name; findings about no package first.
    Package,
}

/// What a cursor adds to the risk of an open finding.
pub(crate) const RISK_KEY_OPEN: i64 = 1_000;

impl FindingSort {
    /// Name of the list, as cursors carry it.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Severity => "findings:severity",
            Self::Risk => "findings:risk",
            Self::LastSeen => "findings:last-seen",
            Self::Package => "findings:package",
        }
    }

    /// The order; the fingerprint makes every place the only one. An index serves each, read in one direction.
    pub(crate) fn order_by(self) -> &'static str {
        match self {
            Self::Severity => " ORDER BY attention DESC, fingerprint DESC",
            Self::Risk => " ORDER BY state DESC, risk DESC, fingerprint DESC",
            Self::LastSeen => " ORDER BY last_seen_at DESC, fingerprint DESC",
            Self::Package => " ORDER BY package_name, fingerprint",
        }
    }

    /// The condition that a row comes after this place.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`](crate::StoreError::CursorInvalid).
    pub(crate) fn after(self, statement: &mut Sql, after: &Position) -> Result<()> {
        match self {
            Self::Severity => {
                statement.push(" AND (attention, fingerprint) < (").bind(after.int_key()?);
            }
            Self::Risk => {
                let key = after.int_key()?;
                let open = key >= RISK_KEY_OPEN;
                statement.push(" AND (state, risk, fingerprint) < (").push(if open {
                    "'open', "
                } else {
                    "'fixed', "
                });
                statement.bind(if open { key - RISK_KEY_OPEN } else { key });
            }
            Self::LastSeen => {
                statement
                    .push(" AND (last_seen_at, fingerprint) < (")
                    .bind(assets::micros(after.int_key()?)?);
            }
            Self::Package => {
                statement.push(" AND (package_name, fingerprint) > (").bind(after.text_key()?);
            }
        }
        statement.push(", ").bind(after.tiebreak.as_str()).push(")");
        Ok(())
    }
}

impl FindingFilter {
    /// Appends ` WHERE tenant = … AND …`.
    ///
    /// # Errors
    /// [`StoreError::TooLong`](crate::StoreError::TooLong) for the text.
    pub(crate) fn push_where(&self, statement: &mut Sql, dialect: Dialect, tenant: &TenantId) -> Result<()> {
        self.push_where_of(statement, dialect, tenant, FindingSort::Severity)
    }

    /// The same for a list in this order.
    ///
    /// # Errors
    /// As [`Self::push_where`].
    pub(crate) fn push_where_of(
        &self,
        statement: &mut Sql,
        dialect: Dialect,
        tenant: &TenantId,
        sort: FindingSort,
    ) -> Result<()> {
        statement.push(" WHERE tenant = ").bind(tenant);
        self.push_states(statement);
        self.push_severities(statement, dialect, sort);
        if !self.classes.is_empty() {
            let classes = self.classes.iter().map(|class| class_name(*class).to_owned()).collect();
            statement.push(" AND ").any(dialect, "class", Param::Texts(classes));
        }
        push_flag(statement, self.kev, " AND kev", " AND NOT kev");
        push_flag(statement, self.fixable, " AND fixable", " AND NOT fixable");
        push_flag(statement, self.suppressed, " AND suppressed", " AND NOT suppressed");
        if let Some(asset) = &self.asset {
            statement.push(" AND asset = ").bind(clean::text(&asset.0).as_ref());
        }
        if let Some(package) = &self.package {
            statement.push(" AND package_name = ").bind(clean::key(package));
        }
        if let Some(subject) = &self.subject {
            statement.push(" AND subject = ").bind(clean::key(subject));
        }
        if let Some(rule) = &self.rule {
            statement.push(" AND rule = ").bind(clean::key(rule));
        }
        if let Some(text) = &self.text {
            statement.push(" AND search LIKE ").bind(clean::contains_pattern(text)?).push(" ESCAPE '\\'");
        }
        if let Some(risk) = self.risk_min {
            statement.push(" AND risk >= ").bind(i64::from(risk));
        }
        self.push_triage(statement, dialect, tenant)
    }

    /// What people made of it.
    fn push_triage(&self, statement: &mut Sql, dialect: Dialect, tenant: &TenantId) -> Result<()> {
        if !self.fingerprints.is_empty() {
            let wanted = self.fingerprints.iter().map(|one| clean::text(one).into_owned()).collect();
            statement.push(" AND ").any(dialect, "fingerprint", Param::Texts(wanted));
        }
        if !self.statuses.is_empty() {
            let words = self.statuses.iter().map(|status| status.as_str().to_owned()).collect();
            statement.push(" AND ").any(dialect, "status", Param::Texts(words));
            if !self.statuses.contains(&Triage::Open) {
                // As the index over them says it, which a planner only uses then.
                statement.push(" AND status <> 'open'");
            }
        }
        match self.assignee.as_deref() {
            Some("") => {
                statement.push(" AND assignee IS NULL");
            }
            Some(name) => {
                statement.push(" AND assignee = ").bind(clean::key(name));
            }
            None => {}
        }
        if let Some(tag) = &self.tag {
            // A list of texts in JSON, in which a name stands between quotes.
            let quoted = clean::json("a tag", &clean::key(tag))?;
            statement
                .push(" AND CAST(tags AS TEXT) LIKE ")
                .bind(clean::literal_pattern(&quoted))
                .push(" ESCAPE '\\'");
        }
        if let Some(name) = &self.found_by {
            // A list of texts in JSON, in which a name stands between quotes.
            let quoted = clean::json("who finds it", &clean::key(name))?;
            statement
                .push(" AND CAST(found_by AS TEXT) LIKE ")
                .bind(clean::literal_pattern(&quoted))
                .push(" ESCAPE '\\'");
        }
        if let Some(query) = &self.query {
            statement.push(" AND ");
            query.push(statement, dialect, tenant);
        }
        if let Some(times) = &self.overdue {
            statement.push(" AND state = 'open' AND NOT suppressed AND (1 = 0");
            for (severity, before) in times {
                statement.push(" OR (severity = ").bind(rank(*severity));
                statement.push(" AND first_seen_at < ").bind(*before).push(")");
            }
            statement.push(")");
        }
        Ok(())
    }

    /// As literals: a planner can only use the index over open findings if it sees the word.
    fn push_states(&self, statement: &mut Sql) {
        let open = self.states.contains(&FindingState::Open);
        let fixed = self.states.contains(&FindingState::Fixed);
        match (open, fixed) {
            (true, false) => statement.push(" AND state = 'open'"),
            (false, true) => statement.push(" AND state = 'fixed'"),
            _ => statement,
        };
    }

    /// Also as bounds of the order of attention, so that a short list of the worst ends where they end, instead of at the
    /// end of the index. In another order they would only mislead the planner.
    fn push_severities(&self, statement: &mut Sql, dialect: Dialect, sort: FindingSort) {
        let ranks: Vec<i64> = self.severities.iter().map(|severity| rank(*severity)).collect();
        let (Some(lowest), Some(highest)) = (ranks.iter().min(), ranks.iter().max()) else { return };
        if sort == FindingSort::Severity {
            statement.push(" AND attention >= ").bind(lowest * ATTENTION_PER_SEVERITY);
            statement.push(" AND attention < ").bind((highest + 1) * ATTENTION_PER_SEVERITY);
        }
        statement.push(" AND ").any(dialect, "severity", Param::Ints(ranks));
    }
}

fn push_flag(statement: &mut Sql, wanted: Option<bool>, yes: &'static str, no: &'static str) {
    match wanted {
        Some(true) => statement.push(yes),
        Some(false) => statement.push(no),
        None => statement,
    };
}
