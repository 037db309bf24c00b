use std::sync::atomic::AtomicUsize;

use tokio::sync::Notify;

use super::*;

fn key(scope: &str) -> TokenKey {
    TokenKey { registry: "https://r.io".into(), scope: scope.to_owned(), credential: String::new() }
}

fn token(text: &'static str, seconds: u64) -> Token {
    Token::lasting(HeaderValue::from_static(text), Duration::from_secs(seconds))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_together_shares_one_request() {
    let cache = Arc::new(TokenCache::default());
    let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let ask = || {
        let (cache, calls, gate) = (Arc::clone(&cache), Arc::clone(&calls), Arc::clone(&gate));
        tokio::spawn(async move {
            let load = || async move {
                calls.fetch_add(1, Ordering::Relaxed);
                gate.notified().await;
                Ok(token("Bearer a", 100))
            };
            cache.token(&key("s"), soon(), load).await.map(|obtained| obtained.fresh)
        })
    };
    let waiting: Vec<_> = (0..20).map(|_| ask()).collect();
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    gate.notify_one();
    for one in waiting {
        assert_eq!(one.await.expect("task"), Ok(true));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_end_what_others_wait_for() {
    let cache = TokenCache::default();
    let gate = Arc::new(Notify::new());
    let waiting = Arc::clone(&gate);
    let load = || async move {
        waiting.notified().await;
        Ok(token("Bearer a", 100))
    };
    let late = cache.token(&key("s"), Instant::now() + Duration::from_millis(5), load).await;
    assert_eq!(late.map(|_| ()), Err(TokenError::Deadline));
    gate.notify_one();
    let never = || async { Err(TokenError::Denied("nobody should ask again".to_owned())) };
    assert!(cache.token(&key("s"), soon(), never).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends_and_used_meanwhile() {
    let cache = TokenCache::default();
    let first = cache.token(&key("s"), soon(), || async { Ok(token("Bearer a", 100)) }).await;
    assert!(first.expect("token").fresh);
    tokio::time::advance(Duration::from_secs(85)).await;
    let second = cache.token(&key("s"), soon(), || async { Ok(token("Bearer b", 100)) }).await;
    assert_eq!(second.expect("token").token.header, "Bearer a", "nobody waits for the renewal");
    tokio::task::yield_now().await;
    let third = cache.token(&key("s"), soon(), || async { Ok(token("Bearer c", 100)) }).await;
    assert_eq!(third.expect("token").token.header, "Bearer b");
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_is_not_tried_at_every_request() {
    let cache = TokenCache::default();
    let _ = cache.token(&key("s"), soon(), || async { Ok(token("Bearer a", 1000)) }).await;
    tokio::time::advance(Duration::from_secs(850)).await;
    let calls = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        let calls = Arc::clone(&calls);
        let load = || async move {
            calls.fetch_add(1, Ordering::Relaxed);
            Err(TokenError::Unavailable("503".to_owned()))
        };
        assert!(cache.token(&key("s"), soon(), load).await.is_ok(), "the old one still serves");
        tokio::task::yield_now().await;
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_forgotten_once() {
    let cache = TokenCache::default();
    let old = cache.token(&key("s"), soon(), || async { Ok(token("Bearer a", 100)) }).await.expect("token");
    cache.forget(&key("s"), &old.token);
    let new = cache.token(&key("s"), soon(), || async { Ok(token("Bearer b", 100)) }).await.expect("token");
    assert_eq!(new.token.header, "Bearer b");
    cache.forget(&key("s"), &old.token);
    let kept = cache.token(&key("s"), soon(), || async { Ok(token("Bearer c", 100)) }).await.expect("token");
    assert_eq!(kept.token.header, "Bearer b", "somebody else's complaint is about the old one");
}

#[tokio::test(start_paused = true)]
async fn tokens_are_bounded_in_number() {
    let cache = TokenCache::default();
    for number in 0..TokenCache::MAX_TOKENS + 10 {
        let key = key(&number.to_string());
        assert!(cache.token(&key, soon(), || async { Ok(token("Bearer a", 100)) }).await.is_ok());
    }
    assert!(cache.slots.lock().expect("slots").len() <= TokenCache::MAX_TOKENS);
}

#[tokio::test(start_paused = true)]
async fn answers_of_token_services_are_read() {
    let now = Timestamp::from_second(1_000_000).expect("time");
    let life = |text: &str| {
        Token::parse(text.as_bytes(), now).map(|token| (token.ends_at - Instant::now()).as_secs_f64().round())
    };
    assert_eq!(life(r#"{"token":"t","expires_in":1000}"#), Ok(950.0));
    assert_eq!(life(r#"{"access_token":"t"}"#), Ok(57.0));
    assert_eq!(life(r#"{"token":"","access_token":"t","expires_in":100.5}"#), Ok(95.0));
    assert_eq!(life(r#"{"token":"t","expires_in":-5}"#), Ok(57.0));
    assert_eq!(life(r#"{"token":"t","expires_in":1e300}"#), Ok(82_080.0));
    let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1000100}"#);
    assert_eq!(life(&format!(r#"{{"token":"h.{claims}.s","expires_in":1000}}"#)), Ok(95.0));
    for wrong in ["", "[]", "{}", r#"{"token":7}"#, "{\"token\":\"a\\nb\"}"] {
        assert!(matches!(life(wrong), Err(TokenError::Invalid(_))), "{wrong}");
    }
}

#[test]
fn tokens_do_not_print() {
    let text = r#"{"token":"hush"}"#.as_bytes();
    let token = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime")
        .block_on(async { Token::parse(text, Timestamp::UNIX_EPOCH) });
    assert!(!format!("{token:?}").contains("hush"));
}
