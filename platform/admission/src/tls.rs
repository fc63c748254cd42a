//! The certificate that is in force, and how a new one takes its place while requests come.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pki_types::pem::PemObject as _;
use pki_types::{CertificateDer, PrivateKeyDer};
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::error::AdmissionError;
use crate::figures::Figures;

/// How often the files are looked at. A mounted Secret changes within a minute or two of its object.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where certificate and key are.
#[derive(Debug, Clone)]
pub struct Files {
    /// Certificate with its chain, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
}

/// The certificate in force.
#[derive(Debug)]
pub struct Certificates {
    files: Files,
    current: RwLock<(Contents, Arc<CertifiedKey>)>,
}

/// What the files held: a new certificate is told by its bytes, as a mounted Secret changes by moving links.
type Contents = (Vec<u8>, Vec<u8>);

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// [`AdmissionError::Unreadable`], [`AdmissionError::Certificate`].
    pub fn load(files: Files) -> Result<Self, AdmissionError> {
        let contents = read(&files)?;
        let key = parse(&files, &contents)?;
        Ok(Self { files, current: RwLock::new((contents, key)) })
    }

    /// Takes up what the files hold now, if that is something else; says whether it was. What cannot be used leaves the
    /// certificate in force where it is.
    ///
    /// # Errors
    /// As [`Certificates::load`].
    pub fn reload(&self) -> Result<bool, AdmissionError> {
        let contents = read(&self.files)?;
        if self.current.read().unwrap_or_else(PoisonError::into_inner).0 == contents {
            return Ok(false);
        }
        let key = parse(&self.files, &contents)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (contents, key);
        Ok(true)
    }

    /// Follows the files until dropped.
    pub(crate) async fn follow(self: Arc<Self>, figures: Arc<Figures>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.reload() {
                Ok(true) => tracing::info!("took up a new certificate"),
                Ok(false) => {}
                Err(error) => {
                    figures.certificate_error();
                    tracing::error!(error = %error, "the changed certificate cannot be used; the old one stays in force");
                }
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).1))
    }
}

fn read(files: &Files) -> Result<Contents, AdmissionError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| AdmissionError::Unreadable { path: path.to_owned(), source })
    };
    Ok((read(&files.certificate)?, read(&files.key)?))
}

fn parse(files: &Files, (certificate, key): &Contents) -> Result<Arc<CertifiedKey>, AdmissionError> {
    let unusable = |reason: String| AdmissionError::Certificate {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        reason,
    };
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|error| unusable(format!("the certificate is no PEM: {error}")))?;
    if chain.is_empty() {
        return Err(unusable("there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| unusable(format!("the key is no PEM: {error}")))?;
    let provider = aws_lc_rs::default_provider();
    let made = CertifiedKey::from_der(chain, key, &provider).map_err(|error| unusable(error.to_string()))?;
    Ok(Arc::new(made))
}
