//! Keys and certificates in a Secret of the Kubernetes API. Whoever watches the API keeps what it says;
//! this reads what is kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{KeyContent, KeySet, KeySource, KeySourceError, read_material};
use crate::secret::{SecretData, SecretName, SecretState, Secrets};

/// What is kept is looked at again after this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the keys of certificates and public keys end in.
const ENDINGS: [&str; 3] = [".crt", ".pem", ".pub"];

/// Keys of a Secret, united.
#[derive(Debug)]
pub struct SecretSource {
    secrets: Secrets,
    name: SecretName,
    key: Option<String>,
    content: KeyContent,
    read: Mutex<Option<Read>>,
}

/// What was made of what a Secret held: it is looked at every second, and parsed when it changes.
#[derive(Clone, Debug)]
struct Read {
    data: Arc<SecretData>,
    keys: Result<KeySet, KeySourceError>,
}

impl SecretSource {
    /// The Secret of this name, as `secrets` keeps it. `key` names one key of it; without, every key that
    /// ends in `.crt`, `.pem` or `.pub` is read, or the only one.
    pub fn new(secrets: Secrets, name: SecretName, key: Option<String>, content: KeyContent) -> Self {
        Self { secrets, name, key, content, read: Mutex::default() }
    }

    /// Reads what is kept.
    ///
    /// # Errors
    /// [`KeySourceError`]: one key that cannot be read spoils the set.
    pub fn read(&self, now: Timestamp) -> Result<KeySet, KeySourceError> {
        let data = match self.secrets.get(&self.name) {
            SecretState::Found(data) => data,
            SecretState::Missing => return Err(KeySourceError::NoSecret(self.name.clone())),
            SecretState::Forbidden => return Err(KeySourceError::SecretForbidden(self.name.clone())),
            SecretState::Unknown => return Err(KeySourceError::SecretUnread(self.name.clone())),
            SecretState::Beyond(beyond) => {
                return Err(KeySourceError::SecretBeyond { secret: self.name.clone(), beyond });
            }
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = read.as_ref().filter(|read| Arc::ptr_eq(&read.data, &data)) {
            return read.keys.as_ref().map(|keys| keys.seen_again(now)).map_err(Clone::clone);
        }
        let keys = self.parse(&data, now);
        *read = Some(Read { data, keys: keys.clone() });
        keys
    }

    fn parse(&self, data: &SecretData, now: Timestamp) -> Result<KeySet, KeySourceError> {
        let mut keys = Vec::new();
        for (key, bytes) in self.chosen(data)? {
            let origin = format!("Secret {} {key}", self.name);
            let read = read_material(bytes, self.content, &origin);
            keys.extend(read.map_err(|error| KeySourceError::Material { origin, error })?);
        }
        Ok(KeySet::new(keys, now))
    }

    /// The keys to read with what they hold; never none.
    fn chosen<'a>(&'a self, data: &'a SecretData) -> Result<Vec<(&'a str, &'a [u8])>, KeySourceError> {
        let keys: Vec<&str> = match &self.key {
            Some(key) => vec![key],
            None => {
                let ours = |key: &&str| ENDINGS.iter().any(|ending| key.ends_with(ending));
                let ending: Vec<_> = data.keys().filter(ours).collect();
                if ending.is_empty() && data.keys().count() == 1 { data.keys().collect() } else { ending }
            }
        };
        let found: Vec<_> = keys.iter().filter_map(|key| Some((*key, data.get(key)?))).collect();
        if found.is_empty() {
            let wanted = self.key.clone().unwrap_or_else(|| "that ends in .crt, .pem or .pub".to_owned());
            return Err(KeySourceError::NoSecretKey { secret: self.name.clone(), wanted });
        }
        Ok(found)
    }
}

impl KeySource for SecretSource {
    fn refresh(&self, now: Timestamp) -> BoxFuture<'_, Result<KeySet, KeySourceError>> {
        Box::pin(std::future::ready(self.read(now)))
    }

    fn refresh_interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::secret::Beyond;
    use crate::test_signer::{KeyKind, TestSigner};
    use crate::trust::key_source::{KeySets, KeySourceSettings, KeySources, MaterialError};

    fn name() -> SecretName {
        SecretName { namespace: "team".into(), name: "anchors".into() }
    }

    fn put(secrets: &Secrets, entries: &[(&str, &str)]) {
        let data = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        secrets.set(name(), SecretState::Found(Arc::new(data.collect())));
    }

    fn read(secrets: &Secrets, key: Option<&str>) -> Result<usize, KeySourceError> {
        let source =
            SecretSource::new(secrets.clone(), name(), key.map(str::to_owned), KeyContent::Certificates);
        source.read(Timestamp::UNIX_EPOCH).map(|set| set.keys().len())
    }

    #[test]
    fn the_named_key_is_read_else_those_with_the_right_ending_else_the_only_one() {
        let secrets = Secrets::default();
        let [first, second] = [(); 2].map(|()| TestSigner::new(KeyKind::P256).root_pem());
        put(&secrets, &[("ca.crt", &first), ("old.pem", &second), ("note", "x")]);
        assert_eq!(read(&secrets, None), Ok(2));
        assert_eq!(read(&secrets, Some("ca.crt")), Ok(1));
        assert!(matches!(read(&secrets, Some("ca")), Err(KeySourceError::NoSecretKey { .. })));
        put(&secrets, &[("anchors", &first)]);
        assert_eq!(read(&secrets, None), Ok(1));
        put(&secrets, &[("a", &first), ("b", &second)]);
        assert!(read(&secrets, None).is_err_and(|error| error.is_removal()));
    }

    #[test]
    fn a_private_key_is_refused() {
        let secrets = Secrets::default();
        put(&secrets, &[("tls.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]);
        let error = read(&secrets, None).expect_err("refused");
        assert!(matches!(error, KeySourceError::Material { error: MaterialError::PrivateKey, .. }));
    }

    /// The Secret as the one source, called `k`.
    fn sources(secrets: &Secrets) -> KeySources {
        let settings =
            KeySourceSettings::Secret { name: name(), key: None, content: KeyContent::Certificates };
        KeySources::build(&BTreeMap::from([("k".into(), settings)]), secrets)
    }

    #[tokio::test]
    async fn an_outage_keeps_the_last_good_set_and_a_deletion_takes_it_away() {
        let secrets = Secrets::default();
        let sources = sources(&secrets);
        let mut sets = KeySets::default();
        let mut held = async |second: i64| {
            sets = sources.refresh(&sets, Timestamp::from_second(second).expect("time")).await;
            let state = sets.get("k").cloned().unwrap_or_default();
            (state.set.map_or(0, |set| set.keys().len()), state.failure.is_some())
        };
        assert_eq!(held(1).await, (0, true), "nobody has looked yet");
        put(&secrets, &[("ca.crt", &TestSigner::new(KeyKind::P256).root_pem())]);
        assert_eq!(held(2).await, (1, false));
        secrets.set(name(), SecretState::Forbidden);
        assert_eq!(held(3).await, (1, true));
        put(&secrets, &[("ca.crt", "spoilt")]);
        assert_eq!(held(4).await, (1, true));
        secrets.set(name(), SecretState::Missing);
        assert_eq!(held(5).await, (0, true));
    }

    #[test]
    fn a_secret_that_did_not_change_is_not_parsed_again() {
        let secrets = Secrets::default();
        put(&secrets, &[("ca.crt", &TestSigner::new(KeyKind::P256).root_pem())]);
        let source = SecretSource::new(secrets.clone(), name(), None, KeyContent::Certificates);
        let read = |second: i64| source.read(Timestamp::from_second(second).expect("time")).expect("keys");
        let (first, again) = (read(1), read(2));
        assert!(std::ptr::eq(first.keys(), again.keys()));
        assert_eq!(again.loaded_at(), Timestamp::from_second(2).expect("time"), "and is known to be there");
        put(&secrets, &[("ca.crt", &TestSigner::new(KeyKind::P256).root_pem())]);
        assert_ne!(read(3).content(), first.content());
    }

    /// Nobody would hear of it if the keys of one that is not followed were gone.
    #[tokio::test]
    async fn one_that_is_too_long_keeps_the_last_good_set_and_one_that_is_left_out_does_not() {
        let secrets = Secrets::default();
        put(&secrets, &[("ca.crt", &TestSigner::new(KeyKind::P256).root_pem())]);
        let sources = sources(&secrets);
        let mut sets = KeySets::default();
        let mut held = async |second: i64| {
            sets = sources.refresh(&sets, Timestamp::from_second(second).expect("time")).await;
            let state = sets.get("k").cloned().unwrap_or_default();
            let said = state.failure.map(|failure| failure.to_string()).unwrap_or_default();
            (state.set.map_or(0, |set| set.keys().len()), said)
        };
        assert_eq!(held(1).await, (1, String::new()));
        secrets.set(name(), SecretState::Beyond(Beyond::Length { limit: 7 }));
        let said = "Secret team/anchors is too long: at most 7 bytes of one are read";
        assert_eq!(held(2).await, (1, said.to_owned()));
        secrets.set(name(), SecretState::Beyond(Beyond::Number));
        let said = "Secret team/anchors is not read: too many are named; name fewer";
        assert_eq!(held(3).await, (0, said.to_owned()));
    }
}
