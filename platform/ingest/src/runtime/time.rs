//! Times as sources write them, in nanoseconds since 1970 in UTC.

/// Nanoseconds of a second.
pub(super) const SECOND: u64 = 1_000_000_000;

/// Reads a time of RFC 3339, with any number of digits of a second; those below a nanosecond are left out. Nothing for other
/// texts, and for times before 1970 or after 2554, which 64 bits cannot hold.
pub(super) fn parse(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] =
        *date
    else {
        return None;
    };
    let two = |tens: u8, ones: u8| Some(digit(tens)? * 10 + digit(ones)?);
    let (year, month, day) = (two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    // A leap second is the last nanosecond that other clocks have.
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_of(year, month)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let (fraction, zone) = fraction(rest)?;
    let offset = offset(zone)?;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok()?.checked_mul(SECOND)?.checked_add(fraction)
}

/// A count of units since 1970, such as milliseconds of 1,000,000 ns; nothing where 64 bits cannot hold it.
pub(super) fn since(count: i64, unit_ns: u64) -> Option<u64> {
    u64::try_from(count).ok().filter(|count| *count > 0)?.checked_mul(unit_ns)
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

/// Nanoseconds behind the point, and what follows them.
fn fraction(rest: &[u8]) -> Option<(u64, &[u8])> {
    let Some((b'.', digits)) = rest.split_first() else { return Some((0, rest)) };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = digits.split_at_checked(length)?;
    if digits.is_empty() {
        return None;
    }
    let mut nanoseconds = 0;
    for place in 0..9 {
        nanoseconds = nanoseconds * 10 + u64::from(digits.get(place).map_or(0, |byte| byte - b'0'));
    }
    Some((nanoseconds, zone))
}

/// Seconds that the local time is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
            let seconds = hours * 3_600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; years begin in March here, so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn times_are_read_in_the_spellings_of_the_sources() {
        let one = Some(1_718_194_524_058_348_969);
        for text in [
            "2024-06-12T12:15:24.058348969Z",
            "2024-06-12t14:15:24.058348969123+02:00",
            "2024-06-12 11:15:24.058348969-01:00",
        ] {
            assert_eq!(parse(text), one, "{text}");
        }
        assert_eq!(parse("2024-02-29T00:00:00.1Z"), Some(1_709_164_800_100_000_000));
        for bad in [
            "",
            "2024",
            "2024-06-12T12:15:24",
            "2024-06-12T12:15:24.Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-06-12T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "2024-06-12T12:15:24+24:00",
            "ü024-06-12T12:15:24Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_calendar(ns in 0..=i128::from(u64::MAX / 2)) {
            let text = jiff::Timestamp::from_nanosecond(ns).unwrap().to_string();
            prop_assert_eq!(parse(&text).map(i128::from), Some(ns));
        }
    }
}
