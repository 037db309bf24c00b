//! Values that cannot be printed, URLs printed without what may be secret in them, and Secrets kept by name.

mod kept;

pub use kept::{
    Beyond, NamedSecrets, SecretData, SecretName, SecretState, Secrets, ServiceAccountName,
    ServiceAccountState,
};
pub use secrecy::{ExposeSecret, SecretString};

use url::Url;

/// A URL as it may be logged: no user information, no query, no fragment. Queries of token realms and of
/// pre-signed blob locations are credentials.
pub fn loggable(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail only for URLs that cannot carry the part in question, which then have none.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let url = Url::parse("https://user:pw@r.io/token?account=a&refresh_token=hush#f").expect("url");
        assert_eq!(loggable(&url), "https://r.io/token");
        assert!(!format!("{:?}", SecretString::from("hush")).contains("hush"));
    }
}
