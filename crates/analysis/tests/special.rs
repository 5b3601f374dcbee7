//! Special functions against scipy and mpmath (`data/special.json`, written by `data/make_special.py`).

use serde_json::Value;
use steadfast_analysis::special::{
    beta_regularised, beta_regularised_inverse_odds, chi_squared_quantile, gamma_lower_inverse,
    gamma_regularised, normal_cdf, normal_quantile,
};

const DATA: &str = include_str!("data/special.json");

fn rows(key: &str) -> Vec<Vec<f64>> {
    let document: Value = serde_json::from_str(DATA).expect("special.json is JSON");
    let rows: Vec<Vec<f64>> = serde_json::from_value(document[key].clone()).expect("rows of numbers");
    assert!(rows.len() >= 9, "{key}");
    rows
}

#[track_caller]
fn assert_close(ours: f64, theirs: f64, relative: f64, row: &[f64]) {
    assert!((ours - theirs).abs() <= relative * theirs.abs() + 1e-300, "{ours} is not {theirs} at {row:?}");
}

#[test]
fn incomplete_gamma_agrees() {
    for row in rows("gamma") {
        let (lower, upper) = gamma_regularised(row[0], row[1]);
        // Large shapes: moving x by its last bit moves the tail by this much.
        let relative = 1e-12 + 2e-16 * row[0].sqrt() * 40.0;
        assert_close(lower, row[2], relative, &row);
        assert_close(upper, row[3], 2.0 * relative, &row);
    }
}

#[test]
fn incomplete_beta_agrees() {
    for row in rows("beta") {
        let (lower, upper) = beta_regularised(row[0], row[1], row[2], 1.0 - row[2]);
        let relative = 1e-11 + 4e-16 * (row[0] + row[1]).sqrt() * 40.0;
        assert_close(lower, row[3], relative, &row);
        assert_close(upper, row[4], 4.0 * relative, &row);
    }
}

#[test]
fn quantiles_agree() {
    for row in rows("chiSquared") {
        assert_close(chi_squared_quantile(row[0], row[1]), row[2], 1e-12, &row);
    }
    for row in rows("normal") {
        assert_close(normal_quantile(row[0]), row[1], 1e-9, &row);
        assert_close(normal_cdf(normal_quantile(row[0])), row[0], 1e-9, &row);
    }
}

#[test]
fn inverses_invert() {
    for shape in [0.05, 0.7, 3.0, 55.5, 1e4, 1e7] {
        for p in [1e-9, 0.01, 0.5, 0.95] {
            // The last bit of ln x moves the tail by this much.
            let relative = 1e-9 + 1e-15 * shape;
            let x = gamma_lower_inverse(shape, p);
            if x > 0.0 {
                assert_close(gamma_regularised(shape, x).0, p, relative, &[shape, p]);
            }
            for other in [0.05, 1.0, 20.0, 1e6] {
                let odds = beta_regularised_inverse_odds(shape, other, p);
                let (x, y) = (odds / (1.0 + odds), 1.0 / (1.0 + odds));
                if x > 0.0 && y > 0.0 {
                    assert_close(beta_regularised(shape, other, x, y).0, p, relative, &[shape, other, p]);
                }
            }
        }
    }
}

#[test]
fn expansions_for_huge_counts_join_smoothly() {
    for z in [-4.0, -1.0, -1e-4, 0.0, 0.5, 3.0] {
        let below = 0.999_999_999e9_f64;
        let above = 1.000_000_001e9_f64;
        let gamma = |a: f64| gamma_regularised(a, a + z * a.sqrt());
        assert_close(gamma(above).0, gamma(below).0, 1e-6, &[z]);
        assert_close(gamma(above).1, gamma(below).1, 1e-6, &[z]);
        let beta = |a: f64| {
            let (n, x0) = (a * 1.25, 0.8);
            let x = x0 + z * (x0 * (1.0 - x0) / n).sqrt();
            beta_regularised(a, a / 4.0, x, 1.0 - x)
        };
        assert_close(beta(above).0, beta(below).0, 1e-6, &[z]);
        assert_close(beta(above).1, beta(below).1, 1e-6, &[z]);
    }
}

#[test]
fn edges_claim_nothing() {
    assert_eq!(beta_regularised(0.0, 5.0, 0.3, 0.7), (1.0, 0.0));
    assert_eq!(beta_regularised(5.0, 0.0, 0.3, 0.7), (0.0, 1.0));
    assert_eq!(beta_regularised(2.0, 5.0, f64::NAN, 0.7), (1.0, 1.0));
    assert_eq!(gamma_regularised(0.0, 3.0), (1.0, 0.0));
    assert_eq!(gamma_regularised(3.0, 0.0), (0.0, 1.0));
}
