//! Random numbers, seeded and the same everywhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[derive(Clone)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    /// Number of trials up to and with the first success, with this mean.
    pub(crate) fn geometric(&mut self, mean: f64) -> f64 {
        (libm::log(self.uniform()) / libm::log(1.0 - 1.0 / mean)).floor() + 1.0
    }

    /// Poisson: by products of uniforms below 10, by transformed rejection (Hörmann 1993) above.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean < 10.0 {
            let (limit, mut product, mut count) = (libm::exp(-mean), self.uniform(), 0.0);
            while product > limit {
                product *= self.uniform();
                count += 1.0;
            }
            return count;
        }
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.024_83 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let quick = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let (u, v) = (self.uniform() - 0.5, self.uniform());
            let edge = 0.5 - u.abs();
            let count = ((2.0 * a / edge + b) * u + mean + 0.43).floor();
            if edge >= 0.07 && v <= quick {
                return count;
            }
            if count < 0.0 || (edge < 0.013 && v > edge) {
                continue;
            }
            let accept = libm::log(v * inverse_alpha / (a / (edge * edge) + b));
            if accept <= count * libm::log(mean) - mean - libm::lgamma(count + 1.0) {
                return count;
            }
        }
    }
}

#[test]
fn poisson_has_its_mean_and_variance() {
    let mut random = Random::new(1);
    for mean in [0.3, 4.0, 9.9, 10.1, 75.0, 1000.0] {
        let draws: Vec<f64> = (0..100_000).map(|_| random.poisson(mean)).collect();
        let average = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|draw| (draw - average) * (draw - average)).sum::<f64>() / 1e5;
        assert!((average - mean).abs() < 5.0 * (mean / 1e5).sqrt(), "{average} for {mean}");
        assert!((variance / mean - 1.0).abs() < 0.04, "{variance} for {mean}");
    }
}
