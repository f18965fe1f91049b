//! What builds are shown of secrets.

use std::fs;

use serde_json::json;

use super::Place;
use crate::builder::{RECORDS, add_storage, call, file_in, installed, push_base};
use crate::docker_registry::DockerRegistry;
use crate::field;
use crate::support::Home;
use crate::token_server::{IDENTITY, TokenServer, authorization};

#[test]
fn a_secret_is_there_only_while_the_package_manager_runs() {
    let shows = "#!/bin/sh\ncat $PIP_CONFIG_FILE > /shown\n";
    let place = Place::new(&[("pip", shows)]);
    place
        .home
        .write("pip.conf", "index-url = https://me:hunter2@index.example\n");
    place.create(json!({"pip": ["x"]}));
    place
        .run("images build science --secret id=pip,src=pip.conf")
        .ok();
    let url = format!("{}/custom/science:1", place.host());
    let shown = file_in(&place.home, &url, "shown").unwrap_or_default();
    assert!(shown.contains("hunter2"), "{shown}");
    assert_eq!(file_in(&place.home, &url, "run/secrets/pip"), None);
    let log = place.run("images build-log science").ok().stdout;
    assert!(!log.contains("hunter2"), "{log}");
    place.home.write("large", vec![b'#'; 600 << 10]);
    let wrong = [
        ("id=pip,src=absent", 4, "`absent` does not exist"),
        ("id=pip,src=.", 2, "`.` is not a file"),
        ("id=pip,src=/dev/zero", 2, "`/dev/zero` is not a file"),
        ("id=pip,src=large", 2, "`large` is larger than 500 KiB"),
        (
            "id=pip,src=pip.conf --secret id=pip,src=pip.conf",
            2,
            "the second one for pip",
        ),
        ("id=npm,src=pip.conf", 2, "`apt`, `conda` or `pip`"),
    ];
    for (secret, code, told) in wrong {
        let build = format!("images build science --force --secret {secret}");
        let ran = place.run(&build).fails(code);
        assert!(ran.stderr.contains(told), "{secret}: {ran:?}");
    }
}

#[test]
fn a_secret_is_found_whatever_its_path_has_in_it() {
    let shows = "#!/bin/sh\ncat $PIP_CONFIG_FILE > /shown\n";
    let place = Place::new(&[("pip", shows)]);
    place.home.write("a,b \"c\"/pip=x.conf", "index-url = x\n");
    let odd = place.home.path().join("a,b \"c\"");
    std::os::unix::fs::symlink(odd.join("pip=x.conf"), place.home.path().join("link"))
        .expect("linked");
    place.create(json!({"pip": ["x"]}));
    let url = format!("{}/custom/science:1", place.host());
    // And the folder for temporary files, in which the link to it is.
    for temporary in [place.home.path().join("temporary"), odd] {
        let temporary = temporary.display().to_string();
        for engine in ["buildah", "podman"] {
            let build = "images build science --force --secret id=pip,src=link --engine";
            call(&place.home, &format!("{build} {engine}"))
                .env("TMPDIR", &temporary)
                .run()
                .ok();
            let shown = file_in(&place.home, &url, "shown");
            assert_eq!(shown.as_deref(), Some("index-url = x\n"), "{engine}");
            assert_eq!(file_in(&place.home, &url, "run/secrets/pip"), None);
        }
    }
}

#[test]
fn each_registry_sees_its_own_secret_and_nobody_else_any() {
    let (home, base, target) = (
        Home::new(),
        DockerRegistry::with_password(),
        DockerRegistry::with_password(),
    );
    add_storage(&home);
    let (base, target) = (base.host(), target.host());
    let both = json!({"auths": {
        &base: {"auth": "bWU6aHVudGVyMg=="},
        &target: {"auth": "bWU6aHVudGVyMg=="},
    }});
    home.write(".docker/config.json", both.to_string());
    push_base(&home, &format!("{base}/team/base:1"), &[("pip", RECORDS)]);
    fs::remove_file(home.path().join(".docker/config.json")).expect("removed");
    for (name, host) in [("base", &base), ("target", &target)] {
        let create = format!(
            "secrets create --name {name} --registry-host {host} --username me --password-stdin"
        );
        home.pipe("hunter2", &create).ok();
    }
    let spec = json!({
        "baseImage": format!("{base}/team/base:1"), "pullSecret": "image-base",
        "packages": {"pip": ["x"]},
    });
    let image = json!({"name": "science", "global": true, "imageSpec": spec});
    home.pipe(image.to_string(), "images create").ok();
    let build = format!("images build science --push {target}/x:1");
    call(&home, &build).run().fails(5);
    let ran = call(&home, &format!("{build} --push-secret image-base"))
        .run()
        .fails(11);
    insta::assert_snapshot!(ran.stderr.replace(&base, "<base>").replace(&target, "<target>"), @r"
    error: secret `image-base` serves `<base>`, and is not sent to `<target>`
    hint: if it is of that registry: `imgdex secrets update image-base --registry-host <target>`
    ");
    let build = format!("{build} --push-secret image-target");

    let really = installed("buildah").display().to_string();
    home.program(
        "buildah",
        &format!(
            "#!/bin/sh\nfor word; do\n\
             [ \"$before\" = --authfile ] && stat -c %a $word >> $HOME/seen && \
             grep -o '127[0-9.:]*' $word >> $HOME/seen\nbefore=$word\ndone\n\
             echo \"$*\" >> $HOME/asked\nenv >> $HOME/environment\nexec {really} \"$@\"\n"
        ),
    );
    let ran = call(&home, &build)
        .env("IMGDEX_REGISTRY_HOST", "elsewhere.example")
        .env("IMGDEX_REGISTRY_USERNAME", "me")
        .env("IMGDEX_REGISTRY_PASSWORD", "hunter2")
        .run()
        .ok();
    assert_eq!(
        field(&home, "science", "url"),
        json!(format!("{target}/x:1"))
    );
    let read = |name: &str| fs::read_to_string(home.path().join(name)).expect("written");
    assert_eq!(read("seen"), format!("600\n{base}\n600\n{target}\n"));
    let log = call(&home, "images build-log science").run().ok().stdout;
    let history = call(&home, "images history science -o json")
        .run()
        .ok()
        .stdout;
    for text in [read("asked"), read("environment"), log, history, ran.stderr] {
        assert!(
            !text.contains("hunter2") && !text.contains("bWU6aHVudGVyMg"),
            "{text}"
        );
    }
}

#[test]
fn a_token_that_an_engine_cannot_use_is_refused_before_it_builds() {
    let place = Place::new(&[("pip", RECORDS)]);
    place.create(json!({"pip": ["x"]}));
    let tokens = TokenServer::start();
    let target = tokens.registry();
    let host = target.host();
    let bearer = authorization("x");
    let bearer = bearer.strip_prefix("Bearer ").expect("a token");
    let build = |engine: &str| {
        call(
            &place.home,
            &format!("images build science --push {host}/x:1 --engine {engine}"),
        )
    };
    for engine in ["buildah", "podman"] {
        let ran = build(engine)
            .env("IMGDEX_REGISTRY_HOST", &host)
            .env("IMGDEX_REGISTRY_TOKEN", bearer)
            .run();
        let told = ran.snapshot(&place.home).replace(&host, "<host>");
        let expected = format!(
            "exit code: 5\n----- stderr -----\n\
             error: image `science` cannot be built: {engine} cannot push to `<host>` with a \
             registry's own token (a bearer token)\n\
             hint: log in with a user name and a password, or with an identity token: `imgdex \
             login <host>`; in CI, set IMGDEX_REGISTRY_USERNAME and IMGDEX_REGISTRY_PASSWORD \
             instead of IMGDEX_REGISTRY_TOKEN; docker takes such a token (`--engine docker`)\n"
        );
        assert_eq!(told, expected);
        assert_eq!(place.status(), serde_json::Value::Null);
    }
    // One that is changed for such tokens is of use to them.
    let login = format!("login {host} --token-stdin");
    place.home.pipe(format!("{IDENTITY}\n"), &login).ok();
    build("buildah").run().ok();
    build("podman --force").run().ok();
    let url = format!("{host}/x:1");
    assert_eq!(field(&place.home, "science", "url"), json!(url));

    place.home.run(&format!("logout {host}")).ok();
    // Whether anybody may pull is known only then.
    let spec = json!({"baseImage": url, "packages": {"pip": ["y"]}});
    let image = json!({"name": "next", "global": true, "imageSpec": spec});
    place.home.pipe(image.to_string(), "images create").ok();
    let ran = call(&place.home, "images build next --engine buildah")
        .env("IMGDEX_REGISTRY_HOST", &host)
        .env("IMGDEX_REGISTRY_TOKEN", bearer)
        .run()
        .fails(1);
    let hint = format!(
        "\nhint: buildah takes no registry's own token (a bearer token): log in to `{host}` with a \
         user name and a password, or with an identity token; `imgdex images build-log next` "
    );
    assert!(ran.stderr.contains(&hint), "{ran:?}");
}
