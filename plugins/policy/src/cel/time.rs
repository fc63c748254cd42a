//! Points in time and spans of it (`google.protobuf.Timestamp` and `google.protobuf.Duration`), in UTC and in zones of a fixed
//! distance from it. Names of zones, such as `Europe/Berlin`, would need a database of their changes, which is not here.

/// The first and the last second that a timestamp may be in: the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    seconds: i64,
    nanos: i64,
}

/// A span of time, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Duration(pub(crate) i64);

/// A date and a time of day.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    /// Days since the first of January.
    of_year: i64,
    /// Days since Sunday.
    of_week: i64,
    second: i64,
}

impl Timestamp {
    pub(crate) fn of_seconds(seconds: i64) -> Option<Self> {
        Self::new(seconds, 0)
    }

    fn new(seconds: i64, nanos: i64) -> Option<Self> {
        SECONDS.contains(&seconds).then_some(Self { seconds, nanos })
    }

    /// Reads RFC 3339, as `timestamp()` does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once('T')?;
        let mut parts = date.split('-');
        let (year, month, day) =
            (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
        if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let end = rest.find(['Z', '+', '-'])?;
        let (clock, zone) = rest.split_at_checked(end)?;
        let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, f)| (clock, Some(f)));
        let mut parts = clock.split(':');
        let (hour, minute, second) =
            (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
        if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let offset = if zone == "Z" { 0 } else { offset(zone)? };
        let of_day = hour * 3_600 + minute * 60 + second;
        Self::new(days_before(year, month, day) * DAY + of_day - offset, fraction.map_or(Some(0), nanos)?)
    }

    pub(crate) fn seconds(self) -> i64 {
        self.seconds
    }

    pub(crate) fn add(self, span: Duration) -> Option<Self> {
        let nanos = self.nanos + span.0 % NANOS;
        Self::new(
            self.seconds.checked_add(span.0 / NANOS)?.checked_add(nanos.div_euclid(NANOS))?,
            nanos.rem_euclid(NANOS),
        )
    }

    pub(crate) fn sub(self, span: Duration) -> Option<Self> {
        span.0.checked_neg().and_then(|nanos| self.add(Duration(nanos)))
    }

    pub(crate) fn since(self, other: Self) -> Option<Duration> {
        let seconds = self.seconds.checked_sub(other.seconds)?.checked_mul(NANOS)?;
        seconds.checked_add(self.nanos - other.nanos).map(Duration)
    }

    /// What a getter gives in a zone; nothing where there is no such getter.
    ///
    /// # Errors
    /// A zone that is not known.
    pub(crate) fn part(self, getter: &str, zone: Option<&str>) -> Option<Result<i64, String>> {
        let offset = match zone {
            None | Some("UTC" | "Z" | "") => 0,
            Some(zone) => match offset(zone) {
                Some(offset) => offset,
                None => {
                    return Some(Err(format!(
                        "the zone {:?} is not known here: name UTC or a distance from it, such as +02:00",
                        crate::shown(zone)
                    )));
                }
            },
        };
        let civil = Civil::of(self.seconds + offset);
        Some(Ok(match getter {
            "getFullYear" => civil.year,
            "getMonth" => civil.month - 1,
            "getDate" => civil.day,
            "getDayOfMonth" => civil.day - 1,
            "getDayOfWeek" => civil.of_week,
            "getDayOfYear" => civil.of_year,
            "getHours" => civil.second / 3_600,
            "getMinutes" => civil.second / 60 % 60,
            "getSeconds" => civil.second % 60,
            "getMilliseconds" => self.nanos / 1_000_000,
            _ => return None,
        }))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let civil = Civil::of(self.seconds);
        let (hour, minute, second) = (civil.second / 3_600, civil.second / 60 % 60, civil.second % 60);
        write!(f, "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}", civil.year, civil.month, civil.day)?;
        if self.nanos > 0 {
            write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl Duration {
    /// Reads a span as Go writes it: `1h30m`, `1.5s`, `-100ms`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sign, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Some(Self(0));
        }
        if rest.is_empty() || rest.len() > 100 {
            return None;
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (number, after) = rest.split_at_checked(end)?;
            let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, after) = after.split_at_checked(end)?;
            let unit: i128 = match unit {
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => i128::from(NANOS),
                "m" => 60 * i128::from(NANOS),
                "h" => 3_600 * i128::from(NANOS),
                _ => return None,
            };
            let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
            if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 18 {
                return None;
            }
            let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
            let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
            let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            total =
                total.checked_add(whole.checked_mul(unit)?)?.checked_add(part.checked_mul(unit)? / scale)?;
            rest = after;
        }
        i64::try_from(sign * total).ok().map(Self)
    }

    /// What a getter gives: the whole span in this unit. Nothing where there is no such getter.
    pub(crate) fn part(self, getter: &str) -> Option<i64> {
        Some(match getter {
            "getHours" => self.0 / (3_600 * NANOS),
            "getMinutes" => self.0 / (60 * NANOS),
            "getSeconds" => self.0 / NANOS,
            "getMilliseconds" => self.0 / 1_000_000,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (seconds, nanos) = (self.0.unsigned_abs() / 1_000_000_000, self.0.unsigned_abs() % 1_000_000_000);
        write!(f, "{sign}{seconds}")?;
        if nanos > 0 {
            write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?;
        }
        f.write_str("s")
    }
}

impl Civil {
    /// The date of a second since 1970, by the algorithm of Howard Hinnant (<https://howardhinnant.github.io/date_algorithms.html>).
    fn of(seconds: i64) -> Self {
        let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_march = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_march + 2) / 153;
        let day = of_march - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let of_year = days - days_before(year, 1, 1);
        Self { year, month, day, of_year, of_week: (days + 4).rem_euclid(7), second }
    }
}

/// Days from 1970 to a date.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_march = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_march - 719_468
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// The digits after a point, as billionths.
fn nanos(fraction: &str) -> Option<i64> {
    let only_digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    only_digits.then(|| format!("{fraction:0<9}").get(..9).and_then(|nine| nine.parse().ok())).flatten()
}

/// The distance of a zone from UTC in seconds: `+02:00`, `-08:00`, `02:00`.
fn offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::{Duration, Timestamp};

    #[test]
    fn times_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2009-02-13T23:31:30Z", 1_234_567_890, "2009-02-13T23:31:30Z"),
            ("2024-02-29T12:00:00.5+02:00", 1_709_200_800, "2024-02-29T10:00:00.5Z"),
            ("1969-12-31T23:59:59Z", -1, "1969-12-31T23:59:59Z"),
            ("0001-01-01T00:00:00Z", -62_135_596_800, "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!((time.seconds(), time.to_string().as_str()), (seconds, shown), "{text}");
        }
        for text in [
            "",
            "2024-01-01",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "10000-01-01T00:00:00Z",
            "2024-1-01T00:00:00Z",
            "T",
            "0000-12-31T00:00:00Z",
            "2024-01-01T00:00:00+25:00",
            "2024-01-01 00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_read_and_shown() {
        for (text, nanos, shown) in [
            ("1h", 3_600_000_000_000, "3600s"),
            ("1h30m", 5_400_000_000_000, "5400s"),
            ("-1.5s", -1_500_000_000, "-1.5s"),
            ("100ms", 100_000_000, "0.1s"),
            ("0", 0, "0s"),
            ("1us", 1_000, "0.000001s"),
            (".5h", 1_800_000_000_000, "1800s"),
        ] {
            let span = Duration::parse(text).unwrap();
            assert_eq!((span.0, span.to_string().as_str()), (nanos, shown), "{text}");
        }
        for text in ["", "1", "h", "1d", "-", "1.2.3s", "9999999999h", "1h-1m", "1e3s"] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}
