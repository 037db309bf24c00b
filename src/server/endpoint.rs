//! The paths that Gatekeeper asks.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, ContentType};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt as _;

use super::answer::{Answered, mutate, verify};
use super::{Shared, body};
use crate::externaldata::{self, RequestError, RequestLimits, Shape, failure_response};
use crate::outcome::ReasonCode;
use crate::telemetry::{RequestObservation, RequestPath, RequestResult};

/// What a path does.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Verify(Shape),
    Mutate,
}

const PATHS: [(&str, RequestPath, Operation); 6] = [
    ("/verify", RequestPath::Verify, Operation::Verify(Shape::Canonical)),
    ("/mutate", RequestPath::Mutate, Operation::Mutate),
    ("/ratify/gatekeeper/v1/verify", RequestPath::RatifyV1Verify, Operation::Verify(Shape::RatifyV1)),
    ("/ratify/gatekeeper/v1/mutate", RequestPath::RatifyV1Mutate, Operation::Mutate),
    ("/ratify/gatekeeper/v2/verify", RequestPath::RatifyV2Verify, Operation::Verify(Shape::RatifyV2)),
    ("/ratify/gatekeeper/v2/mutate", RequestPath::RatifyV2Mutate, Operation::Mutate),
];

/// Registers every path; only POST is answered.
pub(super) fn routes(config: &mut ServiceConfig) {
    for (path, name, operation) in PATHS {
        let handler = move |shared, request, payload| handle(name, operation, shared, request, payload);
        config.service(
            web::resource(path)
                .route(web::post().to(handler))
                .default_service(web::to(move || refuse(StatusCode::METHOD_NOT_ALLOWED, operation))),
        );
    }
    let nothing_here = || refuse(StatusCode::NOT_FOUND, Operation::Verify(Shape::Canonical));
    config.default_service(web::to(nothing_here));
}

impl Operation {
    fn is_idempotent(self) -> bool {
        matches!(self, Self::Mutate)
    }
}

async fn refuse(status: StatusCode, operation: Operation) -> HttpResponse {
    let words = match status {
        StatusCode::METHOD_NOT_ALLOWED => "only POST of a ProviderRequest is answered here",
        _ => "there is nothing here; the paths are /verify, /mutate and below /ratify/gatekeeper/",
    };
    respond(status, failure_response(operation.is_idempotent(), words))
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
    let answered = answer(operation, &shared, payload, declared).await;
    shared.metrics.observe_request(RequestObservation {
        path,
        result: answered.result,
        items: answered.items,
        took: started.elapsed(),
    });
    respond(answered.status, answered.body)
}

async fn answer(operation: Operation, shared: &Shared, payload: Payload, declared: Option<u64>) -> Answered {
    let idempotent = operation.is_idempotent();
    let body = match body::read(payload, declared, shared.settings.max_body_bytes).await {
        Ok(body) => body,
        Err(error) => {
            let result = match error {
                body::BodyError::TooLarge { .. } => RequestResult::TooLarge,
                body::BodyError::TooSlow => RequestResult::TimedOut,
                body::BodyError::Broken { .. } => RequestResult::Unreadable,
            };
            return Answered::refused(
                error.status(),
                result,
                failure_response(idempotent, &error.to_string()),
            );
        }
    };
    let limits = RequestLimits { keys: shared.settings.max_keys };
    let request = match externaldata::decode(&body, limits) {
        Ok(request) => request,
        Err(error) => {
            let (status, result) = match error {
                RequestError::TooManyKeys { .. } => (StatusCode::PAYLOAD_TOO_LARGE, RequestResult::TooLarge),
                _ => (StatusCode::BAD_REQUEST, RequestResult::Unreadable),
            };
            return Answered::refused(status, result, failure_response(idempotent, &error.to_string()));
        }
    };
    // More work than there are places is refused at once: a queue would only make everybody late.
    let Ok(_place) = shared.places.try_acquire() else {
        let limit = shared.settings.max_in_flight;
        let words =
            format!("{}: {limit} requests are in flight, which is all that may be", ReasonCode::Overloaded);
        return Answered::refused(
            StatusCode::OK,
            RequestResult::Overloaded,
            failure_response(idempotent, &words),
        );
    };
    if !shared.engine.is_ready() {
        let words = format!("{}: no configuration is in force yet", ReasonCode::NotReady);
        return Answered::refused(
            StatusCode::OK,
            RequestResult::NotReady,
            failure_response(idempotent, &words),
        );
    }
    let work = async {
        match operation {
            Operation::Verify(shape) => verify(shared, &request, shape).await,
            Operation::Mutate => mutate(shared, &request).await,
        }
    };
    // What a defect does to one request, it does to that request alone.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a request met a defect of Hallmark's own");
        let words = format!("{}: a fault of Hallmark's own, see its log", ReasonCode::Internal);
        Answered::refused(StatusCode::OK, RequestResult::Undecided, failure_response(idempotent, &words))
    })
}
