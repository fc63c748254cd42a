//! Small OCI layouts made by hand, right ones and wrong ones.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A layer packed by gzip.
pub(crate) const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A layer as it is.
const PLAIN: &str = "application/vnd.oci.image.layer.v1.tar";

/// An OCI layout directory.
pub(crate) struct Layout(TempDir);

impl Layout {
    /// One image with one layer: `packed` on the wire, `unpacked` (or its digest) behind it.
    pub(crate) fn of(media_type: &str, packed: &[u8], diff_id: &str) -> Self {
        let layout = Self(TempDir::with_prefix("palisade-layout-").unwrap());
        std::fs::create_dir_all(layout.path().join("blobs/sha256")).unwrap();
        std::fs::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
        });
        let config = layout.put_json(CONFIG, &config);
        let layer = layout.put(media_type, packed);
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
        let manifest = layout.put_json(MANIFEST, &manifest);
        layout.point_at(&manifest);
        layout
    }

    /// One image with one plain layer.
    pub(crate) fn plain(tar: &[u8]) -> Self {
        Self::of(PLAIN, tar, &digest(tar))
    }

    /// An index that points at something of a type that nobody knows.
    pub(crate) fn of_unknown_type() -> Self {
        let layout = Self::plain(&[]);
        let something = layout.put("application/x-made-up", b"{}");
        layout.point_at(&something);
        layout
    }

    /// The same image behind `depth` indexes.
    pub(crate) fn nested(tar: &[u8], depth: usize) -> Self {
        let layout = Self::plain(tar);
        let index = std::fs::read(layout.path().join("index.json")).unwrap();
        let index: Value = serde_json::from_slice(&index).unwrap();
        let mut descriptor = index["manifests"][0].clone();
        for _ in 0..depth {
            let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor] });
            descriptor = layout.put_json(INDEX, &index);
        }
        layout.point_at(&descriptor);
        layout
    }

    /// Changes one byte of the largest blob, whose name stays.
    pub(crate) fn damaged(self) -> Self {
        let blobs = std::fs::read_dir(self.path().join("blobs/sha256")).unwrap().flatten();
        let largest = blobs.max_by_key(|blob| blob.metadata().unwrap().len()).unwrap().path();
        let mut bytes = std::fs::read(&largest).unwrap();
        bytes[600] ^= 1;
        std::fs::write(largest, bytes).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// `oci:PATH`.
    pub(crate) fn reference(&self) -> String {
        format!("oci:{}", self.path().canonicalize().unwrap().display())
    }

    fn point_at(&self, descriptor: &Value) {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor] });
        std::fs::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    fn put_json(&self, media_type: &str, value: &Value) -> Value {
        self.put(media_type, value.to_string().as_bytes())
    }

    fn put(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        let path: PathBuf = self.path().join("blobs").join(digest.replace(':', "/"));
        std::fs::write(path, bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }
}

/// `sha256:…` of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Bytes packed by gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_at(flate2::Compression::fast(), bytes)
}

/// Bytes packed by gzip at some level.
pub(crate) fn gzip_at(compression: flate2::Compression, bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), compression);
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A tar as old programs write it: any bytes as a name, nothing checked.
#[derive(Default, Clone)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    /// A regular file.
    pub(crate) fn file(mut self, name: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        self.0.extend(header(name.as_ref(), b'0', body.len() as u64, b""));
        self.0.extend(body);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A symbolic link.
    pub(crate) fn symlink(mut self, name: &str, target: &str) -> Self {
        self.0.extend(header(name.as_bytes(), b'2', 0, target.as_bytes()));
        self
    }

    /// A hard link.
    pub(crate) fn hard_link(mut self, name: &str, target: &str) -> Self {
        self.0.extend(header(name.as_bytes(), b'1', 0, target.as_bytes()));
        self
    }

    /// An npm package that the sample advisories know something about.
    pub(crate) fn vulnerable_package(self) -> Self {
        self.file("srv/node_modules/minimist/package.json", r#"{"name":"minimist","version":"1.2.0"}"#)
    }

    /// With the two empty blocks that end a tar.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    /// Cut in the middle of its last body.
    pub(crate) fn cut(mut self, bytes: usize) -> Vec<u8> {
        self.0.truncate(self.0.len() - bytes);
        self.0
    }
}

/// One header block in the POSIX form; names longer than the field are cut.
pub(crate) fn header(name: &[u8], flag: u8, size: u64, link: &[u8]) -> [u8; 512] {
    let mut block = [0_u8; 512];
    let (name, link) = (&name[..name.len().min(100)], &link[..link.len().min(100)]);
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    // Sizes that eleven octal digits cannot hold are written in base 256, as GNU tar does.
    if size < 1 << 33 {
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    } else {
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size.to_be_bytes());
    }
    block[136..148].copy_from_slice(b"00000000000\0");
    block[148..156].fill(b' ');
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
