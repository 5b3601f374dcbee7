//! Finding roots of monotone functions.

/// The root of a rising function within `[low, high]`: Newton steps, with bisection where they leave the bracket
/// or the slope is flat. `f` answers value and slope. Ends of the bracket are answered when there is no root.
pub(super) fn rising_root(start: f64, mut low: f64, mut high: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut t = start.clamp(low, high);
    for _ in 0..200 {
        let (value, slope) = f(t);
        if value == 0.0 {
            return t;
        }
        if value < 0.0 {
            low = t;
        } else {
            high = t;
        }
        let newton = t - value / slope;
        let next =
            if newton.is_finite() && newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - t).abs() <= 1e-15 * t.abs().max(1.0) {
            return next;
        }
        t = next;
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_of_a_cubic_is_found_from_a_bad_start() {
        let root = rising_root(1000.0, -1000.0, 1000.0, |t| (t * t * t - 8.0, 3.0 * t * t));
        assert!((root - 2.0).abs() < 1e-12);
    }
}
