//! The normal distribution.

use super::root::quantile;
use crate::arithmetic::exp;

/// `P(Z <= z)` for a standard normal `Z`, by the complementary error function (DLMF 7.18).
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / core::f64::consts::SQRT_2)
}

/// The `z` with `P(Z <= z) = p`. Infinite at 0 and 1.
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -lower_tail(1.0 - p);
    }
    lower_tail(p)
}

fn lower_tail(p: f64) -> f64 {
    quantile(p, 0.0, -40.0, 0.0, |z| {
        let density = exp(-0.5 * z * z) / core::f64::consts::TAU.sqrt();
        (normal_cdf(z), density)
    })
}
