//! When bytes may leave so that they flow no faster than a rate. Pure: time is an argument.

use std::time::Duration;

use steadfast_model::ByteRate;

use crate::timer::later;

/// Bytes leave in slices that take so long at the rate: short enough to be smooth, long enough to be worth a wake-up.
const SLICE: Duration = Duration::from_micros(500);
/// A slice has at least as many bytes as a segment on Ethernet, unless these would take longer than [`SLOW_SLICE`].
const SEGMENT: u64 = 1_448;
const SLOW_SLICE: Duration = Duration::from_millis(100);
/// What was not sent because the machine or the reader was late may be made up for, up to so much: then the rate holds
/// on average, and a reader that was away does not get a flood.
const CREDIT: Duration = Duration::from_millis(20);

/// A link of that rate, which sends one byte after the other.
#[derive(Debug)]
pub(super) struct Pace {
    rate: ByteRate,
    slice: u64,
    credit: Duration,
    /// When the link has sent all that was given to it, in monotonic nanoseconds.
    free: u64,
}

impl Pace {
    pub(super) fn new(rate: ByteRate) -> Self {
        let slow = SEGMENT.min(rate.bytes_in(SLOW_SLICE));
        let slice = rate.bytes_in(SLICE).max(slow).max(1);
        Self { rate, slice, credit: CREDIT + rate.time_for(slice), free: 0 }
    }

    /// How many of `count` bytes, which could leave since `since`, have been sent by now and may leave; or when to ask
    /// again.
    pub(super) fn allow(&mut self, now: u64, since: u64, count: usize) -> Result<usize, u64> {
        let earliest = now.saturating_sub(u64::try_from(self.credit.as_nanos()).unwrap_or(u64::MAX));
        self.free = self.free.max(since).max(earliest);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let due = later(self.free, self.rate.time_for(count.min(self.slice)));
        if due > now {
            return Err(due);
        }
        let sent = self.rate.bytes_in(Duration::from_nanos(now - self.free)).min(count);
        Ok(usize::try_from(sent).unwrap_or(usize::MAX))
    }

    /// Notes that so many bytes, no more than were allowed, have left.
    pub(super) fn left(&mut self, count: usize) {
        self.free = later(self.free, self.rate.time_for(u64::try_from(count).unwrap_or(u64::MAX)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rate(bits: u64) -> ByteRate {
        ByteRate::bits_per_second(bits).unwrap()
    }

    /// Lets as much leave as may until `end`, each wake-up late by what `lateness` says. Returns bytes and wake-ups.
    fn flow(pace: &mut Pace, start: u64, end: u64, mut lateness: impl FnMut() -> u64) -> (u64, u64) {
        let (mut now, mut bytes, mut wakes) = (start, 0, 0);
        loop {
            match pace.allow(now, start, 65_536) {
                Ok(count) => {
                    pace.left(count);
                    bytes += count as u64;
                }
                Err(due) if due > end => return (bytes, wakes),
                Err(due) => {
                    assert!(due > now);
                    now = due + lateness();
                    wakes += 1;
                }
            }
        }
    }

    #[test]
    fn a_busy_link_sends_at_its_rate_however_late_the_wake_ups_are() {
        for bits in [8_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000] {
            for late in [0, 100_000, 5_000_000] {
                let mut pace = Pace::new(rate(bits));
                let (bytes, wakes) = flow(&mut pace, 5 * SECOND, 15 * SECOND, || late);
                let expected = bits as f64 / 8.0 * 10.0;
                let off = (bytes as f64 / expected - 1.0).abs();
                assert!(off < 0.011, "{bits} bit/s, {late} ns late: {bytes} of {expected}");
                assert!(wakes <= 20_000, "{wakes} wake-ups");
            }
        }
    }

    #[test]
    fn an_idle_link_saves_nothing_up_and_a_message_takes_as_long_as_its_bytes() {
        let mut pace = Pace::new(rate(8_000_000));
        assert_eq!(pace.allow(SECOND, SECOND, 1_000), Err(SECOND + 1_000_000));
        assert_eq!(pace.allow(SECOND + 1_000_000, SECOND, 1_000), Ok(1_000));
        pace.left(1_000);
        let later = 100 * SECOND;
        assert_eq!(
            pace.allow(later, later, 1_000),
            Err(later + 1_000_000),
            "a minute of silence gives no credit"
        );
    }

    #[test]
    fn a_reader_that_was_away_gets_no_flood() {
        let mut pace = Pace::new(rate(80_000_000));
        let (start, back) = (SECOND, 60 * SECOND);
        let Ok(count) = pace.allow(back, start, 10_000_000) else { panic!("bytes waited for a minute") };
        assert!(count <= 10_000_000 * 21 / 1_000, "{count} bytes at once");
    }

    proptest! {
        #[test]
        fn never_faster_than_the_rate_and_its_credit(
            bits in 8_u64..1_000_000_000,
            lateness in prop::collection::vec(0_u64..50_000_000, 1..50),
        ) {
            let mut pace = Pace::new(rate(bits));
            let mut each = lateness.iter().cycle();
            let end = 12 * SECOND;
            let (bytes, _) = flow(&mut pace, 2 * SECOND, end, || *each.next().unwrap());
            let most = rate(bits).bytes_in(Duration::from_nanos(10 * SECOND + 50_000_000)) + 1;
            prop_assert!(bytes <= most, "{} of {}", bytes, most);
        }
    }
}
