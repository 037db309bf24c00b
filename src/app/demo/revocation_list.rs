//! The samples' revocation list, where their certificates say that it is.

use bytes::Bytes;

use super::loopback::{Answer, Asked, Loopback, Page};
use crate::transport::{ClientSettings, GuardedClient, ProxySettings, read_bounded};

const LIST: &[u8] = include_bytes!("../../../tests/fixtures/demo/demo.crl");
const PATH: &str = "/demo.crl";
/// Signed into two certificates, so it cannot be another.
pub(super) const PORT: u16 = 26801;

/// Who serves the list.
#[derive(Debug)]
pub(super) enum ListServer {
    /// This process.
    Own(Loopback),
    /// Another process has the port, and serves the same list: another demo.
    Another,
    /// Nobody, for the reason given.
    Nobody(std::io::Error),
}

impl ListServer {
    pub(super) async fn start() -> Self {
        match Loopback::serve(PORT, List) {
            Ok(server) => Self::Own(server),
            Err(_) if is_served_already().await => Self::Another,
            Err(error) => Self::Nobody(error),
        }
    }

    pub(super) async fn stop(self) {
        if let Self::Own(server) = self {
            server.stop().await;
        }
    }
}

async fn is_served_already() -> bool {
    let settings = ClientSettings { proxy: ProxySettings::Direct, ..ClientSettings::default() };
    let Ok(url) = url::Url::parse(&format!("http://127.0.0.1:{PORT}{PATH}")) else { return false };
    let Ok(client) = GuardedClient::build(&settings) else { return false };
    let Ok(request) = client.request(reqwest::Method::GET, url) else { return false };
    match request.timeout(settings.connect_timeout).send().await {
        Ok(answer) => read_bounded(answer, LIST.len() as u64).await.is_ok_and(|bytes| bytes == LIST),
        Err(_) => false,
    }
}

/// One page.
pub(super) struct List;

impl Page for List {
    fn answer(&self, asked: &Asked<'_>) -> Answer {
        match (asked.reads(), asked.path) {
            (true, PATH) => Answer::new(200, "application/pkix-crl", Bytes::from_static(LIST)),
            (true, _) => Answer::new(404, "text/plain", Bytes::from_static(b"the one list is /demo.crl\n")),
            (false, _) => Answer::new(405, "text/plain", Bytes::from_static(b"the list can only be read\n")),
        }
    }
}
