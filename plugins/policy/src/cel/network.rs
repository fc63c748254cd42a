//! Addresses and blocks of addresses (`net.IP`, `net.CIDR`), as Kubernetes' libraries `ip` and `cidr` have them.

use std::net::IpAddr;

/// A block of addresses; the address may lie within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) ip: IpAddr,
    pub(crate) bits: u8,
}

/// Reads an address. One of IPv4 within IPv6 is refused, and so is one with a zone, as there.
pub(crate) fn ip(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    match ip {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => None,
        ip => Some(ip),
    }
}

impl Cidr {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.rsplit_once('/')?;
        let number = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        if !number || bits.len() > 1 && bits.starts_with('0') {
            return None;
        }
        let (ip, bits) = (ip(address)?, bits.parse().ok()?);
        (bits <= width(ip)).then_some(Self { ip, bits })
    }

    /// The block without what lies within it.
    pub(crate) fn masked(self) -> Self {
        let ip = match self.ip {
            IpAddr::V4(ip) => IpAddr::V4(
                (u32::from(ip) & u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0)).into(),
            ),
            IpAddr::V6(ip) => IpAddr::V6(
                (u128::from(ip) & u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0)).into(),
            ),
        };
        Self { ip, bits: self.bits }
    }

    pub(crate) fn contains_ip(self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.ip.is_ipv4() && Self { ip, bits: self.bits }.masked() == self.masked()
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.bits <= other.bits && self.contains_ip(other.ip)
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// What a function of an address says; nothing where there is no such function.
pub(crate) fn is(name: &str, ip: IpAddr) -> Option<bool> {
    Some(match name {
        "isUnspecified" => ip.is_unspecified(),
        "isLoopback" => ip.is_loopback(),
        "isLinkLocalMulticast" => match ip {
            IpAddr::V4(ip) => matches!(ip.octets(), [224, 0, 0, _]),
            IpAddr::V6(ip) => matches!(ip.octets(), [0xff, second, ..] if second & 0x0f == 2),
        },
        "isLinkLocalUnicast" => link_local(ip),
        // Private addresses are global in Go's sense, which is that of the API server.
        "isGlobalUnicast" => {
            let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
            !ip.is_unspecified() && !broadcast && !ip.is_loopback() && !ip.is_multicast() && !link_local(ip)
        }
        _ => return None,
    })
}

fn link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
