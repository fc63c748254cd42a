//! ELF, PE and Mach-O executables, and the lists that Go and `cargo auditable` leave in them.

pub(crate) fn run(data: &[u8]) {
    crate::guest::read("usr/bin/tool", &["go-executable", "rust-executable"], data);
}
