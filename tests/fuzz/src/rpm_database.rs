//! rpm's database: SQLite pages, rows that flow over them, and package headers in the rows.

pub(crate) fn run(data: &[u8]) {
    crate::guest::read("var/lib/rpm/rpmdb.sqlite", &["rpm-sqlite"], data);
}
