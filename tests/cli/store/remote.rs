//! Images that are only recorded: asked for, asked for again, and pulled.

use serde_json::{Value, json as value};

use super::{files, store, uris};
use crate::docker_registry::{DockerRegistry, Pushed};
use crate::fault_server::{FaultServer, Reply};
use crate::json;
use crate::support::Home;

fn hex(pushed: &Pushed) -> &str {
    pushed.digest.strip_prefix("sha256:").expect("a digest")
}

/// Returns the rows of a refresh, each as uri, status and problem.
fn rows(home: &Home, code: i32, arguments: &str) -> Vec<[String; 3]> {
    let ran = home.run(&format!("store refresh {arguments} -o json"));
    assert_eq!(ran.code, code, "{ran:#?}");
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).expect("JSON");
    rows.iter()
        .map(|row| {
            ["uri", "status", "problem"]
                .map(|field| row[field].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn an_image_is_recorded_with_its_manifest() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.index("lab/app", "1", &["amd64", "arm64"]);
    home.write("more.json", r#"{"licence": "MIT", "digest": "mine"}"#);
    let ran = home.run(&format!(
        "store record {host}/lab/app:1 --metadata more.json"
    ));
    let uri = format!("lab/app:1@{}", hex(&pushed));
    assert_eq!(ran.ok().stdout, format!("[container][new] {uri}\n"));
    let record = json(home.run("store inspect lab/app"));
    assert_eq!(record["client"], "oci");
    assert_eq!(record["image"], Value::Null);
    assert_eq!(record["url"], format!("{host}/lab/app:1"));
    let found = &record["metrics"];
    assert_eq!(found["digest"], pushed.digest);
    assert_eq!(
        found["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    assert_eq!(found["platforms"], value!(["linux/amd64", "linux/arm64"]));
    assert_eq!(found["labels"]["a"], "1");
    assert_eq!(found["licence"], "MIT");
    assert_eq!(
        json(home.run("store list -o json"))[0]["location"],
        "remote"
    );
    let url = home.run("store get lab/app").ok().stdout;
    assert_eq!(url, format!("{host}/lab/app:1\n"));
    assert!(files(&store(&home)).is_empty());
    home.run(&format!("store record docker://{host}/lab/app:1 --name x"))
        .ok();
    assert_eq!(uris(&home)[1], format!("library/x:1@{}", hex(&pushed)));
}

#[test]
fn nothing_is_recorded_where_the_registry_does_not_have_it() {
    let (home, registry) = (Home::new(), DockerRegistry::with_password());
    let denied = registry.host();
    home.run(&format!("store record {denied}/app:1")).fails(5);
    let registry = DockerRegistry::start();
    home.run(&format!("store record {}/app:1", registry.host()))
        .fails(4);
    let ran = home.run("store record https://example.com/x.sif");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: a URL is given with `--url`
    ");
    home.run("store record A/B").fails(2);
    home.run("store record a --url https://example.com")
        .fails(2);
    assert!(uris(&home).is_empty());
    assert!(!store(&home).exists());
}

#[test]
fn what_is_recorded_is_pulled_as_it_was_recorded() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.image("app", "1", "amd64");
    home.run(&format!("store record {host}/app:1")).ok();
    home.run("store labels app --key stage --value tested").ok();
    registry.image("app", "1", "arm64");
    let place = home.run("store get app --pull").ok();
    assert!(place.stdout.starts_with("oci:/"), "{place:?}");
    assert!(place.stdout.ends_with(&format!(":{}\n", hex(&pushed))));
    assert_eq!(home.run("store get app --pull").ok(), place);
    assert_eq!(uris(&home), [format!("library/app:1@{}", hex(&pushed))]);
    let record = json(home.run("store inspect app"));
    assert_eq!(record["url"], format!("{host}/app:1"));
    assert_eq!(record["labels"]["stage"], "tested");
    home.run("store check").ok();
}

#[test]
fn a_url_of_a_registry_is_pulled_and_another_one_is_not() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let pushed = registry.image("app", "1", "amd64");
    home.run(&format!(
        "store record --url docker://{host}/app:1 --name lab/app"
    ))
    .ok();
    home.run("store labels lab/app --key stage --value tested")
        .ok();
    home.run(&format!("copy store:lab/app {host}/copied:1"))
        .ok();
    home.run("store get lab/app --pull").ok();
    assert_eq!(uris(&home), [format!("lab/app:latest@{}", hex(&pushed))]);
    let record = json(home.run("store inspect lab/app"));
    assert_eq!(record["labels"]["stage"], "tested");
    assert_eq!(record["url"], format!("docker://{host}/app:1"));
    home.run("store record --url https://example.com/x.sif")
        .ok();
    let ran = home.run("store get x --pull");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the source of `library/x:latest` is no registry, but `https://example.com/x.sif`: download it, and add it with `imgdex store add FILE --name library/x:latest`
    ");
}

#[test]
fn a_refresh_tells_what_moved_and_what_is_wrong() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let same = registry.image("same", "1", "amd64");
    let old = registry.image("moved", "1", "amd64");
    for name in ["same", "moved"] {
        home.run(&format!("store record {host}/{name}:1")).ok();
    }
    home.run("store labels moved --key stage --value tested")
        .ok();
    let uri = |name: &str, pushed: &Pushed| format!("library/{name}:1@{}", hex(pushed));
    let quiet = |uri: String, status: &str| [uri, status.to_owned(), String::new()];
    assert_eq!(
        rows(&home, 0, ""),
        [
            quiet(uri("same", &same), "ready"),
            quiet(uri("moved", &old), "ready"),
        ]
    );
    let new = registry.index("moved", "1", &["arm64"]);
    let told = rows(&home, 0, "");
    assert_eq!(told[0], quiet(uri("same", &same), "ready"));
    assert_eq!(told[1][..2], [uri("moved", &new), "moved".to_owned()]);
    assert_eq!(
        told[1][2],
        format!("from `{}` to `{}`", old.digest, new.digest)
    );
    assert_eq!(uris(&home), [uri("same", &same), uri("moved", &new)]);
    let record = json(home.run("store inspect moved"));
    assert_eq!(record["metrics"]["platforms"], value!(["linux/arm64"]));
    assert_eq!(record["labels"]["stage"], "tested");
    assert_eq!(rows(&home, 0, "moved")[0][1], "ready");
}

#[test]
fn one_fault_does_not_stop_the_others() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let broken = FaultServer::start(|_| Reply::new(403, ""));
    registry.image("app", "1", "amd64");
    let url = |url: String, name: &str| {
        home.run(&format!("store record --url docker://{url} --name {name}"))
            .ok();
    };
    url(format!("{}/app:1", broken.host()), "denied");
    url(format!("{host}/app:1"), "there");
    home.run("store record --url https://example.com/x.sif")
        .ok();
    home.write("one.sif", "one")
        .run("store add one.sif --name local")
        .ok();
    let of = |rows: Vec<[String; 3]>| -> Vec<String> {
        rows.into_iter()
            .map(|[uri, status, _]| format!("{uri} {status}"))
            .collect()
    };
    assert_eq!(
        of(rows(&home, 5, "")),
        ["library/denied:latest denied", "library/there:latest ready"]
    );
    url(format!("{host}/absent:1"), "absent");
    assert_eq!(
        of(rows(&home, 13, "")),
        [
            "library/denied:latest denied",
            "library/there:latest ready",
            "library/absent:latest missing"
        ]
    );
    let named = rows(&home, 3, "x there local");
    assert_eq!(named[0][1], "skipped");
    assert!(named[0][2].contains("is no registry"), "{named:?}");
    assert_eq!(named[1][1], "ready");
    assert_eq!(named[2][1], "skipped");
    home.run("store refresh nothing").fails(4);
    assert_eq!(
        home.run("store refresh x -o name").stdout,
        "library/x:latest\n"
    );
    let empty = Home::new();
    assert_eq!(empty.run("store refresh -o json").ok().stdout, "[]\n");
    assert!(!empty.catalog().exists());
}
