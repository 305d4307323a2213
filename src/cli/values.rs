//! Values as people write them on a command line.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use lastbatch::models::tensorflow::job::Variant;
use lastbatch::scenario::Size;

/// Units of time, in seconds; the longer names first.
const UNITS: [(&str, f64); 6] = [
    ("min", 60.0),
    ("ms", 0.001),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];
/// No duration is longer: a century, so that adding one to a time never overflows.
const SECONDS_MAX: f64 = 100.0 * 366.0 * 86_400.0;

/// Reads a duration: seconds, or numbers with units, as in `0.5`, `90s`, `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected seconds, or a number and a unit, as in 0.5, 90s, 10m or 1h30m".to_owned();
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
        let number: f64 = number.parse().map_err(|_| expected())?;
        let unit = UNITS.iter().find(|(unit, _)| after.starts_with(unit));
        let (name, factor) = match unit {
            Some((name, factor)) => (*name, *factor),
            // A number without a unit is all there is.
            None if after.is_empty() && rest == text => ("", 1.0),
            None => return Err(expected()),
        };
        seconds += number * factor;
        rest = &after[name.len()..];
    }
    if text.is_empty() || seconds > SECONDS_MAX {
        return Err(expected());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Reads a duration that is not zero.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() {
        return Err("expected more than 0".to_owned());
    }
    Ok(duration)
}

/// Reads a size, as in `8G`, or a fraction of the machine's memory, as in `0.5`.
pub(super) fn memory(text: &str) -> Result<Size, String> {
    match text.parse::<f64>() {
        Ok(fraction) if fraction > 0.0 && fraction < 1.0 => {
            let all = machine_memory().ok_or("the memory of this machine is not known, expected a size, as in 8G")?;
            Ok(Size((all as f64 * fraction) as u64))
        }
        _ => text.parse().map_err(|_| {
            "expected a number and a unit, as in 8G or 512M, or a fraction of the memory, as in 0.5".to_owned()
        }),
    }
}

/// Returns the bytes of the machine's memory, where they are known.
pub(super) fn machine_memory() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let system = rustix::system::sysinfo();
        Some(system.totalram as u64 * u64::from(system.mem_unit))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Returns what reads a variant, and knows the names of all.
pub(super) fn variant() -> impl TypedValueParser<Value = Variant> {
    let names = Variant::all().map(Variant::name);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Variant>())
}
