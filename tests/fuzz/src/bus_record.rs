//! Records of the embedded log: what a damaged file holds is read or refused, and never read as something else.

use bus::bytes;

use crate::repair;

pub(crate) fn run(data: &[u8]) {
    let (end, torn) = bytes::scan(data);
    assert!(end <= data.len(), "read beyond the end");
    assert!(end < data.len() || !torn, "a whole file is damaged");
    let record = repair::record(data);
    if let Some(again) = bytes::rewrite(&record) {
        assert_eq!(again, record, "a record is not written as it was read");
        assert_eq!(bytes::scan(&[record.clone(), record].concat()).0, 2 * again.len());
    }
}
