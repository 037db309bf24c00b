//! From a request's keys to its answer: every key at once, within the deadline. A key that is late or meets a
//! defect costs only itself.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::Shared;
use super::repeated::{Found, Recalled};
use crate::config::MutationFormat;
use crate::engine::Answer;
use crate::externaldata::{
    AnswerContext, MutationAnswer, ProviderRequest, Shape, VerificationAnswer, mutate_response, parse_key,
    parse_mutation_key, verify_response,
};
use crate::outcome::{Outcome, PolicyIdentity, Reason, ReasonCode, Verdict};
use crate::telemetry::RequestResult;

/// The engine keeps the deadline itself and may then answer with a proof that still stands; this is for an
/// engine that does not keep it.
const GRACE: Duration = Duration::from_millis(50);

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

    fn of(items: usize, undecided: bool, body: Vec<u8>) -> Self {
        let result = if undecided { RequestResult::Undecided } else { RequestResult::Answered };
        Self { status: StatusCode::OK, result, items, body }
    }
}

/// Answers a verification request.
pub(super) async fn verify(
    shared: &Shared,
    request: &ProviderRequest<'_>,
    shape: Shape,
    trace_id: Uuid,
    deadline: Instant,
) -> Answered {
    let answers = verify_keys(shared, request, shape, trace_id, deadline).await;
    let is_undecided = |outcome: &Arc<Outcome>| outcome.verdict() == Verdict::Inconclusive;
    let undecided = answers.iter().any(|answer| answer.outcome.as_ref().is_ok_and(is_undecided));
    let context = AnswerContext { trace_id, now: Timestamp::now() };
    Answered::of(answers.len(), undecided, verify_response(&answers, shape, context))
}

/// What was answered before and still is, at once; everything else side by side.
async fn verify_keys<'a>(
    shared: &Shared,
    request: &'a ProviderRequest<'a>,
    shape: Shape,
    trace_id: Uuid,
    deadline: Instant,
) -> Vec<VerificationAnswer<'a>> {
    let mut answers: Vec<_> = request.keys.iter().map(|key| recalled(shared, key, shape)).collect();
    let open = answers.iter_mut().zip(&request.keys).filter(|(answer, _)| answer.is_none());
    join_all(open.map(async |(answer, key)| {
        *answer = Some(verify_key(shared, key, shape, trace_id, deadline).await);
    }))
    .await;
    answers.into_iter().flatten().collect()
}

fn recalled<'a>(shared: &Shared, key: &'a str, shape: Shape) -> Option<VerificationAnswer<'a>> {
    let Recalled { outcome, item } =
        shared.repeated.recall(key, shape, |known| shared.engine.recall(known))?;
    shared.metrics.observe_decision(&outcome);
    Some(VerificationAnswer { key, image: key, outcome: Ok(outcome), item: Some(item) })
}

async fn verify_key<'a>(
    shared: &Shared,
    key: &'a str,
    shape: Shape,
    trace_id: Uuid,
    deadline: Instant,
) -> VerificationAnswer<'a> {
    let question = match parse_key(key, shared.settings.max_key_bytes) {
        Ok(question) => question,
        Err(error) => return VerificationAnswer { key, image: key, outcome: Err(error), item: None },
    };
    let asked = shared.engine.ask(question, remaining(deadline));
    let answer = guarded(asked, deadline, trace_id)
        .await
        .unwrap_or_else(|reason| Answer::undecided(reason, PolicyIdentity::none()));
    shared.metrics.observe_decision(&answer.outcome);
    let Found { item, is_repeated } = shared.repeated.item(key, question.image, &answer, shape);
    if !is_repeated {
        shared.verdicts.note(key, &answer.outcome, trace_id);
    }
    VerificationAnswer { key, image: question.image, outcome: Ok(answer.outcome), item }
}

/// Answers a mutation request.
pub(super) async fn mutate(
    shared: &Shared,
    request: &ProviderRequest<'_>,
    trace_id: Uuid,
    deadline: Instant,
) -> Answered {
    let answers = join_all(request.keys.iter().map(|key| mutate_key(shared, key, trace_id, deadline))).await;
    let undecided = answers.iter().any(|answer| matches!(&answer.pinned, Ok(Err(_))));
    let keep_tag = shared.settings.mutation_format == MutationFormat::TagAndDigest;
    Answered::of(answers.len(), undecided, mutate_response(&answers, keep_tag))
}

async fn mutate_key<'a>(
    shared: &Shared,
    key: &'a str,
    trace_id: Uuid,
    deadline: Instant,
) -> MutationAnswer<'a> {
    let pinned = match parse_mutation_key(key, shared.settings.max_key_bytes) {
        Ok(question) => {
            let asked = shared.engine.resolve(question, remaining(deadline));
            Ok(guarded(asked, deadline, trace_id).await.flatten())
        }
        Err(error) => Err(error),
    };
    MutationAnswer { key, pinned }
}

/// What comes within the deadline and without a panic.
async fn guarded<T>(asked: impl Future<Output = T>, deadline: Instant, trace_id: Uuid) -> Result<T, Reason> {
    match timeout_at(deadline + GRACE, AssertUnwindSafe(asked).catch_unwind()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => {
            tracing::error!(%trace_id, "a key met a fault of Hallmark's own");
            Err(Reason::new(ReasonCode::Internal, "a fault of Hallmark's own", "see the log of Hallmark"))
        }
        Err(_) => Err(Reason::new(
            ReasonCode::DeadlineExceeded,
            "the look-up has taken longer than the request may take",
            "ask again",
        )),
    }
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(answer: Result<T, Reason>) -> Option<ReasonCode> {
        answer.err().map(|reason| reason.code)
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_key_and_one_that_panics_are_undecided_and_nothing_else_breaks() {
        let deadline = Instant::now() + Duration::from_secs(1);
        let late = guarded(std::future::pending::<()>(), deadline, Uuid::nil()).await;
        assert_eq!(code(late), Some(ReasonCode::DeadlineExceeded));
        let panicking = guarded(async { panic!("defect") }, deadline, Uuid::nil()).await;
        assert_eq!(code::<()>(panicking), Some(ReasonCode::Internal));
        let in_time = guarded(async { 1 }, deadline, Uuid::nil()).await;
        assert_eq!(in_time, Ok(1), "what is there already is given even after the deadline");
    }
}
