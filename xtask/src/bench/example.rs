//! Measurements that are examples of the crate they measure.

use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::program::cargo;

/// Runs an example of a crate, built for speed; the lines it prints.
pub(super) fn lines(krate: &str, example: &str, words: &[&str]) -> Result<Vec<String>> {
    let package = format!("steadfast-{krate}");
    let mut command = cargo(&[
        "run",
        "--release",
        "--quiet",
        "--locked",
        "--package",
        &package,
        "--example",
        example,
        "--",
    ]);
    let output =
        command.args(words).stderr(Stdio::inherit()).output().with_context(|| format!("run {example}"))?;
    if !output.status.success() {
        bail!("the example {example} of {package} ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// The numbers of a line, in their order. Only words that begin with a digit or a sign count (`p50` does not), with
/// what follows the digits cut off.
pub(super) fn numbers(line: &str) -> Vec<f64> {
    let begins =
        |word: &&str| word.trim_start_matches(['+', '-']).starts_with(|letter: char| letter.is_ascii_digit());
    let number = |word: &str| {
        let end = word
            .find(|letter: char| !letter.is_ascii_digit() && !"+-.".contains(letter))
            .unwrap_or(word.len());
        word[..end].trim_end_matches('.').parse().ok()
    };
    line.split_whitespace().filter(begins).filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_with_their_units_cut_off() {
        assert_eq!(
            numbers("   10ms      tcp     10.063ms     10.200ms   +0.005ms"),
            [10.0, 10.063, 10.2, 0.005]
        );
        assert_eq!(numbers("10 ms Ingress: p50 10.2 ms; difference of p50 -0.012 ms"), [10.0, 10.2, -0.012]);
        assert_eq!(
            numbers("1Gbit/s upstream  999.5 Mbit/s  -0.05%  99.0%, 101.0%  55%"),
            [1.0, 999.5, -0.05, 99.0, 101.0, 55.0]
        );
    }
}
