//! What a question is met with. Pure, chance and counters aside.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use steadfast_model::network::{NameError, NameFault, is_meant};
use steadfast_names::message::{Carrier, Failure, Question};

/// What somebody's question is met with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meeting {
    /// It is none of ours.
    SendOn,
    /// It is sent on after a while.
    Hold(Duration),
    /// It is answered here.
    Answer(Vec<u8>),
    /// Nobody answers.
    Silence,
}

/// Meets questions, and counts them.
pub(super) struct Meetings {
    names: Vec<String>,
    then: NameFault,
    chance: Mutex<ChaCha8Rng>,
    asked: AtomicU64,
    disturbed: AtomicU64,
}

impl Meetings {
    pub(super) fn new(names: Vec<String>, then: NameFault) -> Self {
        let seed = if let NameFault::Spoof { seed, .. } = &then { *seed } else { 0 };
        let chance = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        Self { names, then, chance, asked: AtomicU64::new(0), disturbed: AtomicU64::new(0) }
    }

    /// Whatever it is that somebody has sent to a DNS server.
    pub(super) fn meet(&self, message: &[u8], carrier: Carrier) -> Meeting {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let meeting = Question::read(message)
            .filter(|question| self.means(question))
            .and_then(|question| self.disturb(&question, carrier));
        if meeting.is_some() {
            self.disturbed.fetch_add(1, Ordering::Relaxed);
        }
        meeting.unwrap_or(Meeting::SendOn)
    }

    /// How many questions came since this was last asked, and how many of them were disturbed.
    pub(super) fn news(&self) -> (u64, u64) {
        // The part before the whole, so that it is never more.
        let disturbed = self.disturbed.swap(0, Ordering::Relaxed);
        (self.asked.swap(0, Ordering::Relaxed), disturbed)
    }

    /// An answer is for the whole message, so all its names have to be meant.
    fn means(&self, question: &Question) -> bool {
        question.names().all(|name| self.names.iter().any(|pattern| is_meant(pattern, &name)))
    }

    fn disturb(&self, question: &Question, carrier: Carrier) -> Option<Meeting> {
        let failure = match &self.then {
            NameFault::Delay { latency } => return Some(Meeting::Hold(latency.std())),
            NameFault::Spoof { .. } if !question.is_for_addresses() => return None,
            NameFault::Spoof { answers, .. } if answers.is_empty() => {
                return question.answer(&self.draw(), carrier).map(Meeting::Answer);
            }
            NameFault::Spoof { answers, .. } => {
                return question.answer(answers, carrier).map(Meeting::Answer);
            }
            NameFault::Error { answer: NameError::Timeout } => return Some(Meeting::Silence),
            NameFault::Error { answer: NameError::Nxdomain } => Failure::NoSuchName,
            NameFault::Error { answer: NameError::Servfail } => Failure::ServerFailed,
            NameFault::Error { answer: NameError::Refused } => Failure::Refused,
        };
        question.fail(failure).map(Meeting::Answer)
    }

    /// Addresses that belong to nobody: of 198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849).
    fn draw(&self) -> [IpAddr; 2] {
        let mut chance = self.chance.lock().expect("nothing panics while it is locked");
        let four = 0xc612_0000 | chance.random_range(1..0x0001_ffff_u32);
        let six = 0x2001_0db8 << 96 | u128::from(chance.random_range(1..u64::MAX));
        [Ipv4Addr::from_bits(four).into(), Ipv6Addr::from_bits(six).into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A question for the A record of a name, by hand.
    fn asking(name: &str, kind: u8) -> Vec<u8> {
        let mut message = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend_from_slice(label.as_bytes());
        }
        message.extend_from_slice(&[0, 0, kind, 0, 1]);
        message
    }

    fn met(then: NameFault, message: &[u8]) -> (Meeting, (u64, u64)) {
        let meetings = Meetings::new(vec!["*.shop".to_owned(), "db".to_owned()], then);
        (meetings.meet(message, Carrier::Udp), meetings.news())
    }

    #[test]
    fn only_what_is_meant_is_met_and_everything_is_counted() {
        let error = |answer| NameFault::Error { answer };
        for (name, is_meant) in [("a.sHoP", true), ("DB", true), ("shop", false), ("a.shop.org", false)] {
            let (meeting, counted) = met(error(NameError::Timeout), &asking(name, 1));
            let expected = if is_meant { Meeting::Silence } else { Meeting::SendOn };
            assert_eq!((meeting, counted), (expected, (1, u64::from(is_meant))), "{name}");
        }
        for (answer, code) in [(NameError::Nxdomain, 3), (NameError::Servfail, 2), (NameError::Refused, 5)] {
            let (meeting, _) = met(error(answer), &asking("db", 1));
            let Meeting::Answer(bytes) = meeting else { panic!("{meeting:?}") };
            assert_eq!((&bytes[..2], bytes[3] & 0xf), (&[7, 7][..], code));
        }
        assert_eq!(met(error(NameError::Refused), b"garbage"), (Meeting::SendOn, (1, 0)));
    }

    #[test]
    fn only_questions_for_addresses_are_met_with_false_ones() {
        let spoof = |answers: Vec<IpAddr>, seed| NameFault::Spoof { answers, seed };
        let (mail, _) = met(spoof(vec![], 1), &asking("db", 15));
        assert_eq!(mail, Meeting::SendOn);
        let drawn = |seed| met(spoof(vec![], seed), &asking("db", 1)).0;
        assert_eq!(drawn(1), drawn(1), "chance can be repeated");
        assert_ne!(drawn(1), drawn(2));
        let (given, _) = met(spoof(vec![[10, 9, 8, 7].into()], 0), &asking("db", 1));
        let Meeting::Answer(bytes) = given else { panic!("{given:?}") };
        assert!(bytes.ends_with(&[10, 9, 8, 7]));
    }

    #[test]
    fn addresses_drawn_belong_to_nobody() {
        let meetings = Meetings::new(vec![], NameFault::Spoof { answers: vec![], seed: 3 });
        for _ in 0..1_000 {
            let [IpAddr::V4(four), IpAddr::V6(six)] = meetings.draw() else { panic!("one of each") };
            assert!(four.octets()[0] == 198 && matches!(four.octets()[1], 18 | 19), "{four}");
            assert_eq!(six.segments()[..2], [0x2001, 0xdb8], "{six}");
        }
    }
}
