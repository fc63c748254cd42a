//! One JSON object a line: everything that is known, in the words of the model.

use std::io::{self, Write};

use super::{Exported, Written};

pub(super) fn write(
    findings: &mut dyn Iterator<Item = Exported>,
    out: &mut dyn Write,
) -> io::Result<Written> {
    let mut written = Written::default();
    for exported in findings {
        serde_json::to_writer(&mut *out, &exported)?;
        out.write_all(b"\n")?;
        written.written += 1;
    }
    Ok(written)
}
