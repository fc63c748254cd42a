//! What differs from run to run is folded away: process ids, hashes, names of pods and temporary files, values of arguments.

use std::net::{IpAddr, Ipv6Addr};

/// Longest path, argument shape and name, in bytes.
const PATH_MAX: usize = 98;
const SHAPE_MAX: usize = 50;
const NAME_MAX: usize = 80;
/// Most parts of a path that are looked at.
const PARTS_MAX: usize = 12;
/// Most arguments that are looked at.
const ARGUMENTS_MAX: usize = 8;
/// Letters of which Kubernetes makes the ends of pods' names (`k8s.io/apimachinery/pkg/util/rand`).
const SUFFIX: &str = "bcdfghjklmnpqrstvwxz2456789";
/// Directories whose content nobody names twice.
const EPHEMERAL: [&str; 5] = ["/tmp/", "/var/tmp/", "/dev/shm/", "/var/run/user/", "/run/user/"];

/// A path as a template. `own` are names that stand for the very pod or container.
pub(crate) fn path(text: &str, own: &[&str]) -> String {
    let mut folded = String::with_capacity(text.len().min(PATH_MAX));
    for (place, part) in text.split('/').enumerate() {
        if place > 0 {
            folded.push('/');
        }
        if place > PARTS_MAX || folded.len() + part.len() > PATH_MAX {
            folded.push_str("**");
            break;
        }
        if !part.is_empty() && own.iter().any(|name| !name.is_empty() && *name == part) {
            folded.push('*');
        } else {
            component(part, &mut folded);
        }
    }
    folded
}

/// The path of a file: what lies in a temporary directory is all the same.
pub(crate) fn file(text: &str, own: &[&str]) -> String {
    match EPHEMERAL.iter().find(|directory| text.starts_with(**directory)) {
        Some(directory) => format!("{directory}**"),
        None => path(text, own),
    }
}

/// One part of a path, or one label of a name. What cannot stand in an item becomes `_`.
fn component(part: &str, out: &mut String) {
    if uuid(part) {
        out.push('*');
        return;
    }
    let mut folded_before = false;
    let mut start = 0;
    let end_piece = |piece: &str, folded_before: &mut bool, out: &mut String| {
        let suffix = *folded_before && piece.len() == 5 && piece.chars().all(|c| SUFFIX.contains(c));
        *folded_before = random(piece) || suffix;
        if *folded_before {
            if !out.ends_with('*') {
                out.push('*');
            }
        } else {
            out.extend(piece.chars().map(allowed));
        }
    };
    for (place, character) in part.char_indices() {
        if matches!(character, '-' | '_' | '.' | ':' | '@' | '=' | ',' | '+') {
            end_piece(part.get(start..place).unwrap_or_default(), &mut folded_before, out);
            out.push(character);
            start = place + character.len_utf8();
        }
    }
    end_piece(part.get(start..).unwrap_or_default(), &mut folded_before, out);
}

fn allowed(character: char) -> char {
    if character.is_control() || character.is_whitespace() || matches!(character, '<' | '|') {
        '_'
    } else {
        character
    }
}

fn uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether nobody would have chosen this word: a number, a hash, an id.
fn random(piece: &str) -> bool {
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        // Letters of both sizes without order, as `mktemp` makes them: `XyQzAb`.
        let changes = changes(piece, |byte| byte.is_ascii_uppercase());
        return piece.len() >= 24 || (piece.len() >= 6 && changes * 2 >= piece.len());
    }
    if digits == piece.len() {
        return true;
    }
    let hex = piece.len() >= 8 && piece.bytes().all(|byte| byte.is_ascii_hexdigit());
    let alternates = piece.len() >= 5 && changes(piece, |byte| byte.is_ascii_digit()) >= 3;
    hex || alternates || piece.len() >= 20
}

fn changes(piece: &str, of: impl Fn(u8) -> bool) -> usize {
    piece.as_bytes().windows(2).filter(|pair| matches!(pair, [a, b] if of(*a) != of(*b))).count()
}

/// Which options a program was called with, without a value of any: `-c *`, `--config=* *`.
///
/// An option of one dash keeps one letter, because a value may follow without a space (`-pSECRET`); digits never stay.
pub(crate) fn shape(arguments: &str) -> String {
    let mut shape = String::new();
    for argument in arguments.split_whitespace().take(ARGUMENTS_MAX) {
        let part = match argument.strip_prefix("--") {
            Some("") => "--".to_owned(),
            Some(long) => {
                let (name, value) = long.split_once('=').map_or((long, ""), |(name, _)| (name, "=*"));
                let named =
                    name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                if named { format!("--{name}{value}") } else { "--*".to_owned() }
            }
            None => match argument.strip_prefix('-').map(|short| (short.chars().next(), short.len())) {
                Some((Some(letter), 1)) if letter.is_ascii_alphabetic() => format!("-{letter}"),
                Some((Some(letter), _)) if letter.is_ascii_alphabetic() => format!("-{letter}*"),
                Some((None, _)) => "-".to_owned(),
                _ => "*".to_owned(),
            },
        };
        if part == "*" && (shape == "*" || shape.ends_with(" *")) {
            continue;
        }
        if shape.len() + part.len() >= SHAPE_MAX {
            break;
        }
        if !shape.is_empty() {
            shape.push(' ');
        }
        shape.push_str(&part);
    }
    shape
}

/// A name of the network, its random labels folded.
pub(crate) fn name(text: &str) -> String {
    let mut folded = String::new();
    for label in text.trim_end_matches('.').split('.') {
        if folded.len() + label.len() >= NAME_MAX {
            folded.push_str(".*");
            break;
        }
        if !folded.is_empty() {
            folded.push('.');
        }
        component(&label.to_ascii_lowercase(), &mut folded);
    }
    folded.replace(['/', ':'], "_")
}

/// The block that an address lies in: /24 for version 4, /64 for version 6.
pub(crate) fn block(address: &str) -> Option<String> {
    let address: IpAddr = address.parse().ok()?;
    Some(match address.to_canonical() {
        address if address.is_loopback() => "loopback".to_owned(),
        // The services of metadata of all clouds are one address, not a neighbourhood.
        address if metadata(&address) => "metadata".to_owned(),
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    })
}

fn metadata(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [169, 254, 169, 254] | [100, 100, 100, 200]),
        IpAddr::V6(address) => address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    }
}

#[cfg(test)]
mod tests {
    use super::{block, file, name, path, shape};

    #[test]
    fn paths_become_templates() {
        for (text, wanted) in [
            ("/bin/sh", "/bin/sh"),
            ("/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/lib/x86_*-linux-gnu/libssl.so.*"),
            ("/usr/bin/sha256sum", "/usr/bin/sha256sum"),
            ("/usr/bin/python3.12", "/usr/bin/python3.*"),
            ("/proc/4711/exe", "/proc/*/exe"),
            ("/var/lib/7c9e6679-7425-40de-944b-e07fc1f90ae7/x", "/var/lib/*/x"),
            ("/log/web-7d9f8c6b5-x2x9z.log", "/log/web-*-*.log"),
            ("/log/web-7d9f8c6b5-bcdfg.log", "/log/web-*-*.log"),
            ("/data/e3b0c44298fc1c149afbf4c8996fb924", "/data/*"),
            ("/a b<c\n", "/a_b_c_"),
            ("/own/pod-a", "/own/*"),
        ] {
            assert_eq!(path(text, &["pod-a", ""]), wanted);
        }
        assert_eq!(file("/tmp/whatever/it-is", &[]), "/tmp/**");
        assert!(path(&"/x".repeat(1_000), &[]).ends_with("/**"));
        assert!(path(&"x".repeat(10_000), &[]).len() < 200);
    }

    #[test]
    fn arguments_lose_their_values() {
        for (text, wanted) in [
            ("-c id", "-c *"),
            ("--password=hunter2 --user root a b c", "--password=* --user *"),
            ("-pSECRET -p 5432", "-p* -p *"),
            ("--SECRET -9 -", "--* * -"),
            ("", ""),
        ] {
            assert_eq!(shape(text), wanted);
        }
        assert!(shape(&"--abcdefghijklmnop ".repeat(100)).len() < 51);
    }

    #[test]
    fn destinations_are_names_or_blocks() {
        assert_eq!(name("API.Example.com."), "api.example.com");
        assert_eq!(name("d1234567890abc.cloudfront.net"), "*.cloudfront.net");
        assert_eq!(block("10.1.2.3").as_deref(), Some("10.1.2.0/24"));
        assert_eq!(block("::ffff:10.1.2.3").as_deref(), Some("10.1.2.0/24"));
        assert_eq!(block("2001:db8:1:2:3::4").as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(block("169.254.169.254").as_deref(), Some("metadata"));
        assert_eq!(block("127.0.0.9").as_deref(), Some("loopback"));
        assert_eq!(block("no"), None);
    }
}
