//! Addresses at the other end: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// All addresses that begin with the same bits. Bits after the prefix are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    address: IpAddr,
    prefix: u8,
}

impl Peer {
    /// The first address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits are the same.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The address as bytes: 4 or 16.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        octets(self.address)
    }

    /// One bits as many as the prefix says, then zero bits: as many bytes as the address has.
    #[must_use]
    pub fn mask(&self) -> Vec<u8> {
        mask(self.prefix, self.bytes().len())
    }

    /// Whether it holds addresses that never leave a machine.
    #[must_use]
    pub fn touches_loopback(&self) -> bool {
        let loopback = match self.address {
            IpAddr::V4(_) => Self { address: IpAddr::from([127, 0, 0, 0]), prefix: 8 },
            IpAddr::V6(_) => Self { address: IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), prefix: 128 },
        };
        // Everything is no address of the machine itself, though it holds them.
        self.prefix >= loopback.prefix && loopback.contains(self.address)
    }

    /// Whether an address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other) = (self.bytes(), octets(address));
        own.len() == other.len()
            && self
                .mask()
                .iter()
                .zip(own.iter().zip(&other))
                .all(|(mask, (own, other))| own & mask == other & mask)
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn mask(prefix: u8, length: usize) -> Vec<u8> {
    let ones = |index: usize| usize::from(prefix).saturating_sub(index * 8).min(8);
    (0..length)
        .map(|index| u8::try_from(0xff00_u16 >> ones(index) & 0xff).expect("one byte is left"))
        .collect()
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address: write 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| wrong())?
            }
            Some(_) => return Err(wrong()),
            None => longest,
        };
        if prefix > longest {
            return Err(format!("`{text}` names more bits than an address has, which is {longest}"));
        }
        let peer = Self { address, prefix };
        if peer.bytes().iter().zip(peer.mask()).any(|(byte, mask)| byte & !mask != 0) {
            return Err(format!(
                "`{text}` has bits after its prefix: write the first address of the network"
            ));
        }
        Ok(peer)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match usize::from(self.prefix) == self.bytes().len() * 8 {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.prefix),
        }
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Peer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Peer {
    fn schema_name() -> Cow<'static, str> {
        "Peer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An address or the addresses that begin with the same bits (CIDR), IPv4 or IPv6.",
            "examples": ["10.0.0.7", "10.0.0.0/8", "2001:db8::/32"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_and_networks_are_read_and_print_as_they_are_read() {
        for text in
            ["10.0.0.7", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1", "fe80::/10", "10.1.0.0/17"]
        {
            assert_eq!(text.parse::<Peer>().unwrap().to_string(), text);
        }
        assert_eq!("10.0.0.7/32".parse::<Peer>().unwrap().to_string(), "10.0.0.7");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "10.0.0", "10.0.0.7/33", "::/129", "10.0.0.7/8", "a.b", "10.0.0.0/+8", "10.0.0.0/", "::1/-1"]
        {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_is_known_and_everything_is_not_loopback() {
        for (text, expected) in [
            ("127.0.0.1", true),
            ("127.0.0.0/8", true),
            ("::1", true),
            ("0.0.0.0/0", false),
            ("10.0.0.1", false),
            ("::/0", false),
        ] {
            assert_eq!(text.parse::<Peer>().unwrap().touches_loopback(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_in_the_network_made_of_its_first_bits(bits: u128, prefix in 0_u8..=128) {
            let kept = if prefix == 0 { 0 } else { bits >> (128 - prefix) << (128 - prefix) };
            let address = |bits| IpAddr::from(u128::to_be_bytes(bits));
            let peer: Peer = format!("{}/{prefix}", address(kept)).parse().unwrap();
            prop_assert!(peer.contains(address(bits)));
            if prefix > 0 {
                prop_assert!(!peer.contains(address(bits ^ 1 << (128 - prefix))));
            }
            prop_assert_eq!(peer.to_string().parse::<Peer>().unwrap(), peer);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(peer) = text.parse::<Peer>() {
                prop_assert_eq!(peer.to_string().parse::<Peer>().unwrap(), peer);
            }
        }
    }
}
