//! Clauses one by one and together.

use proptest::prelude::*;

use super::*;
use crate::fixture::interest;

fn wanting(interests: Vec<Interest>, path: &str, body: &[u8]) -> Vec<(u32, String)> {
    let selector = Selector::new(interests).unwrap();
    let mut candidates = Candidates::new();
    selector.by_path(path, &mut candidates);
    selector.by_size(body.len() as u64, &mut candidates);
    let reach = selector.magic_reach(&candidates).min(body.len());
    selector.by_magic(&body[..reach], &mut candidates);
    let mut search = selector.search(&candidates);
    search.look(body);
    selector.names(&search.finish())
}

fn wanted(interest: &Interest, path: &str, body: &[u8]) -> bool {
    !wanting(vec![interest.clone()], path, body).is_empty()
}

#[test]
fn globs_keep_to_components() {
    let table = [
        ("var/lib/dpkg/status", "var/lib/dpkg/status", true),
        ("/var/lib/dpkg/status", "var/lib/dpkg/status", true),
        ("var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/base", true),
        ("var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/a/b", false),
        ("**/package.json", "package.json", true),
        ("**/package.json", "a/b/package.json", true),
        ("**/package.json", "a/xpackage.json", false),
        ("**/*.dist-info/METADATA", "usr/lib/python3/x.dist-info/METADATA", true),
        ("**/*.dist-info/METADATA", "usr/lib/x.dist-info/a/METADATA", false),
        ("usr/**", "usr/lib/x", true),
        ("*.jar", "a/b.jar", false),
        ("**/*.[jw]ar", "a/b.war", true),
        ("**/*.{jar,ear}", "a/b.ear", true),
        ("**/*.jar", "a/.jar", true),
    ];
    for (glob, path, expected) in table {
        assert_eq!(wanted(&interest("i", &[glob]), path, b""), expected, "{glob} {path}");
    }
}

#[test]
fn every_clause_must_hold() {
    let elf = Interest {
        magic: vec![
            Magic { offset: 0, bytes: b"\x7fELF".to_vec() },
            Magic { offset: 4, bytes: b"late".to_vec() },
        ],
        keywords: vec![b"Go buildinf:".to_vec(), b".dep-v0".to_vec()],
        size_min: 10,
        size_max: 40,
        ..interest("elf", &[])
    };
    assert!(wanted(&elf, "usr/bin/go", b"\x7fELF....Go buildinf:"));
    assert!(wanted(&elf, "usr/bin/go", b"....late.dep-v0"));
    assert!(!wanted(&elf, "usr/bin/go", b"\x7fELF....nothing"));
    assert!(!wanted(&elf, "usr/bin/go", b"x\x7fELF...Go buildinf:"));
    assert!(!wanted(&elf, "usr/bin/go", b"\x7fELF"));
    assert!(!wanted(&elf, "usr/bin/go", &[b"\x7fELF.dep-v0".as_slice(), &[0; 60]].concat()));
    let placed = Interest { paths: vec!["bin/*".to_owned()], ..elf };
    assert!(wanted(&placed, "bin/go", b"\x7fELF....Go buildinf:"));
    assert!(!wanted(&placed, "usr/bin/go", b"\x7fELF....Go buildinf:"));
}

#[test]
fn plugins_are_told_apart_and_keywords_may_overlap() {
    let keyword = |owner, name: &str, word: &str| Interest {
        owner,
        keywords: vec![word.as_bytes().to_vec()],
        ..interest(name, &["**"])
    };
    let interests =
        vec![keyword(1, "a", "abc"), keyword(0, "b", "bcd"), keyword(0, "c", "abcd"), keyword(2, "d", "zz")];
    let names = [(0, "b"), (0, "c"), (1, "a")].map(|(owner, name)| (owner, name.to_owned()));
    assert_eq!(wanting(interests, "x", b"..abcd.."), names);
}

#[test]
fn what_cannot_be_compiled_is_refused() {
    let refused =
        |interest: Interest| Selector::new(vec![interest]).unwrap_err().code() == "image-interest-invalid";
    assert!(refused(interest("everything", &[])));
    assert!(refused(interest("glob", &["a[b"])));
    assert!(refused(Interest { keywords: vec![vec![]], ..interest("k", &["a"]) }));
    assert!(refused(Interest {
        magic: vec![Magic { offset: 1 << 40, bytes: vec![1] }],
        ..interest("m", &["a"])
    }));
    assert!(refused(Interest { magic: vec![Magic { offset: 0, bytes: vec![] }], ..interest("m", &["a"]) }));
    assert!(refused(Interest { size_min: 2, size_max: 1, ..interest("s", &["a"]) }));
    assert!(Selector::new(Vec::new()).is_ok());
}

proptest! {
    #[test]
    fn a_search_in_pieces_finds_what_a_whole_one_finds(
        body in "[ab]{0,60}", words in proptest::collection::vec("[ab]{1,6}", 1..4), cuts in proptest::collection::vec(1usize..9, 0..20),
    ) {
        let interests: Vec<_> = words.iter().map(|word| Interest {
            keywords: vec![word.as_bytes().to_vec()], ..interest(word, &["**"])
        }).collect();
        let selector = Selector::new(interests).unwrap();
        let all: Candidates = (0..words.len()).collect();
        let mut pieces = selector.search(&all);
        let mut rest = body.as_bytes();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.look_on(piece);
            rest = after;
        }
        pieces.look_on(rest);
        let expected: Candidates = (0..words.len()).filter(|n| body.contains(&words[*n])).collect();
        prop_assert_eq!(pieces.finish(), expected);
    }
}
