//! Reads an image or directory as fast as it can and prints figures: `read SOURCE [THREADS] [GLOB…]`.
//! Without globs, the paths that package databases and manifests have, and executables with Go or Rust package lists.
//! `READ_ALLOW` is an egress allow rule for a registry; with `READ_PATHS_ONLY` set, no content is looked at.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use image::{Budget, Interest, OpenOptions, Overlay, SelectedFile, Selector, Source};

const PATHS: [&str; 10] = [
    "etc/os-release",
    "usr/lib/os-release",
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/*",
    "lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "**/*.dist-info/METADATA",
    "**/*.egg-info/PKG-INFO",
    "**/node_modules/**/package.json",
    "**/*.{jar,war,ear}",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = Source::parse(&arguments.next().ok_or("usage: read SOURCE [THREADS] [GLOB…]")?)?;
    let threads: usize = arguments.next().map_or(Ok(2), |text| text.parse())?;
    let mut paths: Vec<String> = arguments.collect();
    if paths.is_empty() {
        paths = PATHS.map(str::to_owned).into();
    }
    let interest = Interest {
        owner: 0,
        name: "all".to_owned(),
        paths,
        magic: Vec::new(),
        keywords: Vec::new(),
        size_min: 0,
        size_max: u64::MAX,
    };
    let elf = Interest {
        name: "elf".to_owned(),
        paths: Vec::new(),
        magic: vec![image::Magic { offset: 0, bytes: b"\x7fELF".to_vec() }],
        keywords: [&b"\xff Go buildinf:"[..], b".dep-v0"].map(<[u8]>::to_vec).into(),
        ..interest
    };
    let mut interests = vec![interest, elf];
    if std::env::var_os("READ_PATHS_ONLY").is_some() {
        interests.pop();
    }
    let selector = Selector::new(interests)?;
    let budget = Budget::default();
    let allow = std::env::var("READ_ALLOW").ok().map(|rule| egress::AllowRule::parse(&rule)).transpose()?;
    let client =
        egress::Client::new(egress::Policy { allow: allow.into_iter().collect(), ..Default::default() })?;
    let options = OpenOptions { budget: budget.clone(), ..OpenOptions::new(client) };

    let start = Instant::now();
    let image = image::open(&source, &options)?;
    let mut order: Vec<usize> = (0..image.layers().len()).collect();
    order.sort_by_key(|layer| std::cmp::Reverse(image.layers().get(*layer).and_then(image::Layer::size)));
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(&layer) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut sizes = Vec::new();
                    let began = Instant::now();
                    let mut sink = |file: SelectedFile| sizes.push((file.path, file.size));
                    let index = image.read_layer(layer, &selector, &mut sink);
                    if let Ok(mut done) = done.lock() {
                        done.push((layer, began.elapsed(), sizes, index));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(layer, ..)| *layer);
    let mut indexes = Vec::new();
    let mut files = Vec::new();
    for (layer, took, sizes, index) in done {
        let index = index?;
        println!("layer {layer}: {:.2} s {:?}", took.as_secs_f64(), index.counters());
        indexes.push(index);
        files.push(sizes);
    }
    let read = start.elapsed().as_secs_f64();
    let overlay = Overlay::new(&indexes);
    let visible = |layer: usize| {
        files.get(layer).into_iter().flatten().filter(move |(path, _)| overlay.visible(layer, path)).count()
    };
    let standing: usize = (0..files.len()).map(visible).sum();
    let unpacked: u64 = indexes.iter().map(|index| index.counters().unpacked_bytes).sum();
    let entries: u64 = indexes.iter().map(|index| index.counters().entries).sum();
    let stored: usize = indexes.iter().map(|index| index.to_bytes().len()).sum();
    println!("read: {read:.3} s, {entries} entries, {:.0} MB/s unpacked", unpacked as f64 / read / 1e6);
    println!("selected: {}, standing: {standing}", files.iter().map(Vec::len).sum::<usize>());
    println!("overlay: {:.3} s, indexes {stored} bytes", start.elapsed().as_secs_f64() - read);
    println!("gaps: {:?}", overlay.gaps());
    println!("budget peak: {} MiB", budget.peak() >> 20);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
    Ok(())
}
