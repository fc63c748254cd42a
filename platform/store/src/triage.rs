//! What people make of findings: where they stand, whose they are, what they are called, and the history of that.
//!
//! Scans say whether a finding is there, people what is to be done about it; neither overwrites the other, but that a finding which comes
//! back asks to be looked at again. One that is set aside, for a time or for good, is kept and not counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{FindingState, Fingerprint, Justification, TenantId, Transition, Triage};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::{FindingRow, Result, Store, StoreError, clean};

/// Findings whose acceptance ends that are changed in one transaction.
const ENDING_AT_ONCE: i64 = 500;
/// Most tags of a finding.
const TAGS_MAX: usize = 50;
/// Longest comment that is kept, in characters.
const COMMENT_MAX: usize = 10_000;
/// Who ends what has an end.
const SELF: &str = "palisade";

/// Why a finding is set aside, and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// In words.
    pub reason: String,
    /// Why it is none, of a false positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<Justification>,
    /// Whose risk it is, of one that is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who has agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Until when it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who wrote it down.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What people made of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriageState {
    /// Where they stand.
    pub status: Triage,
    /// Why it is set aside; only while it is.
    pub decision: Option<Decision>,
    /// Whose it is.
    pub assignee: Option<String>,
    /// What it is called, sorted.
    pub tags: Vec<String>,
    /// When somebody first said anything of it.
    pub acknowledged_at: Option<Timestamp>,
    /// Grows with every change by people.
    pub version: u64,
}

/// A change of where people stand. What is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TriageChange {
    /// Where they stand now.
    pub status: Option<Triage>,
    /// Why it is set aside; goes with [`Triage::Accepted`] and [`Triage::FalsePositive`].
    pub decision: Option<Decision>,
    /// A new assignee; `Some(None)`: nobody.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub assignee: Option<Option<String>>,
    /// Tags that it gets.
    pub add_tags: BTreeSet<String>,
    /// Tags that it loses.
    pub remove_tags: BTreeSet<String>,
    /// Words for the history.
    pub comment: Option<String>,
}

/// What is written down is told, nobody too.
fn told<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Who changes something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// The part of a finding that people change, as it is kept for whoever takes a change back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before {
    status: Triage,
    decision: Option<Decision>,
    assignee: Option<String>,
    tags: BTreeSet<String>,
    acknowledged_at: Option<Timestamp>,
}

/// A finding that is changed.
pub(crate) struct Held {
    pub(crate) fingerprint: String,
    asset: String,
    open: bool,
    severity: i64,
    kev: bool,
    fixable: bool,
    suppressed: bool,
    /// Whether whoever found it has suppressed it.
    own_suppressed: bool,
    pub(crate) before: Before,
    pub(crate) version: u64,
}

pub(crate) const HELD: &str =
    "SELECT fingerprint, asset, state, severity, kev, fixable, suppressed, status, decision, assignee,
    tags, acknowledged_at, version, body FROM finding";

impl Before {
    pub(crate) fn status(&self) -> Triage {
        self.status
    }
}

/// Only what is asked of a body here.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    suppressed: Option<serde::de::IgnoredAny>,
}

impl Held {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        let body: Body = row.json("body")?;
        let state = state(row)?;
        Ok(Self {
            fingerprint: row.text("fingerprint")?,
            asset: row.text("asset")?,
            open: row.word("state", FindingState::from_name)? == FindingState::Open,
            severity: row.int("severity")?,
            kev: row.bool("kev")?,
            fixable: row.bool("fixable")?,
            suppressed: row.bool("suppressed")?,
            own_suppressed: body.suppressed.is_some(),
            version: state.version,
            before: Before {
                status: state.status,
                decision: state.decision,
                assignee: state.assignee,
                tags: state.tags.into_iter().collect(),
                acknowledged_at: state.acknowledged_at,
            },
        })
    }
}

/// Reads what people made of a finding.
pub(crate) fn state(row: &Row) -> Result<TriageState> {
    Ok(TriageState {
        status: row.word("status", Triage::from_name)?,
        decision: row.json_or_null("decision")?,
        assignee: row.text_or_null("assignee")?,
        tags: row.json("tags")?,
        acknowledged_at: row.time_or_null("acknowledged_at")?,
        version: row.count("version")?,
    })
}

impl TriageChange {
    /// The same with names that fit into their columns.
    ///
    /// # Errors
    /// [`StoreError::TooLong`].
    pub(crate) fn cleaned(&self) -> Result<Self> {
        let tags = |tags: &BTreeSet<String>| -> Result<BTreeSet<String>> {
            tags.iter().map(|tag| clean::identity("a tag", tag)).collect()
        };
        let mut change = self.clone();
        change.add_tags = tags(&self.add_tags)?;
        change.remove_tags = tags(&self.remove_tags)?;
        change.comment = self.comment.as_deref().map(|comment| clean::text(comment).into_owned());
        if let Some(decision) = &mut change.decision {
            let names = [&mut decision.owner, &mut decision.approver];
            for text in names.into_iter().flatten().chain([&mut decision.reason, &mut decision.by]) {
                *text = clean::text(text).into_owned();
            }
        }
        if let Some(Some(name)) = &self.assignee {
            change.assignee = Some(Some(clean::identity("the name of an assignee", name)?));
        }
        Ok(change)
    }

    /// What it makes of a finding that nobody has touched, in sentences.
    #[must_use]
    pub fn sentence(&self) -> String {
        let nothing = Before {
            status: Triage::Open,
            decision: None,
            assignee: None,
            tags: self.remove_tags.clone(),
            acknowledged_at: None,
        };
        let mut said = Vec::new();
        if let Some((after, all)) = self.of(&nothing, Timestamp::UNIX_EPOCH) {
            if self.status == Some(Triage::Open) {
                said.push(stands(&after));
            }
            said.extend(all.into_iter().map(|(_, sentence)| sentence));
        } else if self.status == Some(Triage::Open) {
            said.push("Open.".to_owned());
        }
        if self.assignee == Some(None) {
            said.push("Assigned to nobody.".to_owned());
        }
        said.join(" ")
    }

    /// What a finding becomes, and what the history says of it; nothing where it stays as it is.
    fn of(&self, before: &Before, at: Timestamp) -> Option<(Before, Vec<(Transition, String)>)> {
        let mut after = before.clone();
        if let Some(status) = self.status {
            after.status = status;
            after.decision = self.decision.clone().filter(|_| status.is_aside());
        }
        if let Some(assignee) = &self.assignee {
            after.assignee.clone_from(assignee);
        }
        after.tags.extend(self.add_tags.iter().cloned());
        after.tags.retain(|tag| !self.remove_tags.contains(tag));
        let taken_up = after.assignee.is_some() || !matches!(after.status, Triage::Open | Triage::Reopened);
        after.acknowledged_at = before.acknowledged_at.or(Some(at).filter(|_| taken_up));
        let mut said: Vec<(Transition, String)> = Vec::new();
        let sentence = difference(before, &after);
        if !sentence.is_empty() {
            said.push((Transition::Triaged, sentence));
        }
        if let Some(comment) = self.comment.as_deref().filter(|comment| !comment.trim().is_empty()) {
            said.push((Transition::Commented, comment.chars().take(COMMENT_MAX).collect()));
        }
        (!said.is_empty()).then_some((after, said))
    }
}

/// What is other than before, in sentences; empty where nothing is.
fn difference(before: &Before, after: &Before) -> String {
    let mut said = Vec::new();
    if (before.status, &before.decision) != (after.status, &after.decision) {
        said.push(stands(after));
    }
    if before.assignee != after.assignee {
        said.push(match &after.assignee {
            Some(name) => format!("Assigned to {name}."),
            None => "Assigned to nobody.".to_owned(),
        });
    }
    let added: Vec<&str> = after.tags.difference(&before.tags).map(String::as_str).collect();
    let removed: Vec<&str> = before.tags.difference(&after.tags).map(String::as_str).collect();
    if !added.is_empty() {
        said.push(format!("Tagged {}.", added.join(", ")));
    }
    if !removed.is_empty() {
        said.push(format!("No longer tagged {}.", removed.join(", ")));
    }
    said.join(" ")
}

/// Where people stand, in a sentence.
fn stands(after: &Before) -> String {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string();
    let decision = after.decision.as_ref();
    let mut said = match after.status {
        Triage::Open => "Open".to_owned(),
        Triage::Reopened => "Reopened".to_owned(),
        Triage::Acknowledged => "Acknowledged".to_owned(),
        Triage::InProgress => "Being mended".to_owned(),
        Triage::Accepted => "Accepted".to_owned(),
        Triage::FalsePositive => "No finding".to_owned(),
    };
    let Some(decision) = decision else { return said + "." };
    if let Some(until) = decision.until {
        said.push_str(&format!(" until {}", day(until)));
    }
    if let Some(owner) = &decision.owner {
        said.push_str(&format!(" by {owner}"));
    }
    if let Some(approver) = &decision.approver {
        said.push_str(&format!(", approved by {approver}"));
    }
    let reason: String = decision.reason.chars().take(COMMENT_MAX).collect();
    format!("{said}: {reason}")
}

/// By how much the figures of an asset change: per rank of severity, then known to be exploited, then fixable.
type Shift = [i64; 9];

/// Columns of an asset in the order of [`Shift`].
const SHIFTED: [&str; 9] = [
    " unknown = unknown + ",
    ", none = none + ",
    ", negligible = negligible + ",
    ", low = low + ",
    ", medium = medium + ",
    ", high = high + ",
    ", critical = critical + ",
    ", kev_open = kev_open + ",
    ", fixable_open = fixable_open + ",
];

/// Changes of one transaction.
pub(crate) struct Changing<'a> {
    tenant: &'a TenantId,
    by: &'a By,
    shifts: BTreeMap<String, Shift>,
    history: Vec<Vec<Param>>,
}

impl<'a> Changing<'a> {
    pub(crate) fn new(tenant: &'a TenantId, by: &'a By) -> Self {
        Self { tenant, by, shifts: BTreeMap::new(), history: Vec::new() }
    }

    /// Changes a finding; whether anything of it is other than before.
    ///
    /// # Errors
    /// [`StoreError::TagsFull`], with nothing written; database errors.
    pub(crate) async fn change(&mut self, tx: &mut Tx, held: &Held, change: &TriageChange) -> Result<bool> {
        let Some((after, said)) = change.of(&held.before, self.by.at) else { return Ok(false) };
        if after.tags.len() > TAGS_MAX.max(held.before.tags.len()) {
            return Err(StoreError::TagsFull { max: TAGS_MAX });
        }
        self.write(tx, held, &after, said).await?;
        Ok(true)
    }

    /// Makes a finding what it was.
    pub(crate) async fn restore(&mut self, tx: &mut Tx, held: &Held, before: &Before) -> Result<bool> {
        let sentence = difference(&held.before, before);
        if sentence.is_empty() {
            return Ok(false);
        }
        self.write(tx, held, before, vec![(Transition::Triaged, format!("Taken back: {sentence}"))]).await?;
        Ok(true)
    }

    async fn write(
        &mut self,
        tx: &mut Tx,
        held: &Held,
        after: &Before,
        said: Vec<(Transition, String)>,
    ) -> Result<()> {
        let aside = after.status.is_aside();
        let suppressed = held.own_suppressed || aside;
        let decision = after.decision.as_ref();
        let until = decision.and_then(|decision| decision.until);
        let statement = sql(
            "UPDATE finding SET status = $3, aside = $4, suppressed = $5, assignee = $6, tags = $7, decision = $8,
                accepted_until = $9, acknowledged_at = $10, version = version + 1 WHERE tenant = $1 AND fingerprint = $2",
            [
                self.tenant.into(),
                held.fingerprint.as_str().into(),
                after.status.as_str().into(),
                aside.into(),
                suppressed.into(),
                after.assignee.clone().into(),
                Param::Json(Some(clean::json("tags", &after.tags)?)),
                Param::Json(decision.map(|decision| clean::json("a decision", decision)).transpose()?),
                until.into(),
                after.acknowledged_at.into(),
            ],
        );
        tx.execute(statement).await?;
        if held.open && suppressed != held.suppressed {
            let by = if suppressed { -1 } else { 1 };
            let shift = self.shifts.entry(held.asset.clone()).or_default();
            let place = usize::try_from(held.severity).unwrap_or_default();
            for (place, counts) in [(place, true), (7, held.kev), (8, held.fixable)] {
                if let Some(figure) = shift.get_mut(place).filter(|_| counts) {
                    *figure += by;
                }
            }
        }
        for (transition, note) in said {
            self.history.push(vec![
                held.fingerprint.as_str().into(),
                Uuid::now_v7().into(),
                transition.as_str().into(),
                clean::text(&note).as_ref().into(),
            ]);
        }
        Ok(())
    }

    /// Writes what belongs to the changes: the history, and what counts of each asset.
    pub(crate) async fn finish(self, tx: &mut Tx) -> Result<()> {
        const CHANGES: Insert = Insert {
            into: "finding_change",
            shared: &[("tenant", "::text"), ("at", "::timestamptz"), ("actor", "::text")],
            columns: &[
                ("fingerprint", Kind::Text),
                ("id", Kind::Uuid),
                ("transition", Kind::Text),
                ("note", Kind::Text),
            ],
            on_conflict: "",
        };
        let shared = [self.tenant.into(), self.by.at.into(), clean::key(&self.by.actor).into()];
        tx.insert(&CHANGES, &shared, self.history).await?;
        for (asset, shift) in self.shifts {
            let mut statement = sql("UPDATE asset SET", []);
            for (column, by) in SHIFTED.into_iter().zip(shift) {
                statement.push(column).bind(by);
            }
            statement.push(" WHERE tenant = ").bind(self.tenant).push(" AND id = ").bind(asset);
            tx.execute(statement).await?;
        }
        Ok(())
    }
}

/// Keeps scans of the assets of findings from ending meanwhile, in the order in which everybody waits: first assets, then findings.
pub(crate) async fn lock_assets(tx: &mut Tx, tenant: &TenantId, fingerprints: &[String]) -> Result<()> {
    let mut statement = sql(
        "SELECT id FROM asset WHERE tenant = $1 AND id IN (SELECT asset FROM finding WHERE tenant = $1 AND ",
        [tenant.into()],
    );
    statement.any(tx.dialect(), "fingerprint", Param::Texts(fingerprints.to_vec()));
    statement.push(") ORDER BY id").push(tx.dialect().for_update());
    tx.rows(statement).await.map(drop)
}

/// Findings that are to be changed, each locked.
pub(crate) async fn held(tx: &mut Tx, tenant: &TenantId, fingerprints: Vec<String>) -> Result<Vec<Held>> {
    let mut statement: Sql = sql(HELD, []);
    statement.push(" WHERE tenant = ").bind(tenant);
    statement.push(" AND ").any(tx.dialect(), "fingerprint", Param::Texts(fingerprints));
    statement.push(" ORDER BY fingerprint").push(tx.dialect().for_update());
    tx.rows(statement).await?.iter().map(Held::read).collect()
}

impl Store {
    /// Changes where people stand with a finding; the finding as it is then, or nothing if there is none.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if it is not the version that the person has seen; [`StoreError::TagsFull`], [`StoreError::TooLong`] and
    /// database errors.
    pub async fn change_finding(
        &self,
        tenant: &TenantId,
        fingerprint: &Fingerprint,
        change: &TriageChange,
        by: &By,
        if_version: Option<u64>,
    ) -> Result<Option<FindingRow>> {
        let change = change.cleaned()?;
        let wanted = vec![clean::text(&fingerprint.0).into_owned()];
        let mut tx = self.backend.begin("change a finding").await?;
        lock_assets(&mut tx, tenant, &wanted).await?;
        let Some(found) = held(&mut tx, tenant, wanted).await?.pop() else { return Ok(None) };
        if let Some(expected) = if_version.filter(|expected| *expected != found.version) {
            return Err(StoreError::Stale { what: "the finding", found: found.version, expected });
        }
        let mut changing = Changing::new(tenant, by);
        changing.change(&mut tx, &found, &change).await?;
        changing.finish(&mut tx).await?;
        tx.commit().await?;
        self.finding(tenant, fingerprint).await
    }

    /// Opens findings again whose acceptance has ended; how many, at most 500. Call it until there are none.
    ///
    /// # Errors
    /// Database errors.
    pub async fn end_acceptances(&self, tenant: &TenantId, now: Timestamp) -> Result<u64> {
        let mut ended = sql(
            "SELECT fingerprint FROM finding WHERE tenant = $1 AND accepted_until <= $2 ORDER BY accepted_until, fingerprint LIMIT ",
            [tenant.into(), now.into()],
        );
        ended.bind(ENDING_AT_ONCE);
        let rows = self.backend.rows("look for acceptances that have ended", ended).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let wanted = rows.iter().map(|row| row.text("fingerprint")).collect::<Result<Vec<_>>>()?;
        let by = By { actor: SELF.to_owned(), at: now };
        let change = TriageChange {
            status: Some(Triage::Open),
            comment: Some("The time for which it was accepted is over.".to_owned()),
            ..TriageChange::default()
        };
        let mut tx = self.backend.begin("end acceptances").await?;
        lock_assets(&mut tx, tenant, &wanted).await?;
        let mut changing = Changing::new(tenant, &by);
        let mut count = 0;
        for found in held(&mut tx, tenant, wanted).await? {
            let until = found.before.decision.as_ref().and_then(|decision| decision.until);
            if until.is_some_and(|until| until <= now) {
                count += u64::from(changing.change(&mut tx, &found, &change).await?);
            }
        }
        changing.finish(&mut tx).await?;
        tx.commit().await?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use model::{Severity, Transition, Triage};

    use super::{Before, Decision, SHIFTED, TriageChange};

    fn untouched() -> Before {
        Before {
            status: Triage::Open,
            decision: None,
            assignee: None,
            tags: BTreeSet::new(),
            acknowledged_at: None,
        }
    }

    fn accepted() -> TriageChange {
        let decision = Decision {
            reason: "no data on it".into(),
            justification: None,
            owner: Some("ann".into()),
            approver: Some("bob".into()),
            until: Some("2026-12-31T00:00:00Z".parse().unwrap()),
            by: "cat".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        TriageChange { status: Some(Triage::Accepted), decision: Some(decision), ..TriageChange::default() }
    }

    #[test]
    fn the_history_says_what_became_other_and_nothing_else() {
        let at = Timestamp::UNIX_EPOCH;
        let (after, said) = accepted().of(&untouched(), at).unwrap();
        let sentence = "Accepted until 2026-12-31 by ann, approved by bob: no data on it";
        assert_eq!(said, [(Transition::Triaged, sentence.to_owned())]);
        assert_eq!(after.acknowledged_at, Some(at), "whoever accepts it knows of it");
        assert_eq!(accepted().of(&after, at), None, "the same again says nothing");
        let change = TriageChange {
            status: Some(Triage::Open),
            assignee: Some(Some("dan".into())),
            add_tags: BTreeSet::from(["b".into(), "a".into()]),
            remove_tags: BTreeSet::from(["b".into()]),
            comment: Some("look again".into()),
            ..TriageChange::default()
        };
        let (after, said) = change.of(&after, at).unwrap();
        assert_eq!(said[0].1, "Open. Assigned to dan. Tagged a.");
        assert_eq!(said[1], (Transition::Commented, "look again".to_owned()));
        assert_eq!(after.decision, None, "what is not set aside has no reason to be");
        let blank = TriageChange { comment: Some("  ".into()), ..TriageChange::default() };
        assert_eq!(blank.of(&after, at), None);
    }

    #[test]
    fn a_change_is_kept_as_it_was_said() {
        for assignee in [None, Some(None), Some(Some("ann".to_owned()))] {
            let change = TriageChange { assignee, ..accepted() };
            let kept: TriageChange = serde_json::from_str(&serde_json::to_string(&change).unwrap()).unwrap();
            assert_eq!(kept, change);
        }
    }

    #[test]
    fn figures_of_assets_stand_in_the_order_of_severities() {
        for severity in Severity::ALL {
            let place = usize::try_from(crate::counts::rank(severity)).unwrap();
            assert!(SHIFTED[place].contains(&format!(" {severity} = {severity} + ")), "{severity}");
        }
    }
}
