use super::*;

#[test]
fn chunks_leave_in_order_at_their_times() {
    let mut held = Held::default();
    held.push(b"one", 0, 100, 1, 0);
    held.push(b"two", 1, 50, 2, 0);
    held.push_end(2, 60, 3);
    assert_eq!((held.due(), held.ready(99)), (Some(100), &b""[..]));
    assert_eq!(held.ready(100), b"onetwo", "the second was due before the first, but waits for it");
    held.consume(4, |_| ());
    assert!(!held.ended(100));
    held.consume(2, |_| ());
    assert!(held.ended(100) && !held.is_empty() && held.has_end());
}

#[test]
fn an_end_waits_for_the_last_chunk_and_for_its_own_time() {
    let mut held = Held::default();
    held.push(b"x", 0, 10, 1, 0);
    held.push_end(5, 15, 2);
    held.consume(1, |_| ());
    assert!(!held.ended(14) && held.ended(15));
    assert_eq!(held.due(), Some(15));
}

#[test]
fn hastening_moves_nothing_later_and_keeps_the_order() {
    let mut held = Held::default();
    held.push(b"a", 0, 100, 1, 0);
    held.push(b"b", 10, 110, 2, 0);
    held.push(b"c", 20, 120, 3, 0);
    held.hasten(|arrived, number, _| if number == 2 { 500 } else { arrived });
    assert_eq!(held.ready(0), b"a");
    assert_eq!(held.ready(109), b"a");
    assert_eq!(held.ready(110), b"abc");
    held.hasten(|arrived, _, _| arrived);
    assert_eq!(held.ready(20), b"abc");
}

#[test]
fn room_is_bounded_also_for_tiny_chunks() {
    let mut held = Held::default();
    let mut pushed = 0;
    while held.room() > 0 {
        held.push(b"x", 0, 1, pushed, 0);
        pushed += 1;
    }
    assert!(pushed as usize <= LARGEST / OVERHEAD);
    while !held.ready(1).is_empty() {
        let length = held.ready(1).len();
        held.consume(length, |_| ());
    }
    assert!(held.is_empty() && held.bytes.capacity() <= KEPT);
}

#[test]
fn a_chunk_is_gone_when_its_last_byte_is() {
    let mut held = Held::default();
    held.push(b"abc", 0, 0, 1, 7);
    held.push(b"d", 0, 0, 2, 8);
    assert_eq!(held.front(), 3);
    let mut gone = Vec::new();
    held.consume(2, |mark| gone.push(mark));
    assert_eq!((held.front(), &gone[..]), (1, &[][..]));
    held.consume(2, |mark| gone.push(mark));
    assert_eq!(gone, [7, 8]);
}

#[test]
fn all_halves_share_a_budget_and_none_stands_still() {
    let budget = Budget::new(10_000);
    let (mut one, mut other) = (Held::of(&budget), Held::of(&budget));
    one.push(&[0; 9_000], 0, 10, 1, 0);
    assert_eq!(one.room(), 10_000 - 9_000 - 2 * OVERHEAD);
    assert_eq!(other.room(), LEAST, "one that holds nothing can always take a little");
    other.push(&[0; 900], 0, 10, 1, 0);
    assert_eq!((one.room(), other.room()), (0, 0));
    one.consume(4_000, |_| ());
    assert!(other.room() > 3_000);
    one.consume(5_000, |_| ());
    drop(other);
    assert_eq!(budget.left(), 10_000);
}
