//! Why a server is not trusted, from the words of TLS.

use std::fmt;

/// What is wrong with the certificate of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// Whoever signed it is not known.
    Issuer,
    /// It is the certificate of an authority itself. TLS takes none from a server, also where it is a trusted one.
    Authority,
    /// It is for another host.
    Name,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// It is of a version that says too little.
    Version,
    /// Something else, in the words of TLS.
    Other(String),
}

impl Distrust {
    /// What the words of an error of a connection mean, where the certificate of the server is what is wrong.
    pub(crate) fn seen(text: &str) -> Option<Self> {
        text.contains("peer certificate").then(|| Self::of(text))
    }

    /// What the words of an error of TLS mean.
    pub(in crate::store) fn of(text: &str) -> Self {
        let known = [
            ("UnknownIssuer", Self::Issuer),
            ("CaUsedAsEndEntity", Self::Authority),
            ("NotValidForName", Self::Name),
            ("not valid for name", Self::Name),
            ("Expired", Self::Expired),
            ("certificate expired", Self::Expired),
            ("certificate not valid yet", Self::Early),
            ("UnsupportedCertVersion", Self::Version),
        ];
        let found = known.into_iter().find(|(words, _)| text.contains(words));
        found.map_or_else(|| Self::Other(text.to_owned()), |(_, found)| found)
    }

    /// What to do about it, where the certificates of authorities are named with this option.
    pub(crate) fn advice(&self, option: &str) -> String {
        match self {
            Self::Issuer | Self::Other(_) => {
                format!("name the certificate of its authority with {option}, in PEM")
            }
            Self::Authority => format!(
                "{option} does not help with that: give the server a certificate that this authority signed, or one that \
                 signed itself and is no authority (openssl req -x509 -addext basicConstraints=critical,CA:FALSE), and \
                 name what signed it with {option}"
            ),
            Self::Name => "write the URL with a name that stands in its certificate (subjectAltName), or give the server \
                           one for this name"
                .into(),
            Self::Expired => "give the server a new certificate, and check the clock of this machine".into(),
            Self::Early => "check the clocks of both machines".into(),
            Self::Version => "give the server a certificate of version 3, with its name as subjectAltName".into(),
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => "no authority that is trusted has signed its certificate",
            Self::Authority => {
                "its certificate is that of an authority (CA:TRUE), as one that signed itself often is, and no server's"
            }
            Self::Name => "its certificate is for another host",
            Self::Expired => "its certificate has expired",
            Self::Early => "its certificate is not valid yet",
            Self::Version => "its certificate is of version 1",
            Self::Other(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_trusted_and_not_taken_is_told_from_one_without_authority() {
        // As rustls words them, of certificates that were named with --ca-file, but for the first.
        for (text, distrust) in [
            ("invalid peer certificate: UnknownIssuer", Distrust::Issuer),
            (
                "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
                Distrust::Authority,
            ),
            (
                "invalid peer certificate: certificate not valid for name \"localhost\"; certificate is not valid for \
                 any names (according to its subjectAltName extension)",
                Distrust::Name,
            ),
            (
                "invalid peer certificate: certificate expired: verification time 2 (UNIX), but certificate is not \
                 valid after 1 (1 seconds ago)",
                Distrust::Expired,
            ),
            (
                "invalid peer certificate: Other(OtherError(UnsupportedCertVersion))",
                Distrust::Version,
            ),
        ] {
            let found = Distrust::of(text);
            assert_eq!(found, distrust);
            let is_advised = found
                .advice("--ca-file")
                .starts_with("name the certificate");
            assert_eq!(is_advised, found == Distrust::Issuer, "{text}");
        }
        let other = Distrust::of("something else");
        assert_eq!(other.to_string(), "something else");
    }
}
