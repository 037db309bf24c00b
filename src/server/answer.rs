//! From a request's keys to its answer: every key at once, within the deadline.

use actix_web::http::StatusCode;
use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use super::Shared;
use crate::config::MutationFormat;
use crate::externaldata::{
    AnswerContext, MutationAnswer, ProviderRequest, Shape, VerificationAnswer, mutate_response, parse_key,
    parse_mutation_key, verify_response,
};
use crate::outcome::Verdict;
use crate::telemetry::RequestResult;

/// A whole answer.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) result: RequestResult,
    /// Distinct keys.
    pub(super) items: usize,
    pub(super) body: Vec<u8>,
}

impl Answered {
    /// An answer to a request of which no key was looked at.
    pub(super) fn refused(status: StatusCode, result: RequestResult, body: Vec<u8>) -> Self {
        Self { status, result, items: 0, body }
    }
}

/// Answers a verification request.
pub(super) async fn verify(shared: &Shared, request: &ProviderRequest, shape: Shape) -> Answered {
    let context = AnswerContext { trace_id: Uuid::new_v4(), now: Timestamp::now() };
    let answers = join_all(request.keys.iter().map(|key| verify_key(shared, key, context))).await;
    let undecided = answers
        .iter()
        .any(|answer| answer.outcome.as_ref().is_ok_and(|o| o.verdict() == Verdict::Inconclusive));
    Answered {
        status: StatusCode::OK,
        result: if undecided { RequestResult::Undecided } else { RequestResult::Answered },
        items: request.keys.len(),
        body: verify_response(&answers, shape, context),
    }
}

async fn verify_key<'a>(shared: &Shared, key: &'a str, context: AnswerContext) -> VerificationAnswer<'a> {
    let question = match parse_key(key, shared.settings.max_key_bytes) {
        Ok(question) => question,
        Err(error) => return VerificationAnswer { key, image: key, outcome: Err(error) },
    };
    let answer = shared.engine.ask(question, shared.settings.verify_deadline).await;
    shared.metrics.observe_decision(&answer.outcome);
    shared.verdicts.note(key, &answer.outcome, context.trace_id);
    VerificationAnswer { key, image: question.image, outcome: Ok(answer.outcome) }
}

/// Answers a mutation request.
pub(super) async fn mutate(shared: &Shared, request: &ProviderRequest) -> Answered {
    let answers = join_all(request.keys.iter().map(|key| mutate_key(shared, key))).await;
    let undecided = answers.iter().any(|answer| matches!(&answer.pinned, Ok(Err(_))));
    let keep_tag = shared.settings.mutation_format == MutationFormat::TagAndDigest;
    Answered {
        status: StatusCode::OK,
        result: if undecided { RequestResult::Undecided } else { RequestResult::Answered },
        items: request.keys.len(),
        body: mutate_response(&answers, keep_tag),
    }
}

async fn mutate_key<'a>(shared: &Shared, key: &'a str) -> MutationAnswer<'a> {
    let pinned = match parse_mutation_key(key, shared.settings.max_key_bytes) {
        Ok(question) => Ok(shared.engine.resolve(question, shared.settings.mutate_deadline).await),
        Err(error) => Err(error),
    };
    MutationAnswer { key, pinned }
}
