use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::{
    op::Query,
    rr::{Name, rdata::TXT},
};
use proptest::prelude::*;

use super::*;

/// What a client would send.
fn asking(names: &[&str], kind: RecordType, payload: Option<u16>) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_queries(names.iter().map(|name| Query::query(Name::from_ascii(name).unwrap(), kind)));
    if let Some(payload) = payload {
        let mut edns = Edns::new();
        edns.set_max_payload(payload).set_dnssec_ok(true);
        message.set_edns(edns);
    }
    message
}

fn read(message: &Message) -> Option<Question> {
    Question::read(&message.to_vec().unwrap())
}

#[test]
fn an_error_repeats_the_question_letter_by_letter() {
    let asked = asking(&["dB.ShOp.ExAmPlE."], RecordType::A, Some(4096));
    let question = read(&asked).unwrap();
    assert_eq!(question.names().collect::<Vec<_>>(), ["dB.ShOp.ExAmPlE."]);
    for (failure, code) in [
        (Failure::NoSuchName, ResponseCode::NXDomain),
        (Failure::ServerFailed, ResponseCode::ServFail),
        (Failure::Refused, ResponseCode::Refused),
    ] {
        let answer = Message::from_vec(&question.fail(failure).unwrap()).unwrap();
        assert_eq!((answer.metadata.id, answer.metadata.response_code), (asked.metadata.id, code));
        assert_eq!(answer.metadata.message_type, MessageType::Response);
        assert!(answer.metadata.recursion_desired && answer.metadata.recursion_available);
        assert!(answer.queries[0].name().eq_case(asked.queries[0].name()));
        assert!(answer.edns.unwrap().flags().dnssec_ok);
        assert!(answer.authorities.is_empty(), "nobody remembers it");
    }
}

#[test]
fn every_family_gets_its_own_addresses_and_hints_of_services_get_none() {
    let addresses = [Ipv4Addr::new(10, 0, 0, 1).into(), Ipv6Addr::LOCALHOST.into()];
    let found = |kind| {
        let question = read(&asking(&["a.b."], kind, None)).unwrap();
        let answer = Message::from_vec(&question.answer(&addresses, Carrier::Udp).unwrap()).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.edns.is_none());
        answer.answers.iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>()
    };
    assert_eq!(found(RecordType::A), addresses[..1]);
    assert_eq!(found(RecordType::AAAA), addresses[1..]);
    assert_eq!(found(RecordType::HTTPS), [] as [IpAddr; 0]);
    assert!(!read(&asking(&["a.b."], RecordType::MX, None)).unwrap().is_for_addresses());
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_again_by_tcp() {
    let many: Vec<IpAddr> = (0..40).map(|last| Ipv4Addr::new(10, 0, 0, last).into()).collect();
    for (payload, fits) in [(None, false), (Some(512), false), (Some(1232), true), (Some(65_535), true)] {
        let question = read(&asking(&["a.b."], RecordType::A, payload)).unwrap();
        let by = |carrier| Message::from_vec(&question.answer(&many, carrier).unwrap()).unwrap();
        let (udp, tcp) = (by(Carrier::Udp), by(Carrier::Tcp));
        assert_eq!((udp.metadata.truncation, udp.answers.len()), (!fits, if fits { 40 } else { 0 }));
        assert_eq!((tcp.metadata.truncation, tcp.answers.len()), (false, 40));
    }
}

#[test]
fn several_questions_are_read_and_none_is_no_question() {
    let both = read(&asking(&["a.", "b."], RecordType::A, None)).unwrap();
    assert_eq!(both.names().count(), 2);
    assert_eq!(read(&asking(&[], RecordType::A, None)), None);
}

#[test]
fn whatever_is_no_plain_question_is_not_understood() {
    let plain = asking(&["a.b."], RecordType::A, Some(1232));
    assert!(read(&plain).is_some());
    let changed = |change: &dyn Fn(&mut Message)| {
        let mut message = plain.clone();
        change(&mut message);
        read(&message)
    };
    let text = || Record::from_rdata(Name::root(), 0, RData::TXT(TXT::new(vec!["x".to_owned()])));
    assert_eq!(changed(&|message| message.metadata.message_type = MessageType::Response), None);
    assert_eq!(changed(&|message| message.metadata.op_code = OpCode::Notify), None);
    assert_eq!(changed(&|message| message.metadata.truncation = true), None);
    assert_eq!(
        changed(&|message| {
            message.add_answer(text());
        }),
        None
    );
    assert_eq!(
        changed(&|message| {
            message.add_additional(text());
        }),
        None
    );
    assert_eq!(
        changed(&|message| {
            message.queries[0].set_query_class(DNSClass::CH);
        }),
        None
    );
    assert_eq!(
        changed(&|message| {
            message.edns.as_mut().unwrap().set_version(1);
        }),
        None
    );
    let mut longer = plain.to_vec().unwrap();
    longer.push(0);
    assert_eq!(Question::read(&longer), None, "it goes on after its end");
    longer.truncate(longer.len() - 3);
    assert_eq!(Question::read(&longer), None, "it is cut short");
}

proptest! {
    #[test]
    fn whatever_comes_is_read_without_a_panic(bytes: Vec<u8>) {
        if let Some(question) = Question::read(&bytes) {
            prop_assert!(question.names().count() > 0);
            prop_assert!(question.fail(Failure::Refused).is_some());
        }
    }
}
