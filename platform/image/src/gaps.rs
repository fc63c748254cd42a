//! Gathering the gaps of one layer in bounded memory, independent of the order in which they are met.

use std::collections::{BTreeMap, BTreeSet};

use model::{Gap, GapCode};

use crate::path::shown;

/// Gaps by code: the first few by name, the rest as a count.
#[derive(Debug, Default)]
pub(crate) struct GapList {
    named_max: usize,
    by_code: BTreeMap<GapCode, (u64, BTreeSet<Gap>)>,
}

impl GapList {
    pub(crate) fn new(named_max: usize) -> Self {
        Self { named_max, by_code: BTreeMap::new() }
    }

    /// Adds one. `subject` may be any bytes an archive offers as a name.
    pub(crate) fn add(&mut self, code: GapCode, subject: &[u8], reason: impl Into<String>) {
        let (count, named) = self.by_code.entry(code).or_default();
        *count += 1;
        named.insert(Gap { code, subject: shown(subject), reason: reason.into() });
        if named.len() > self.named_max {
            named.pop_last();
        }
    }

    /// All of them, sorted; `whole` is the subject of the counts.
    pub(crate) fn finish(self, whole: &str) -> Vec<Gap> {
        let mut gaps = BTreeSet::new();
        for (code, (count, named)) in self.by_code {
            let unnamed = count.saturating_sub(named.len() as u64);
            if unnamed > 0 && named.len() >= self.named_max {
                gaps.insert(Gap {
                    code,
                    subject: whole.to_owned(),
                    reason: format!("{unnamed} more of this kind"),
                });
            }
            gaps.extend(named);
        }
        gaps.into_iter().collect()
    }
}
