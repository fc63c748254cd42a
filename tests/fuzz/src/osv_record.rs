//! One advisory record, from its text to an index that is asked about it.

use advisories::index::{Builder, Origin};
use advisories::osv::{Event, Record};

use crate::index_walk;
use crate::must::must;

pub(crate) fn run(data: &[u8]) {
    let Ok(record) = Record::parse(data) else { return };
    assert_bounds(&record);
    let build = || {
        let mut builder = Builder::new();
        must(builder.add(&record), "a small index");
        let mut bytes = Vec::new();
        builder.finish(&Origin::default(), &mut bytes).ok().map(|report| (report, bytes))
    };
    let Some((report, bytes)) = build() else { return };
    assert_eq!((report.read, report.used), (1, 1));
    assert_eq!(build().map(|(_, bytes)| bytes).as_ref(), Some(&bytes), "the same record gave another index");
    let index = index_walk::open(&bytes);
    index_walk::everything(&index, true);
    index_walk::judge(&index);
}

fn assert_bounds(record: &Record) {
    let name = |text: &str| {
        assert!(!text.is_empty() && text.len() <= 512, "an id, name or version of {} bytes", text.len());
        assert!(!text.chars().any(char::is_control), "{text:?} has control characters");
    };
    name(&record.id);
    assert!(record.summary.len() <= 500 && record.details.len() <= 8 << 10, "a text that was not shortened");
    assert!(record.references.len() <= 32 && record.aliases.len() <= 2000);
    for list in [&record.aliases, &record.upstream] {
        assert!(list.is_sorted_by(|a, b| a < b), "a list of ids with doubles");
        assert!(!list.contains(&record.id), "a record is its own alias");
        list.iter().for_each(|id| name(id));
    }
    for affected in &record.affected {
        name(&affected.ecosystem);
        name(&affected.name);
        affected.versions.iter().for_each(|version| name(version));
        for event in affected.ranges.iter().flatten() {
            let (Event::Introduced(version)
            | Event::Fixed(version)
            | Event::LastAffected(version)
            | Event::Limit(version)) = event;
            name(version);
        }
    }
}
