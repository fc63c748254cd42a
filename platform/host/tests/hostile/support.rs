//! Makes components from core modules, and hosts to run them.

use std::sync::Arc;

use host::{Analysis, Body, Fault, Host, HostOptions, InputFile, Plugin};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// Text of a manifest with everything the tests need; `more` is appended.
pub(crate) fn manifest(more: &str) -> String {
    let head = "id = \"test.guest\"\nversion = \"1.0.0\"\npublisher = \"Tests\"\nlicense = \"Apache-2.0\"\n\
        description = \"A guest of the tests.\"\nmetrics = [\"seen\"]\n\
        [[rules]]\nid = \"rule\"\ntitle = \"A rule\"\nseverity = \"low\"\n\
        [[kinds.image-analyzer.interests]]\nname = \"all\"\npaths = [\"**\"]\n";
    format!("{head}{more}")
}

/// A core module with memory, an allocator that only goes up, and an `analyze` with this body. `$files` and `$count` are its
/// parameters; it returns the address of the answer. Zeroed memory is an empty answer.
pub(crate) fn module(more: &str, body: &str) -> String {
    format!(
        r#"(module
            (import "palisade:host/log@0.1.0" "write" (func $log (param i32 i32 i32)))
            (import "palisade:host/content@0.1.0" "[method]content.read"
                (func $read (param i32 i64 i32 i32)))
            (import "palisade:host/content@0.1.0" "[method]content.slice"
                (func $slice (param i32 i64 i64 i32)))
            (memory (export "memory") 2)
            (global $next (mut i32) (i32.const 65536))
            (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get 2))))
                (global.set $next (i32.add (local.get $at) (local.get 3)))
                (block $fits
                    (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
                    (br_if $fits (i32.ge_s (i32.const 0)
                        (i32.sub (i32.const 0)
                            (i32.add (i32.const 1) (memory.grow (i32.add (i32.const 1)
                                (i32.shr_u (local.get 3) (i32.const 16)))))))
                    )
                    (unreachable))
                (local.get $at))
            {more}
            (func $analyze (export "palisade:plugin/image-analyzer@0.1.0#analyze")
                (param $files i32) (param $count i32) (result i32)
                {body}))"#
    )
}

/// A component of kind `image-analyzer` around a core module, which may import every interface of `palisade:host`.
pub(crate) fn component(manifest: &str, core: &str) -> Vec<u8> {
    of_world(
        manifest,
        core,
        "include palisade:worlds/image-analyzer-plugin@0.1.0;
         import palisade:host/http@0.1.0; import palisade:host/state@0.1.0; import palisade:host/assets@0.1.0;
         import palisade:host/advisories@0.1.0; import palisade:host/blob@0.1.0;",
    )
}

/// A component of a world made of these statements.
pub(crate) fn of_world(manifest: &str, core: &str, statements: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
    for package in ["types", "host", "plugin", "worlds"] {
        resolve.push_dir(format!("{wit}/{package}")).unwrap();
    }
    let package =
        resolve.push_str("test.wit", &format!("package test:test; world test {{ {statements} }}")).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut bytes = wat::parse_str(core).unwrap();
    wit_component::embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8).unwrap();
    let component = ComponentEncoder::default().validate(true).module(&bytes).unwrap().encode().unwrap();
    with_section(component, manifest)
}

/// The component with its manifest.
pub(crate) fn with_section(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    let name = b"palisade:manifest";
    let mut body = leb128(name.len());
    body.extend_from_slice(name);
    body.extend_from_slice(manifest.as_bytes());
    component.push(0);
    component.extend(leb128(body.len()));
    component.extend(body);
    component
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A host of its own, with compiled code from earlier tests: an unoptimised compiler takes seconds for a guest.
pub(crate) fn host() -> Host {
    Host::new(options()).unwrap()
}

pub(crate) fn options() -> HostOptions {
    let cache_dir = Some(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests"));
    HostOptions { instances: 4, cache_dir, ..HostOptions::default() }
}

/// Loads a guest with an `analyze` of this body, without grants.
pub(crate) fn guest(more_manifest: &str, more: &str, body: &str) -> Plugin {
    host().load(&component(&manifest(more_manifest), &module(more, body))).unwrap()
}

/// One small file.
pub(crate) fn file() -> InputFile {
    InputFile {
        path: "etc/os-release".to_owned(),
        size: 5,
        interests: vec!["all".to_owned()],
        body: Body::Whole(b"hello".to_vec()),
    }
}

/// A file that is lent, of so many bytes.
pub(crate) fn lent(bytes: usize) -> InputFile {
    InputFile { size: bytes as u64, body: Body::Stored(Arc::new(vec![b'x'; bytes])), ..file() }
}

pub(crate) fn call(plugin: &Plugin, files: Vec<InputFile>) -> Result<Analysis, Fault> {
    plugin.analyze_files("{}", files)
}
