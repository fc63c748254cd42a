use super::{Cache, EntryName, KEY_FILE};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

const NAME: EntryName = EntryName([7; 32]);

fn read(cache: &Cache, name: EntryName) -> Option<Vec<u8>> {
    cache.get(name, |code| Some(code.bytes().to_vec()))
}

fn filled() -> (tempfile::TempDir, Cache, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(&dir.path().join("cache")).unwrap();
    cache.put(NAME, b"machine code").unwrap();
    let path = cache.path(NAME);
    (dir, cache, path)
}

#[test]
fn an_entry_comes_back_and_the_key_survives_a_restart() {
    let (dir, cache, _) = filled();
    assert_eq!(read(&cache, NAME).unwrap(), b"machine code");
    let again = Cache::open(&dir.path().join("cache")).unwrap();
    assert_eq!(read(&again, NAME).unwrap(), b"machine code");
    assert!(read(&again, EntryName([8; 32])).is_none());
}

#[test]
fn every_changed_bit_and_every_cut_is_noticed() {
    let (_dir, cache, path) = filled();
    let sealed = fs::read(&path).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(read(&cache, NAME).is_none(), "bit at {at}");
        fs::write(&path, &sealed[..at]).unwrap();
        assert!(read(&cache, NAME).is_none(), "cut at {at}");
    }
    fs::write(&path, [sealed.as_slice(), b"x"].concat()).unwrap();
    assert!(read(&cache, NAME).is_none());
    fs::write(&path, &sealed).unwrap();
    assert!(read(&cache, NAME).is_some());
}

#[test]
fn an_entry_under_another_name_or_of_another_host_is_a_strangers() {
    let (_dir, cache, path) = filled();
    let other = EntryName([9; 32]);
    fs::copy(&path, cache.path(other)).unwrap();
    assert!(read(&cache, other).is_none());
    let (_foreign_dir, _, foreign) = filled();
    fs::copy(&foreign, &path).unwrap();
    assert!(read(&cache, NAME).is_none());
}

#[test]
fn files_that_others_may_write_and_links_are_ignored() {
    let (_dir, cache, path) = filled();
    for mode in [0o620, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(read(&cache, NAME).is_none(), "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(read(&cache, NAME).is_some());
    let aside = path.with_extension("aside");
    fs::rename(&path, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &path).unwrap();
    assert!(read(&cache, NAME).is_none());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(read(&cache, NAME).is_none());
}

#[test]
fn a_key_that_others_could_write_is_replaced_and_opens_nothing() {
    let (dir, cache, _) = filled();
    let dir = dir.path().join("cache");
    fs::set_permissions(dir.join(KEY_FILE), fs::Permissions::from_mode(0o666)).unwrap();
    let again = Cache::open(&dir).unwrap();
    assert_ne!(again.key, cache.key);
    assert!(read(&again, NAME).is_none());
    fs::write(dir.join(KEY_FILE), b"short").unwrap();
    assert_ne!(Cache::open(&dir).unwrap().key, again.key);
    let mode = fs::metadata(dir.join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_directory_that_others_may_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let shared = dir.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(Cache::open(&shared).err().unwrap().code(), "plugin-cache-directory");
}

#[test]
fn the_oldest_entries_make_room() {
    let (_dir, cache, first) = filled();
    let old = std::time::SystemTime::UNIX_EPOCH;
    fs::File::options().write(true).open(&first).unwrap().set_modified(old).unwrap();
    for turn in 0..u16::try_from(super::ENTRIES_MAX).unwrap() {
        let mut name = [1; 32];
        name[..2].copy_from_slice(&turn.to_be_bytes());
        cache.put(EntryName(name), b"x").unwrap();
    }
    assert!(!first.exists());
    let kept = fs::read_dir(&cache.dir).unwrap().count();
    assert_eq!(kept, super::ENTRIES_MAX + 1, "entries and the key, no temporary files");
}
