//! Which addresses belong to the public internet. Everything else is refused unless an operator allows it.
//!
//! The tables are the special-purpose registries of IANA (RFC 6890 and its updates). IPv6 works the other way round
//! from IPv4: only `2000::/3` is public, and the holes in it are listed. Forms that carry an IPv4 address inside
//! (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) are refused whatever they carry, since who unwraps them, and into
//! which network, is not known here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is refused, as a word for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(&'static str);

impl Refused {
    /// The word, such as `loopback` or `cloud metadata`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Addresses at which clouds answer with credentials. Several lie inside blocks that are refused anyway; they stand
/// first so that the reason names them.
const METADATA_V4: [[u8; 4]; 6] = [
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [100, 100, 100, 200],
    [192, 0, 0, 192],
    [168, 63, 129, 16],
];

const METADATA_V6: [[u16; 8]; 3] = [
    [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254],
    [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023],
    [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254],
];

const BLOCKS_V4: [([u8; 4], u8, &str); 17] = [
    ([0, 0, 0, 0], 8, "this network"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "carrier-grade NAT"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "protocol assignments"),
    ([192, 0, 2, 0], 24, "documentation"),
    ([192, 31, 196, 0], 24, "AS112"),
    ([192, 52, 193, 0], 24, "AMT"),
    ([192, 88, 99, 0], 24, "6to4 relay"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "benchmarking"),
    ([198, 51, 100, 0], 24, "documentation"),
    ([203, 0, 113, 0], 24, "documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

const BLOCKS_V6: [([u16; 8], u8, &str); 12] = [
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "IPv4-mapped"),
    ([0x0064, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "NAT64"),
    ([0x0064, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "NAT64"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "private"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "protocol assignments"),
    ([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32, "documentation"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation"),
];

/// Why this address may not be reached by default, or `None` when it is a public one.
#[must_use]
pub fn refuse_reason(address: IpAddr) -> Option<Refused> {
    match address {
        IpAddr::V4(v4) => refuse_v4(v4),
        IpAddr::V6(v6) => refuse_v6(v6),
    }
    .map(Refused)
}

fn refuse_v4(address: Ipv4Addr) -> Option<&'static str> {
    if METADATA_V4.contains(&address.octets()) {
        return Some("cloud metadata");
    }
    BLOCKS_V4
        .iter()
        .find(|(network, length, _)| same_prefix_v4(address, Ipv4Addr::from(*network), *length))
        .map(|(_, _, reason)| *reason)
}

fn refuse_v6(address: Ipv6Addr) -> Option<&'static str> {
    if METADATA_V6.contains(&address.segments()) {
        return Some("cloud metadata");
    }
    if address.is_loopback() {
        return Some("loopback");
    }
    if address.is_unspecified() {
        return Some("this network");
    }
    let block = BLOCKS_V6
        .iter()
        .find(|(network, length, _)| same_prefix_v6(address, Ipv6Addr::from(*network), *length))
        .map(|(_, _, reason)| *reason);
    let isatap = matches!(address.segments(), [_, _, _, _, 0 | 0x0200, 0x5efe, _, _]);
    let public = same_prefix_v6(address, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    block.or(if isatap { Some("ISATAP") } else { None }).or(if public { None } else { Some("not global") })
}

/// Whether two addresses of one family agree in their first `length` bits. Families never agree: an IPv4 rule says
/// nothing about the mapped form of the same address.
pub(crate) fn same_prefix(one: IpAddr, other: IpAddr, length: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same_prefix_v4(a, b, length),
        (IpAddr::V6(a), IpAddr::V6(b)) => same_prefix_v6(a, b, length),
        _ => false,
    }
}

fn same_prefix_v4(one: Ipv4Addr, other: Ipv4Addr, length: u8) -> bool {
    let differing = one.to_bits() ^ other.to_bits();
    differing.leading_zeros() >= u32::from(length)
}

fn same_prefix_v6(one: Ipv6Addr, other: Ipv6Addr, length: u8) -> bool {
    let differing = one.to_bits() ^ other.to_bits();
    differing.leading_zeros() >= u32::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> Option<&'static str> {
        refuse_reason(text.parse().unwrap()).map(Refused::as_str)
    }

    #[test]
    fn public_addresses_pass() {
        for text in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1"]
        {
            assert_eq!(reason(text), None, "{text}");
        }
        for text in ["2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2003::1", "3ffe::1"] {
            assert_eq!(reason(text), None, "{text}");
        }
    }

    #[test]
    fn special_addresses_are_named() {
        let table = [
            ("0.0.0.0", "this network"),
            ("0.1.2.3", "this network"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "carrier-grade NAT"),
            ("100.100.100.200", "cloud metadata"),
            ("100.127.255.255", "carrier-grade NAT"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("168.63.129.16", "cloud metadata"),
            ("169.254.0.1", "link-local"),
            ("169.254.169.254", "cloud metadata"),
            ("169.254.170.2", "cloud metadata"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.8", "protocol assignments"),
            ("192.0.0.192", "cloud metadata"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4 relay"),
            ("192.168.1.1", "private"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.7", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "this network"),
            ("::1", "loopback"),
            ("::127.0.0.1", "not global"),
            ("::8.8.8.8", "not global"),
            ("::ffff:127.0.0.1", "IPv4-mapped"),
            ("::ffff:8.8.8.8", "IPv4-mapped"),
            ("::ffff:0:8.8.8.8", "not global"),
            ("64:ff9b::a9fe:a9fe", "NAT64"),
            ("64:ff9b::8.8.8.8", "NAT64"),
            ("64:ff9b:1::7f00:1", "NAT64"),
            ("100::1", "not global"),
            ("2001::1", "Teredo"),
            ("2001:0:7f00:1::", "Teredo"),
            ("2001:10::1", "protocol assignments"),
            ("2001:20::1", "protocol assignments"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("2002:808:808::1", "6to4"),
            ("2a00:1450::5efe:7f00:1", "ISATAP"),
            ("2a00:1450::200:5efe:7f00:1", "ISATAP"),
            ("3fff::1", "documentation"),
            ("4000::1", "not global"),
            ("5f00::1", "not global"),
            ("fc00::1", "private"),
            ("fd00:ec2::254", "cloud metadata"),
            ("fd20:ce::254", "cloud metadata"),
            ("fdff::1", "private"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ];
        for (text, expected) in table {
            assert_eq!(reason(text), Some(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_standard_library_agrees_on_what_it_knows(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let known = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_multicast() || v4.is_unspecified();
            prop_assert!(!known || refuse_reason(v4.into()).is_some());
            prop_assert!(refuse_reason(v4.to_ipv6_mapped().into()).is_some());
            prop_assert!(refuse_reason(v4.to_ipv6_compatible().into()).is_some());
        }

        #[test]
        fn nothing_outside_global_unicast_passes(bits: u128) {
            let v6 = Ipv6Addr::from_bits(bits);
            let outside = v6.segments()[0] & 0xe000 != 0x2000;
            prop_assert!(!outside || refuse_reason(v6.into()).is_some());
        }
    }
}
