//! Which addresses a request may go to that a registry sends elsewhere: none of
//! this machine or of a private network, unless the registry itself is there.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Public,
    Loopback,
    LinkLocal,
    Private,
}

/// Returns where an address is.
pub fn place_of(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_of_v4(address),
        IpAddr::V6(address) => place_of_v6(address),
    }
}

fn place_of_v4(address: Ipv4Addr) -> Place {
    let [first, second, ..] = address.octets();
    // 0.0.0.0 reaches this machine. 100.64.0.0/10 is RFC 6598, "shared address
    // space"; 198.18.0.0/15 is RFC 2544.
    if address.is_loopback() || first == 0 {
        Place::Loopback
    } else if address.is_link_local() || address.is_multicast() || address.is_broadcast() {
        Place::LinkLocal
    } else if address.is_private()
        || (first == 100 && (64..128).contains(&second))
        || (first == 198 && (18..20).contains(&second))
    {
        Place::Private
    } else {
        Place::Public
    }
}

fn place_of_v6(address: Ipv6Addr) -> Place {
    if let Some(inner) = address.to_ipv4_mapped() {
        return place_of_v4(inner);
    }
    let segments = address.segments();
    // 64:ff9b::/96 (RFC 6052) and 2002::/16 (RFC 3056) carry an IPv4 address.
    let [.., sixth, seventh] = segments;
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return place_of_v4(v4_of(sixth, seventh));
    }
    if segments[0] == 0x2002 {
        return place_of_v4(v4_of(segments[1], segments[2]));
    }
    if address.is_loopback() || address.is_unspecified() {
        Place::Loopback
    } else if address.is_unicast_link_local() || address.is_multicast() {
        Place::LinkLocal
    } else if address.is_unique_local() {
        Place::Private
    } else {
        Place::Public
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low))
}

/// Which addresses a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Any: the user named the host.
    Anywhere,
    /// Public ones, and those where the registry itself is.
    PublicOr(Place),
}

impl Reach {
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::PublicOr(place) => {
                let there = place_of(address);
                there == Place::Public || there == place
            }
        }
    }
}

/// A name that stands for an address which must not be reached.
#[derive(Debug)]
pub struct Forbidden {
    host: String,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        write!(
            formatter,
            "`{host}` is on this machine or a private network"
        )
    }
}

impl std::error::Error for Forbidden {}

/// Looks names up, and refuses those that stand for an address out of reach.
/// The address that was looked at is the one that is connected to, so that a
/// name cannot change its mind in between.
#[derive(Debug, Clone)]
pub struct Resolver {
    pub reach: Reach,
    /// Hosts of proxies, which the user named.
    pub proxies: Arc<BTreeSet<String>>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { reach, proxies } = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed = |address: &SocketAddr| reach.allows(address.ip());
            if !proxies.contains(&host) && !found.iter().all(allowed) {
                return Err(Forbidden { host }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_place_is_known() {
        let check = |addresses: &[&str], expected: Place| {
            for text in addresses {
                let address = text.parse().expect(text);
                assert_eq!(place_of(address), expected, "{text}");
            }
        };
        check(
            &[
                "127.0.0.1",
                "127.9.9.9",
                "0.0.0.0",
                "::1",
                "::",
                "::ffff:127.0.0.1",
            ],
            Place::Loopback,
        );
        check(
            &[
                "169.254.169.254",
                "fe80::1",
                "::ffff:169.254.1.1",
                "64:ff9b::a9fe:a9fe",
                "ff02::1",
            ],
            Place::LinkLocal,
        );
        check(
            &[
                "10.0.0.1",
                "192.168.1.1",
                "172.16.0.1",
                "100.64.0.1",
                "fd00::1",
                "2002:a00:1::",
            ],
            Place::Private,
        );
        check(
            &["1.1.1.1", "172.32.0.1", "2606:4700::1", "100.128.0.1"],
            Place::Public,
        );
    }

    #[test]
    fn what_is_elsewhere_is_reached_only_where_the_registry_is() {
        let loopback: IpAddr = [127, 0, 0, 1].into();
        let metadata: IpAddr = [169, 254, 169, 254].into();
        assert!(Reach::Anywhere.allows(metadata));
        assert!(Reach::PublicOr(Place::Loopback).allows(loopback));
        assert!(!Reach::PublicOr(Place::Private).allows(loopback));
        assert!(!Reach::PublicOr(Place::Private).allows(metadata));
        assert!(!Reach::PublicOr(Place::Public).allows(loopback));
    }

    #[test]
    fn a_name_that_stands_for_a_private_place_is_no_way_around() {
        let look = |reach, proxies: &[&str]| {
            let proxies = proxies.iter().map(|&host| host.to_owned()).collect();
            let resolver = Resolver {
                reach,
                proxies: Arc::new(proxies),
            };
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let found = runtime.block_on(resolver.resolve("localhost".parse().expect("a name")));
            found.map(|_| ()).map_err(|error| error.to_string())
        };
        let refused = "`localhost` is on this machine or a private network";
        assert_eq!(
            look(Reach::PublicOr(Place::Public), &[]),
            Err(refused.to_owned())
        );
        assert_eq!(look(Reach::PublicOr(Place::Public), &["localhost"]), Ok(()));
        assert_eq!(look(Reach::PublicOr(Place::Loopback), &[]), Ok(()));
        assert_eq!(look(Reach::Anywhere, &[]), Ok(()));
    }
}
