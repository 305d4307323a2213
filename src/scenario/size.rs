//! Sizes in bytes as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const UNITS: [(&str, u64); 13] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("T", 1 << 40),
];

/// A number of bytes, written with a unit as in `8GiB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || format!("size \"{text}\", expected a number and a unit, as in \"8GiB\"");
        let (digits, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| text.strip_suffix(unit).map(|digits| (digits, *factor)))
            .ok_or_else(expected)?;
        let digits = digits.trim_end().replace('_', "");
        let whole = digits.parse::<u64>().ok().map(|number| number.checked_mul(factor));
        let bytes = whole.unwrap_or_else(|| fraction(&digits).map(|number| (number * factor as f64) as u64));
        bytes.map(Size).ok_or_else(expected)
    }
}

/// Reads a number such as `1.5`.
fn fraction(digits: &str) -> Option<f64> {
    let plain = digits.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    digits.parse().ok().filter(|number| plain && *number < 1_000_000.0)
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = &UNITS[..4];
        match binary.iter().rev().find(|(_, factor)| self.0 >= *factor) {
            Some((unit, factor)) if self.0.is_multiple_of(*factor) => write!(f, "{}{unit}", self.0 / factor),
            Some((unit, factor)) => write!(f, "{:.1}{unit}", self.0 as f64 / *factor as f64),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_decimal_and_binary_units() {
        assert_eq!("8GiB".parse(), Ok(Size(8 << 30)));
        assert_eq!("512 MB".parse(), Ok(Size(512_000_000)));
        assert_eq!("1_000B".parse(), Ok(Size(1_000)));
        assert_eq!(
            ["8G", "512M", "0.5G"].map(str::parse),
            [8 << 30, 512 << 20, 512 << 20].map(|bytes| Ok(Size(bytes)))
        );
        assert_eq!(Size(8 << 30).to_string(), "8GiB");
        assert_eq!(Size(1_610_612_736).to_string(), "1.5GiB");
    }

    #[test]
    fn a_size_without_a_unit_or_beyond_64_bits_is_refused_with_an_example() {
        for text in ["8", "GiB", "-1GiB", "99999999999GiB", "8 gigs", ""] {
            let error = text.parse::<Size>().expect_err(text);
            assert_eq!(
                error,
                format!("size \"{text}\", expected a number and a unit, as in \"8GiB\"")
            );
        }
    }
}
