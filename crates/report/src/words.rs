//! Numbers as people read them.

use steadfast_model::{WallTime, event::Dated};

/// A share of events as a percentage with as many digits as matter: `0.05 %`, `12.3 %`, `no traffic`.
#[must_use]
pub fn share(share: Option<f64>) -> String {
    let Some(share) = share else { return "no traffic".to_owned() };
    let percent = share * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        p if p < 0.01 => format!("{p:.4} %"),
        p if p < 1.0 => format!("{p:.2} %"),
        p if p < 99.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// Seconds as `850 ms`, `12.3 s` or `2 min 5 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

/// A dated moment, in seconds since something: `12.0 s (11.5 s to 12.5 s)`.
#[must_use]
pub fn dated(dated: &Dated) -> String {
    let (seconds, low) = (duration(dated.seconds), duration(dated.low));
    match dated.high {
        Some(high) => format!("{seconds} ({low} to {})", duration(high)),
        None => format!("{seconds} (not before {low})"),
    }
}

/// A moment in UTC to the second: `2026-03-01 14:05:09 UTC`.
#[must_use]
pub fn instant(at: WallTime) -> String {
    jiff::Timestamp::from_microsecond(at.0)
        .map_or_else(|_| format!("{} µs", at.0), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_the_digits_that_matter() {
        let all = [None, Some(0.0), Some(0.000_05), Some(0.005), Some(0.123), Some(1.0)].map(share);
        assert_eq!(all, ["no traffic", "0 %", "0.0050 %", "0.50 %", "12.3 %", "100 %"]);
    }

    #[test]
    fn dated_moments_show_what_is_not_known() {
        let moment = |high| dated(&Dated { seconds: 12.0, low: 11.5, high });
        assert_eq!(moment(Some(72.0)), "12.0 s (11.5 s to 1 min 12 s)");
        assert_eq!(moment(None), "12.0 s (not before 11.5 s)");
    }

    #[test]
    fn durations_and_instants_are_readable() {
        assert_eq!([0.85, 12.34, 125.0].map(duration), ["850 ms", "12.3 s", "2 min 5 s"]);
        assert_eq!(instant(WallTime(1_772_373_909_000_000)), "2026-03-01 14:05:09 UTC");
    }
}
