//! The registry, asked as registries are asked.

use serde_json::Value;

use super::super::images::Images;
use super::super::loopback::{Answer, Asked, Loopback, Page as _};
use super::super::registry::Registry;
use super::super::revocation_list::List;
use crate::oci::media_type;
use crate::reference::{Digest, DigestAlgorithm};

const SIGNATURE: &str = "application/vnd.cncf.notary.signature";
const SAMPLES: [&str; 8] =
    ["expired", "other-image", "revoked", "signed-cose", "signed-jws", "stranger", "tampered", "unsigned"];

fn ask(method: &str, target: &str) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Registry::new(Images::embedded()).answer(&Asked { method, path, query })
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(one, _)| *one == name).map(|(_, value)| value.as_str())
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn digest_of(tag: &str) -> String {
    let answer = ask("HEAD", &format!("/v2/demo/app/manifests/{tag}"));
    header(&answer, "Docker-Content-Digest").unwrap().to_owned()
}

#[test]
fn it_says_that_it_is_a_registry_and_what_it_holds() {
    for path in ["/v2", "/v2/"] {
        let answer = ask("GET", path);
        assert_eq!(answer.status, 200);
        assert_eq!(header(&answer, "Docker-Distribution-Api-Version"), Some("registry/2.0"));
    }
    let tags = json(&ask("GET", "/v2/demo/app/tags/list"));
    assert_eq!(tags["tags"], serde_json::json!(SAMPLES));
}

#[test]
fn a_manifest_is_the_same_by_tag_and_by_digest_and_hashes_to_it() {
    for tag in SAMPLES {
        let by_tag = ask("GET", &format!("/v2/demo/app/manifests/{tag}"));
        let digest = digest_of(tag);
        let by_digest = ask("GET", &format!("/v2/demo/app/manifests/{digest}"));
        assert_eq!((by_tag.status, by_digest.status), (200, 200), "{tag}");
        assert_eq!(by_tag.body, by_digest.body);
        assert_eq!(Digest::of(DigestAlgorithm::Sha256, &by_tag.body).to_string(), digest);
        assert_eq!(header(&by_tag, "Content-Type"), Some(media_type::IMAGE_MANIFEST));
    }
}

#[test]
fn every_sample_but_the_unsigned_has_one_signature_whose_blobs_are_there() {
    for tag in SAMPLES {
        let list = json(&ask("GET", &format!("/v2/demo/app/referrers/{}", digest_of(tag))));
        let entries = list["manifests"].as_array().unwrap();
        assert_eq!(entries.len(), usize::from(tag != "unsigned"), "{tag}: {list}");
        for entry in entries {
            assert_eq!(entry["artifactType"], SIGNATURE);
            let name = entry["digest"].as_str().unwrap();
            let manifest = json(&ask("GET", &format!("/v2/demo/app/manifests/{name}")));
            for blob in [&manifest["config"], &manifest["layers"][0]] {
                let answer = ask("GET", &format!("/v2/demo/app/blobs/{}", blob["digest"].as_str().unwrap()));
                assert_eq!((answer.status, answer.body.len() as u64), (200, blob["size"].as_u64().unwrap()));
            }
        }
    }
}

#[test]
fn referrers_are_filtered_by_artifact_type_and_the_answer_says_so() {
    let page = format!("/v2/demo/app/referrers/{}", digest_of("signed-jws"));
    let encoded = SIGNATURE.replace('/', "%2F");
    for (query, count) in
        [(String::new(), 1), (format!("?artifactType={encoded}"), 1), ("?artifactType=text/x".into(), 0)]
    {
        let answer = ask("GET", &format!("{page}{query}"));
        assert_eq!(json(&answer)["manifests"].as_array().unwrap().len(), count, "{query}");
        let applied = header(&answer, "OCI-Filters-Applied");
        assert_eq!(applied, (!query.is_empty()).then_some("artifactType"), "{query}");
    }
}

#[test]
fn nobody_refers_to_a_digest_that_is_not_there() {
    let answer = ask("GET", &format!("/v2/demo/app/referrers/sha256:{}", "0".repeat(64)));
    assert_eq!((answer.status, header(&answer, "Content-Type")), (200, Some(media_type::IMAGE_INDEX)));
    assert_eq!(json(&answer)["manifests"], serde_json::json!([]));
}

#[test]
fn what_is_not_there_is_said_in_the_words_of_the_specification() {
    let zeros = format!("sha256:{}", "0".repeat(64));
    let blob = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    for (method, path, status, code) in [
        ("GET", "/".to_owned(), 404, "UNSUPPORTED"),
        ("GET", "/v2/demo".to_owned(), 404, "UNSUPPORTED"),
        ("GET", "/v20/demo/app/manifests/x".to_owned(), 404, "UNSUPPORTED"),
        ("GET", "/v2/demo/app/tags/other".to_owned(), 404, "UNSUPPORTED"),
        ("GET", "/v2/demo/other/manifests/signed-jws".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", "/v2/app/manifests/signed-jws".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", "/v2/demo/app/manifests/v1".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("GET", format!("/v2/demo/app/manifests/{zeros}"), 404, "MANIFEST_UNKNOWN"),
        ("GET", format!("/v2/demo/app/manifests/{blob}"), 404, "MANIFEST_UNKNOWN"),
        ("GET", format!("/v2/demo/app/blobs/{zeros}"), 404, "BLOB_UNKNOWN"),
        ("GET", "/v2/demo/app/manifests/sha256:0".to_owned(), 400, "DIGEST_INVALID"),
        ("GET", "/v2/demo/app/blobs/v1".to_owned(), 400, "DIGEST_INVALID"),
        ("GET", "/v2/demo/app/referrers/v1".to_owned(), 400, "DIGEST_INVALID"),
        ("PUT", "/v2/demo/app/manifests/v1".to_owned(), 405, "UNSUPPORTED"),
        ("DELETE", format!("/v2/demo/app/blobs/{blob}"), 405, "UNSUPPORTED"),
    ] {
        let answer = ask(method, &path);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(json(&answer)["errors"][0]["code"], code, "{method} {path}");
    }
}

#[tokio::test]
async fn over_http_a_head_has_the_length_and_no_body() {
    crate::transport::install_crypto_provider();
    let server = Loopback::serve(0, Registry::new(Images::embedded())).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = format!("http://{}/v2/demo/app/manifests/signed-jws", server.address());
    let head = client.head(&page).send().await.unwrap();
    let got = client.get(&page).send().await.unwrap();
    assert_eq!((head.status().as_u16(), got.status().as_u16()), (200, 200));
    for name in ["content-length", "content-type", "docker-content-digest"] {
        assert_eq!(head.headers().get(name).unwrap(), got.headers().get(name).unwrap(), "{name}");
    }
    assert_eq!(crate::transport::read_bounded(head, 1000).await.unwrap().len(), 0);
    assert_eq!(crate::transport::read_bounded(got, 1000).await.unwrap().len(), 248);
    let missing = client.head(format!("{page}x")).send().await.unwrap();
    assert_eq!(missing.status().as_u16(), 404);
    let address = server.address();
    server.stop().await;
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn the_revocation_list_is_one_page() {
    let ask = |method, path| List.answer(&Asked { method, path, query: "" });
    let list = ask("GET", "/demo.crl");
    assert_eq!((list.status, header(&list, "Content-Type")), (200, Some("application/pkix-crl")));
    assert!(crate::x509::crl::UnverifiedCrl::parse(list.body).is_ok());
    assert_eq!((ask("GET", "/").status, ask("POST", "/demo.crl").status), (404, 405));
}
