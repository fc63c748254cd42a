//! Times as Falco writes them, in UTC.

const SECOND: u64 = 1_000_000_000;

/// `HH:MM:SS.nnnnnnnnn`, or without the part behind the dot.
pub(crate) fn clock(time: u64, fraction: bool) -> String {
    let seconds = time / SECOND % 86_400;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if fraction { format!("{clock}.{:09}", time % SECOND) } else { clock }
}

/// `YYYY-MM-DD`, of the Gregorian calendar.
pub(crate) fn date(time: u64) -> String {
    // Days are counted from the first of March of the year 0, so that a leap day is the last of its year.
    let days = time / SECOND / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{date:02}", era * 400 + year + next)
}

/// `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000`.
pub(crate) fn iso8601(time: u64) -> String {
    format!("{}T{}+0000", date(time), clock(time, true))
}

#[cfg(test)]
mod tests {
    use super::{SECOND, date, iso8601};

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000000000+0000");
        assert_eq!(iso8601(1_718_108_124_058_348_969), "2024-06-11T12:15:24.058348969+0000");
        for (seconds, day) in [
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_767_225_599, "2025-12-31"),
        ] {
            assert_eq!(date(seconds * SECOND), day);
        }
    }
}
