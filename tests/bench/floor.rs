//! What answering costs that decides nothing: a server of the same crates, with the same TLS, that reads a body
//! and sends as many bytes as the path asks for. No provider on these crates costs less.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;

use crate::process::cpu_of;

/// The argument by which the benchmark runs as this server.
pub const ARGUMENT: &str = "floor";

/// The server as a process of its own; killed when dropped.
pub struct Floor {
    child: Child,
    pub http: reqwest::Client,
    url: String,
}

impl Drop for Floor {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until it is killed; its certificate goes to `folder`, and its address is the first line that it prints.
pub fn serve(folder: &Path) -> anyhow::Result<()> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let config = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(|| App::new().route("/{bytes}", web::post().to(answer)))
            .tcp_nodelay(true)
            .keep_alive(Duration::from_secs(120))
            .listen_rustls_0_23(listener, config)?
            .run();
        std::fs::write(folder.join("ca.crt"), made.cert.pem())?;
        println!("{address}");
        server.await.context("serving")
    })
}

async fn answer(bytes: web::Path<usize>, body: web::Bytes) -> HttpResponse {
    std::hint::black_box(body);
    HttpResponse::Ok().insert_header(("content-type", "application/json")).body(vec![b' '; *bytes])
}

impl Floor {
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the floor")?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("the floor's output")?).read_line(&mut address)?;
        let pem = std::fs::read(folder.join("ca.crt")).context("the floor did not start")?;
        let http = crate::client::http(&pem)?;
        Ok(Self { child, http, url: format!("https://{}", address.trim_end()) })
    }

    /// CPU time of so many requests, each answered with so many bytes.
    pub async fn cpu(&self, requests: usize, body: &str, bytes: usize) -> anyhow::Result<Duration> {
        let before = cpu_of(self.child.id())?;
        for _ in 0..requests {
            let url = format!("{}/{bytes}", self.url);
            let request = self.http.post(url).header("content-type", "application/json");
            let mut response = request.body(body.to_owned()).send().await?;
            while let Some(chunk) = response.chunk().await? {
                std::hint::black_box(chunk);
            }
        }
        Ok(cpu_of(self.child.id())?.saturating_sub(before))
    }
}
