//! The list of a registry's repositories, and looking for some of them.

use crate::docker_registry::DockerRegistry;
use crate::fault_server::{FaultServer, Reply};
use crate::support::Home;

fn filled() -> DockerRegistry {
    let registry = DockerRegistry::start();
    for repository in ["team/app", "team/app-gpu", "teams/notebook", "alpine"] {
        registry.image(repository, "1", "amd64");
    }
    registry
}

#[test]
fn repositories_are_listed_in_every_form() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    let list = |more: &str| {
        let ran = home.run(&format!("registry repositories {more}")).ok();
        ran.stdout.replace(&host, "HOST")
    };
    assert_eq!(list(&format!("{host} -o json")), "[]\n");
    for repository in ["team/app", "alpine"] {
        registry.image(repository, "1", "amd64");
    }
    let table = list(&host);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["name", "reference"]);
    assert_eq!(
        rows[2..],
        [["alpine", "HOST/alpine"], ["team/app", "HOST/team/app"]]
    );
    assert_eq!(
        list(&format!("https://{host}/ -o name")),
        "HOST/alpine\nHOST/team/app\n"
    );
    assert_eq!(
        list(&format!("{host} -o csv")),
        "name,reference\nalpine,HOST/alpine\nteam/app,HOST/team/app\n"
    );
    assert_eq!(
        list(&format!("{host} -o json")),
        "[\n{\"name\":\"alpine\",\"reference\":\"HOST/alpine\"},\n\
         {\"name\":\"team/app\",\"reference\":\"HOST/team/app\"}\n]\n"
    );
    assert_eq!(
        list(&format!("{host} -o yaml")),
        "- name: alpine\n  reference: \"HOST/alpine\"\n- name: team/app\n  reference: \"HOST/team/app\"\n"
    );
}

#[test]
fn a_search_takes_a_text_as_it_is() {
    let (home, registry) = (Home::new(), filled());
    let host = registry.host();
    let check = |arguments: &[&str], expected: &str| {
        let arguments = [&["registry", "search", "-o", "name"], arguments].concat();
        let call = home.call_with(&arguments);
        let ran = call.env("IMGDEX_REGISTRY", &host).run().ok();
        let found = ran.stdout.replace(&format!("{host}/"), "");
        assert_eq!(found.replace('\n', " "), expected, "{arguments:?}");
    };
    check(&[&host, "APP"], "team/app team/app-gpu ");
    check(&[&format!("{host}/team"), "a"], "team/app team/app-gpu ");
    check(
        &[&format!("https://{host}/teams/"), "note"],
        "teams/notebook ",
    );
    check(&["notebook"], "teams/notebook ");
    check(&[&host, "team/"], "team/app team/app-gpu ");
    for nothing in ["*", ".", "%", "a.p", "nothing"] {
        check(&[&host, nothing], "");
    }
    home.run("registry search not_a_host text").fails(2);
    home.run(&format!("registry search {host}/Team text"))
        .fails(2);
    home.run("registry search").fails(2);
}

#[test]
fn docker_hub_is_said_to_have_no_such_list() {
    let home = Home::new();
    for command in [
        "registry search notebook",
        "registry repositories docker.io",
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(home.run(command).snapshot(&home), @r"
            exit code: 1
            ----- stderr -----
            error: cannot list the repositories of `docker.io`: Docker Hub has no such list in the API of registries
            hint: look for images at https://hub.docker.com/search, or name another registry
            ");
        }
    }
}

#[test]
fn a_registry_without_the_list_or_that_does_not_show_it_says_what_to_do() {
    let show = |reply: Reply| {
        let (home, server) = (Home::new(), FaultServer::start(move |_| reply.clone()));
        let ran = home.run(&format!("registry search {} app", server.host()));
        ran.snapshot(&home).replace(&server.host(), "HOST")
    };
    for status in [404, 405] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(show(Reply::new(status, "")), @r"
            exit code: 1
            ----- stderr -----
            error: cannot list the repositories of `HOST`: `HOST` has no such list
            hint: `imgdex registry tags HOST/REPOSITORY` needs none
            ");
        }
    }
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized to list catalog"}]}"#;
    let refused = Reply::new(401, body).with("WWW-Authenticate", "Basic realm=\"harbor\"");
    insta::assert_snapshot!(show(refused), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of `HOST`: `HOST` wants credentials, and there are none for it (401 Unauthorized); registry said: UNAUTHORIZED: unauthorized to list catalog
    hint: many registries, Harbor among them, show this list to administrators only: `imgdex login HOST` as one of them, or look at one repository with `imgdex registry tags HOST/REPOSITORY`; on a Harbor, `imgdex harbor projects list --server HOST` and `imgdex harbor repositories PROJECT` show what you may see
    ");
}
