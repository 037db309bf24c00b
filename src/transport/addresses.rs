//! Which addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses a client may connect to. Link-local, metadata, unspecified, multicast and broadcast
/// addresses are refused whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressPolicy {
    /// 127.0.0.0/8 and ::1.
    pub loopback: bool,
    /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7 and fec0::/10.
    pub private: bool,
}

impl AddressPolicy {
    /// For hosts that an operator or a Pod names, such as registries: private and loopback are usual.
    pub const NAMED: Self = Self { loopback: true, private: true };
    /// For hosts that somebody else names, such as token realms and redirect targets.
    pub const REFERRED: Self = Self { loopback: false, private: true };
    /// For hosts that a certificate names, such as OCSP responders.
    pub const PUBLIC: Self = Self { loopback: false, private: false };

    /// Judges one address, and the IPv4 address inside an IPv6 one.
    ///
    /// # Errors
    /// [`RefusedAddress`] says of which kind it is.
    pub fn check(self, address: IpAddr) -> Result<(), RefusedAddress> {
        let refused = |kind| Err(RefusedAddress { target: address.to_string(), kind });
        match kind_of(address) {
            Kind::Metadata => refused("a metadata service"),
            Kind::LinkLocal => refused("link-local"),
            Kind::Unusable => refused("no host's address"),
            Kind::Loopback if !self.loopback => refused("loopback"),
            Kind::Private if !self.private => refused("private"),
            Kind::Loopback | Kind::Private | Kind::Other => Ok(()),
        }
    }

    /// Judges what a URL names before any resolution: an address, or the name of a metadata service.
    ///
    /// # Errors
    /// [`RefusedAddress`] says of which kind it is.
    pub fn check_url(self, url: &Url) -> Result<(), RefusedAddress> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(address.into()),
            Some(Host::Ipv6(address)) => self.check(address.into()),
            Some(Host::Domain(name)) => self.check_name(name),
            None => Err(RefusedAddress { target: url.scheme().to_owned(), kind: "a URL without host" }),
        }
    }

    fn check_name(self, name: &str) -> Result<(), RefusedAddress> {
        let name = name.trim_end_matches('.');
        let refused = |kind| Err(RefusedAddress { target: name.to_owned(), kind });
        if METADATA_NAMES.iter().any(|metadata| name.eq_ignore_ascii_case(metadata)) {
            return refused("a metadata service");
        }
        let lower = name.to_ascii_lowercase();
        if !self.loopback && (lower == "localhost" || lower.ends_with(".localhost")) {
            return refused("loopback");
        }
        Ok(())
    }
}

/// An address that must not be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target} is refused: it is {kind}")]
pub struct RefusedAddress {
    /// The address or name.
    pub target: String,
    /// Of which kind it is, as words.
    pub kind: &'static str,
}

/// Resolves by the system and keeps only addresses that the policy allows. A name with one refused
/// address is refused as a whole: which of its addresses a connection takes is chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct GuardedResolver(pub(super) AddressPolicy);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &addresses {
                policy.check(address.ip())?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Metadata,
    LinkLocal,
    Loopback,
    Private,
    Unusable,
    Other,
}

const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "instance-data.ec2.internal"];

/// Azure's wire server, Alibaba Cloud's and Oracle's metadata services. The others are link-local.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];

/// EC2's and EKS Pod Identity's (fd00:ec2::254, ::23) and Google's (fd20:ce::254).
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

fn kind_of(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    let [first, second, ..] = address.octets();
    if METADATA_V4.contains(&address) {
        Kind::Metadata
    } else if address.is_link_local() {
        Kind::LinkLocal
    } else if address.is_loopback() {
        Kind::Loopback
    } else if first == 0 || address.is_broadcast() || address.is_multicast() {
        Kind::Unusable
    } else if address.is_private() || (first == 100 && second & 0xc0 == 64) {
        Kind::Private
    } else {
        Kind::Other
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    if METADATA_V6.contains(&address) {
        Kind::Metadata
    } else if address.is_unicast_link_local() {
        Kind::LinkLocal
    } else if address.is_loopback() {
        Kind::Loopback
    } else if address.is_unspecified() || address.is_multicast() {
        Kind::Unusable
    } else if let Some(inner) = embedded_v4(address) {
        kind_of_v4(inner)
    } else if address.is_unique_local() || is_site_local(address) {
        Kind::Private
    } else {
        Kind::Other
    }
}

/// fec0::/10, the private addresses before RFC 3879, which some networks still have.
fn is_site_local(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    first & 0xffc0 == 0xfec0
}

/// The IPv4 address that packets to `address` reach: mapped and compatible (RFC 4291 §2.5.5),
/// NAT64 with the well-known prefix and the local one (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0 | 1, 0, 0, 0, high, low] => {
            Some(from(high, low))
        }
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}
