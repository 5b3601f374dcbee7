//! DNS messages, as far as somebody who answers in place of a server reads them: only a plain question is answered, and
//! every answer is one to that question.

use std::net::IpAddr;

use steadfast_names::message::{Carrier, Failure, Question};

/// Header of RFC 1035, section 4.1.1.
const HEADER: usize = 12;
/// The most that is sent by UDP, and what everybody takes.
const BY_UDP: [usize; 2] = [512, 1_232];

/// Holds for any bytes.
pub fn holds(bytes: &[u8]) {
    let Some(question) = Question::read(bytes) else { return };
    assert!(bytes.len() >= HEADER && bytes[2] & 0b1111_1010 == 0, "it is no plain question");
    let names: Vec<String> = question.names().collect();
    assert_eq!(names.len(), usize::from(u16::from_be_bytes([bytes[4], bytes[5]])));
    assert!(names.iter().all(|name| name.ends_with('.') && name.is_ascii()), "{names:?}");
    for (failure, code) in [(Failure::NoSuchName, 3), (Failure::ServerFailed, 2), (Failure::Refused, 5)] {
        if let Some(answer) = question.fail(failure) {
            answers(bytes, &answer, code);
            assert_eq!(answer[6..8], [0, 0], "a failure bears no records");
        }
    }
    let few: Vec<IpAddr> = vec![[10, 0, 0, 1].into(), [0xfd00, 0, 0, 0, 0, 0, 0, 1].into()];
    let many: Vec<IpAddr> = (0..=255).flat_map(|last| [[10, 0, 0, last].into(), few[1]]).collect();
    for addresses in [&few, &many] {
        for carrier in [Carrier::Udp, Carrier::Tcp] {
            let Some(answer) = question.answer(addresses, carrier) else { continue };
            answers(bytes, &answer, 0);
            let is_cut = answer[2] & 0b10 != 0;
            assert!(carrier == Carrier::Udp || !is_cut, "by TCP everything fits");
            // A question alone may be longer than a packet: then nothing is added to it.
            let fits = answer.len() <= BY_UDP[1] || (is_cut && answer[6..8] == [0, 0]);
            assert!(carrier == Carrier::Tcp || fits, "{} bytes by UDP", answer.len());
        }
    }
}

/// That it answers this question, and can be read by nobody as another question.
fn answers(question: &[u8], answer: &[u8], code: u8) {
    assert_eq!(answer[..2], question[..2], "the number");
    assert_eq!((answer[2] & 0x80, answer[3] & 0xf), (0x80, code));
    assert_eq!(answer[2] & 1, question[2] & 1, "whether recursion is wanted");
    assert_eq!(answer[4..6], question[4..6], "as many questions");
    assert_eq!(Question::read(answer), None);
}
