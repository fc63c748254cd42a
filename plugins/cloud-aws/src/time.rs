//! Times, as one form: `2026-01-02T03:04:05Z`.

/// The time of so many seconds since 1970 in UTC; nothing beyond the year 9999.
pub(crate) fn of_seconds(seconds: f64) -> Option<String> {
    const END: f64 = 253_402_300_800.0;
    if !(0.0..END).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds above")]
    let seconds = seconds as u64;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// Year, month and day of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// A time that a service wrote as text, without parts of seconds and with `Z` for UTC; others as they are.
pub(crate) fn of_text(text: &str) -> String {
    let text = text.trim();
    let utc = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"));
    let (whole, zone) = utc.map_or((text, ""), |whole| (whole, "Z"));
    let short = whole.split_once('.').filter(|(_, parts)| parts.bytes().all(|b| b.is_ascii_digit()));
    format!("{}{zone}", short.map_or(whole, |(seconds, _)| seconds))
}

#[cfg(test)]
mod tests {
    use super::{of_seconds, of_text};

    #[test]
    fn seconds_are_counted_as_the_calendar_does() {
        for (seconds, text) in [
            (0.0, "1970-01-01T00:00:00Z"),
            (951_782_400.9, "2000-02-29T00:00:00Z"),
            (1_767_323_045.0, "2026-01-02T03:04:05Z"),
            (4_102_444_799.0, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(of_seconds(seconds).as_deref(), Some(text));
        }
        for odd in [-1.0, f64::NAN, f64::INFINITY, 1e18] {
            assert_eq!(of_seconds(odd), None);
        }
    }

    #[test]
    fn texts_become_one_form() {
        for (given, wanted) in [
            ("2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.000000+00:00", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05+02:00"),
            ("soon", "soon"),
        ] {
            assert_eq!(of_text(given), wanted);
        }
    }
}
