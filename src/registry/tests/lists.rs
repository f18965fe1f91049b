//! Faults of lists: tags in pages, and referrers.

use super::*;

fn tags(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> String {
    let server = FaultServer::start(handler);
    let network = anybody(&server);
    let asked = reference(&server, "a");
    let found = network.wait(network.client.tags(asked.registry(), asked.repository()));
    match found {
        Ok(tags) => tags.join(" "),
        Err(error) => told(&error).replace(&server.port().to_string(), "PORT"),
    }
}

const CANNOT: &str = "cannot list the tags of `127.0.0.1:PORT/a`";

fn page(tags: &str, next: &str) -> Reply {
    let reply = Reply::new(200, format!(r#"{{"name":"a","tags":{tags}}}"#));
    match next {
        "" => reply,
        next => reply.with("Link", format!("<{next}>; rel=\"next\"")),
    }
}

#[test]
fn pages_are_followed_to_the_last() {
    let found = tags(|seen| match seen.target.as_str() {
        "/v2/a/tags/list?n=1000" => page(r#"["1","2"]"#, "/v2/a/tags/list?n=1000&last=2"),
        "/v2/a/tags/list?n=1000&last=2" => page(r#"["3"]"#, "list?last=3"),
        "/v2/a/tags/list?last=3" => page("null", ""),
        other => panic!("{other}"),
    });
    assert_eq!(found, "1 2 3");
}

#[test]
fn repositories_come_in_pages_sorted_and_once() {
    let server = FaultServer::start(|seen| {
        let page = |names: &str| Reply::new(200, format!(r#"{{"repositories":{names}}}"#));
        match seen.target.as_str() {
            "/v2/_catalog?n=1000" => {
                page(r#"["b","a"]"#).with("Link", "</v2/_catalog?last=a>; rel=\"next\"")
            }
            "/v2/_catalog?last=a" => page(r#"["a","c"]"#),
            other => panic!("{other}"),
        }
    });
    let network = anybody(&server);
    let asked = reference(&server, "a");
    let found = network.wait(network.client.repositories(asked.registry()));
    assert_eq!(found.expect("a list"), ["a", "b", "c"]);
}

#[test]
fn no_tags_are_none() {
    assert_eq!(tags(|_| page("null", "")), "");
    assert_eq!(tags(|_| page("[]", "")), "");
}

#[test]
fn pages_without_an_end_end() {
    let endless = format!("Violation: {CANNOT}: its pages have no end");
    assert_eq!(tags(|seen| page(r#"["1"]"#, &seen.target)), endless);
    assert_eq!(
        tags(|seen| match seen.target.ends_with("&x") {
            true => page(r#"["1"]"#, "/v2/a/tags/list?n=1000"),
            false => page(r#"["1"]"#, "/v2/a/tags/list?n=1000&x"),
        }),
        endless
    );
    // Every page is a new one, and holds nothing.
    assert_eq!(
        tags(|seen| page("[]", &format!("{}&x", seen.target))),
        endless
    );
}

#[test]
fn a_page_on_another_host_is_not_read() {
    let other = FaultServer::start(|_| page("[]", ""));
    let there = format!("http://{}/v2/a/tags/list", other.host());
    let found = tags(move |_| page(r#"["1"]"#, &there));
    assert_eq!(
        found,
        format!("Violation: {CANNOT}: its next page is on another host")
    );
    assert!(other.seen().is_empty());
}

#[test]
fn a_list_that_is_none_and_one_that_is_not_there() {
    assert_eq!(
        tags(|_| Reply::new(200, "<html>")),
        format!("Violation: {CANNOT}: what the registry answered is no list of tags")
    );
    let body = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]}"#;
    assert_eq!(
        tags(move |_| Reply::new(404, body)),
        format!(
            "NotFound: {CANNOT}: it is not there; registry said: NAME_UNKNOWN: repository name not \
             known"
        )
    );
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn index(artifact_types: &[&str]) -> Reply {
    let digest = format!("sha256:{}", "b".repeat(64));
    let entry = |kind: &&str| {
        format!(r#"{{"mediaType":"{OCI}","digest":"{digest}","size":9,"artifactType":"{kind}"}}"#)
    };
    let entries: Vec<String> = artifact_types.iter().map(entry).collect();
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
        entries.join(",")
    );
    Reply::new(200, text).with("Content-Type", INDEX)
}

fn referrers(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> String {
    let server = FaultServer::start(handler);
    let network = anybody(&server);
    let subject = digest("{}").parse().expect("a digest");
    let asked = reference(&server, "a:1");
    let found = network.wait(network.client.referrers(&asked, &subject, Some("x/sbom")));
    match found {
        Ok(found) => found.len().to_string(),
        Err(error) => told(&error).replace(&server.port().to_string(), "PORT"),
    }
}

#[test]
fn referrers_come_from_the_api_or_from_the_tag_that_stands_for_it() {
    let subject = digest("{}");
    let api = format!("/v2/a/referrers/{subject}");
    let tag = format!("/v2/a/manifests/{}", subject.replace(':', "-"));
    let from = api.clone();
    let found = referrers(move |seen| match seen.target == from {
        true => index(&["x/sbom", "x/signature"]),
        false => Reply::new(500, ""),
    });
    assert_eq!(found, "1");
    let (from, behind) = (api.clone(), tag.clone());
    let found = referrers(move |seen| match seen.target.as_str() {
        target if target == from => Reply::new(404, "404 page not found"),
        target if target == behind => index(&["x/sbom"]),
        other => panic!("{other}"),
    });
    assert_eq!(found, "1");
    assert_eq!(referrers(|_| Reply::new(404, "")), "0");
}

#[test]
fn a_tag_that_stands_for_no_index_is_refused() {
    let found = referrers(|seen| match seen.target.contains("/manifests/") {
        true => good(),
        false => Reply::new(404, ""),
    });
    assert!(found.contains("is not an index of referrers"), "{found}");
    assert!(found.starts_with("Violation"), "{found}");
}
