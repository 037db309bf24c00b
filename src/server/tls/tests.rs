//! What is said in the log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// A log that is kept.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Runs something and gives the lines that it logged.
    fn of(&self, run: impl FnOnce()) -> Vec<String> {
        let subscriber = tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, run);
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Has every place that logs at a start be known to the library before a log is kept: one that a test of another
/// thread comes to in the same moment may else stay silent.
fn warmed_up() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().to_owned();
    let certificate = CertificateSource::SelfMade { state_dir, san: Vec::new() };
    let settings = TlsSettings {
        certificate,
        client_ca: None,
        client_san: Vec::new(),
        announcement: Announcement::made(),
    };
    TlsState::start(settings, now()).unwrap();
}

fn now() -> Clock {
    Arc::new(|| Timestamp::from_second(1_800_000_000).unwrap())
}

#[test]
fn a_bad_pair_is_said_once_for_each_change_and_no_key_is_ever_said() {
    let folder = tempfile::tempdir().unwrap();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let settings = TlsSettings {
        certificate: CertificateSource::Folder(folder.path().to_owned()),
        client_ca: None,
        client_san: Vec::new(),
        announcement: Announcement::made(),
    };
    let log = Log::default();
    let mut state = None;
    let mut all = log.of(|| state = Some(TlsState::start(settings, now()).unwrap()));
    assert_eq!(all.len(), 1, "{all:?}");
    let state = state.unwrap();
    let mut thrice = |lines: usize| {
        let said = log.of(|| (0..3).for_each(|_| state.poll_once()));
        assert_eq!(said.len(), lines, "{said:?}");
        all.extend(said);
    };
    thrice(0);
    write("tls.crt", &certificate.pem());
    thrice(1);
    write("tls.key", &other.serialize_pem());
    thrice(1);
    write("tls.key", &key.serialize_pem());
    thrice(1);
    write("tls.key", &other.serialize_pem());
    thrice(1);
    write("tls.key", &key.serialize_pem());
    thrice(0);
    write("tls.key", &other.serialize_pem());
    thrice(1);
    let secret = |key: &KeyPair| key.serialize_pem().lines().nth(1).unwrap().to_owned();
    assert!(all.iter().all(|line| !line.contains(&secret(&key)) && !line.contains(&secret(&other))));
}

#[test]
fn a_coming_change_of_the_authority_is_said_when_it_is_announced_and_at_each_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = TlsSettings {
        certificate: CertificateSource::SelfMade { state_dir: folder.path().to_owned(), san: Vec::new() },
        client_ca: None,
        client_san: Vec::new(),
        announcement: Announcement::made(),
    };
    let later: Clock = Arc::new(|| Timestamp::from_second(1_800_000_000 + 2434 * 24 * 3600).unwrap());
    TlsState::start(settings.clone(), now()).unwrap();
    for _ in 0..2 {
        let said = Log::default().of(|| {
            let state = TlsState::start(settings.clone(), Arc::clone(&later)).unwrap();
            (0..3).for_each(|_| state.poll_once());
        });
        let told =
            said.iter().filter(|line| line.contains("will be replaced") && line.contains("2034-09-14"));
        assert_eq!(told.count(), 1, "{said:?}");
    }
}

#[test]
fn the_authority_says_where_its_bundle_is_and_never_a_key() {
    warmed_up();
    let folder = tempfile::tempdir().unwrap();
    let settings = TlsSettings {
        certificate: CertificateSource::SelfMade { state_dir: folder.path().to_owned(), san: Vec::new() },
        client_ca: None,
        client_san: Vec::new(),
        announcement: Announcement::made(),
    };
    let mut shown = String::new();
    let said = Log::default().of(|| {
        let state = TlsState::start(settings, now()).unwrap();
        state.poll_once();
        shown = format!("{state:?}");
    });
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|line| line.contains("ca.crt")));
    let kept = std::fs::read_to_string(folder.path().join("authority.pem")).unwrap();
    for line in kept.lines().filter(|line| line.len() == 64) {
        assert!(!shown.contains(line) && said.iter().all(|text| !text.contains(line)));
    }
}
