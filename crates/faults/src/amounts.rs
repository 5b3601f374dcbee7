//! Amounts, as people read them and as parts of each other.

/// A size in whole mebibytes.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{}MiB", bytes >> 20)
}

/// Thousandths of a CPU in CPUs.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn cpus(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

/// A part of so many bytes.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not below 0, and need not be exact"
)]
pub(crate) fn part(fraction: f64, bytes: u64) -> u64 {
    (bytes as f64 * fraction) as u64
}
