//! The plain port: is the process alive, may it be asked, what has it counted.

use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data, ServiceConfig};

use super::Shared;
use crate::telemetry;

/// Registers the paths; GET and HEAD alone.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/healthz", web::get().to(alive))
        .route("/healthz", web::head().to(alive))
        .route("/readyz", web::get().to(ready))
        .route("/readyz", web::head().to(ready))
        .route("/metrics", web::get().to(metrics));
}

async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

/// Ready with a plan in force and a certificate to show; otherwise every reason, one a line.
async fn ready(shared: Data<Shared>) -> HttpResponse {
    let mut missing = Vec::new();
    if shared.stopping.load(Ordering::Relaxed) {
        missing.push("it is being stopped".to_owned());
    }
    if !shared.engine.is_ready() {
        let why = (shared.waiting_for)();
        let unknown = || "see the log, and `hallmark config check`".to_owned();
        missing.push(format!("no configuration is in force: {}", why.unwrap_or_else(unknown)));
    }
    if let Some(why) = (shared.gatekeeper_waits_for)() {
        missing.push(why);
    } else if let Some(why) = shared.tls.not_ready() {
        missing.push(why);
    }
    if missing.is_empty() {
        return HttpResponse::Ok().body("ready\n");
    }
    HttpResponse::ServiceUnavailable().body(format!("{}\n", missing.join("\n")))
}

async fn metrics(shared: Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, telemetry::CONTENT_TYPE)).body(shared.metrics.encode())
}
