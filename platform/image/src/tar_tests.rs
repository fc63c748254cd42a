//! The tar reader against archives written byte by byte.

use std::io::BufReader;

use proptest::prelude::*;

use super::*;
use crate::fixture::{Tar, checked};

#[derive(Debug, PartialEq, Eq, Clone)]
struct Seen {
    path: String,
    link: String,
    kind: Kind,
    body: Vec<u8>,
}

/// All entries with a small buffer, so that every border is crossed; the cut, if there is one.
fn all(bytes: &[u8]) -> (Vec<Seen>, Option<GapCode>) {
    let mut reader = TarReader::new(BufReader::with_capacity(100, bytes));
    let mut seen = Vec::new();
    loop {
        let entry = match reader.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => return (seen, None),
            Err(error) => return (seen, Some(Cut::of(&error).code)),
        };
        assert_eq!(reader.body_left(), entry.size);
        let mut body = Vec::new();
        if let Err(error) = reader.read_to_end(&mut body) {
            return (seen, Some(Cut::of(&error).code));
        }
        seen.push(Seen {
            path: String::from_utf8_lossy(&entry.path).into_owned(),
            link: String::from_utf8_lossy(&entry.link).into_owned(),
            kind: entry.kind,
            body,
        });
    }
}

fn paths(bytes: &[u8]) -> Vec<String> {
    let (seen, cut) = all(bytes);
    assert_eq!(cut, None);
    seen.into_iter().map(|seen| seen.path).collect()
}

fn cut_of(bytes: &[u8]) -> Option<GapCode> {
    all(bytes).1
}

#[test]
fn ordinary_entries_come_in_order() {
    let long = "d/".repeat(80) + "file";
    let bytes =
        Tar::new().dir("a").file("a/b", "hello").symlink("s", &long).hard("h", "a/b").file(&long, "x").end();
    let (seen, cut) = all(&bytes);
    assert_eq!(cut, None);
    let kinds: Vec<_> = seen.iter().map(|seen| seen.kind).collect();
    assert_eq!(kinds, [Kind::Directory, Kind::File, Kind::Symlink, Kind::HardLink, Kind::File]);
    assert_eq!((seen[1].path.as_str(), seen[1].body.as_slice()), ("a/b", b"hello".as_slice()));
    assert_eq!((seen[2].link.as_str(), seen[3].link.as_str()), (long.as_str(), "a/b"));
    assert_eq!((seen[4].path.as_str(), seen[4].body.as_slice()), (long.as_str(), b"x".as_slice()));
}

#[test]
fn a_pax_size_beats_the_header() {
    // The header says the body is empty; read that way, the body would be taken for the next header.
    let inner = Tar::new().file("smuggled", "x").0;
    let size = inner.len().to_string();
    let bytes = Tar::new()
        .pax(&[("size", size.as_bytes())])
        .raw(b"outer", b'0', 0, b"", &inner)
        .file("after", "")
        .end();
    assert_eq!(paths(&bytes), ["outer", "after"]);
    // And the other way round: a header that hides the next entry inside a body that pax says is empty.
    let bytes = Tar::new().pax(&[("size", b"0")]).raw(b"outer", b'0', 1024, b"", b"").file("seen", "x").end();
    assert_eq!(paths(&bytes), ["outer", "seen"]);
}

#[test]
fn pax_applies_to_the_entry_not_to_extensions_between() {
    let long = "n".repeat(150);
    let bytes = Tar::new()
        .pax(&[("size", b"5"), ("path", b"from-pax")])
        .long(b'L', long.as_bytes())
        .raw(b"short", b'0', 0, b"", b"hello")
        .file("next", "y")
        .end();
    let (seen, cut) = all(&bytes);
    assert_eq!((cut, seen.len()), (None, 2));
    assert_eq!((seen[0].path.as_str(), seen[0].body.as_slice()), (long.as_str(), b"hello".as_slice()));
    assert_eq!(seen[1].path, "next");
}

#[test]
fn pax_names_and_links_and_taking_them_back() {
    let bytes = Tar::new()
        .pax(&[
            ("path", "ünï/cödé".as_bytes()),
            ("linkpath", b"target"),
            ("mtime", b"1.5"),
            ("SCHILY.xattr.a", b"\0=\n"),
        ])
        .raw(b"x", b'2', 0, b"y", b"")
        .pax(&[("path", b"gone"), ("path", b"")])
        .raw(b"kept", b'0', 0, b"", b"")
        .end();
    let (seen, cut) = all(&bytes);
    assert_eq!(cut, None);
    assert_eq!((seen[0].path.as_str(), seen[0].link.as_str()), ("ünï/cödé", "target"));
    assert_eq!(seen[1].path, "kept");
}

#[test]
fn global_headers_name_nothing() {
    let body = b"16 path=everyone\n";
    let bytes = Tar::new().raw(b"g", b'g', body.len() as u64, b"", body).file("own", "").end();
    assert_eq!(paths(&bytes), ["own"]);
}

#[test]
fn links_and_directories_have_no_body_whatever_they_say() {
    let bytes = Tar::new()
        .raw(b"link", b'1', 4096, b"t", b"")
        .raw(b"sym", b'2', 4096, b"t", b"")
        .raw(b"dir/", b'5', 4096, b"", b"")
        .raw(b"old-dir/", 0, 4096, b"", b"")
        .raw(b"dev", b'3', 4096, b"", b"")
        .file("last", "x")
        .end();
    assert_eq!(paths(&bytes), ["link", "sym", "dir/", "old-dir/", "dev", "last"]);
}

#[test]
fn prefix_counts_in_posix_headers_alone() {
    let with_magic = |magic: &[u8; 8]| {
        let mut header = [0; 512];
        header.copy_from_slice(&Tar::new().raw(b"name", b'0', 0, b"", b"").0);
        header[257..265].copy_from_slice(magic);
        header[345..351].copy_from_slice(b"prefix");
        let mut tar = Tar::new();
        tar.0.extend(checked(header));
        paths(&tar.end())
    };
    assert_eq!(with_magic(b"ustar\x0000"), ["prefix/name"]);
    assert_eq!(with_magic(b"ustar  \0"), ["name"]);
    assert_eq!(with_magic(b"\0\0\0\0\0\0\0\0"), ["name"]);
}

#[test]
fn numbers_are_read_strictly() {
    let value = |raw: &[u8]| number(raw).ok();
    assert_eq!(value(b"0000644\0"), Some(0o644));
    assert_eq!(value(b"    644 "), Some(0o644));
    assert_eq!(value(b"\0\0\0\0"), Some(0));
    assert_eq!(value(b"77777777777\0"), Some(0o77777777777));
    assert_eq!(value(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Some(2 << 32));
    for bad in [&b"644x"[..], b"6 4", b"-1", b"8", &[0xff; 12], &[0x80, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
        assert_eq!(value(bad), None, "{bad:?}");
    }
}

#[test]
fn damage_is_named() {
    let good = Tar::new().file("a", "hello").file("b", "world").end();
    let mut wrong = good.clone();
    wrong[0] ^= 1;
    assert_eq!(cut_of(&wrong), Some(GapCode::Corrupt));
    // Cut anywhere before the mark at the end: never a silent short list.
    for length in 0..good.len() - 1023 {
        assert_eq!(cut_of(&good[..length]), Some(GapCode::Corrupt), "{length}");
    }
    assert_eq!(cut_of(&good[..good.len() - 512]), None);
    let mut half = Tar::new().file("a", "").0;
    half.extend([0; 512]);
    half.extend(Tar::new().file("hidden", "").end());
    assert_eq!(cut_of(&half), Some(GapCode::Corrupt));
    let huge = Tar::new().raw(b"L", b'L', 2 << 20, b"", &vec![b'a'; 2 << 20]).file("x", "").end();
    assert_eq!(cut_of(&huge), Some(GapCode::NameLimit));
    let endless = (0..50).fold(Tar::new(), |tar, _| tar.pax(&[("path", b"x")])).file("x", "").end();
    assert_eq!(cut_of(&endless), Some(GapCode::Corrupt));
    for record in [
        &b"5 a=b\n"[..],
        b"x a=b\n",
        b"999999 a=b\n",
        b"6 a=b",
        b"5 ab\n",
        b"99999999999999999999999 a=b\n",
        b"-6 a=b\n",
    ] {
        let bytes = Tar::new().raw(b"p", b'x', record.len() as u64, b"", record).file("x", "").end();
        assert_eq!(cut_of(&bytes), Some(GapCode::Corrupt), "{record:?}");
    }
    for size in ["-1", "1e3", "99999999999999999999", "0x10", " 5"] {
        let bytes = Tar::new().pax(&[("size", size.as_bytes())]).file("x", "").end();
        assert_eq!(cut_of(&bytes), Some(GapCode::Corrupt), "{size}");
    }
    let nul = Tar::new().pax(&[("path", b"etc/passwd\0.txt")]).file("x", "").end();
    assert_eq!(cut_of(&nul), Some(GapCode::Corrupt));
}

#[test]
fn sparse_files_are_told_apart_and_passed_over() {
    let mut header = [0; 512];
    header.copy_from_slice(&Tar::new().raw(b"old", b'S', 512, b"", b"").0[..512]);
    header[482] = 1;
    let mut tar = Tar::new();
    tar.0.extend(checked(header));
    tar.0.extend([0; 512]);
    let tar = tar.body(&[b'x'; 512]).pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"real")]);
    let bytes = tar.raw(b"GNUSparseFile.0/real", b'0', 512, b"", &[0; 512]).file("after", "").end();
    let (seen, cut) = all(&bytes);
    assert_eq!(cut, None);
    let names: Vec<_> = seen.iter().map(|seen| (seen.path.as_str(), seen.kind)).collect();
    assert_eq!(names, [("old", Kind::Sparse), ("real", Kind::Sparse), ("after", Kind::File)]);
}

#[derive(Debug, Clone)]
struct Made {
    path: String,
    link: String,
    kind: Kind,
    body: Vec<u8>,
    pax: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let name = "[a-zü]{1,40}(/[a-z.]{1,60}){0,4}";
    let kind = prop_oneof![Just(Kind::File), Just(Kind::Symlink), Just(Kind::HardLink)];
    (name, name, kind, proptest::collection::vec(any::<u8>(), 0..1500), any::<bool>()).prop_map(
        |(path, link, kind, body, pax)| {
            let file = kind == Kind::File;
            Made {
                path,
                link: if file { String::new() } else { link },
                kind,
                body: if file { body } else { vec![] },
                pax,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(entries in proptest::collection::vec(made(), 0..12)) {
        let mut tar = Tar::new();
        for entry in &entries {
            let flag = match entry.kind { Kind::Symlink => b'2', Kind::HardLink => b'1', _ => b'0' };
            let size = entry.body.len() as u64;
            tar = if entry.pax {
                let records: [(&str, &[u8]); 3] = [
                    ("path", entry.path.as_bytes()), ("linkpath", entry.link.as_bytes()), ("size", &size.to_string().into_bytes()),
                ];
                tar.pax(&records).raw(b"short", flag, 0, b"", &entry.body)
            } else {
                tar.long(b'L', entry.path.as_bytes()).long(b'K', entry.link.as_bytes()).raw(b"short", flag, size, b"", &entry.body)
            };
        }
        let (seen, cut) = all(&tar.end());
        prop_assert_eq!(cut, None);
        let wrote: Vec<_> = entries.into_iter().map(|e| Seen { path: e.path, link: e.link, kind: e.kind, body: e.body }).collect();
        prop_assert_eq!(seen, wrote);
    }

    #[test]
    fn no_bytes_panic_or_read_past_the_end(mut bytes in proptest::collection::vec(any::<u8>(), 0..4000), at in 0usize..3000, with in any::<u8>()) {
        let _ = all(&bytes);
        let mut good = Tar::new().pax(&[("path", b"p"), ("size", b"3")]).file("abc", "abc").symlink("s", "t").end();
        let at = at % good.len();
        good[at] = with;
        let _ = all(&good);
        bytes.truncate(512);
        if let Ok(header) = <[u8; 512]>::try_from(bytes.as_slice()) {
            let mut tar = Tar::new();
            tar.0.extend(checked(header));
            let _ = all(&tar.end());
        }
    }
}
