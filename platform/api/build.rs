//! Makes cargo notice that the UI was built or changed: the embedding macro reads a folder that cargo does not track.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Only with the feature, because a watched path that does not exist makes cargo rebuild the crate every time.
    if std::env::var_os("CARGO_FEATURE_EMBED_UI").is_some() {
        println!("cargo:rerun-if-changed=../../ui/dist");
    }
}
