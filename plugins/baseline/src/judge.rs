//! How bad something new is: by what it is, by how sure the profile was, and by what its siblings do.

use palisade_sdk::Severity;

use crate::class::{Class, binary_and_parent};
use crate::summary::Summary;

const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox", "rbash"];
const INTERPRETERS: [&str; 8] = ["python", "perl", "ruby", "node", "php", "lua", "tclsh", "osascript"];
const PACKAGE_MANAGERS: [&str; 18] = [
    "apt", "apt-get", "aptitude", "dpkg", "rpm", "yum", "dnf", "microdnf", "zypper", "apk", "pacman", "snap",
    "pip", "pip3", "npm", "gem", "cargo", "conda",
];
const NETWORK_TOOLS: [&str; 22] = [
    "curl", "wget", "nc", "ncat", "netcat", "nmap", "socat", "ssh", "scp", "sftp", "rsync", "telnet", "ftp",
    "tftp", "dig", "nslookup", "tcpdump", "tshark", "masscan", "zmap", "kubectl", "crictl",
];
const SENSITIVE_FILES: [(&str, &str); 14] = [
    ("/etc/shadow", "T1003.008"),
    ("/etc/gshadow", "T1003.008"),
    ("/etc/sudoers", "T1548.003"),
    ("/etc/ld.so.preload", "T1574.006"),
    ("/etc/cron", "T1053.003"),
    ("/var/spool/cron", "T1053.003"),
    ("/root/.ssh", "T1098.004"),
    ("/root/.aws", "T1552.001"),
    ("/root/.kube", "T1552.001"),
    ("/var/run/secrets/kubernetes.io", "T1528"),
    ("/run/secrets/kubernetes.io", "T1528"),
    ("/var/run/docker.sock", "T1611"),
    ("/run/containerd", "T1611"),
    ("/proc/sys/kernel", "T1611"),
];
const PROGRAMS: [&str; 7] =
    ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/", "/etc/"];

/// What something new is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Rule of the manifest.
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    pub(crate) techniques: Vec<&'static str>,
    /// What kind of tool it is, if it is one that attackers bring or use.
    pub(crate) tool: Option<&'static str>,
}

/// What kind of tool a binary is.
pub(crate) fn tool(binary: &str) -> Option<&'static str> {
    let name = binary.rsplit('/').next().unwrap_or(binary);
    // `python3.12` is folded to `python3.*`.
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '*'));
    if SHELLS.contains(&name) {
        Some("shell")
    } else if PACKAGE_MANAGERS.contains(&name) || PACKAGE_MANAGERS.contains(&stem) {
        Some("package manager")
    } else if NETWORK_TOOLS.contains(&name) || NETWORK_TOOLS.contains(&stem) {
        Some("network tool")
    } else if INTERPRETERS.contains(&stem) {
        Some("interpreter")
    } else {
        None
    }
}

fn technique(tool: Option<&str>) -> Vec<&'static str> {
    match tool {
        Some("shell") => vec!["T1059.004"],
        Some("interpreter") => vec!["T1059"],
        Some("package manager" | "network tool") => vec!["T1105"],
        _ => Vec::new(),
    }
}

/// What an item is that none of the profiles knows; nothing for what is too ordinary to be told of.
pub(crate) fn verdict(class: Class, item: &str, known: &[&Summary]) -> Option<Verdict> {
    match class {
        Class::Process => process(item, known),
        Class::Destination => Some(destination(item)),
        Class::File => Some(file(item)),
        Class::Alert => None,
    }
}

fn process(item: &str, known: &[&Summary]) -> Option<Verdict> {
    let (binary, parent) = binary_and_parent(item);
    let tool = tool(binary);
    let techniques = technique(tool);
    let same: Vec<Option<&str>> = known.iter().flat_map(|summary| of_binary(summary, binary)).collect();
    let (rule, severity) = if same.is_empty() {
        let severity = match tool {
            Some("interpreter") | None => Severity::Medium,
            Some(_) => Severity::High,
        };
        ("new-process", severity)
    } else if parent == Some("?") || (same.contains(&Some("?")) && !same.contains(&parent)) {
        // Not every sensor tells of parents: what is not known is not new.
        return None;
    } else if !same.contains(&parent) {
        let severity = match tool {
            Some("shell") => Severity::High,
            Some(_) => Severity::Medium,
            None => Severity::Low,
        };
        ("unknown-parent", severity)
    } else {
        // Options vary; only those of what attackers use are worth a look.
        tool?;
        ("new-arguments", Severity::Low)
    };
    Some(Verdict { rule, severity, techniques, tool })
}

/// The parents under which a profile knows a binary.
pub(crate) fn of_binary<'s>(
    summary: &'s Summary,
    binary: &'s str,
) -> impl Iterator<Item = Option<&'s str>> + use<'s> {
    let items = &summary.items(Class::Process).items;
    // With options or without: `BINARY ` begins both `BINARY -c < PARENT` and `BINARY < PARENT`.
    items
        .range(format!("{binary} ")..)
        .map(|(item, _)| binary_and_parent(item))
        .take_while(move |(other, _)| *other == binary)
        .map(|(_, parent)| parent)
}

fn destination(item: &str) -> Verdict {
    let host = item.split_once(' ').map_or(item, |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (severity, techniques) = if host == "metadata" {
        (Severity::High, vec!["T1552.005"])
    } else if inside(host) {
        (Severity::Low, vec!["T1046"])
    } else {
        (Severity::Medium, vec!["T1071"])
    };
    Verdict { rule: "new-destination", severity, techniques, tool: None }
}

/// Whether a name or block is of the cluster or of a private network.
fn inside(host: &str) -> bool {
    if let Some((address, _)) = host.split_once('/') {
        return match address.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(address)) => {
                let [a, b, ..] = address.octets();
                address.is_private() || address.is_link_local() || (a == 100 && (64..128).contains(&b))
            }
            Ok(std::net::IpAddr::V6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
            Err(_) => false,
        };
    }
    host == "loopback"
        || !host.contains('.')
        || [".svc", ".local", ".internal"].iter().any(|end| host.ends_with(end))
}

fn file(item: &str) -> Verdict {
    let sensitive = SENSITIVE_FILES.iter().find(|(path, _)| item.starts_with(path));
    let (severity, techniques) = match sensitive {
        Some((_, technique)) => (Severity::High, vec![*technique]),
        None if PROGRAMS.iter().any(|directory| item.starts_with(directory)) => {
            (Severity::Medium, vec!["T1554"])
        }
        None => (Severity::Low, Vec::new()),
    };
    Verdict { rule: "new-file", severity, techniques, tool: None }
}

/// Whether an item is told of even where much else is new, and never becomes normal by time alone.
pub(crate) fn sensitive(class: Class, item: &str) -> bool {
    match class {
        Class::Process => tool(binary_and_parent(item).0).is_some_and(|tool| tool != "interpreter"),
        Class::Destination | Class::File => {
            verdict(class, item, &[]).is_some_and(|it| it.severity == Severity::High)
        }
        Class::Alert => false,
    }
}

/// Severity by surprise: one step down below 4 bits, one up from 10 bits where it is medium; `lower` more steps down. Never below low.
pub(crate) fn weigh(severity: Severity, bits: f64, lower: usize) -> Severity {
    let steps = [Severity::Low, Severity::Medium, Severity::High];
    let at = steps.iter().position(|step| *step == severity).unwrap_or(0);
    let at = if bits < 4.0 {
        at.saturating_sub(1)
    } else if bits >= 10.0 && at == 1 {
        2
    } else {
        at
    };
    steps.get(at.saturating_sub(lower)).copied().unwrap_or(Severity::Low)
}

/// The item nearest to another one and their distance: the share of characters that have to be changed (Levenshtein over the first 64).
pub(crate) fn nearest<'s>(item: &str, known: impl Iterator<Item = &'s String>) -> Option<(&'s String, f64)> {
    let own: Vec<char> = item.chars().take(64).collect();
    let mut row = Vec::new();
    known
        .map(|other| (other, distance(&own, other, &mut row)))
        .min_by(|(a, far), (b, near)| far.total_cmp(near).then_with(|| a.cmp(b)))
}

fn distance(own: &[char], other: &str, row: &mut Vec<usize>) -> f64 {
    let mut length = 0;
    row.clear();
    row.extend(0..=own.len());
    for there in other.chars().take(64) {
        length += 1;
        let mut left = length;
        let mut before = length - 1;
        for (cell, here) in row.iter_mut().skip(1).zip(own) {
            let above = *cell;
            left = (before + usize::from(*here != there)).min(above + 1).min(left + 1);
            before = above;
            *cell = left;
        }
        if let Some(cell) = row.first_mut() {
            *cell = length;
        }
    }
    let changes = row.last().copied().unwrap_or_default();
    changes as f64 / own.len().max(length).max(1) as f64
}

#[cfg(test)]
mod tests {
    use palisade_sdk::Severity;

    use super::{destination, nearest, sensitive, tool, verdict, weigh};
    use crate::class::Class;
    use crate::seen::Look;
    use crate::summary::Summary;

    #[test]
    fn tools_are_known_by_name() {
        for (binary, wanted) in [
            ("/bin/bash", Some("shell")),
            ("sh", Some("shell")),
            ("/usr/bin/python3.*", Some("interpreter")),
            ("/usr/bin/apt-get", Some("package manager")),
            ("/usr/bin/pip3.*", Some("package manager")),
            ("/usr/bin/curl", Some("network tool")),
            ("/usr/sbin/nginx", None),
            ("/usr/bin/crond", None),
        ] {
            assert_eq!(tool(binary), wanted, "{binary}");
        }
    }

    #[test]
    fn a_process_is_new_or_of_an_unknown_parent_or_called_otherwise() {
        let mut summary = Summary::default();
        let look = Look { time: 1, replica: 1, start: false };
        summary.look(Class::Process, "/bin/sh -c * < /init", look);
        summary.look(Class::Process, "/bin/shx < /init", look);
        let rule = |item: &str| verdict(Class::Process, item, &[&summary]).map(|it| (it.rule, it.severity));
        assert_eq!(rule("/bin/sh -i < /init"), Some(("new-arguments", Severity::Low)));
        assert_eq!(rule("/bin/shx -i < /init"), None);
        assert_eq!(rule("/bin/sh < /usr/sbin/nginx"), Some(("unknown-parent", Severity::High)));
        assert_eq!(rule("/bin/shx < /usr/sbin/nginx"), Some(("unknown-parent", Severity::Low)));
        assert_eq!(rule("/bin/s < /init"), Some(("new-process", Severity::Medium)));
        assert_eq!(rule("/usr/bin/curl * < /init"), Some(("new-process", Severity::High)));
    }

    #[test]
    fn destinations_and_files_weigh_by_what_they_are() {
        for (item, wanted) in [
            ("tcp metadata:80", Severity::High),
            ("tcp 10.0.0.0/24:443", Severity::Low),
            ("tcp 203.0.113.0/24:443", Severity::Medium),
            ("tcp fd00:1::/64:443", Severity::Low),
            ("tcp redis:6379", Severity::Low),
            ("tcp web.shop.svc:80", Severity::Low),
            ("tcp evil.example:80", Severity::Medium),
        ] {
            assert_eq!(destination(item).severity, wanted, "{item}");
        }
        assert!(sensitive(Class::File, "/etc/shadow") && !sensitive(Class::File, "/etc/hosts"));
        assert!(sensitive(Class::Process, "/bin/sh < ?") && !sensitive(Class::Process, "/bin/ls < ?"));
    }

    #[test]
    fn surprise_moves_severity() {
        assert_eq!(weigh(Severity::High, 2.0, 0), Severity::Medium);
        assert_eq!(weigh(Severity::Medium, 6.0, 0), Severity::Medium);
        assert_eq!(weigh(Severity::Medium, 12.0, 0), Severity::High);
        assert_eq!(weigh(Severity::Low, 12.0, 0), Severity::Low);
        assert_eq!(weigh(Severity::High, 12.0, 5), Severity::Low);
    }

    #[test]
    fn the_nearest_is_the_one_with_the_fewest_changes() {
        let known = ["/bin/cat < /init", "/bin/sh -c * < /init", ""].map(str::to_owned);
        let (item, far) = nearest("/bin/sh -c * < /sbin/nginx", known.iter()).unwrap();
        assert_eq!(item, "/bin/sh -c * < /init");
        assert!(far > 0.1 && far < 0.4, "{far}");
        assert_eq!(nearest("a", [].iter()), None);
        assert_eq!(nearest("a", ["a".to_owned()].iter()).unwrap().1, 0.0);
    }
}
