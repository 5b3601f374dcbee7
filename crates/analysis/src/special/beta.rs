//! The regularised incomplete beta function and its inverse.

use super::root::quantile;
use super::{EPSILON, LARGE, MAX_STEPS, half_deviance, stirling_error};
use crate::arithmetic::{exp, ln};

/// `(I_x(a, b), 1 - I_x(a, b))`, each accurate where it is small, given both `x` and `y = 1 - x`.
///
/// Continued fraction by Lentz's method on the side of the mean where it converges fast; Temme's uniform
/// expansion DLMF 8.18.9 where both parameters are huge. The limits `a <= 0` and `b <= 0` are `(1, 0)` and
/// `(0, 1)`. Should the fraction not converge, both halves are 1: a p-value that claims nothing.
pub fn beta_regularised(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if a.is_nan() || b.is_nan() || x.is_nan() || y.is_nan() {
        return (1.0, 1.0);
    }
    if a <= 0.0 || y <= 0.0 {
        return (1.0, 0.0);
    }
    if b <= 0.0 || x <= 0.0 {
        return (0.0, 1.0);
    }
    if a.max(b) > LARGE && a.min(b) > 1e4 {
        return uniform(a, b, x, y);
    }
    let density = density(a, b, x, y);
    if x * b <= y * a {
        fraction(a, b, x, y).map_or((1.0, 1.0), |value| with_rest(density * value))
    } else {
        fraction(b, a, y, x).map_or((1.0, 1.0), |value| {
            let (upper, lower) = with_rest(density * value);
            (lower, upper)
        })
    }
}

/// The odds `x / (1 - x)` at which `I_x(a, b) = p`. Zero for `a <= 0`, infinite for `b <= 0`.
pub fn beta_regularised_inverse_odds(a: f64, b: f64, p: f64) -> f64 {
    if a <= 0.0 || p <= 0.0 {
        return 0.0;
    }
    if b <= 0.0 || p >= 1.0 {
        return f64::INFINITY;
    }
    // In t = ln(x / (1 - x)) the slope of I is exactly x^a (1 - x)^b / B(a, b).
    let root = quantile(p, ln(a / b), -700.0, 700.0, |t| {
        let (x, y) = (1.0 / (1.0 + exp(-t)), 1.0 / (1.0 + exp(t)));
        (beta_regularised(a, b, x, y).0, density(a, b, x, y))
    });
    exp(root)
}

/// `x^a y^b / B(a, b)`.
fn density(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let half = half_deviance(a, n * x) + half_deviance(b, n * y);
    let stirling = stirling_error(n) - stirling_error(a) - stirling_error(b);
    (a / n * b / core::f64::consts::TAU).sqrt() * exp(stirling - half)
}

fn with_rest(part: f64) -> (f64, f64) {
    let part = part.clamp(0.0, 1.0);
    (part, 1.0 - part)
}

/// `I_x(a, b)` over `x^a y^b / B(a, b)`, for `x <= a / (a + b)`: the even part of DLMF 8.17.22, in the form of
/// DiDonato and Morris (1992, equations for BFRAC), which does not cancel when `x` is close to 1.
fn fraction(a: f64, b: f64, x: f64, y: f64) -> Option<f64> {
    let lambda = if a > b { (a + b) * y - b } else { a - (a + b) * x };
    let (mut c, mut d, mut value) = (1e-300_f64, 0.0_f64, 1e-300_f64);
    let mut numerator = 1.0;
    for step in 0..MAX_STEPS {
        let n = f64::from(step);
        let weight = n * (b - n) * x;
        let middle = a + 2.0 * n - 1.0;
        if step > 0 {
            numerator = ((a + n - 1.0) / middle) * ((a + b + n - 1.0) / middle) * weight * x;
        }
        let carried = if step > 0 { weight / middle } else { 0.0 };
        let denominator = n + carried + (a + n) / (middle + 2.0) * (lambda + 1.0 + n * (1.0 + y));
        d = 1.0 / away_from_zero(denominator + numerator * d);
        c = away_from_zero(denominator + numerator / c);
        let change = c * d;
        value *= change;
        if step > 0 && (change - 1.0).abs() < 4.0 * EPSILON {
            return Some(value);
        }
    }
    None
}

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < 1e-300 { 1e-300 } else { x }
}

fn uniform(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    let n = a + b;
    let (x0, y0) = (a / n, b / n);
    let half = half_deviance(a, n * x) + half_deviance(b, n * y);
    // The smaller of the two shares is the one whose distance from its mean keeps its digits.
    let offset = if x0 < y0 { x - x0 } else { y0 - y };
    let eta = (2.0 * half / n).sqrt().copysign(offset);
    let spread = (x0 * y0).sqrt();
    let correction =
        if eta.abs() < 1e-5 { (1.0 - 2.0 * x0) / (3.0 * spread) } else { 1.0 / eta - spread / offset };
    let rest = exp(-half) / (core::f64::consts::TAU * n).sqrt() * correction;
    let root = half.max(0.0).sqrt().copysign(offset);
    let lower = (0.5 * libm::erfc(-root) + rest).clamp(0.0, 1.0);
    let upper = (0.5 * libm::erfc(root) - rest).clamp(0.0, 1.0);
    (lower, upper)
}
