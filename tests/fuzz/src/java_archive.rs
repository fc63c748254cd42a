//! Java archives: zips, zips in zips, and the records that Maven and the build tools leave in them.

pub(crate) fn run(data: &[u8]) {
    crate::guest::read("opt/app/outer-3.0.war", &["java-archive"], data);
}
