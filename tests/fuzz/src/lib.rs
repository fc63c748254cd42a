//! What has to hold for every byte string, one module per family of parsers.
//!
//! Each target takes any bytes and asserts what the parser promises: not only that it comes back, but also that what is
//! written is read again, that bounds hold, and that orders are orders. The fuzzer searches for bytes that break a
//! promise; the test `corpus` runs the same functions over the seeds, and over every input that ever broke one.

mod layout;
mod must;
mod repair;
mod scratch;

mod advisory_index;
mod bom;
mod bus_record;
mod cloud_policy;
mod cluster;
mod cyclonedx;
mod evidence_pack;
mod exchange_read;
mod executable;
mod exploitation;
mod feed;
mod guest;
mod image_archive;
mod image_manifest;
mod index_walk;
mod java_archive;
mod layer;
mod layer_index;
mod osv_record;
mod playbook;
mod plugin_documents;
mod purl;
mod rpm_database;
mod runtime_events;
mod spdx;
mod tar_layer;
mod text_database;
mod versions;
mod yaml;

/// Takes any bytes; panics when a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its binary and of its folder of seeds.
pub const TARGETS: [(&str, Target); 28] = [
    ("advisory-index", advisory_index::run),
    ("bus-record", bus_record::run),
    ("cloud-policy", cloud_policy::run),
    ("cluster", cluster::run),
    ("cyclonedx", cyclonedx::run),
    ("events-audits", runtime_events::audits),
    ("events-clouds", runtime_events::clouds),
    ("events-logs", runtime_events::logs),
    ("events-sensors", runtime_events::sensors),
    ("evidence-pack", evidence_pack::run),
    ("exchange-read", exchange_read::run),
    ("executable", executable::run),
    ("exploitation", exploitation::run),
    ("feed", feed::run),
    ("image-archive", image_archive::run),
    ("image-manifest", image_manifest::run),
    ("java-archive", java_archive::run),
    ("layer-index", layer_index::run),
    ("osv-record", osv_record::run),
    ("playbook", playbook::run),
    ("plugin-documents", plugin_documents::run),
    ("purl", purl::run),
    ("rpm-database", rpm_database::run),
    ("spdx", spdx::run),
    ("tar-layer", tar_layer::run),
    ("text-database", text_database::run),
    ("versions", versions::run),
    ("yaml", yaml::run),
];

/// Runs one target by its name.
///
/// # Panics
/// When a promise is broken, or no target has that name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    assert!(target.is_some(), "no target is called {name}");
    if let Some((_, target)) = target {
        target(data);
    }
}
