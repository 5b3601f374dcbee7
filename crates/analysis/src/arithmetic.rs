//! The only door to transcendental functions. The methods of `f64` may differ in the last bit
//! from machine to machine; `libm`'s are plain Rust and do not. Addition, multiplication, division and square
//! root are exact by IEEE 754 and may be used directly. `tests/discipline.rs` keeps it so.

/// Natural logarithm.
pub(crate) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Exponential function.
pub(crate) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// `ln(1 + t) - t`, without cancellation for small `t`.
///
/// With `u = t / (2 + t)`, `ln(1 + t) = 2 atanh(u)` and `2u - t = -t u`, so the difference is
/// `-t u + 2 (u^3/3 + u^5/5 + ...)`.
pub(crate) fn ln_1p_minus(t: f64) -> f64 {
    if !(-0.3..=0.45).contains(&t) {
        return libm::log1p(t) - t;
    }
    let u = t / (2.0 + t);
    let square = u * u;
    let (mut power, mut sum, mut odd) = (u * square, 0.0, 3.0);
    loop {
        let next = sum + power / odd;
        if next == sum {
            return 2.0 * sum - t * u;
        }
        sum = next;
        power *= square;
        odd += 2.0;
    }
}

/// `ln(sum of exp(term))`, safe against overflow. Minus infinity when every term is.
pub(crate) fn ln_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + ln(terms.map(|term| exp(term - largest)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_of_log_and_argument_keeps_its_digits() {
        assert_eq!(ln_1p_minus(0.0), 0.0);
        let tiny = ln_1p_minus(1e-8);
        assert!((tiny / -5e-17 - 1.0).abs() < 1e-7, "{tiny}");
        for t in [-0.29999, -0.1, 0.2, 0.44999] {
            let direct = libm::log1p(t) - t;
            assert!((ln_1p_minus(t) - direct).abs() < 1e-15, "{t}");
        }
    }

    #[test]
    fn sum_of_exponentials_survives_extremes() {
        assert_eq!(ln_sum_exp([f64::NEG_INFINITY; 2].into_iter()), f64::NEG_INFINITY);
        assert!((ln_sum_exp([1e6, 1e6].into_iter()) - 1e6 - ln(2.0)).abs() < 1e-9);
    }
}
