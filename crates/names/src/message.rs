//! DNS messages of RFC 1035, as far as somebody who answers in place of a server has to understand them. Pure.

use std::net::IpAddr;

use hickory_resolver::proto::{
    op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode},
    rr::{DNSClass, RData, Record, RecordType},
    serialize::binary::{BinDecodable, BinDecoder},
};

/// What we take by UDP, and send at most: what crosses every network in one piece (RFC 9715).
const LARGEST_BY_UDP: u16 = 1_232;
/// Nobody asks more at once; longer lists might be longer than any message when they are written out in an answer.
const MOST_NAMES: usize = 16;
/// An answer of ours is true for nobody who asks again.
const NO_TIME: u32 = 0;

/// A question to a DNS server, understood entirely: nothing else is ever answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    asked: Message,
}

/// How a server fails to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is no such name.
    NoSuchName,
    /// It could not find out.
    ServerFailed,
    /// It does not want to.
    Refused,
}

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// One packet each, of a size the asker names.
    Udp,
    /// After their length, up to 64 KiB.
    Tcp,
}

impl Question {
    /// Reads a plain question for names of the internet. `None` for everything else: answers, updates, messages that go
    /// on after their end, questions with records, of another class or with EDNS of the future, and long lists of questions.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut decoder = BinDecoder::new(bytes);
        let asked = Message::read(&mut decoder).ok()?;
        let Metadata { message_type, op_code, truncation, .. } = asked.metadata;
        let is_question = (message_type, op_code, truncation) == (MessageType::Query, OpCode::Query, false);
        let has_records =
            !(asked.answers.is_empty() && asked.authorities.is_empty() && asked.additionals.is_empty());
        let of_internet = |class| matches!(class, DNSClass::IN | DNSClass::ANY);
        let understood = is_question
            && decoder.is_empty()
            && !has_records
            && asked.signature.is_none()
            && asked.version() == 0
            && (1..=MOST_NAMES).contains(&asked.queries.len())
            && asked.queries.iter().all(|query| of_internet(query.query_class()));
        understood.then_some(Self { asked })
    }

    /// The names it asks for, with a dot at the end; bytes that are no letters as `\ddd`. Nearly always one.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.asked.queries.iter().map(|query| query.name().to_ascii())
    }

    /// Whether what it asks for leads to addresses: those themselves, and the hints of services (RFC 9460).
    #[must_use]
    pub fn is_for_addresses(&self) -> bool {
        use RecordType::{A, AAAA, HTTPS, SVCB};
        self.asked.queries.iter().all(|query| matches!(query.query_type(), A | AAAA | HTTPS | SVCB))
    }

    /// The answer of a server that fails. It has no SOA record, so that nobody remembers it (RFC 2308).
    #[must_use]
    pub fn fail(&self, failure: Failure) -> Option<Vec<u8>> {
        let mut answer = self.begin();
        answer.metadata.response_code = match failure {
            Failure::NoSuchName => ResponseCode::NXDomain,
            Failure::ServerFailed => ResponseCode::ServFail,
            Failure::Refused => ResponseCode::Refused,
        };
        answer.to_vec().ok()
    }

    /// The answer that these are the addresses: IPv4 to who asks for IPv4, IPv6 to who asks for IPv6, to anybody else that
    /// there are none. One that does not fit into a packet of UDP says so, and is asked for again by TCP.
    #[must_use]
    pub fn answer(&self, addresses: &[IpAddr], carrier: Carrier) -> Option<Vec<u8>> {
        let mut answer = self.begin();
        for query in &self.asked.queries {
            let data = addresses.iter().filter_map(|address| match (address, query.query_type()) {
                (IpAddr::V4(four), RecordType::A) => Some(RData::A((*four).into())),
                (IpAddr::V6(six), RecordType::AAAA) => Some(RData::AAAA((*six).into())),
                _ => None,
            });
            let record = |data| Record::from_rdata(query.name().clone(), NO_TIME, data);
            answer.add_answers(data.map(record));
        }
        let bytes = answer.to_vec().ok()?;
        let room = self.asked.max_payload().min(LARGEST_BY_UDP);
        if carrier == Carrier::Tcp || bytes.len() <= usize::from(room) {
            return Some(bytes);
        }
        answer.truncate().to_vec().ok()
    }

    /// An answer with the question in it, letter by letter: who asks may have mixed large and small ones to know it again.
    fn begin(&self) -> Message {
        let mut answer = Message::response(self.asked.metadata.id, OpCode::Query);
        answer.metadata = Metadata::response_from_request(&self.asked.metadata);
        answer.metadata.recursion_available = true;
        answer.add_queries(self.asked.queries.iter().cloned());
        if let Some(theirs) = &self.asked.edns {
            let mut ours = Edns::new();
            ours.set_max_payload(LARGEST_BY_UDP).set_dnssec_ok(theirs.flags().dnssec_ok);
            answer.set_edns(ours);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
