//! What holds for every layer that was read, whatever is in it.

use image::{Image, ImageError, Interest, LayerIndex, Magic, Overlay, SelectedFile, Selector};
use model::Gap;

use crate::layout::BUDGET;
use crate::must::must;

/// An interest of every kind of clause.
pub(crate) fn selector() -> Selector {
    let interest = |owner: u32, name: &str, paths: &[&str]| Interest {
        owner,
        name: name.to_owned(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        magic: Vec::new(),
        keywords: Vec::new(),
        size_min: 0,
        size_max: 1 << 20,
    };
    let executable = Interest {
        magic: vec![
            Magic { offset: 0, bytes: b"\x7fELF".to_vec() },
            Magic { offset: 257, bytes: b"ustar".to_vec() },
        ],
        keywords: vec![b"\xff Go buildinf:".to_vec(), b"key".to_vec()],
        ..interest(1, "executable", &[])
    };
    must(
        Selector::new(vec![
            interest(0, "os-release", &["etc/os-release", "usr/lib/os-release"]),
            interest(0, "database", &["lib/apk/db/installed", "var/lib/dpkg/status.d/*"]),
            Interest { size_min: 2, size_max: 5000, ..interest(1, "archive", &["**/*.jar"]) },
            executable,
        ]),
        "interests that can be compiled",
    )
}

/// Reads one layer and checks what came out.
pub(crate) fn read(image: &Image, number: usize, selector: &Selector) -> Result<LayerIndex, ImageError> {
    let mut files: Vec<(String, Vec<u8>, u64)> = Vec::new();
    let mut sink = |file: SelectedFile| {
        assert_eq!(file.size, file.body.len() as u64);
        assert!(!file.matches.is_empty(), "{} is wanted by nobody", file.path);
        files.push((file.path, file.body.to_vec(), file.ordinal));
    };
    let index = image.read_layer(number, selector, &mut sink)?;
    for (path, body, ordinal) in &files {
        assert_path(path);
        assert!(body.len() as u64 <= BUDGET, "{path} is larger than the memory for it");
        assert!(*ordinal < 3 * index.counters().entries, "{path} has the ordinal {ordinal}");
    }
    for ordinal in index.superseded() {
        let delivered = files.iter().any(|(_, _, known)| known == ordinal);
        assert!(delivered, "{ordinal} is superseded and was never handed over");
    }
    assert!(index.superseded().is_sorted() && index.links().is_sorted());
    assert_gaps(index.gaps());
    let again = must(LayerIndex::from_bytes(&index.to_bytes()), "an index of our own");
    assert_eq!(again, index, "an index is not read as it was written");
    Ok(index)
}

/// Reads all layers of an image, then what links between them lead to.
pub(crate) fn read_all(image: &Image, selector: &Selector) {
    let layers = 0..image.layers().len();
    let Ok(indexes) = layers.map(|number| read(image, number, selector)).collect::<Result<Vec<_>, _>>()
    else {
        return;
    };
    let overlay = Overlay::new(&indexes);
    assert_gaps(&overlay.gaps());
    for linked in overlay.linked(selector) {
        assert_path(&linked.path);
        assert!(overlay.exists(&linked.path), "a link at {} that is not there", linked.path);
        let mut sink = |file: SelectedFile| assert_eq!(file.path, linked.path);
        // Its layer was read before, so its digest is right.
        assert_gaps(&must(image.read_linked(&linked, selector, &mut sink), "a file behind a link"));
    }
}

/// A path that cannot lead out of the root it is joined to.
fn assert_path(path: &str) {
    assert!(!path.contains('\0'), "{path:?} has a NUL");
    for segment in path.split('/') {
        assert!(!matches!(segment, "" | "." | ".."), "{path:?} is not in normal form");
    }
}

fn assert_gaps(gaps: &[Gap]) {
    assert!(gaps.is_sorted_by(|a, b| a < b), "gaps are not sorted");
    for gap in gaps {
        assert!(gap.subject.len() <= 4 << 10 && gap.reason.len() <= 8 << 10, "a gap as long as an input");
        assert!(!gap.subject.chars().any(char::is_control), "{:?} is shown to people", gap.subject);
    }
}
