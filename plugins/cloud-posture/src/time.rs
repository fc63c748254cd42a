//! Times as AWS writes them in JSON.

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Seconds since 1970 in UTC of a text like `2026-01-02T03:04:05Z`, with or without a fraction, or of a date alone. Nothing for
/// other texts, and for other zones than UTC.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let mut parts = date.split('-').map(|part| number(part, 4));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00"))?;
    let mut parts =
        time.split_once('.').map_or(time, |(whole, _)| whole).split(':').map(|part| number(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let fits =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    fits.then(|| days(year, month, day) * DAY + hour * 3_600 + minute * 60 + second)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let fits = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Days since 1970 of a date of the Gregorian calendar. Years are counted from March, so that the leap day is the last.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_of_aws() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2026-01-02T03:04:05Z"), Some(1_767_323_045));
        assert_eq!(seconds("2024-02-29T12:00:00.123+00:00"), Some(1_709_208_000));
        assert_eq!(seconds("2000-03-01"), Some(951_868_800));
        for other in [
            "",
            "never",
            "2026-13-01",
            "2026-01-02T25:00:00Z",
            "2026-01-02T03:04:05+02:00",
            "99999999-1-1",
            "2026-01-02T03",
        ] {
            assert_eq!(seconds(other), None, "{other}");
        }
    }
}
