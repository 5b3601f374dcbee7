//! Finding roots of monotone functions.

use crate::arithmetic::ln;

/// Where a rising distribution function reaches `target`, within `[low, high]`: Newton steps on its logarithm (which
/// is straighter in the tail), with bisection where they leave the bracket. `f` answers value and slope.
pub(super) fn quantile(
    target: f64,
    start: f64,
    mut low: f64,
    mut high: f64,
    f: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let ln_target = ln(target);
    let mut t = start.clamp(low, high);
    for _ in 0..400 {
        let (value, slope) = f(t);
        if value == target {
            return t;
        }
        if value < target {
            low = t;
        } else {
            high = t;
        }
        let newton = t - (ln(value) - ln_target) * value / slope;
        let next =
            if newton.is_finite() && newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - t).abs() <= 1e-14 * t.abs().max(1.0) {
            return next;
        }
        t = next;
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::exp;

    #[test]
    fn quantile_of_a_logistic_is_found_from_a_bad_start() {
        let logistic = |t: f64| (1.0 / (1.0 + exp(-t)), exp(-t) / ((1.0 + exp(-t)) * (1.0 + exp(-t))));
        for (start, target) in [(500.0, 1e-9), (-500.0, 0.9), (0.0, 1e-200)] {
            let t = quantile(target, start, -700.0, 700.0, logistic);
            assert!((t - ln(target / (1.0 - target))).abs() < 1e-9, "{t}");
        }
    }
}
