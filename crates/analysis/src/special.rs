//! Special functions, written here so that no platform's library decides a verdict.

mod beta;
mod gamma;
mod normal;
mod root;

pub use beta::{beta_regularised, beta_regularised_inverse_odds};
pub use gamma::{chi_squared_quantile, gamma_lower_inverse, gamma_regularised};
pub use normal::{normal_cdf, normal_quantile};

use crate::arithmetic::{ln, ln_1p_minus};

/// Most steps of a continued fraction or series before giving up.
const MAX_STEPS: u32 = 2_000_000;

/// Above this, uniform asymptotic expansions replace fractions and series.
const LARGE: f64 = 1e9;

const EPSILON: f64 = 1e-16;

/// `ln Gamma(a)` minus Stirling's formula, for `a > 0` (DLMF 5.11.1).
fn stirling_error(a: f64) -> f64 {
    if a < 10.0 {
        let half_ln_two_pi = 0.918_938_533_204_672_8;
        return libm::lgamma(a) - (a - 0.5) * ln(a) + a - half_ln_two_pi;
    }
    let s = 1.0 / (a * a);
    let series = 1.0 / 12.0
        - s * (1.0 / 360.0
            - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s * (1.0 / 1188.0 - s * (691.0 / 360_360.0)))));
    series / a
}

/// `x ln(x / y) + y - x` for positive arguments: half the Poisson deviance of seeing `x` when `y` was expected.
/// Never negative. The idea of building probabilities from it is Loader's (2000).
fn half_deviance(x: f64, y: f64) -> f64 {
    let t = (y - x) / x;
    if t.abs() < 0.4 { -x * ln_1p_minus(t) } else { x * (ln(x) - ln(y)) + (y - x) }
}
