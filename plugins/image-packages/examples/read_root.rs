//! Reads an unpacked root directory natively and prints what the plugin finds, as one JSON object.
//!
//! `cargo run --release --example read_root -- DIRECTORY [--parts]` selects files by the interests of the manifest, as the
//! platform does. With `--parts` every file is read through a handle, and the bytes so read are counted.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a program for developers, which may stop at anything odd"
)]

use std::cell::Cell;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use image_packages::{ImagePackages, MANIFEST};
use palisade_sdk::{Analysis, Body, InputFile, ReadAt, analyze};
use serde_json::{Value, json};

struct Interest {
    name: String,
    paths: Option<GlobSet>,
    magic: Vec<(usize, Vec<u8>)>,
    keywords: Vec<Vec<u8>>,
    size_min: u64,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().expect("usage: read_root DIRECTORY [--parts]");
    let parts = arguments.next().is_some();
    let interests = interests();
    let copied = Rc::new(Cell::new(0));
    let mut files = Vec::new();
    let began = std::time::Instant::now();
    walk(Path::new(&root), "", &mut |path, relative| {
        files.extend(select(path, relative, &interests, parts, &copied))
    });
    eprintln!("{} files selected in {:?}", files.len(), began.elapsed());
    let began = std::time::Instant::now();
    let found = analyze::<ImagePackages>("{}", &files).expect("the plugin has no settings");
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    eprintln!("analysed in {:?}; {} bytes read through handles", began.elapsed(), copied.get());
    println!("{}", shown(&found, &paths));
}

fn interests() -> Vec<Interest> {
    let manifest: toml::Table = MANIFEST.parse().expect("the manifest is TOML");
    let list = manifest["kinds"]["image-analyzer"]["interests"].as_array().expect("a list of interests");
    let texts = |value: Option<&toml::Value>| -> Option<Vec<String>> {
        value.map(|list| {
            list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        })
    };
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
    };
    let interest = |table: &toml::Value| Interest {
        name: table["name"].as_str().unwrap().to_owned(),
        paths: texts(table.get("paths")).map(|globs| {
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                set.add(GlobBuilder::new(&glob).literal_separator(true).build().unwrap());
            }
            set.build().unwrap()
        }),
        magic: table.get("magic").map_or(vec![], |list| {
            let magic = |m: &toml::Value| {
                (m["offset"].as_integer().unwrap() as usize, unhex(m["bytes"].as_str().unwrap()))
            };
            list.as_array().unwrap().iter().map(magic).collect()
        }),
        keywords: texts(table.get("keywords"))
            .unwrap_or_default()
            .iter()
            .map(|word| word.strip_prefix("hex:").map_or_else(|| word.clone().into_bytes(), unhex))
            .collect(),
        size_min: table.get("size-min").map_or(0, |size| size.as_integer().unwrap() as u64),
    };
    list.iter().map(interest).collect()
}

/// Regular files in the order of their paths; symbolic links are not followed.
fn walk(directory: &Path, prefix: &str, visit: &mut dyn FnMut(&Path, String)) {
    let mut entries: Vec<_> = fs::read_dir(directory).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
        let relative = format!("{prefix}{name}");
        if kind.is_dir() {
            walk(&entry.path(), &format!("{relative}/"), visit);
        } else if kind.is_file() {
            visit(&entry.path(), relative);
        }
    }
}

fn select(
    path: &Path,
    relative: String,
    interests: &[Interest],
    parts: bool,
    copied: &Rc<Cell<u64>>,
) -> Option<InputFile> {
    let size = path.metadata().ok()?.len();
    let by_path = |interest: &&Interest| {
        size >= interest.size_min && interest.paths.as_ref().is_none_or(|globs| globs.is_match(&relative))
    };
    let candidates: Vec<&Interest> = interests.iter().filter(by_path).collect();
    let mut head = [0; 64];
    let count = fs::File::open(path).ok()?.read(&mut head).ok()?;
    let starts = |(offset, bytes): &(usize, Vec<u8>)| {
        head[..count].get(*offset..).is_some_and(|b| b.starts_with(bytes))
    };
    let mut names = Vec::new();
    let mut contents = None;
    for interest in candidates {
        if !interest.magic.is_empty() && !interest.magic.iter().any(starts) {
            continue;
        }
        let bytes = contents.get_or_insert_with(|| fs::read(path).unwrap_or_default());
        let occurs = |word: &Vec<u8>| memchr::memmem::find(bytes, word).is_some();
        if interest.keywords.is_empty() || interest.keywords.iter().any(occurs) {
            names.push(interest.name.clone());
        }
    }
    if names.is_empty() {
        return None;
    }
    let body = if parts || size > 1 << 20 {
        Body::Parts(Box::new(OnDisk(path.to_owned(), Rc::clone(copied))))
    } else {
        Body::Whole(contents.unwrap_or_default())
    };
    Some(InputFile { path: relative, size, interests: names, body })
}

struct OnDisk(std::path::PathBuf, Rc<Cell<u64>>);

impl ReadAt for OnDisk {
    fn size(&self) -> u64 {
        self.0.metadata().map_or(0, |metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, length: u32) -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(&self.0)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(u64::from(length)).read_to_end(&mut bytes)?;
        self.1.set(self.1.get() + bytes.len() as u64);
        Ok(bytes)
    }
}

fn shown(found: &Analysis, paths: &[&str]) -> Value {
    let path = |item: u32| paths[item as usize];
    json!({
        "systems": found.systems.iter().map(|s| json!([path(s.item), s.id, s.version])).collect::<Vec<_>>(),
        "packages": found.packages.iter().map(|p| json!({
            "type": format!("{:?}", p.kind).trim_start_matches("PackageType::").to_lowercase(),
            "name": p.name, "version": p.version, "path": path(p.item), "inner": p.inner, "method": p.method,
            "confidence": format!("{:?}", p.confidence).trim_start_matches("Confidence::"), "licenses": p.licenses,
            "source": [&p.source_name, &p.source_version],
        })).collect::<Vec<_>>(),
        "ownerships": found.ownerships.iter().map(|o| json!([o.name, o.paths])).collect::<Vec<_>>(),
        "problems": found.problems.iter().map(|p| json!([path(p.item), p.message])).collect::<Vec<_>>(),
    })
}
