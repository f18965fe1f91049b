//! Which certificates are trusted, and which are shown: the system's, those of
//! the folders `certs.d`, and those that the config names for a host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::registry::error::{Error, Reason, Result};

/// What a host's TLS is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Profile {
    pub ca_file: Option<PathBuf>,
    pub folders: Vec<PathBuf>,
    pub insecure: bool,
    /// Whether nothing is verified because nothing is sent by TLS.
    pub unused: bool,
}

impl Profile {
    /// Returns the TLS of this profile. Reads the system's certificates where they
    /// are needed, which takes some milliseconds.
    ///
    /// # Errors
    /// For a file of certificates that cannot be read or used.
    pub fn config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::new(Reason::Settings, "cannot set TLS up").because(error.to_string())
            })?;
        let builder = if self.insecure {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let mut config = match self.pair()? {
            None => builder.with_no_client_auth(),
            Some(pair) => builder
                .with_client_auth_cert(pair.certificates, pair.key)
                .map_err(|error| unusable(&pair.path, &error.to_string()))?,
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        if self.unused {
            return Ok(roots);
        }
        // One bad file among the system's hundreds is no reason to stop.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let mut files: Vec<PathBuf> = self.ca_file.iter().cloned().collect();
        for folder in &self.folders {
            files.extend(files_of(folder, "crt")?);
        }
        for file in files {
            let certificates = certificates_of(&file)?;
            for certificate in certificates {
                roots
                    .add(certificate)
                    .map_err(|error| unusable(&file, &error.to_string()))?;
            }
        }
        Ok(roots)
    }

    /// Returns the client's certificate and key, of the first pair `*.cert` and
    /// `*.key` that the folders hold.
    fn pair(&self) -> Result<Option<Pair>> {
        let mut paths = Vec::new();
        for folder in &self.folders {
            paths.extend(files_of(folder, "cert")?);
        }
        let Some(path) = paths.into_iter().next() else {
            return Ok(None);
        };
        let key = path.with_extension("key");
        if !key.is_file() {
            let rule = format!("its key `{}` is missing", key.display());
            return Err(unusable(&path, &rule));
        }
        Ok(Some(Pair {
            certificates: certificates_of(&path)?,
            key: PrivateKeyDer::from_pem_file(&key)
                .map_err(|error| unusable(&key, &error.to_string()))?,
            path,
        }))
    }
}

/// What is shown to a server that asks who its client is.
struct Pair {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    path: PathBuf,
}

/// Returns the files of a folder with that ending, in the order of their names.
fn files_of(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| unusable(folder, &error.to_string()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    Ok(files)
}

fn certificates_of(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(path, &error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(path, "it holds no certificate"));
    }
    Ok(certificates)
}

fn unusable(path: &Path, rule: &str) -> Error {
    let message = format!("cannot use the certificates of `{}`", path.display());
    Error::new(Reason::Settings, message).because(rule)
}

/// Takes any certificate, where the user said so.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
