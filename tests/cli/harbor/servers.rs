//! Which server is asked, and as whom.

use super::{DEV, call, names, shown, with_apps};
use crate::docker_registry::DockerRegistry;
use crate::fake_harbor::ADMIN;
use crate::fault_server::{FaultServer, Reply};
use crate::support::Home;

#[test]
fn the_server_is_a_flag_the_environment_or_a_context() {
    let (home, one, other) = (Home::new(), with_apps(), with_apps());
    one.public_project("one");
    other.public_project("other");
    home.write(
        ".config/imgdex/config.toml",
        format!(
            "[harbor]\ncontext = \"one\"\n[harbor.contexts.one]\nurl = \"{}\"\n\
             [harbor.contexts.\"the.other\"]\nurl = \"{}\"\n",
            one.url(),
            other.url()
        ),
    );
    let list = |more: &str| home.call(&format!("harbor projects list -o name {more}"));
    assert_eq!(names(list("").run()), "one open");
    assert_eq!(names(list("--context the.other").run()), "open other");
    let from_environment =
        |more: &str| names(list(more).env("IMGDEX_HARBOR_URL", other.url()).run());
    assert_eq!(from_environment(""), "open other");
    assert_eq!(from_environment("--context one"), "one open");
    assert_eq!(
        from_environment(&format!("--server {}/", one.url())),
        "one open"
    );
    assert_eq!(
        from_environment(&format!("--server {}", one.host())),
        "one open"
    );
    // An empty variable is none.
    assert_eq!(
        names(list("").env("IMGDEX_HARBOR_URL", "").run()),
        "one open"
    );
    // A place that names its host is there.
    one.image("one/web", "1");
    let tags = home.call(&format!("harbor tags {}/one/web -o name", one.host()));
    assert_eq!(names(tags.env("IMGDEX_HARBOR_URL", other.url()).run()), "1");
    list("--context one --server h.example").run().fails(2);
    let config = |call: crate::support::Call<'_>| {
        let ran = call.run().ok();
        let lines = ran
            .stdout
            .lines()
            .filter(|line| line.starts_with("harbor."));
        let lines: String = lines.map(|line| format!("{line}\n")).collect();
        lines
            .replace(&one.host(), "ONE")
            .replace(&other.host(), "OTHER")
            .replace("127.0.0.1:1", "NONE")
    };
    let show = || home.call("config show -o csv");
    insta::assert_snapshot!(config(show()), @r"
    harbor.context,one,config file
    harbor.url,http://ONE,config file
    harbor.contexts.one.url,http://ONE,config file
    harbor.contexts.the.other.url,http://OTHER,config file
    ");
    let secret = "http://me:hunter2@127.0.0.1:1";
    insta::assert_snapshot!(config(show().env("IMGDEX_HARBOR_URL", secret)), @r"
    harbor.context,one,config file
    harbor.url,http://<redacted>@NONE,environment IMGDEX_HARBOR_URL
    harbor.contexts.one.url,http://ONE,config file
    harbor.contexts.the.other.url,http://OTHER,config file
    ");
    let ran = list("--context prod").run();
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: there is no context `prod`
    hint: the config file has `one`, `the.other`
    ");
    // A shell offers them.
    let offered = home
        .call_with(&["--", "imgdex", "harbor", "info", "--context", ""])
        .env("IMGDEX_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "4")
        .env("_CLAP_IFS", " ")
        .run();
    assert_eq!(offered.ok().stdout, "one the.other");
}

#[test]
fn addresses_that_are_none_are_refused() {
    let home = Home::new();
    let show = |server: &str| {
        let ran = home
            .call_with(&["harbor", "info", "--server", server])
            .run();
        ran.fails(2).snapshot(&home)
    };
    insta::assert_snapshot!(show("https://harbor.example.com/harbor/projects"), @r"
    exit code: 2
    ----- stderr -----
    error: --server: `https://harbor.example.com/harbor/projects`: it has more than a host and a port
    hint: the address is `https://HOST[:PORT]`, as in `https://harbor.example.com`
    ");
    insta::assert_snapshot!(show("https://me:hunter2@harbor.example.com"), @r"
    exit code: 2
    ----- stderr -----
    error: --server: credentials do not belong in an address
    hint: `imgdex login HOST` keeps them; in CI, set IMGDEX_REGISTRY_USERNAME
    ");
    insta::assert_snapshot!(show("ftp://harbor.example.com"), @r"
    exit code: 2
    ----- stderr -----
    error: --server: `ftp://harbor.example.com`: Harbor is spoken to by http or https
    hint: the address is `https://HOST[:PORT]`, as in `https://harbor.example.com`
    ");
    insta::assert_snapshot!(show(""), @r"
    exit code: 2
    ----- stderr -----
    error: --server: ``: it names no host
    hint: the address is `https://HOST[:PORT]`, as in `https://harbor.example.com`
    ");
    insta::assert_snapshot!(home.run("harbor info").fails(2).snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    error: which Harbor is meant was not said
    hint: name it with `--server https://harbor.example.com` or IMGDEX_HARBOR_URL
    hint: or in the config file: `[harbor]`, `context = "prod"`, `[harbor.contexts.prod]`, `url = "https://harbor.example.com"`
    "#);
    insta::assert_snapshot!(
        home.run("harbor info --context prod").fails(2).snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    error: there is no context `prod`
    hint: add it to the config file: `[harbor.contexts.prod]`, `url = "https://harbor.example.com"`
    "#);
    let ran = home
        .call("harbor info")
        .env("IMGDEX_HARBOR_URL", "http://a:b@c")
        .run();
    insta::assert_snapshot!(ran.fails(2).snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: IMGDEX_HARBOR_URL: credentials do not belong in an address
    hint: `imgdex login HOST` keeps them; in CI, set IMGDEX_REGISTRY_USERNAME
    ");
}

#[test]
fn a_place_is_a_repository_and_nothing_else() {
    let home = Home::new();
    let show = |arguments: &str| {
        let ran = home.run(&format!("harbor {arguments} --server 127.0.0.1:1"));
        ran.fails(2).snapshot(&home)
    };
    insta::assert_snapshot!(show("tags apps"), @r"
    exit code: 2
    ----- stderr -----
    error: `apps`: name it as PROJECT/REPOSITORY
    hint: such as `apps/my_app` or `apps/my_app:4.2`
    ");
    insta::assert_snapshot!(show("tags apps/web:1"), @r"
    exit code: 2
    ----- stderr -----
    error: `apps/web` is meant whole: name no tag and no digest
    hint: `imgdex harbor tags apps/web`
    ");
    insta::assert_snapshot!(show("artifacts apps/Web"), @r"
    exit code: 2
    ----- stderr -----
    error: `apps/Web`: repository path `apps/Web`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`
    hint: such as `apps/my_app` or `apps/my_app:4.2`
    ");
    insta::assert_snapshot!(show("repositories apps/web"), @r"
    exit code: 2
    ----- stderr -----
    error: `apps/web`: a project's name is of lower-case letters and digits, with `.`, `_` and `-` between them, and at most 255 characters long
    hint: `imgdex harbor projects list` shows the projects
    ");
    insta::assert_snapshot!(show("tags https://h.example/apps/web"), @r"
    exit code: 2
    ----- stderr -----
    error: `https://h.example/apps/web` is on `h.example`, and `127.0.0.1:1` is to be asked
    hint: leave out the host, or name the other server
    ");
    home.write(
        ".config/imgdex/config.toml",
        "[harbor.contexts.one]\nurl = \"https://h.example\"\n",
    );
    insta::assert_snapshot!(show("tags h.example/apps/web"), @r"
    exit code: 2
    ----- stderr -----
    error: `h.example/apps/web` is on `h.example`, and `127.0.0.1:1` is to be asked
    hint: leave out the host, or name the other server; where `h.example` is a project, name the host, too: `127.0.0.1:1/h.example/apps/web`
    ");
    insta::assert_snapshot!(show("untag https://127.0.0.1:1/a/b:1 http://127.0.0.1:1/a/b:2"), @r"
    exit code: 2
    ----- stderr -----
    error: `http://127.0.0.1:1/a/b:2` has another scheme than the first
    hint: name all of them with the same
    ");
    let ran = home.run("harbor tags http://h.example/a/b --server https://h.example");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: `http://h.example/a/b` has another scheme than the server
    hint: leave out the scheme of the one or the other
    ");
}

#[test]
fn a_project_with_a_dot_is_one_where_a_server_is_known() {
    let (home, harbor) = (Home::new(), with_apps());
    harbor.public_project("my.apps");
    harbor.image("my.apps/team/web", "1");
    let host = harbor.host();
    let tags =
        |place: &str| call(&home, &harbor, Some(DEV), &format!("tags {place} -o name")).run();
    assert_eq!(names(tags("my.apps/team/web")), "1");
    assert_eq!(names(tags(&format!("{host}/my.apps/team/web"))), "1");
    let ran = tags("other.example.com/apps/x");
    insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
    exit code: 4
    ----- stderr -----
    error: cannot list the artifacts of `other.example.com/apps/x`: the project `other.example.com` does not exist on `HOST`
    hint: `imgdex harbor projects list` shows the projects
    hint: `other.example.com` was taken for a project; where it is a host, say so: `https://other.example.com/apps/x`
    ");
    // Whoever logged in to it knows it for a host.
    home.write(
        "auth.json",
        r#"{"auths":{"other.invalid":{"auth":"YTpi"}}}"#,
    );
    let ran = tags("other.invalid/apps/x --authfile auth.json").fails(6);
    assert!(ran.stderr.contains("`other.invalid`"), "{ran:#?}");
}

#[test]
fn an_address_with_https_is_not_asked_without() {
    let (home, harbor) = (Home::new(), with_apps());
    let ran = home.run(&format!("harbor info --server https://{}", harbor.host()));
    let text = ran.fails(6).snapshot(&home).replace(&harbor.host(), "HOST");
    insta::assert_snapshot!(text, @r#"
    exit code: 6
    ----- stderr -----
    error: cannot ask `HOST` what it is: `HOST` was asked by https, and does not speak TLS
    hint: where it is to be asked without, `--plain-http`, or in the config file: `[registry."HOST"]`, `plain-http = true`
    "#);
    assert!(harbor.seen().is_empty());
    // Nor is a place, whatever the server that is known says.
    for known in [String::new(), harbor.url()] {
        let ran = home
            .call(&format!("harbor tags https://{}/open/web", harbor.host()))
            .env("IMGDEX_HARBOR_URL", known)
            .run()
            .fails(6);
        assert!(
            ran.stderr
                .contains("asked by https, and does not speak TLS"),
            "{ran:#?}"
        );
    }
    assert!(harbor.seen().is_empty());
    harbor.image("open/web", "1");
    harbor.forget_seen();
    let plain = format!("harbor tags http://{}/open/web -o name", harbor.host());
    assert_eq!(names(home.run(&plain)), "1");
}

#[test]
fn a_wrong_password_is_told_and_nothing_is_listed() {
    let (home, harbor) = (Home::new(), with_apps());
    let wrong = Some((DEV.0, "hunter2"));
    for arguments in ["projects list", "info", "tags open/web"] {
        let ran = call(&home, &harbor, wrong, arguments).run().fails(5);
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&ran, &home, &harbor), @r"
            exit code: 5
            ----- stderr -----
            error: cannot log in to Harbor at `HOST`: `HOST` refused the user name `dev` and its password; Harbor said: UNAUTHORIZED: unauthorized to access repository (X-Request-Id: request-N)
            hint: `imgdex login HOST` with a local user, a robot account, or, where one logs in through OIDC, the CLI secret of the user's profile; a robot may have expired
            ");
        }
    }
    assert!(super::requests(&harbor, "/api/").is_empty());
}

#[test]
fn whoever_logged_in_is_who_asks() {
    let (home, harbor) = (Home::new(), with_apps());
    let host = harbor.host();
    let list = || {
        let ran = home.run(&format!("harbor projects list --server {host} -o name"));
        names(ran)
    };
    assert_eq!(list(), "open");
    home.pipe(
        DEV.1,
        &format!("login {host} -u {} --password-stdin", DEV.0),
    )
    .ok();
    assert_eq!(list(), "apps open");
    home.run(&format!("logout {host}")).ok();
    assert_eq!(list(), "open");
    // A robot has a `$` in its name.
    let (robot, secret) = harbor.robot("apps", "ci", &["pull"]);
    home.pipe(secret, &format!("login {host} -u {robot} --password-stdin"))
        .ok();
    assert_eq!(list(), "apps open");
    let seen = harbor.seen();
    assert!(seen.iter().any(|one| one.account == robot));
}

#[test]
fn what_is_no_harbor_is_said_to_be_none() {
    let home = Home::new();
    let show = |host: &str, arguments: &str| {
        let ran = home.run(&format!("harbor {arguments} --server http://{host}"));
        ran.snapshot(&home).replace(host, "HOST")
    };
    let registry = DockerRegistry::start();
    insta::assert_snapshot!(show(&registry.host(), "projects list"), @r"
    exit code: 7
    ----- stderr -----
    error: cannot list the projects of `HOST`: `HOST` answers as no Harbor does
    hint: the server is the address that Harbor's own pages have; of a registry that is no Harbor, `imgdex registry repositories HOST` shows what it has
    ");
    insta::assert_snapshot!(show(&registry.host(), "tags apps/a/b"), @r"
    exit code: 7
    ----- stderr -----
    error: cannot list the artifacts of `apps/a/b`: `HOST` answers as no Harbor does
    hint: the server is the address that Harbor's own pages have; of a registry that is no Harbor, `imgdex registry repositories HOST` shows what it has
    ");
    // The pages of something else, and what is no JSON.
    for body in ["<html>welcome</html>", "pong", ""] {
        let server = FaultServer::start(move |_| Reply::new(200, body));
        for arguments in ["info", "health", "projects list", "repositories apps"] {
            let text = show(&server.host(), arguments);
            assert!(text.starts_with("exit code: 7\n"), "{text}");
            assert!(text.contains("`HOST` answers as no Harbor does"), "{text}");
        }
    }
    let server = FaultServer::start(|_| Reply::new(200, r#"{"name":"something else"}"#));
    insta::assert_snapshot!(show(&server.host(), "projects list"), @r"
    exit code: 7
    ----- stderr -----
    error: cannot list the projects of `HOST`: `HOST` answered, but not as Harbor's API v2.0
    hint: `imgdex harbor info` shows which version it is
    ");
}

#[test]
fn the_list_of_all_repositories_is_looked_for_elsewhere() {
    let (home, harbor) = (Home::new(), with_apps());
    let host = harbor.host();
    harbor.image("open/web", "1");
    let list = |(name, password): (&str, &str)| {
        home.call(&format!("registry repositories {host} -o name"))
            .env("IMGDEX_REGISTRY_HOST", &host)
            .env("IMGDEX_REGISTRY_USERNAME", name)
            .env("IMGDEX_REGISTRY_PASSWORD", password)
            .run()
    };
    assert_eq!(names(list(ADMIN)), format!("{host}/open/web"));
    insta::assert_snapshot!(shown(&list(DEV), &home, &harbor), @r"
    exit code: 5
    ----- stderr -----
    error: cannot list the repositories of `HOST`: `HOST` refused the credentials (401 Unauthorized); registry said: UNAUTHORIZED: unauthorized to access repository
    hint: many registries, Harbor among them, show this list to administrators only: `imgdex login HOST` as one of them, or look at one repository with `imgdex registry tags HOST/REPOSITORY`; on a Harbor, `imgdex harbor projects list --server HOST` and `imgdex harbor repositories PROJECT` show what you may see
    ");
}
