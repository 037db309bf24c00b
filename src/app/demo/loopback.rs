//! Plain HTTP on loopback: one thread, one page that answers everything, ended in good order.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use tokio::task::JoinHandle;

/// A request, as far as the demo's pages look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// What is after the question mark, still encoded.
    pub(super) query: &'a str,
}

impl Asked<'_> {
    /// True for the two methods that only read.
    pub(super) fn reads(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }

    /// The values of one parameter.
    pub(super) fn query(&self, name: &'static str) -> impl Iterator<Item = String> {
        let pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.filter(move |(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// An answer. That HEAD gets no body is the server's concern.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn new(status: u16, media_type: &str, body: Bytes) -> Self {
        Self { status, headers: vec![("Content-Type", media_type.to_owned())], body }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What is served.
pub(super) trait Page: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, asked: &Asked<'_>) -> Answer;
}

/// A server that is running.
#[derive(Debug)]
pub(super) struct Loopback {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Loopback {
    /// Listens on 127.0.0.1; port 0 takes any that is free.
    ///
    /// # Errors
    /// Where the port is taken.
    pub(super) fn serve(port: u16, page: impl Page) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let page: Arc<dyn Page> = Arc::new(page);
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(Arc::clone(&page))).default_service(web::to(respond))
        });
        let server = server.workers(1).shutdown_timeout(1).disable_signals().listen(listener)?.run();
        Ok(Self { address, handle: server.handle(), task: tokio::spawn(server) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Finishes what is being answered, a second at most, and ends.
    pub(super) async fn stop(self) {
        self.handle.stop(true).await;
        // An error of a server that has ended changes nothing any more.
        let _ = self.task.await;
    }
}

async fn respond(request: HttpRequest, page: web::Data<Arc<dyn Page>>) -> HttpResponse {
    let asked =
        Asked { method: request.method().as_str(), path: request.path(), query: request.query_string() };
    let answer = page.answer(&asked);
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.insert_header(header);
    }
    response.body(answer.body)
}
