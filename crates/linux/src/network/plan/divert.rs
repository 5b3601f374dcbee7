//! Leading what is sent to DNS servers to sockets of ours.

use std::net::IpAddr;

use steadfast_model::network::Transport;

use super::{
    super::nft::{
        ASKED, Chain, Family, Hook, Rule, Table,
        expression::{Expression, Header, Meta},
    },
    INET_OUTPUT, is_transport, told, transport_number,
};

/// Where DNS servers listen.
const DNS: u16 = 53;
/// `NF_IP_PRI_RAW`: before connection tracking.
const BEFORE_TRACKING: i32 = -300;
/// Before `NF_IP_PRI_NAT_DST`, where others lead connections elsewhere; for each only the first is heard.
const BEFORE_OTHERS: i32 = -110;
/// Where a header of TCP or UDP has its ports.
const SOURCE_PORT: u32 = 0;
const DESTINATION_PORT: u32 = 2;

/// Where questions of one version of IP and one transport are led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::network) struct Diversion {
    /// An address of loopback.
    pub(in crate::network) loopback: IpAddr,
    pub(in crate::network) transport: Transport,
    /// The port there, and the zone of connection tracking for what is led to it.
    pub(in crate::network) to: u16,
}

/// Puts questions and our answers into zones of connection tracking, and leads the questions to us. What bears our mark
/// passes; so do questions to neighbours on one link, as nobody can tell afterwards which link that was.
pub(in crate::network) fn diverting(diversions: &[Diversion], mark: u32) -> Table {
    let pass = || {
        // fe80::/10
        let link_local = Expression::HeaderIs {
            header: Header::Network,
            offset: 24,
            value: vec![0xfe, 0x80],
            mask: Some(vec![0xff, 0xc0]),
        };
        vec![
            Rule::of(vec![Expression::number_is(Meta::Mark, mark), Expression::Accept]),
            Rule::of(vec![of_version(false), link_local, Expression::Accept]),
        ]
    };
    let chain = |name: &str, priority, is_entry, rules| {
        let hook = Some(Hook { number: INET_OUTPUT, priority, devices: Vec::new() });
        Chain { name: name.to_owned(), hook, is_entry, rules }
    };
    let (mut questions, mut answers, mut redirect) = (pass(), Vec::new(), pass());
    for diversion in diversions {
        let question = |then| {
            let Diversion { loopback, transport, .. } = *diversion;
            let start = [of_version(loopback.is_ipv4()), is_transport(transport_number(transport))];
            Rule::of(start.into_iter().chain([port_is(DESTINATION_PORT, DNS), then]).collect())
        };
        questions.push(question(Expression::Zone(diversion.to)));
        answers.push(diversion.answer());
        redirect.push(question(Expression::Redirect(diversion.to)));
    }
    let chains = vec![
        chain("questions", BEFORE_TRACKING, true, questions),
        chain("answers", BEFORE_TRACKING, false, answers),
        chain("redirect", BEFORE_OTHERS, true, redirect),
        // So that the table is found before there is any news.
        Chain { rules: vec![Rule::counting(&format!("{ASKED}0"), Vec::new())], ..told() },
    ];
    Table { family: Family::Inet, chains }
}

impl Diversion {
    fn answer(&self) -> Rule {
        let (offset, value) = match self.loopback {
            IpAddr::V4(four) => (12, four.octets().to_vec()),
            IpAddr::V6(six) => (8, six.octets().to_vec()),
        };
        Rule::of(vec![
            of_version(self.loopback.is_ipv4()),
            Expression::HeaderIs { header: Header::Network, offset, value, mask: None },
            is_transport(transport_number(self.transport)),
            port_is(SOURCE_PORT, self.to),
            Expression::Zone(self.to),
        ])
    }
}

fn of_version(is_v4: bool) -> Expression {
    Expression::MetaIs(Meta::Family, vec![if is_v4 { 2 } else { 10 }])
}

fn port_is(offset: u32, port: u16) -> Expression {
    let value = port.to_be_bytes().to_vec();
    Expression::HeaderIs { header: Header::Transport, offset, value, mask: None }
}
