//! Changes one bit of a packet so that the receiver finds out by a checksum. Pure.

use rand::{Rng, RngExt};

/// The header of Ethernet.
pub(super) const ETHERNET: usize = 14;
const TAG: usize = 4;
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
/// VLAN tags of 802.1Q and 802.1ad.
const TAGS: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Where the IP header of an Ethernet frame begins; `None` in a frame that has none.
pub(super) fn ip_in(frame: &[u8]) -> Option<usize> {
    let mut at = ETHERNET;
    loop {
        let kind: [u8; 2] = frame.get(at - 2..at)?.try_into().ok()?;
        match kind {
            IPV4 | IPV6 => return Some(at),
            tag if TAGS.contains(&tag) => at += TAG,
            _ => return None,
        }
    }
}

/// Changes one bit of what an IP packet carries. The headers of IP stay, as not all of them are under a checksum, and
/// so does the checksum itself: UDP takes one of zero for none. A packet that carries nothing stays as it is.
pub(super) fn spoil(packet: &mut [u8], chance: &mut impl Rng) {
    let Some((carried, protocol)) = carried(packet) else { return };
    let checksum = match protocol {
        Some(TCP) => 16..18,
        Some(UDP) => 6..8,
        Some(ICMP | ICMPV6) => 2..4,
        _ => 0..0,
    };
    let length = packet.len().saturating_sub(carried);
    let spared = checksum.end.min(length) - checksum.start.min(length);
    if length == spared {
        return;
    }
    let mut at = chance.random_range(0..length - spared);
    if at >= checksum.start {
        at += spared;
    }
    packet[carried + at] ^= 1 << chance.random_range(0..8);
}

/// Where what a packet carries begins, and of which protocol it is, when it begins with the header of one.
fn carried(packet: &[u8]) -> Option<(usize, Option<u8>)> {
    match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet[0] & 0xf) * 4;
            let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x1fff;
            let protocol = *packet.get(9)?;
            Some((header, (fragment == 0).then_some(protocol)))
        }
        6 => {
            let (mut at, mut next) = (40, *packet.get(6)?);
            loop {
                match next {
                    // Hop-by-hop options, routing, options for the destination: length in eight bytes beside the first.
                    0 | 43 | 60 => {
                        next = *packet.get(at)?;
                        at += (usize::from(*packet.get(at + 1)?) + 1) * 8;
                    }
                    // A fragment.
                    44 => {
                        next = *packet.get(at)?;
                        let fragment = u16::from_be_bytes([*packet.get(at + 2)?, *packet.get(at + 3)?]) >> 3;
                        at += 8;
                        if fragment != 0 {
                            return Some((at, None));
                        }
                    }
                    protocol => return Some((at, Some(protocol))),
                }
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The sum of RFC 1071.
    fn sum(bytes: &[u8]) -> u16 {
        let words =
            bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])));
        let sum = words.fold(0, |sum: u32, word| (sum + word) % 0xffff);
        u16::try_from(sum).unwrap()
    }

    fn ipv4(protocol: u8, carries: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 20];
        (packet[0], packet[9]) = (0x45, protocol);
        packet.extend_from_slice(carries);
        packet
    }

    proptest! {
        #[test]
        fn one_bit_of_what_is_carried_changes_and_a_checksum_finds_it(
            bytes in proptest::collection::vec(any::<u8>(), 9..200), seed: u64,
            protocol in proptest::sample::select(vec![TCP, UDP, ICMP, 132])
        ) {
            let before = ipv4(protocol, &bytes);
            let mut after = before.clone();
            spoil(&mut after, &mut ChaCha8Rng::seed_from_u64(seed));
            let bits: u32 = before.iter().zip(&after).map(|(a, b)| (a ^ b).count_ones()).sum();
            prop_assert_eq!(bits, 1);
            prop_assert_eq!(&before[..20], &after[..20]);
            prop_assert_ne!(sum(&before), sum(&after));
            let checksum = match protocol { TCP => 36..38, UDP => 26..28, ICMP => 22..24, _ => 20..20 };
            prop_assert_eq!(before.get(checksum.clone()), after.get(checksum));
        }

        #[test]
        fn whatever_it_is_it_is_read_without_a_panic(mut bytes: Vec<u8>, seed: u64) {
            let before = bytes.clone();
            if let Some(at) = ip_in(&bytes) {
                spoil(&mut bytes[at..], &mut ChaCha8Rng::seed_from_u64(seed));
            }
            spoil(&mut bytes, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(before.len(), bytes.len());
        }
    }

    #[test]
    fn what_carries_nothing_stays_as_it_is_and_headers_of_ipv6_are_passed_over() {
        let chance = &mut ChaCha8Rng::seed_from_u64(1);
        let mut empty = ipv4(TCP, &[]);
        spoil(&mut empty, chance);
        assert_eq!(empty, ipv4(TCP, &[]));
        // Hop-by-hop options of eight bytes, the first fragment, UDP without data.
        let mut six = vec![0; 40 + 8 + 8 + 8];
        (six[0], six[6], six[40], six[48]) = (0x60, 0, 44, UDP);
        assert_eq!(carried(&six), Some((56, Some(UDP))));
        let before = six.clone();
        for _ in 0..100 {
            spoil(&mut six, chance);
        }
        assert_eq!((&six[..56], &six[62..]), (&before[..56], &before[62..]), "nor does the checksum change");
        // Another fragment has no header of a protocol.
        six[51] = 8;
        assert_eq!(carried(&six), Some((56, None)));
        assert_eq!(ip_in(&[0; 14]), None);
        let tagged = [&[0; 12][..], &[0x81, 0, 0, 5, 0x86, 0xdd]].concat();
        assert_eq!(ip_in(&tagged), Some(18));
    }
}
