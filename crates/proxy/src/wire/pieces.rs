//! Where bytes are cut into pieces. Pure: time and chance are arguments.

use std::time::Duration;

use crate::timer::later;

/// The piece that is leaving, and when the next may.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces {
    /// Counts pieces: what their size is drawn by.
    number: u64,
    /// How much of the piece is left; zero between two pieces.
    left: usize,
    /// When the next may leave.
    free: u64,
    /// Whether the chunk in front has been cut.
    cut: bool,
}

impl Pieces {
    /// How many bytes of the chunk in front, which has `front` left, may leave now; or when to ask again. `draw` gives a
    /// piece's size by its number.
    pub(super) fn allow(
        &mut self,
        now: u64,
        front: usize,
        draw: impl FnOnce(u64) -> usize,
    ) -> Result<usize, u64> {
        if self.left == 0 {
            if now < self.free {
                return Err(self.free);
            }
            self.number += 1;
            self.left = draw(self.number).clamp(1, front.max(1));
        }
        Ok(self.left)
    }

    /// Notes that so many bytes have left of a chunk that had `front` left. Whether this cut the chunk for the first time.
    pub(super) fn left(&mut self, now: u64, count: usize, front: usize, pause: Duration) -> bool {
        self.left = self.left.saturating_sub(count);
        if self.left == 0 {
            self.free = later(now, pause);
        }
        let ended = count >= front;
        let first = self.left == 0 && !ended && !self.cut;
        self.cut = !ended && (self.cut || first);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_nanos(10);

    #[test]
    fn a_chunk_leaves_in_pieces_with_pauses_between_them_and_is_counted_once() {
        let mut pieces = Pieces::default();
        let (mut now, mut front, mut sizes, mut cuts) = (100, 10, Vec::new(), 0);
        while front > 0 {
            match pieces.allow(now, front, |number| if number == 2 { 3 } else { 4 }) {
                Ok(count) => {
                    sizes.push((now, count));
                    cuts += u32::from(pieces.left(now, count, front, PAUSE));
                    front -= count;
                }
                Err(due) => now = due,
            }
        }
        assert_eq!(sizes, [(100, 4), (110, 3), (120, 3)]);
        assert_eq!(cuts, 1);
    }

    #[test]
    fn a_piece_that_leaves_in_parts_is_one_piece() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.allow(0, 10, |_| 4), Ok(4));
        assert!(!pieces.left(0, 1, 10, PAUSE), "the socket took one byte only");
        assert_eq!(pieces.allow(0, 9, |_| 4), Ok(3), "no pause within");
        assert!(pieces.left(0, 3, 9, PAUSE));
        assert_eq!(pieces.allow(9, 6, |_| 4), Err(10));
    }

    #[test]
    fn a_chunk_smaller_than_a_piece_is_not_cut() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.allow(0, 3, |_| 100), Ok(3));
        assert!(!pieces.left(0, 3, 3, PAUSE));
    }
}
