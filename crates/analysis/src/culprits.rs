//! Which metrics are to blame once the average of their evidence has shown harm.

use crate::arithmetic::{exp, ln};

/// Indices of the metrics whose harm is shown, given each one's `ln E` and the threshold `ln(1 / alpha)` that the
/// average crossed, strongest first.
///
/// e-Holm (Vovk and Wang 2021, algorithm 1): a metric is named if the average over every group that contains it
/// crosses the threshold. If no metric stands out alone, the strongest is named: it is at least the average.
pub fn culprits(ln_evidence: &[f64], threshold: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ln_evidence.len()).collect();
    order.sort_by(|&a, &b| ln_evidence[b].total_cmp(&ln_evidence[a]).then(a.cmp(&b)));
    let Some(&strongest) = order.first() else { return Vec::new() };
    let scale = ln_evidence[strongest].max(threshold);
    let scaled: Vec<f64> = ln_evidence.iter().map(|value| exp(value - scale)).collect();
    let named: Vec<usize> = order
        .iter()
        .copied()
        .filter(|&index| {
            let mut sum = scaled[index];
            let mut least = sum;
            let weaker_first = order.iter().rev().filter(|&&other| other != index);
            for (count, &other) in weaker_first.enumerate() {
                sum += scaled[other];
                least = least.min(sum / (count + 2) as f64);
            }
            ln(least) + scale >= threshold
        })
        .collect();
    if named.is_empty() { vec![strongest] } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_metrics_that_stand_out_are_named() {
        let threshold = ln(25.0);
        assert_eq!(culprits(&[0.0, 20.0, -3.0], threshold), [1]);
        assert_eq!(culprits(&[18.0, 20.0, -3.0], threshold), [1, 0]);
        assert_eq!(culprits(&[], threshold), [] as [usize; 0]);
    }

    #[test]
    fn strongest_is_named_when_none_stands_out() {
        // The average is 25.3, but the pair of 40 and 0 averages 20.
        assert_eq!(culprits(&[ln(40.0), ln(36.0), -40.0], ln(25.0)), [0]);
    }

    #[test]
    fn huge_evidence_does_not_overflow() {
        assert_eq!(culprits(&[1e9, 2e9], 3.2), [1]);
    }
}
