//! The expressions rules are made of, as in linux/netfilter/nf_tables.h.

use super::super::netlink::Attributes;

/// One step of a rule. Values are in network byte order unless said otherwise; all pass through one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::network) enum Expression {
    /// Goes on when the packet's property is so; numbers of 32 bits are in the machine's order.
    MetaIs(Meta, Vec<u8>),
    /// Goes on when it is not.
    MetaIsNot(Meta, Vec<u8>),
    /// Sets the packet's mark.
    SetMark(u32),
    /// Goes on when bytes of a header are so, after `mask` when there is one.
    HeaderIs { header: Header, offset: u32, value: Vec<u8>, mask: Option<Vec<u8>> },
    /// Goes on when bytes of the transport header lie between these, both included.
    Between { offset: u32, first: Vec<u8>, last: Vec<u8> },
    /// Goes on for so many of a million packets.
    Chance(u32),
    /// Counts.
    Count,
    /// Leads to another chain and not back.
    Goto(String),
    /// Leaves this table.
    Accept,
    /// Drops, without a word.
    Drop,
    /// Drops, and answers with a TCP reset.
    Reset,
    /// Drops, and answers that the host cannot be reached.
    Unreachable,
    /// Hands over to a queue; passes when nobody listens there.
    Queue(u16),
    /// The same through `xt_NFQUEUE`, for kernels without `nft_queue`.
    CompatQueue(u16),
    /// Sends out through the device with this number.
    Forward(u32),
    /// Sends a second one out through the device with this number, and that one bears this mark.
    Duplicate { device: u32, mark: u32 },
    /// Goes on for the last of so many packets.
    Every(u32),
    /// Puts what follows into this zone of connection tracking.
    Zone(u16),
    /// Leads the connection to this port of loopback. For chains of the kind `nat`.
    Redirect(u16),
}

/// Properties of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::network) enum Meta {
    EtherType = 1,
    Mark = 3,
    InDevice = 4,
    OutDevice = 5,
    OutType = 9,
    Family = 15,
    Transport = 16,
}

/// Headers of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::network) enum Header {
    Network = 1,
    Transport = 2,
}

const REGISTER: u32 = 1;
/// Where something is kept for later.
const ASIDE: u32 = 2;
const VERDICT: u32 = 0;
const EQUAL: u32 = 0;
const DIFFERENT: u32 = 1;
const LESS: u32 = 2;
const MILLION: u32 = 1_000_000;
const GOTO: i32 = -4;
const DROP: i32 = 0;
const ACCEPT: i32 = 1;
const BYPASS: u16 = 1;
/// `NFT_CT_ZONE`.
const CT_ZONE: u32 = 17;

impl Expression {
    /// The packet's property is so, on the machine's own byte order.
    pub(in crate::network) fn number_is(meta: Meta, number: u32) -> Self {
        Self::MetaIs(meta, number.to_ne_bytes().to_vec())
    }

    /// The list element of this expression: most are several steps of the kernel.
    pub(super) fn steps(&self) -> Vec<(&'static str, Attributes)> {
        let list = Attributes::new;
        let number = |value: u32| {
            ("immediate", list().number(1, REGISTER).nest(2, list().bytes(1, &value.to_ne_bytes())))
        };
        let mark_from = |register| ("meta", list().number(2, Meta::Mark as u32).number(3, register));
        match self {
            Self::MetaIs(meta, value) => vec![
                ("meta", list().number(1, REGISTER).number(2, *meta as u32)),
                ("cmp", compare(EQUAL, value)),
            ],
            Self::MetaIsNot(meta, value) => vec![
                ("meta", list().number(1, REGISTER).number(2, *meta as u32)),
                ("cmp", compare(DIFFERENT, value)),
            ],
            Self::SetMark(mark) => vec![number(*mark), mark_from(REGISTER)],
            Self::HeaderIs { header, offset, value, mask } => {
                let mut steps = vec![("payload", payload(*header, *offset, value.len()))];
                if let Some(mask) = mask {
                    let zeroes = vec![0; mask.len()];
                    let masked = list()
                        .number(1, REGISTER)
                        .number(2, REGISTER)
                        .number(3, length(mask.len()))
                        .nest(4, list().bytes(1, mask))
                        .nest(5, list().bytes(1, &zeroes));
                    steps.push(("bitwise", masked));
                }
                steps.push(("cmp", compare(EQUAL, value)));
                steps
            }
            Self::Between { offset, first, last } => {
                let between = list()
                    .number(1, REGISTER)
                    .number(2, EQUAL)
                    .nest(3, list().bytes(1, first))
                    .nest(4, list().bytes(1, last));
                vec![("payload", payload(Header::Transport, *offset, first.len())), ("range", between)]
            }
            Self::Chance(million) => vec![
                ("numgen", list().number(1, REGISTER).number(2, MILLION).number(3, 1).number(4, 0)),
                // Comparing looks at bytes from the first on, so the number must be in network order.
                (
                    "byteorder",
                    list().number(1, REGISTER).number(2, REGISTER).number(3, 1).number(4, 4).number(5, 4),
                ),
                ("cmp", compare(LESS, &million.to_be_bytes())),
            ],
            Self::Count => vec![("counter", list())],
            Self::Goto(chain) => vec![verdict(GOTO, Some(chain))],
            Self::Accept => vec![verdict(ACCEPT, None)],
            Self::Drop => vec![verdict(DROP, None)],
            Self::Reset => vec![("reject", list().number(1, 1))],
            Self::Unreachable => vec![("reject", list().number(1, 2).bytes(2, &[2]))],
            Self::Queue(number) => {
                let one = 1_u16.to_be_bytes();
                let queue =
                    list().bytes(1, &number.to_be_bytes()).bytes(2, &one).bytes(3, &BYPASS.to_be_bytes());
                vec![("queue", queue)]
            }
            Self::CompatQueue(number) => {
                // `struct xt_NFQ_info_v3`: number, how many, flags; padded to eight bytes.
                let info: Vec<u8> =
                    [*number, 1, BYPASS, 0].iter().flat_map(|field| field.to_ne_bytes()).collect();
                vec![("target", list().text(1, "NFQUEUE").number(2, 3).bytes(3, &info))]
            }
            Self::Forward(device) => vec![number(*device), ("fwd", list().number(1, REGISTER))],
            Self::Duplicate { device, mark } => vec![
                ("meta", list().number(1, ASIDE).number(2, Meta::Mark as u32)),
                number(*mark),
                mark_from(REGISTER),
                number(*device),
                ("dup", list().number(2, REGISTER)),
                // The first one keeps the mark it had.
                mark_from(ASIDE),
            ],
            Self::Every(packets) => vec![
                ("numgen", list().number(1, REGISTER).number(2, *packets).number(3, 0).number(4, 0)),
                ("cmp", compare(EQUAL, &packets.saturating_sub(1).to_ne_bytes())),
            ],
            Self::Zone(zone) => {
                vec![short(zone.to_ne_bytes()), ("ct", list().number(2, CT_ZONE).number(4, REGISTER))]
            }
            Self::Redirect(port) => vec![short(port.to_be_bytes()), ("redir", list().number(1, REGISTER))],
        }
    }
}

fn short(bytes: [u8; 2]) -> (&'static str, Attributes) {
    ("immediate", Attributes::new().number(1, REGISTER).nest(2, Attributes::new().bytes(1, &bytes)))
}

fn compare(how: u32, value: &[u8]) -> Attributes {
    Attributes::new().number(1, REGISTER).number(2, how).nest(3, Attributes::new().bytes(1, value))
}

fn payload(header: Header, offset: u32, bytes: usize) -> Attributes {
    Attributes::new().number(1, REGISTER).number(2, header as u32).number(3, offset).number(4, length(bytes))
}

fn verdict(code: i32, chain: Option<&str>) -> (&'static str, Attributes) {
    let mut inner = Attributes::new().bytes(1, &code.to_be_bytes());
    if let Some(chain) = chain {
        inner = inner.text(2, chain);
    }
    ("immediate", Attributes::new().number(1, VERDICT).nest(2, Attributes::new().nest(2, inner)))
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("headers are short")
}
