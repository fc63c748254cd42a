//! Go modules of an executable: the build information that the linker leaves (Go's `debug/buildinfo`).
//!
//! Since Go 1.18 the block holds two texts, each after its length; before, it held addresses of string headers.

use palisade_sdk::{Confidence, Package, PackageType, Report, Unreadable};

use crate::bytes::{Order, Source, read_at, read_up_to};
use crate::executable::Executable;

const MAGIC: &[u8] = b"\xff Go buildinf:";

/// How far into the data the block is looked for where no section names it.
const SEARCH_MAX: u64 = 1 << 20;

/// Longest text. The module lists of the largest programs have some hundred kilobytes.
const TEXT_MAX: u64 = 1 << 20;

/// Reads an executable. One without build information holds only the words that it is found by; that is no problem.
pub(crate) fn read(file: &mut dyn Source, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let Some(executable) = Executable::read(file)? else { return Ok(()) };
    let Some((version, modules)) = build_info(file, &executable)? else { return Ok(()) };
    if let Some(version) = standard_library(&version) {
        report.package(Package::new(PackageType::Golang, "stdlib", version, METHOD));
    }
    for package in packages(&modules) {
        report.package(package);
    }
    Ok(())
}

const METHOD: &str = "go-build-info";

/// Version of Go and the list of modules, both as written.
fn build_info(
    file: &mut dyn Source,
    executable: &Executable,
) -> Result<Option<(String, String)>, Unreadable> {
    let section = executable
        .section(&[".go.buildinfo", "__go_buildinfo"])
        .map(|section| (section.offset, section.size));
    let data = || executable.segments.iter().find(|s| s.writable && s.size > 0).map(|s| (s.offset, s.size));
    let Some((start, size)) = section.or_else(data) else { return Ok(None) };
    let bytes = read_up_to(file, start, size.min(SEARCH_MAX))?;
    let found = bytes.chunks(16).position(|chunk| chunk.starts_with(MAGIC));
    let Some(at) = found.map(|index| start + 16 * index as u64) else { return Ok(None) };
    let header = read_at(file, at, 32)?;
    let (pointer_size, flags) = (header.get(14).copied(), header.get(15).copied().unwrap_or_default());
    if flags & 2 != 0 {
        let (version, next) = inline_text(file, at + 32)?;
        let (modules, _) = inline_text(file, next)?;
        return Ok(Some((text(&version), text(unframed(&modules)))));
    }
    let wide = match pointer_size {
        Some(8) => true,
        Some(4) => false,
        _ => return Err("build information of an unknown form".into()),
    };
    let order = if flags & 1 != 0 { Order::Big } else { Order::Little };
    let pointer = |index: usize| order.word(wide, &header, 16 + index * if wide { 8 } else { 4 });
    let version = string_at(file, executable, order, wide, pointer(0).unwrap_or_default())?;
    let modules = string_at(file, executable, order, wide, pointer(1).unwrap_or_default())?;
    Ok(Some((text(&version), text(unframed(&modules)))))
}

/// A text after its length, and what follows it.
fn inline_text(file: &mut dyn Source, at: u64) -> Result<(Vec<u8>, u64), Unreadable> {
    let mut length = 0_u64;
    let head = read_up_to(file, at, 10)?;
    for (index, byte) in head.iter().enumerate() {
        length |= u64::from(byte & 0x7f).checked_shl(7 * index as u32).unwrap_or_default();
        if byte & 0x80 == 0 {
            let start = at + index as u64 + 1;
            return Ok((bounded(file, start, length)?, start.saturating_add(length)));
        }
    }
    Err("build information that ends early".into())
}

/// A string in memory: its header is an address and a length.
fn string_at(
    file: &mut dyn Source,
    executable: &Executable,
    order: Order,
    wide: bool,
    address: u64,
) -> Result<Vec<u8>, Unreadable> {
    if address == 0 {
        return Ok(Vec::new());
    }
    let outside = "build information that points out of the file";
    let word = if wide { 8 } else { 4 };
    let header = read_at(file, executable.offset(address).ok_or(outside)?, 2 * word)?;
    let pointer = order.word(wide, &header, 0).ok_or(outside)?;
    let length = order.word(wide, &header, word as usize).ok_or(outside)?;
    if length == 0 {
        return Ok(Vec::new());
    }
    bounded(file, executable.offset(pointer).ok_or(outside)?, length)
}

fn bounded(file: &mut dyn Source, at: u64, length: u64) -> Result<Vec<u8>, Unreadable> {
    if length > TEXT_MAX {
        return Err(format!("build information of {length} bytes").into());
    }
    read_at(file, at, length)
}

/// The list of modules stands between two marks of 16 bytes each.
fn unframed(modules: &[u8]) -> &[u8] {
    let inner = modules.len().checked_sub(16).and_then(|end| modules.get(16..end));
    inner.filter(|inner| inner.ends_with(b"\n")).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `go1.23.4` is `1.23.4`, `go1.22rc1` is `1.22.0-rc.1`; what stands behind a space names experiments. A build of the
/// development branch has no version.
fn standard_library(version: &str) -> Option<String> {
    let version = version.split_whitespace().next()?.strip_prefix("go")?;
    let version = version.split(['-', '+']).next()?;
    for stage in ["rc", "beta"] {
        if let Some((release, number)) = version.split_once(stage) {
            let patch = if release.split('.').count() < 3 { ".0" } else { "" };
            return Some(format!("{release}{patch}-{stage}.{number}"));
        }
    }
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned())
}

/// One module of the list.
struct Module<'a> {
    path: &'a str,
    version: &'a str,
    main: bool,
}

/// Modules as they were built: a replaced module is what replaced it.
fn packages(modules: &str) -> Vec<Package> {
    let mut list: Vec<Module<'_>> = Vec::new();
    let mut link_flags = "";
    for line in modules.lines() {
        let mut fields = line.split('\t');
        let (kind, first, second) =
            (fields.next(), fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match kind {
            Some("mod" | "dep") if !first.is_empty() => {
                list.push(Module { path: first, version: second, main: kind == Some("mod") });
            }
            Some("=>") => {
                // A replacement by a folder has no version of its own, and the folder's name is nobody's module.
                let named = !first.is_empty() && !second.is_empty() && !is_folder(first);
                if let Some(module) = list.last_mut().filter(|_| named) {
                    (module.path, module.version) = (first, second);
                }
            }
            Some("build") => link_flags = first.strip_prefix("-ldflags=").unwrap_or(link_flags),
            _ => {}
        }
    }
    list.iter().map(|module| package(module, link_flags)).collect()
}

fn package(module: &Module<'_>, link_flags: &str) -> Package {
    // Built in a checkout, a module has no version or one made up from the commit; its makers often write the version by a
    // flag of the linker. It is not always the main module: `go build file.go` has none.
    let unversioned =
        module.version.is_empty() || module.version == "(devel)" || module.version.starts_with("v0.0.0-");
    let linked = linked_version(link_flags, module).filter(|_| unversioned);
    match linked {
        Some(version) => Package::new(PackageType::Golang, module.path, version, "go-link-flags")
            .confidence(Confidence::Medium),
        None => {
            let version = if module.version.is_empty() { "(devel)" } else { module.version };
            Package::new(PackageType::Golang, module.path, version, METHOD)
        }
    }
}

fn is_folder(path: &str) -> bool {
    path.starts_with('.') || path.starts_with('/') || path.get(1..3) == Some(":\\")
}

/// The value of `-X package.version=…` (also written `-X=…`) as a module version. The version of a library that is set so is
/// not that of the module that uses it.
fn linked_version(link_flags: &str, module: &Module<'_>) -> Option<String> {
    let words = link_flags.split([' ', '"', '\'']);
    let mut values = words.filter_map(|word| {
        let (variable, value) = word.strip_prefix("-X=").unwrap_or(word).split_once('=')?;
        let (package, name) = variable.rsplit_once('.')?;
        let own = (module.main && package == "main")
            || package.strip_prefix(module.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let digits = value.strip_prefix('v').unwrap_or(value);
        let sound =
            digits.starts_with(|first: char| first.is_ascii_digit()) && digits.split('.').count() >= 3;
        (own && name.eq_ignore_ascii_case("version") && sound).then(|| format!("v{digits}"))
    });
    values.next_back()
}

#[cfg(test)]
mod tests {
    use super::{Module, linked_version, packages, standard_library};
    use crate::test::{analysis, executable, hostile, names};

    const MODULES: &str = "path\texample.org/Tool\nmod\texample.org/Tool\t(devel)\t\n\
        dep\tgithub.com/A/b\tv1.0.0\th1:x=\ndep\told.org/c\tv1.0.0\n=>\tnew.org/c\tv1.1.0\th1:y=\n\
        dep\tlocal.org/d\tv0.1.0\n=>\t./d\t(devel)\t\nbuild\t-compiler=gc\n\
        build\t-ldflags=\"-s -w -X main.buildVersion=v9.9.9 -X example.org/Tool/version.Version=2.3.4\"\n";

    fn listed(modules: &str) -> Vec<String> {
        packages(modules).iter().map(|p| format!("{} {}", p.name, p.version)).collect()
    }

    #[test]
    fn replacements_and_link_flags_tell_what_was_built() {
        let expected =
            ["example.org/Tool v2.3.4", "github.com/A/b v1.0.0", "new.org/c v1.1.0", "local.org/d v0.1.0"];
        assert_eq!(listed(MODULES), expected);
        assert_eq!(listed("mod\ta\t(devel)\n"), ["a (devel)"]);
        assert_eq!(listed("dep\ta\tv1.0.0\n=>\t\tv1.1.0\n"), ["a v1.0.0"]);
        assert_eq!(listed("mod\ta\tv1.0.0\nbuild\t-ldflags=\"-X main.version=v2.0.0\"\n"), ["a v1.0.0"]);
        let linked = |flags, path, main| linked_version(flags, &Module { path, version: "(devel)", main });
        assert_eq!(linked("-X main.version=dev -X main.commit=1.2.3", "a.b/c", true), None);
        assert_eq!(linked("-X main.version=1.2.3", "a.b/c", false), None);
        let own = linked("-s -X=a.b/c/v8/version.Version=8.30.1", "a.b/c/v8", false);
        assert_eq!(own.as_deref(), Some("v8.30.1"));
        assert_eq!(linked("-X a.b/cd.Version=8.30.1", "a.b/c", true), None);
    }

    #[test]
    fn the_standard_library_has_the_version_of_go() {
        assert_eq!(standard_library("go1.23.4 X:boringcrypto").as_deref(), Some("1.23.4"));
        assert_eq!(standard_library("go1.22rc1").as_deref(), Some("1.22.0-rc.1"));
        assert_eq!(standard_library("go1.21.0-custom").as_deref(), Some("1.21.0"));
        assert_eq!(standard_library("devel go1.24-abc"), None);
    }

    /// The block since Go 1.18.
    fn inline() -> Vec<u8> {
        let mut block = b"\xff Go buildinf:\x08\x02".to_vec();
        block.resize(32, 0);
        let framed = format!("{0}{MODULES}{0}", "#".repeat(16));
        for text in ["go1.23.4", &framed] {
            let length = text.len();
            block.extend(if length < 128 {
                vec![length as u8]
            } else {
                vec![length as u8 | 0x80, (length >> 7) as u8]
            });
            block.extend_from_slice(text.as_bytes());
        }
        block
    }

    #[test]
    fn a_block_of_texts_is_read() {
        let found = analysis("go-executable", "usr/bin/tool", &executable(".go.buildinfo", &inline()));
        assert_eq!(names(&found)[..2], ["stdlib 1.23.4", "example.org/Tool v2.3.4"]);
        assert_eq!(found.packages.len(), 5);
        let none =
            analysis("go-executable", "usr/bin/tool", &executable(".text", b"words: \xff Go buildinf:"));
        assert_eq!((none.packages.len(), none.problems.len()), (0, 0));
    }

    #[test]
    fn a_block_of_addresses_is_read() {
        const BASE: u64 = crate::test::ADDRESS;
        let framed = format!("{0}{MODULES}{0}", "#".repeat(16));
        let mut block = b"\xff Go buildinf:\x08\x00".to_vec();
        let texts = BASE + 64;
        for number in [BASE + 32, BASE + 48, texts, 8, texts + 8, framed.len() as u64] {
            block.extend(number.to_le_bytes());
        }
        block.extend_from_slice(format!("go1.17.9{framed}").as_bytes());
        let found = analysis("go-executable", "usr/bin/tool", &executable(".go.buildinfo", &block));
        assert_eq!(names(&found)[..2], ["stdlib 1.17.9", "example.org/Tool v2.3.4"]);
    }

    #[test]
    fn survives_anything() {
        hostile(&["go-executable", "rust-executable"], &executable(".go.buildinfo", &inline()));
    }
}
