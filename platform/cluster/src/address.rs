//! Which addresses are of the internet: those that IANA's registries of special purposes (RFC 6890) do not take out, and of IPv6 those of
//! `2000::/3`, from which alone global addresses are given.

use std::net::IpAddr;

const NOT_PUBLIC: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/3",
    "2001:db8::/32",
    "4000::/2",
];

/// First and last address of a block, and whether it is of IPv6.
#[derive(Debug, Clone, Copy)]
struct Range {
    v6: bool,
    first: u128,
    last: u128,
}

fn range(block: &str) -> Option<Range> {
    let (address, length) =
        block.split_once('/').map_or((block, None), |(address, length)| (address, Some(length)));
    let (v6, bits, address) = match address.parse().ok()? {
        IpAddr::V4(address) => (false, 32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (true, 128, u128::from(address)),
    };
    let length: u32 = length.map_or(Some(bits), |length| length.parse().ok())?;
    let rest = u128::MAX.checked_shr(128 - bits.checked_sub(length)?).unwrap_or(0);
    Some(Range { v6, first: address & !rest, last: address | rest })
}

/// Whether a block, without the blocks that it excepts, has an address of the internet. What is no block has none.
pub(crate) fn has_public(block: &str, except: &[&str]) -> bool {
    let Some(all) = range(block) else { return false };
    // Upper halves that a single block of the list cannot say.
    let upper = Range { v6: true, first: 1 << 127, last: u128::MAX };
    let taken = NOT_PUBLIC.iter().chain(except).filter_map(|block| range(block)).chain([upper]);
    let mut taken: Vec<Range> = taken.filter(|taken| taken.v6 == all.v6).collect();
    taken.sort_by_key(|taken| taken.first);
    let mut next = all.first;
    for taken in taken {
        if next > all.last || taken.first > next {
            break;
        }
        if taken.last >= next {
            let Some(after) = taken.last.checked_add(1) else { return false };
            next = after;
        }
    }
    next <= all.last
}

/// Whether a block is as good as everybody: half of the addresses, or of the global ones of IPv6, and more.
pub(crate) fn is_everybody(block: &str) -> bool {
    let Some((address, length)) = block.split_once('/') else { return false };
    let longest = if address.contains(':') { 4 } else { 1 };
    range(block).is_some() && length.parse().is_ok_and(|length: u32| length <= longest)
}

#[cfg(test)]
mod tests {
    use super::{has_public, is_everybody};

    #[test]
    fn blocks_have_public_addresses_unless_all_of_them_are_taken_out() {
        for (block, except, public) in [
            ("0.0.0.0/0", &[][..], true),
            ("0.0.0.0/0", &["10.0.0.0/8"], true),
            ("0.0.0.0/0", &["0.0.0.0/1", "128.0.0.0/1"], false),
            ("10.1.0.0/16", &[], false),
            ("10.0.0.0/7", &[], true),
            ("8.8.8.8/32", &[], true),
            ("8.8.8.8", &[], true),
            ("8.8.8.0/24", &["8.8.8.0/24"], false),
            ("224.0.0.0/4", &[], false),
            ("::/0", &[], true),
            ("fd00::/8", &[], false),
            ("2001:db8::/48", &[], false),
            ("2600::/16", &[], true),
            ("::/0", &["2000::/3"], false),
            ("8.8.8.8/33", &[], false),
            ("nonsense", &[], false),
        ] {
            assert_eq!(has_public(block, except), public, "{block} without {except:?}");
        }
    }

    #[test]
    fn everybody_is_half_of_all_addresses() {
        for (block, everybody) in
            [("0.0.0.0/0", true), ("128.0.0.0/1", true), ("8.0.0.0/8", false), ("::/0", true), ("x/0", false)]
        {
            assert_eq!(is_everybody(block), everybody, "{block}");
        }
    }
}
