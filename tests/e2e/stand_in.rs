//! A hostile provider in Hallmark's place: it answers whatever a scenario wants, for every path.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::support::pki::Authority;

/// Gives the body for the keys it was asked about.
type Body = Box<dyn Fn(&[String]) -> String + Send>;

/// How it answers.
pub enum Answering {
    /// With this status and body.
    With(u16, Body),
    /// Not at all, and keeps the connection.
    Never,
    /// By hanging up once it was asked.
    HangUp,
}

pub struct StandIn {
    pub ca: String,
    address: String,
    answering: Arc<Mutex<Answering>>,
    asked: Arc<Mutex<Vec<String>>>,
    listener: JoinHandle<()>,
}

impl StandIn {
    pub async fn start() -> Self {
        let authority = Authority::new("stand-in", "stand-in");
        let pair = authority.issue("stand-in", None, &["127.0.0.1"]);
        let chain = vec![
            tokio_rustls::rustls::pki_types::CertificateDer::from_pem_slice(pair.certificate.as_bytes())
                .expect("PEM"),
        ];
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("PEM");
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("pair");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback port");
        let address = listener.local_addr().expect("address").to_string();
        let answering = Arc::new(Mutex::new(Answering::HangUp));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::spawn(serve(listener, acceptor, Arc::clone(&answering), Arc::clone(&asked)));
        Self { ca: authority.pem, address, answering, asked, listener }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn answer(&self, answering: Answering) {
        *self.answering.lock().expect("answering") = answering;
    }

    /// The keys that it was asked about since this was last called.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("asked"))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answering: Arc<Mutex<Answering>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, answering, asked) = (acceptor.clone(), Arc::clone(&answering), Arc::clone(&asked));
        tokio::spawn(async move {
            // Whoever hangs up is done.
            let _ = connection(stream, acceptor, &answering, &asked).await;
        });
    }
}

/// One request for each connection.
async fn connection(
    stream: tokio::net::TcpStream,
    acceptor: TlsAcceptor,
    answering: &Mutex<Answering>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let keys = request["request"]["keys"].as_array().cloned().unwrap_or_default();
    let keys: Vec<String> = keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect();
    asked.lock().expect("asked").extend(keys.clone());
    let answer = match &*answering.lock().expect("answering") {
        Answering::With(status, body) => Some((*status, body(&keys))),
        Answering::Never => None,
        Answering::HangUp => return Ok(()),
    };
    let Some((status, body)) = answer else {
        // Ends when the asker gives up.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        return Ok(());
    };
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
