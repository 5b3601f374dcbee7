//! A token bucket: how fast bytes may go on, and how many may wait. Time is an argument, in nanoseconds.

use steadfast_model::{ByteRate, ByteSize};

const PICOS: u128 = 1_000;

/// One way of the traffic.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    bits_per_second: u128,
    /// In picoseconds: a nanosecond is too much for small packets at high rates.
    burst: u128,
    limit: u64,
    /// Until when, in picoseconds, all that has come so far takes at that rate. Never longer ago than a burst.
    spent_until: u128,
    waiting: u64,
}

impl Bucket {
    /// One that is full.
    pub(super) fn new(rate: ByteRate, burst: ByteSize, limit: ByteSize) -> Self {
        let bits_per_second = u128::from(rate.bits());
        let mut new = Self { bits_per_second, burst: 0, limit: limit.bytes(), spent_until: 0, waiting: 0 };
        new.burst = new.takes(burst.bytes());
        new
    }

    /// When a packet that came now may go on; `None` when no more may wait. What waits is told of by [`Bucket::gone`].
    pub(super) fn take(&mut self, bytes: u64, now: u64) -> Option<u64> {
        let now = u128::from(now) * PICOS;
        let from = self.spent_until.max(now.saturating_sub(self.burst));
        let until = from + self.takes(bytes);
        if until > now {
            if self.waiting + bytes > self.limit {
                return None;
            }
            self.waiting += bytes;
        }
        self.spent_until = until;
        Some(u64::try_from(until.max(now).div_ceil(PICOS)).unwrap_or(u64::MAX))
    }

    /// A packet that had to wait has gone on.
    pub(super) fn gone(&mut self, bytes: u64) {
        self.waiting = self.waiting.saturating_sub(bytes);
    }

    fn takes(&self, bytes: u64) -> u128 {
        u128::from(bytes) * 8 * 1_000_000_000_000 / self.bits_per_second
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bucket(bits: u64, burst: u64, limit: u64) -> Bucket {
        let size = |bytes| ByteSize::new(bytes).unwrap();
        Bucket::new(ByteRate::bits_per_second(bits).unwrap(), size(burst), size(limit))
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate_as_long_as_there_is_room() {
        // 1 MB/s: 1000 bytes a millisecond.
        let mut bucket = bucket(8_000_000, 2_000, 3_000);
        let second = 1_000_000_000_u64;
        let due: Vec<_> = (0..7).map(|_| bucket.take(1_000, second)).collect();
        let millis = |count: u64| Some(second + count * 1_000_000);
        assert_eq!(due, [millis(0), millis(0), millis(1), millis(2), millis(3), None, None]);
        bucket.gone(1_000);
        assert_eq!(bucket.take(1_000, second + 1_000_000), millis(4));
        (0..3).for_each(|_| bucket.gone(1_000));
        // After a pause a burst goes at once again, and no more than that.
        let due: Vec<_> = (0..3).map(|_| bucket.take(1_000, 2 * second)).collect();
        assert_eq!(due, [Some(2 * second), Some(2 * second), Some(2 * second + 1_000_000)]);
    }

    #[test]
    fn a_packet_longer_than_the_burst_goes_on_when_it_would_be_through() {
        let mut bucket = bucket(8_000_000, 1_000, 100_000);
        assert_eq!(bucket.take(65_000, 1_000_000_000), Some(1_064_000_000));
    }

    proptest! {
        #[test]
        fn no_more_goes_on_than_the_rate_and_a_burst_and_none_overtakes(
            bits in 8_000_u64..10_000_000_000, burst in 1_000_u64..1_000_000,
            packets in proptest::collection::vec((40_u64..70_000, 0_u64..10_000_000), 1..100)
        ) {
            let mut bucket = bucket(bits, burst, 1 << 40);
            let (mut now, mut sum, mut last) = (1_000_000_000_000_u64, 0_u128, 0);
            let begun = now;
            for (bytes, pause) in packets {
                now += pause;
                let due = bucket.take(bytes, now).unwrap();
                prop_assert!(due >= now && due >= last);
                last = due;
                sum += u128::from(bytes) * 8;
                let may = u128::from(due - begun) * u128::from(bits) / 1_000_000_000;
                prop_assert!(sum <= may + u128::from(burst) * 8 + 100, "{sum} bits by then, and {may}");
            }
        }
    }
}
