//! The paths that Gatekeeper asks.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::header::{ALLOW, CONTENT_LENGTH, ContentType};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt as _;
use tokio::time::Instant;
use uuid::Uuid;

use super::answer::{Answered, mutate, verify};
use super::{Shared, body};
use crate::config::ServerSettings;
use crate::externaldata::{self, RequestError, RequestLimits, Shape, failure_response};
use crate::outcome::ReasonCode;
use crate::telemetry::{RequestObservation, RequestPath, RequestResult};

/// What a path does.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Verify(Shape),
    Mutate,
}

const PATHS: [(RequestPath, Operation); 6] = [
    (RequestPath::Verify, Operation::Verify(Shape::Canonical)),
    (RequestPath::Mutate, Operation::Mutate),
    (RequestPath::RatifyV1Verify, Operation::Verify(Shape::RatifyV1)),
    (RequestPath::RatifyV1Mutate, Operation::Mutate),
    (RequestPath::RatifyV2Verify, Operation::Verify(Shape::RatifyV2)),
    (RequestPath::RatifyV2Mutate, Operation::Mutate),
];

/// Registers every path; only POST is answered.
pub(super) fn routes(config: &mut ServiceConfig) {
    for (path, operation) in PATHS {
        route(config, path.as_str(), path, operation);
    }
    // Ratify v2 takes this one as a prefix.
    let below = format!("{}/{{rest:.*}}", RequestPath::RatifyV2Mutate.as_str());
    route(config, &below, RequestPath::RatifyV2Mutate, Operation::Mutate);
    config.default_service(web::to(nothing_here));
}

fn route(config: &mut ServiceConfig, pattern: &str, path: RequestPath, operation: Operation) {
    let handler = move |shared, request, payload| handle(path, operation, shared, request, payload);
    let otherwise = move || not_allowed(operation);
    config.service(web::resource(pattern).route(web::post().to(handler)).default_service(web::to(otherwise)));
}

impl Operation {
    fn is_idempotent(self) -> bool {
        matches!(self, Self::Mutate)
    }

    fn deadline(self, settings: &ServerSettings) -> Duration {
        match self {
            Self::Verify(_) => settings.verify_deadline,
            Self::Mutate => settings.mutate_deadline,
        }
    }

    /// An answer about no key.
    fn refused(self, status: StatusCode, result: RequestResult, words: &str) -> Answered {
        Answered::refused(status, result, failure_response(self.is_idempotent(), words))
    }

    /// An answer with status 200 about no key.
    fn unanswered(self, result: RequestResult, code: ReasonCode, words: &str) -> Answered {
        self.refused(StatusCode::OK, result, &format!("{code}: {words}"))
    }
}

async fn not_allowed(operation: Operation) -> HttpResponse {
    let words = "METHOD_NOT_ALLOWED: only POST of a ProviderRequest is answered here";
    HttpResponse::MethodNotAllowed()
        .insert_header((ALLOW, "POST"))
        .insert_header(ContentType::json())
        .body(failure_response(operation.is_idempotent(), words))
}

async fn nothing_here() -> HttpResponse {
    let words =
        "NOT_FOUND: the paths are /verify, /mutate, /ratify/gatekeeper/v1/… and /ratify/gatekeeper/v2/…";
    respond(StatusCode::NOT_FOUND, failure_response(false, words))
}

fn respond(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status).insert_header(ContentType::json()).body(body)
}

async fn handle(
    path: RequestPath,
    operation: Operation,
    shared: Data<Shared>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let started = Instant::now();
    let _in_flight = shared.metrics.request_started();
    let declared =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let trace_id = shared.request_ids.next();
    let answering = answer(operation, &shared, payload, declared, trace_id, started);
    // What a defect does to one request, it does to that request alone.
    let answered = AssertUnwindSafe(answering).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(%trace_id, path = path.as_str(), "a request met a fault of Hallmark's own");
        let words = format!("a fault of Hallmark's own, {trace_id} in its log");
        operation.unanswered(RequestResult::Undecided, ReasonCode::Internal, &words)
    });
    let took = started.elapsed();
    let Answered { status, result, items, body } = answered;
    shared.metrics.observe_request(RequestObservation { path, result, items, took });
    tracing::debug!(%trace_id, path = path.as_str(), result = result.as_str(), keys = items, ?took, "request");
    let mut response = respond(status, body);
    if shared.stopping.load(Ordering::Relaxed) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

async fn answer(
    operation: Operation,
    shared: &Shared,
    payload: Payload,
    declared: Option<u64>,
    trace_id: Uuid,
    started: Instant,
) -> Answered {
    let settings = &shared.settings;
    let deadline = started + operation.deadline(settings);
    let mut held = shared.body_room.enter();
    let body = match body::read(payload, declared, settings.max_body_bytes, deadline, &mut held).await {
        Ok(body) => body,
        Err(error) => return operation.refused(error.status(), error.result(), &error.to_string()),
    };
    let limits = RequestLimits { body_bytes: settings.max_body_bytes, keys: settings.max_keys };
    let request = match externaldata::decode(&body, &limits) {
        Ok(request) => request,
        Err(error) => return unreadable(operation, &error),
    };
    // More work than there are places is refused at once: a queue would only make everybody late.
    let Ok(_place) = shared.places.try_acquire() else {
        let words =
            format!("{} requests are being answered, which is all that may be", settings.max_in_flight);
        return operation.unanswered(RequestResult::Overloaded, ReasonCode::Overloaded, &words);
    };
    if !shared.engine.is_ready() {
        let words = "no configuration is in force yet";
        return operation.unanswered(RequestResult::NotReady, ReasonCode::NotReady, words);
    }
    match operation {
        Operation::Verify(shape) => verify(shared, &request, shape, trace_id, deadline).await,
        Operation::Mutate => mutate(shared, &request, trace_id, deadline).await,
    }
}

fn unreadable(operation: Operation, error: &RequestError) -> Answered {
    let (status, result) = match error {
        RequestError::TooLarge { .. } | RequestError::TooManyKeys { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, RequestResult::TooLarge)
        }
        RequestError::Malformed { .. } | RequestError::OtherKind { .. } => {
            (StatusCode::BAD_REQUEST, RequestResult::Unreadable)
        }
    };
    operation.refused(status, result, &error.to_string())
}
