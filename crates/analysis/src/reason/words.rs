//! Numbers as people write them.

/// A share in percent with about three digits: `0.0123 %`, `1.23 %`, `12.3 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent {
        p if p <= 0.0 || p >= 100.0 => 0,
        p if p >= 10.0 => 1,
        p if p >= 1.0 => 2,
        p if p >= 0.1 => 3,
        p if p >= 0.01 => 4,
        p if p >= 0.001 => 5,
        _ => 7,
    };
    format!("{} %", trimmed(&format!("{percent:.decimals$}")))
}

/// A count with separators: `12,345`.
pub(crate) fn count(number: f64) -> String {
    let text = if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.1}") };
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A length of time in the unit that suits it: `1 second`, `45 seconds`, `4 minutes`, `3 hours`.
pub(crate) fn duration(seconds: f64) -> String {
    let (number, unit) = match seconds {
        s if s < 120.0 => (if s < 10.0 { (s * 10.0).ceil() / 10.0 } else { s.ceil() }, "second"),
        s if s < 7_200.0 => ((s / 60.0).ceil(), "minute"),
        s => ((s / 3_600.0).ceil(), "hour"),
    };
    let plural = if number == 1.0 { "" } else { "s" };
    format!("{} {unit}{plural}", count(number))
}

/// A factor: `1.5`, `12`.
pub(crate) fn factor(number: f64) -> String {
    trimmed(&format!("{number:.2}"))
}

fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_naturally() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.001), "0.1 %");
        assert_eq!(percent(0.012_34), "1.23 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.000_012_3), "0.00123 %");
        assert_eq!(count(1_234_567.0), "1,234,567");
        assert_eq!(count(999.0), "999");
        assert_eq!(count(1_000.5), "1,000.5");
        assert_eq!(duration(1.0), "1 second");
        assert_eq!(duration(2.55), "2.6 seconds");
        assert_eq!(duration(200.0), "4 minutes");
        assert_eq!(duration(9_000.0), "3 hours");
        assert_eq!(factor(3.0), "3");
    }
}
