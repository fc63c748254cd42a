//! Classes of items, and how each becomes coarser when it has too many.
//!
//! `coarser(coarser(x, a), b) = coarser(x, b)` for a ≤ b (a property test): coarsening first or merging first gives the same profile.

/// What kind of behaviour an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// `BINARY [OPTIONS] < PARENT`.
    Process,
    /// `PROTOCOL HOST:PORT`.
    Destination,
    /// A path as a template.
    File,
    /// `RULE | BINARY < PARENT | OBJECT`: what a sensor said of the workload.
    Alert,
}

/// The level at which nothing is told apart any more.
pub(crate) const TOO_VARIED: u8 = 3;

impl Class {
    pub(crate) const ALL: [Self; 4] = [Self::Process, Self::Destination, Self::File, Self::Alert];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Destination => "destination",
            Self::File => "file",
            Self::Alert => "alert",
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }

    /// Most items of a profile, and most bytes of them as [`crate::summary`] counts.
    pub(crate) fn most(self) -> (usize, usize) {
        match self {
            Self::Process => (112, 17_000),
            Self::Destination => (80, 10_000),
            Self::File => (96, 13_000),
            Self::Alert => (32, 8_000),
        }
    }

    /// The item at a level; nothing where items of this class are no longer told apart.
    pub(crate) fn coarser(self, item: &str, level: u8) -> Option<String> {
        match (self, level) {
            (_, 0) => Some(item.to_owned()),
            (Self::Process, 1) => {
                let (binary, parent) = binary_and_parent(item);
                Some(parent.map_or_else(|| binary.to_owned(), |parent| format!("{binary} < {parent}")))
            }
            (Self::Process, 2) => {
                let (binary, _) = binary_and_parent(item);
                Some(format!("{}/*", directory(binary)))
            }
            (Self::Destination, 1 | 2) => {
                let (protocol, rest) = item.split_once(' ').unwrap_or(("?", item));
                let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "*"));
                let host = if level == 1 { wider(host) } else { "*".to_owned() };
                Some(format!("{protocol} {host}:{port}"))
            }
            (Self::File, 1) => Some(format!("{}/*", directory(item))),
            (Self::File, 2) => {
                let parent = directory(item);
                let end = parent.match_indices('/').nth(2).map_or(parent.len(), |(place, _)| place);
                Some(format!("{}/**", parent.get(..end).unwrap_or(parent)))
            }
            _ => None,
        }
    }
}

/// Binary and parent of an item of processes.
pub(crate) fn binary_and_parent(item: &str) -> (&str, Option<&str>) {
    let (whole, parent) = match item.rsplit_once(" < ") {
        Some((whole, parent)) => (whole, Some(parent)),
        None => (item, None),
    };
    (whole.split_once(' ').map_or(whole, |(binary, _)| binary), parent)
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The last two labels of a name, or a block of /16 or /48.
fn wider(host: &str) -> String {
    if let Some((address, _)) = host.split_once('/') {
        if let Ok(address) = address.parse::<std::net::Ipv4Addr>() {
            let [a, b, ..] = address.octets();
            return format!("{a}.{b}.0.0/16");
        }
        if let Ok(address) = address.parse::<std::net::Ipv6Addr>() {
            let [a, b, c, ..] = address.segments();
            return format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
        }
    }
    let mut labels = host.rsplit('.');
    match (labels.next(), labels.next()) {
        (Some(last), Some(before)) => format!("*.{before}.{last}"),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Class;

    #[test]
    fn items_become_coarser() {
        for (class, item, one, two) in [
            (Class::Process, "/bin/sh -c * < /usr/sbin/nginx", "/bin/sh < /usr/sbin/nginx", "/bin/*"),
            (Class::Destination, "tcp a.b.example.com:443", "tcp *.example.com:443", "tcp *:443"),
            (Class::Destination, "tcp 10.1.2.0/24:443", "tcp 10.1.0.0/16:443", "tcp *:443"),
            (Class::Destination, "udp 2001:db8:1:2::/64:53", "udp 2001:db8:1::/48:53", "udp *:53"),
            (Class::File, "/a/b/c/d", "/a/b/c/*", "/a/b/**"),
            (Class::File, "/a", "/*", "/**"),
        ] {
            assert_eq!(class.coarser(item, 1).as_deref(), Some(one));
            assert_eq!(class.coarser(item, 2).as_deref(), Some(two));
            assert_eq!(class.coarser(item, 3), None);
        }
        assert_eq!(Class::Alert.coarser("r | b | f", 1), None);
    }

    proptest! {
        #[test]
        fn step_by_step_or_at_once(item in "[a-z0-9/ .:<*|-]{0,40}", a in 0u8..4, more in 0u8..4) {
            let b = (a + more).min(3);
            for class in Class::ALL {
                if let Some(first) = class.coarser(&item, a) {
                    prop_assert_eq!(class.coarser(&first, b), class.coarser(&item, b), "{:?} {:?}", class, first);
                }
            }
        }
    }
}
