//! TLS the way Node's options ask for it, for servers of all kinds.

use super::settings::TlsSettings;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// Makes what a client needs to speak TLS.
///
/// # Errors
/// Says which of the certificates and keys cannot be used.
pub(super) fn config(settings: &TlsSettings) -> Result<ClientConfig, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = Verifier::new(settings, Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(match (&settings.cert, &settings.key) {
        (Some(cert), Some(key)) => {
            if settings.passphrase.is_some() {
                return Err(
                    "the private key (ssl.key) is encrypted, which is not supported; decrypt it \
                     with: openssl pkey -in KEY"
                        .into(),
                );
            }
            let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                .map_err(|_| "the private key (ssl.key) is not PEM".to_owned())?;
            config
                .with_client_auth_cert(certificates(cert, "ssl.cert")?, key)
                .map_err(|error| format!("the certificate and key do not fit: {error}"))?
        }
        _ => config.with_no_client_auth(),
    })
}

fn certificates(pem: &str, name: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err(format!("the certificate ({name}) is not PEM")),
    }
}

/// Words for what the verifier has none for.
fn words(why: &str) -> String {
    let known = [
        (
            "CaUsedAsEndEntity",
            "the server's certificate signed itself, and is not the one that is trusted (ssl.ca)",
        ),
        (
            "UnsupportedCertVersion",
            "the server's certificate is of version 1, which cannot be checked: make one of version 3 (openssl x509 -req \
             with -extfile), or set ssl.rejectUnauthorized to false",
        ),
    ];
    let found = known.iter().find(|(name, _)| why.contains(name));
    found.map_or_else(
        || format!("the server's certificate is not valid: {why}"),
        |(_, words)| (*words).to_owned(),
    )
}

/// Checks the server's certificate as far as the settings ask for it.
#[derive(Debug)]
struct Verifier {
    authorities: Arc<WebPkiServerVerifier>,
    /// Certificates that are trusted themselves; Node takes a server's own for an authority.
    pinned: Vec<CertificateDer<'static>>,
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
    check: bool,
    check_name: bool,
}

impl Verifier {
    fn new(settings: &TlsSettings, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let mut pinned = Vec::new();
        match &settings.ca {
            Some(pem) => {
                pinned = certificates(pem, "ssl.ca")?;
                for certificate in &pinned {
                    roots
                        .add(certificate.clone())
                        .map_err(|error| format!("the authority (ssl.ca): {error}"))?;
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let authorities =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| format!("the authorities (ssl.ca): {error}"))?;
        let name = match &settings.servername {
            Some(name) => Some(
                ServerName::try_from(name.clone())
                    .map_err(|_| format!("ssl.servername `{name}` is not a name"))?,
            ),
            None => None,
        };
        Ok(Self {
            authorities,
            pinned,
            name,
            provider,
            check: settings.reject_unauthorized,
            check_name: settings.verify_identity,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.check {
            return Ok(ServerCertVerified::assertion());
        }
        let name = self.name.as_ref().unwrap_or(server_name);
        let result = self.authorities.verify_server_cert(
            end_entity,
            intermediates,
            name,
            ocsp_response,
            now,
        );
        match result {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check_name => Ok(ServerCertVerified::assertion()),
            // The verifier takes no authority for a server, not even one that is trusted as such.
            Err(Error::InvalidCertificate(CertificateError::Other(why)))
                if format!("{why:?}").contains("CaUsedAsEndEntity")
                    && self.pinned.iter().any(|own| own == end_entity) =>
            {
                if self.check_name {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            Err(Error::InvalidCertificate(CertificateError::Other(why))) => {
                Err(Error::General(words(&format!("{why:?}"))))
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.check {
            // Of whom it is is not looked at either.
            return Ok(HandshakeSignatureValid::assertion());
        }
        crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.check {
            // Of whom it is is not looked at either.
            return Ok(HandshakeSignatureValid::assertion());
        }
        crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
