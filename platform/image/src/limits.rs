//! Every cap in one place, each with the reason for its number. A cap that bites is a gap, never a crash.

use std::time::Duration;

/// Caps on what one image may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Directory entries of one layer. The largest public images have under half a million files; three million tiny
    /// ones must still pass, at twelve bytes of memory each.
    pub entries: u64,
    /// Components of one path. Linux allows about 2,000 in its longest path; real trees stay under 40.
    pub depth: usize,
    /// Bytes of one path: `PATH_MAX` of Linux.
    pub path_bytes: usize,
    /// Bytes one layer unpacks to. Layers with GPU libraries reach 8 GiB.
    pub layer_bytes: u64,
    /// Unpacked bytes per packed byte, once `ratio_floor` is passed. Real layers stay under 20; zeroes reach 1,032
    /// under deflate and more under zstd.
    pub ratio: u64,
    /// Unpacked bytes up to which the ratio is not looked at, because small layers of small files are mostly padding.
    pub ratio_floor: u64,
    /// Time for one pass over one layer. A slow network at 2 MB/s brings 1 GiB in nine minutes.
    pub layer_time: Duration,
    /// Window of a zstd frame as a power of two. 8 MiB (23) is what every decoder must accept; 32 MiB covers the
    /// strongest ordinary level (20) and is memory that every reading thread may need.
    pub zstd_window_log: u32,
    /// Bytes of link names kept of one layer until its end, to resolve links inside it.
    pub link_bytes: usize,
    /// Bytes of the names of selected files kept of one layer until its end, to tell which of them the layer itself
    /// replaces. The largest images have some hundred thousand of a hundred bytes.
    pub selected_name_bytes: usize,
    /// Gaps named one by one for each code in a layer; the rest is one gap with a count.
    pub gaps: usize,
    /// Layers of one image. Docker stops at 127.
    pub layers: usize,
    /// Bytes of a manifest, index or configuration. Registries refuse manifests over 4 MiB.
    pub manifest_bytes: u64,
    /// Indexes within indexes. One is common, two exist.
    pub index_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 5_000_000,
            depth: 256,
            path_bytes: 4096,
            layer_bytes: 16 << 30,
            ratio: 200,
            ratio_floor: 64 << 20,
            layer_time: Duration::from_secs(15 * 60),
            zstd_window_log: 25,
            link_bytes: 32 << 20,
            selected_name_bytes: 64 << 20,
            gaps: 50,
            layers: 256,
            manifest_bytes: 4 << 20,
            index_depth: 4,
        }
    }
}
