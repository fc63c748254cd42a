//! Quantities of Kubernetes (`100m`, `1.5Gi`, `2e3`), compared and added exactly.
//!
//! The format is that of `k8s.io/apimachinery/pkg/api/resource`: a decimal number with a suffix, binary (`Ki` to `Ei`), decimal
//! (`n` to `E`) or a decimal exponent.

/// A quantity, in billionths: the API server keeps no smaller parts either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(i128);

const PARTS: i128 = 1_000_000_000;

impl Quantity {
    /// Reads one; nothing where the text is none, or is too large to compute with.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let (number, suffix) = digits.split_at_checked(end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || number.len() > 40 {
            return None;
        }
        let (times, over) = factor(suffix)?;
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let shift = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let over = over.checked_mul(shift)?;
        let scaled = mantissa.checked_mul(times)?.checked_mul(PARTS)?;
        // What is smaller than a billionth is rounded up, as there.
        let parts = scaled / over + i128::from(scaled % over != 0);
        Some(Self(if negative { -parts } else { parts }))
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub(crate) fn sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    pub(crate) fn of_int(value: i64) -> Option<Self> {
        i128::from(value).checked_mul(PARTS).map(Self)
    }

    pub(crate) fn sign(self) -> i64 {
        i64::try_from(self.0.signum()).unwrap_or_default()
    }

    /// As a whole number, where it is one of 64 bits.
    pub(crate) fn as_integer(self) -> Option<i64> {
        (self.0 % PARTS == 0).then(|| i64::try_from(self.0 / PARTS).ok()).flatten()
    }

    /// As the nearest double.
    #[expect(clippy::cast_precision_loss, reason = "the function is documented to approximate")]
    pub(crate) fn as_float(self) -> f64 {
        self.0 as f64 / PARTS as f64
    }
}

/// What a suffix multiplies by, as a fraction.
fn factor(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
            if exponent < 0 { (1, power) } else { (power, 1) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn the_same_amount_is_the_same_however_it_is_written() {
        for (a, b) in [("1", "1000m"), ("1Ki", "1024"), ("1.5Gi", "1536Mi"), ("2e3", "2k"), ("1E", "1e18")] {
            assert_eq!(Quantity::parse(a).unwrap(), Quantity::parse(b).unwrap(), "{a} {b}");
        }
        assert!(Quantity::parse("200m").unwrap() < Quantity::parse("0.5").unwrap());
        assert!(Quantity::parse("-1").unwrap() < Quantity::parse("1n").unwrap());
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", ".", "1.2.3", "1KiB", "Ki", "1 Gi", "0x10", "1e400", "9e99", "--1", "1e"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
        assert_eq!(Quantity::parse(&"9".repeat(5_000)), None);
    }
}
