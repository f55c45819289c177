//! Which addresses files by URL may come from.
//!
//! A URL stands in a row, and who wrote it there is not known. On the machine that runs this program it may lead to
//! what is reached from inside a network alone: other services, and the servers that give machines their credentials.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use url::{Host, Url};

/// Why an address is not connected to, on its way through the client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub String);

/// What may be reached besides the public network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    /// Whether addresses of private networks are fine. Those of servers of metadata never are, nor is the local link.
    pub private_hosts: bool,
    /// Hosts and ports that the project itself names; these may be anywhere.
    pub own: Vec<(String, u16)>,
}

/// Where machines of the clouds get their credentials from. That of Azure is no reserved address.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// What the addresses are that no router passes on.
const LOCAL_LINK: &str = "of the local link";

/// Ranges of IPv4 that no public server has: where they begin, how many bits tell them, and what they are.
const RANGES_4: [([u8; 4], u32, &str); 15] = [
    ([0, 0, 0, 0], 8, "of this machine"),
    ([10, 0, 0, 0], 8, "of a private network"),
    ([100, 64, 0, 0], 10, "of a provider's own network"),
    ([127, 0, 0, 0], 8, "of this machine"),
    ([169, 254, 0, 0], 16, LOCAL_LINK),
    ([172, 16, 0, 0], 12, "of a private network"),
    ([192, 0, 0, 0], 24, "reserved"),
    ([192, 0, 2, 0], 24, "reserved"),
    ([192, 88, 99, 0], 24, "reserved"),
    ([192, 168, 0, 0], 16, "of a private network"),
    ([198, 18, 0, 0], 15, "reserved"),
    ([198, 51, 100, 0], 24, "reserved"),
    ([203, 0, 113, 0], 24, "reserved"),
    ([224, 0, 0, 0], 4, "of several machines"),
    ([240, 0, 0, 0], 4, "reserved"),
];

/// The same of IPv6, as the first four parts.
const RANGES_6: [([u16; 4], u32, &str); 11] = [
    // Behind it may be any address of IPv4, in disguise.
    ([0x2001, 0, 0, 0], 32, "of a tunnel"),
    ([0x2001, 2, 0, 0], 48, "reserved"),
    ([0x2001, 0x10, 0, 0], 28, "reserved"),
    ([0x2001, 0x20, 0, 0], 28, "reserved"),
    ([0x2001, 0xdb8, 0, 0], 32, "reserved"),
    ([0x3fff, 0, 0, 0], 20, "reserved"),
    ([0xfc00, 0, 0, 0], 7, "of a private network"),
    ([0xfe80, 0, 0, 0], 10, LOCAL_LINK),
    ([0xfec0, 0, 0, 0], 10, "of a private network"),
    ([0xff00, 0, 0, 0], 8, "of several machines"),
    // What is left of this is not given to anybody yet.
    ([0x64, 0xff9b, 1, 0], 48, "of a private network"),
];

impl Guard {
    /// Whether the project itself names this place.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let host = url.host_str().map(bare);
        self.own
            .iter()
            .any(|(name, number)| Some(*number) == port && host == Some(bare(name)))
    }

    /// Why an address must not be reached.
    ///
    /// # Errors
    /// What it is.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), String> {
        let bare = plain(address);
        if METADATA.contains(&bare) || METADATA.contains(&address) {
            return Err("gives credentials to machines".into());
        }
        // Beside these, clouds have more such servers there, and nobody keeps files there.
        let is_local_link = |address| reserved(address) == Some(LOCAL_LINK);
        if is_local_link(bare) || is_local_link(address) {
            return Err(format!(
                "is {LOCAL_LINK}, where machines get their credentials from"
            ));
        }
        match reserved(bare) {
            Some(what) if !self.private_hosts => {
                let allowed = "--allow-private-hosts lets such through";
                Err(format!("is {what} ({allowed})"))
            }
            _ => Ok(()),
        }
    }

    /// Sees that the host of a URL may be reached, where that is told without a question to anybody.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check_literal(&self, url: &Url) -> Result<(), String> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err("its URL names no host".into()),
        };
        let check = self.check(address);
        check.map_err(|why| format!("its URL leads to {address}, which {why}"))
    }

    /// Sees that all addresses of a name may be reached: whoever connects may take any.
    ///
    /// # Errors
    /// Why one of them must not.
    pub(super) fn check_all(&self, name: &str, addresses: &[SocketAddr]) -> Result<(), String> {
        addresses.iter().try_for_each(|address| {
            let check = self.check(address.ip());
            check.map_err(|why| leads(name, address.ip(), &why))
        })
    }
}

fn leads(name: &str, address: IpAddr, why: &str) -> String {
    format!("its host {name} has the address {address}, which {why}")
}

/// A host without what may be written around it: brackets, the dot of the root, capital letters.
fn bare(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The address that is meant: one of IPv4 may hide in one of IPv6.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(address) = address else {
        return address;
    };
    let parts = address.segments();
    let pair = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // Mapped, translated by a machine on the way (two forms), and the form before these.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => pair(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => pair(high, low),
        [0x2002, high, low, ..] => pair(high, low),
        _ => IpAddr::V6(address),
    }
}

/// What an address is, where no public server has it.
fn reserved(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            let of = |bytes: [u8; 4], bits: u32| u32::from_be_bytes(bytes) >> (32 - bits);
            let mut ranges = RANGES_4.iter();
            let found =
                ranges.find(|(start, bits, _)| of(address.octets(), *bits) == of(*start, *bits));
            found.map(|(_, _, what)| *what)
        }
        IpAddr::V6(address) => {
            if address.is_loopback() || address.is_unspecified() {
                return Some("of this machine");
            }
            let joined = |parts: &[u16]| {
                parts
                    .iter()
                    .fold(0_u64, |all, part| all << 16 | u64::from(*part))
            };
            let start = joined(&address.segments()[..4]);
            let mut ranges = RANGES_6.iter();
            let found = ranges
                .find(|(range, bits, _)| start >> (64 - bits) == joined(range) >> (64 - bits));
            let found = found.map(|(_, _, what)| *what);
            // All that is public begins with the same three bits.
            found.or((start >> 61 != 1).then_some("reserved"))
        }
    }
}

/// The addresses of a name.
///
/// # Errors
/// Nobody knows the name.
pub(super) fn look_up(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok((name, 0).to_socket_addrs()?.collect())
}

/// Resolves names to addresses that may be reached, and to no others: what it gives is what is connected to.
pub(super) struct Checked {
    pub guard: Arc<Guard>,
    /// Hosts that are no files' but those of the proxies, which the user has named.
    pub proxies: Vec<String>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.proxies.contains(&bare(name.as_str()));
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let asked = name.clone();
            let found = tokio::task::spawn_blocking(move || look_up(&asked)).await??;
            if is_proxy {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let mut refused = None;
            let mut fine = Vec::new();
            for address in found {
                match guard.check(address.ip()) {
                    Ok(()) => fine.push(address),
                    Err(why) => refused = Some(leads(&name, address.ip(), &why)),
                }
            }
            match refused {
                Some(why) if fine.is_empty() => Err(Refused(why).into()),
                _ => Ok(Box::new(fine.into_iter()) as Addrs),
            }
        })
    }
}

/// The hosts of the proxies that these URLs name, as [`Checked`] wants them.
pub(super) fn hosts<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<String> {
    let urls = urls.filter_map(|url| {
        let with_scheme = || Url::parse(&format!("http://{url}"));
        let parsed = Url::parse(url).ok().filter(Url::has_host);
        parsed.or_else(|| with_scheme().ok())
    });
    urls.filter_map(|url| url.host_str().map(bare)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(private_hosts: bool) -> Guard {
        Guard {
            private_hosts,
            own: vec![("Minio.local".into(), 9000), ("127.0.0.1".into(), 80)],
        }
    }

    /// Whether the guard lets a URL with a literal address through.
    fn passes(guard: &Guard, host: &str) -> bool {
        let url = Url::parse(&format!("http://{host}/x")).expect(host);
        assert!(!matches!(url.host(), Some(Host::Domain(_))), "{host}");
        guard.check_literal(&url).is_ok()
    }

    #[test]
    fn addresses_that_no_public_server_has_are_refused() {
        let private = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[fc00::1]",
            "[fdff::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[100::1]",
            "[2001::1]",
            "[2001:2::1]",
            "[2001:10::1]",
            "[2001:2f::1]",
            "[2001:db8::1]",
            "[3fff:fff::1]",
            "[5f00::1]",
            "[4000::1]",
            // An address of IPv4 in others' clothes.
            "[::ffff:10.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:0:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::192.168.0.1]",
            "[64:ff9b:1::8.8.8.8]",
            "[2002:7f00:1::1]",
            "[2002:c0a8:101::]",
        ];
        for host in private {
            assert!(!passes(&guard(false), host), "{host}");
            assert!(passes(&guard(true), host), "{host}");
        }
        let public = [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "[2606:4700::1111]",
            "[2001:4860:4860::8888]",
            "[2001:30::1]",
            "[64:ff9b::8.8.8.8]",
            "[::ffff:8.8.8.8]",
            "[2002:808:808::1]",
            "[2003::1]",
        ];
        for host in public {
            assert!(passes(&guard(false), host), "{host}");
        }
    }

    #[test]
    fn servers_of_metadata_are_refused_also_where_private_hosts_are_not() {
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1",
            "169.254.255.255",
            "[fe80::1]",
            "[febf::1]",
            "[fe80::a9fe:a9fe]",
            "[2002:a9fe:1::]",
            "100.100.100.200",
            "168.63.129.16",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::]",
        ] {
            assert!(!passes(&guard(true), host), "{host}");
        }
    }

    #[test]
    fn odd_spellings_of_an_address_are_that_address() {
        for host in [
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "0",
            "0251.0376.0251.0376",
            "[0:0:0:0:0:ffff:7f00:0001]",
        ] {
            assert!(!passes(&guard(false), host), "{host}");
        }
    }

    #[test]
    fn what_the_project_names_is_its_own_with_its_port_alone() {
        let is_own = |url: &str| guard(false).is_own(&Url::parse(url).expect(url));
        assert!(is_own("http://minio.local:9000/x"));
        assert!(is_own("https://MINIO.local.:9000/x"));
        assert!(is_own("http://127.0.0.1/x") && is_own("http://0x7f.1:80/x"));
        assert!(!is_own("http://minio.local/x") && !is_own("https://127.0.0.1/x"));
        assert!(!is_own("http://minio.local.example.com:9000/x"));
    }

    #[test]
    fn a_name_is_as_private_as_any_of_its_addresses() {
        let at = |text: &str| SocketAddr::new(text.parse().expect(text), 0);
        let (public, private) = (at("1.1.1.1"), at("10.0.0.1"));
        assert_eq!(guard(false).check_all("x", &[public]), Ok(()));
        let why = guard(false).check_all("x", &[public, private]);
        assert!(why.expect_err("refused").contains("10.0.0.1"));
    }

    #[test]
    fn proxies_are_known_by_their_hosts() {
        let urls = [
            "http://user:pw@Proxy.local:3128",
            "proxy:8080",
            "socks5://p",
        ];
        assert_eq!(hosts(urls.into_iter()), ["proxy.local", "proxy", "p"]);
    }
}
