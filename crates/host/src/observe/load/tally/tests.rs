use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

fn at(millis: u64) -> BootTime {
    BootTime(1_000_000 * MS + millis * MS)
}

fn tally() -> Tally {
    Tally::new(Duration::from_secs(1))
}

fn within(millis: u64) -> LoadGood {
    LoadGood::Within(Duration::from_millis(millis))
}

fn read(tally: &mut Tally, good: &LoadGood, now: u64) -> (u64, u64) {
    let increment = tally.read(&format!("{good:?}"), good, at(now)).unwrap();
    (increment.bad, increment.total)
}

#[test]
fn an_answer_is_good_for_those_whose_threshold_it_keeps() {
    let mut tally = tally();
    let readers = [LoadGood::Answered, within(100), within(99)];
    readers.iter().for_each(|good| assert_eq!(read(&mut tally, good, 0), (0, 0)));
    let number = tally.due(at(0), 9).unwrap();
    tally.ended(number, at(100), Ending::Accepted);
    assert_eq!(readers.map(|good| read(&mut tally, &good, 100)), [(0, 1), (0, 1), (1, 1)]);
    assert_eq!(readers.map(|good| read(&mut tally, &good, 100)), [(0, 0); 3]);
}

#[test]
fn an_open_request_is_bad_as_soon_as_it_is_late_and_only_once() {
    let mut tally = tally();
    let (slow, answered) = (within(100), LoadGood::Answered);
    read(&mut tally, &slow, 0);
    read(&mut tally, &answered, 0);
    let number = tally.due(at(0), 9).unwrap();
    assert_eq!(read(&mut tally, &slow, 100), (0, 0));
    assert_eq!(read(&mut tally, &slow, 101), (1, 1));
    assert_eq!(read(&mut tally, &answered, 101), (0, 0));
    tally.ended(number, at(500), Ending::Accepted);
    assert_eq!(read(&mut tally, &slow, 600), (0, 0));
    assert_eq!(read(&mut tally, &answered, 600), (0, 1));
}

#[test]
fn what_is_open_longer_than_the_timeout_is_bad_even_before_anybody_says_so() {
    let mut tally = tally();
    read(&mut tally, &LoadGood::Answered, 0);
    let number = tally.due(at(0), 9).unwrap();
    assert_eq!(read(&mut tally, &LoadGood::Answered, 1_001), (1, 1));
    tally.ended(number, at(1_002), Ending::TimedOut);
    assert_eq!(read(&mut tally, &LoadGood::Answered, 1_003), (0, 0));
    assert_eq!(tally.counts().timed_out, 1);
}

#[test]
fn a_request_beyond_the_limit_is_bad_at_once() {
    let mut tally = tally();
    read(&mut tally, &LoadGood::Answered, 0);
    assert!(tally.due(at(0), 1).is_some());
    assert!(tally.due(at(1), 1).is_none());
    assert_eq!(read(&mut tally, &LoadGood::Answered, 1), (1, 1));
    assert_eq!(tally.counts().unsent, 1);
}

#[test]
fn requests_due_before_the_first_reading_are_not_counted() {
    let mut tally = tally();
    let before = tally.due(at(0), 9).unwrap();
    read(&mut tally, &within(10), 1);
    let after = tally.due(at(2), 9).unwrap();
    tally.ended(before, at(3), Ending::Failed("connection refused".to_owned()));
    tally.ended(after, at(3), Ending::Accepted);
    assert_eq!(read(&mut tally, &within(10), 50), (0, 1));
}

#[test]
fn what_this_machine_could_not_do_makes_a_gap_for_every_reader() {
    let mut tally = tally();
    read(&mut tally, &LoadGood::Answered, 0);
    read(&mut tally, &within(5), 0);
    let number = tally.due(at(0), 9).unwrap();
    tally.ended(number, at(1), Ending::OurFault("no more descriptors".to_owned()));
    assert_eq!(tally.read("Answered", &LoadGood::Answered, at(2)).unwrap_err(), "no more descriptors");
    assert_eq!(read(&mut tally, &LoadGood::Answered, 3), (0, 0));
    assert!(tally.read(&format!("{:?}", within(5)), &within(5), at(4)).is_err());
}

#[test]
fn what_is_open_at_the_end_is_undecided_unless_it_is_late() {
    let mut tally = tally();
    read(&mut tally, &LoadGood::Answered, 0);
    read(&mut tally, &within(5), 0);
    let number = tally.due(at(0), 9).unwrap();
    tally.close(at(10));
    tally.ended(number, at(2_000), Ending::Failed("connection refused".to_owned()));
    assert_eq!(read(&mut tally, &LoadGood::Answered, 5_000), (0, 0));
    assert_eq!(read(&mut tally, &within(5), 5_000), (1, 1));
    assert_eq!(tally.counts(), LoadCounts { due: 1, undecided: 1, ..LoadCounts::default() });
}

#[test]
fn the_report_counts_latency_from_the_due_time_of_what_was_answered_or_waited_for() {
    let mut tally = tally();
    for (latency, ending) in [
        (10, Ending::Accepted),
        (20, Ending::Rejected(500)),
        (900, Ending::TimedOut),
        (1, Ending::Failed("connection refused".to_owned())),
    ] {
        let number = tally.due(at(0), 9).unwrap();
        tally.sent();
        tally.ended(number, at(latency), ending);
    }
    let report = tally.report();
    assert_eq!((report.due, report.sent, report.good), (4, 4, 1));
    assert!(report.latency_us[0].abs_diff(20_000) <= 20, "{report:?}");
    assert_eq!(report.latency_us[3], 900_000);
}

/// One thing that happens to a load.
#[derive(Debug, Clone)]
enum Step {
    Due,
    End { pick: prop::sample::Index, kind: u8 },
    Read { reader: usize },
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Due),
        3 => (any::<prop::sample::Index>(), 0_u8..4).prop_map(|(pick, kind)| Step::End { pick, kind }),
        2 => (0_usize..3).prop_map(|reader| Step::Read { reader }),
        3 => (0_u64..80).prop_map(|millis| Step::Wait { millis }),
    ]
}

proptest! {
    #[test]
    fn every_request_is_decided_exactly_once_for_every_reader(steps in proptest::collection::vec(step(), 1..200)) {
        let readers = [LoadGood::Answered, within(50), within(5)];
        let mut tally = Tally::new(Duration::from_millis(200));
        let (mut now, mut open) = (0, Vec::new());
        let mut sums = [(0, 0); 3];
        let mut take = |tally: &mut Tally, reader: usize, now: u64| {
            let (bad, total) = read(tally, &readers[reader], now);
            assert!(bad <= total);
            sums[reader].0 += bad;
            sums[reader].1 += total;
        };
        (0..3).for_each(|reader| take(&mut tally, reader, 0));
        for step in steps {
            match step {
                Step::Due => open.extend(tally.due(at(now), 8)),
                Step::End { pick, kind } if !open.is_empty() => {
                    let number = open.swap_remove(pick.index(open.len()));
                    let endings = [Ending::Accepted, Ending::Rejected(500), Ending::Failed("x".to_owned()), Ending::TimedOut];
                    tally.ended(number, at(now), endings[usize::from(kind)].clone());
                }
                Step::Read { reader } => take(&mut tally, reader, now),
                Step::Wait { millis } => now += millis,
                Step::End { .. } => {}
            }
        }
        tally.close(at(now));
        (0..3).for_each(|reader| take(&mut tally, reader, now + 1_000));
        let counts = tally.counts();
        let ended = counts.good + counts.rejected + counts.failed + counts.timed_out + counts.unsent;
        prop_assert_eq!(ended + counts.undecided, counts.due);
        for (bad, total) in sums {
            prop_assert!(total >= ended && total <= counts.due, "{total} of {counts:?}");
            prop_assert!(total - bad <= counts.good);
        }
        // Whoever is stricter counts no fewer bad ones, and earlier.
        prop_assert!(sums[0].0 <= sums[1].0 && sums[1].0 <= sums[2].0);
    }
}
