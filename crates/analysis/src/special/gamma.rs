//! The regularised incomplete gamma function and its inverse.

use super::root::quantile;
use super::{EPSILON, LARGE, MAX_STEPS, half_deviance, stirling_error};
use crate::arithmetic::{exp, ln};

/// `(P(a, x), Q(a, x))`: lower and upper regularised incomplete gamma function, each accurate where it is small.
///
/// Series DLMF 8.7.1 below `a + 1`, continued fraction DLMF 8.9.2 by Lentz's method above, Temme's uniform
/// expansion DLMF 8.12.3 for `a > 1e9`. `a <= 0` answers the limit `(1, 0)`. Should a fraction not converge, both
/// halves are 1: a p-value that claims nothing.
pub fn gamma_regularised(a: f64, x: f64) -> (f64, f64) {
    if a.is_nan() || x.is_nan() {
        return (1.0, 1.0);
    }
    if a <= 0.0 {
        return (1.0, 0.0);
    }
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if a > LARGE {
        return uniform(a, x);
    }
    if x < a + 1.0 {
        series(a, x).map_or((1.0, 1.0), |sum| with_rest(density(a, x) / a * sum))
    } else {
        fraction(a, x).map_or((1.0, 1.0), |value| {
            let (upper, lower) = with_rest(density(a, x) * value);
            (lower, upper)
        })
    }
}

/// The `x` with `P(a, x) = p`.
pub fn gamma_lower_inverse(a: f64, p: f64) -> f64 {
    if a <= 0.0 || p <= 0.0 {
        return 0.0;
    }
    // In t = ln x the slope of P is exactly x^a e^-x / Gamma(a), and P(a, x) <= x^a / Gamma(a + 1).
    let lowest = (ln(p) + libm::lgamma(a + 1.0)) / a - 1.0;
    let highest = ln(a + 40.0 * a.sqrt() + 800.0);
    let root = quantile(p, ln(a), lowest.max(-745.0).min(highest), highest, |t| {
        let x = exp(t);
        (gamma_regularised(a, x).0, density(a, x))
    });
    exp(root)
}

/// The `q`-quantile of the chi-squared distribution with `freedom` degrees of freedom.
pub fn chi_squared_quantile(q: f64, freedom: f64) -> f64 {
    2.0 * gamma_lower_inverse(freedom / 2.0, q)
}

/// `x^a e^-x / Gamma(a)`.
fn density(a: f64, x: f64) -> f64 {
    (a / core::f64::consts::TAU).sqrt() * exp(-half_deviance(a, x) - stirling_error(a))
}

fn with_rest(part: f64) -> (f64, f64) {
    let part = part.clamp(0.0, 1.0);
    (part, 1.0 - part)
}

fn series(a: f64, x: f64) -> Option<f64> {
    let (mut term, mut sum, mut n) = (1.0, 1.0, a);
    for _ in 0..MAX_STEPS {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * EPSILON {
            return Some(sum);
        }
    }
    None
}

fn fraction(a: f64, x: f64) -> Option<f64> {
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut value = d;
    for step in 1..MAX_STEPS {
        let n = f64::from(step);
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / away_from_zero(numerator * d + b);
        c = away_from_zero(b + numerator / c);
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < 4.0 * EPSILON {
            return Some(value);
        }
    }
    None
}

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < 1e-300 { 1e-300 } else { x }
}

fn uniform(a: f64, x: f64) -> (f64, f64) {
    let half = half_deviance(a, x);
    let offset = (x - a) / a;
    let eta = (2.0 * half / a).sqrt().copysign(offset);
    let correction = if eta.abs() < 1e-3 { -1.0 / 3.0 + eta / 12.0 } else { 1.0 / offset - 1.0 / eta };
    let rest = exp(-half) / (core::f64::consts::TAU * a).sqrt() * correction;
    let root = half.sqrt().copysign(offset);
    let upper = (0.5 * libm::erfc(root) + rest).clamp(0.0, 1.0);
    let lower = (0.5 * libm::erfc(-root) - rest).clamp(0.0, 1.0);
    (lower, upper)
}
