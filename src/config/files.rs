//! Certificates and keys that settings name, read once and looked at: what a client would refuse at its
//! first request is refused at the start.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use openssl::pkey::PKey;
use openssl::x509::X509;

use crate::secret::SecretString;
use crate::transport::ClientCertificate;

/// The longest certificate or key file that is read, in bytes.
const MAX_PEM_BYTES: u64 = 4 << 20;

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be read, in the system's words.
pub(super) fn text(path: &Path, limit: u64) -> Result<String, String> {
    let file = File::open(path).map_err(|error| words(&error))?;
    let mut text = String::new();
    file.take(limit + 1).read_to_string(&mut text).map_err(|error| words(&error))?;
    if text.len() as u64 > limit {
        return Err(format!("it is longer than {limit} bytes"));
    }
    Ok(text)
}

/// Reads a bundle of CA certificates.
///
/// # Errors
/// Why it cannot be used.
pub(super) fn bundle(path: &Path) -> Result<Arc<str>, String> {
    let pem = text(path, MAX_PEM_BYTES)?;
    certificates(&pem)?;
    Ok(pem.into())
}

/// Reads a client certificate with its chain, and the key that belongs to it.
///
/// # Errors
/// Which of the two files cannot be used, and why.
pub(super) fn client_certificate<'p>(
    chain: &'p Path,
    key: &'p Path,
) -> Result<ClientCertificate, (&'p Path, String)> {
    let chain_pem = text(chain, MAX_PEM_BYTES).map_err(|why| (chain, why))?;
    let found = certificates(&chain_pem).map_err(|why| (chain, why))?;
    let key_pem = text(key, MAX_PEM_BYTES).map_err(|why| (key, why))?;
    // The callback keeps OpenSSL from asking the terminal for a passphrase.
    let private = PKey::private_key_from_pem_callback(key_pem.as_bytes(), |_| Ok(0))
        .map_err(|_| (key, "it holds no private key in PEM that is not encrypted".to_owned()))?;
    let belongs = found
        .first()
        .and_then(|leaf| leaf.public_key().ok())
        .is_some_and(|public| private.public_eq(&public));
    if !belongs {
        return Err((key, format!("it is not the key of the first certificate of {}", chain.display())));
    }
    let pem = format!("{}\n{}\n", chain_pem.trim_end(), key_pem.trim_end());
    Ok(ClientCertificate { pem: SecretString::from(pem) })
}

fn certificates(pem: &str) -> Result<Vec<X509>, String> {
    let found = X509::stack_from_pem(pem.as_bytes())
        .map_err(|_| "it is no PEM, or holds a certificate that cannot be read".to_owned())?;
    if found.is_empty() { Err("it holds no certificate in PEM".to_owned()) } else { Ok(found) }
}

/// Can files be made in this folder? Asked by making one: permissions do not tell of read-only mounts.
pub(super) fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".hallmark-{}", std::process::id()));
    let made = File::create_new(&probe).is_ok();
    if made {
        // A file that cannot be removed from a folder where it was made is nobody's concern here.
        let _ = std::fs::remove_file(&probe);
    }
    made
}

/// `No such file or directory (os error 2)` without its number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
