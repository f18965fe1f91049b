//! `imgdex harbor robots`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use super::{asked, call_as};
use crate::fake_harbor::{ADMIN, Failure, FakeHarbor, Role, basic};
use crate::json;
use crate::login::typed;
use crate::support::{Home, PROGRAM, Ran};

const DEV: (&str, &str) = ("dev", "Secret1x");
const BOSS: (&str, &str) = ("boss", "Secret2x");

fn with_apps() -> (Home, FakeHarbor) {
    let harbor = FakeHarbor::start();
    harbor.project("apps").project("lab");
    for (account, role) in [(DEV, Role::Developer), (BOSS, Role::ProjectAdmin)] {
        harbor
            .user(account.0, account.1)
            .role(account.0, "apps", role);
    }
    (Home::new(), harbor)
}

/// Returns the secrets that the fake has given out, in the order of the robots.
fn secrets(harbor: &FakeHarbor) -> Vec<String> {
    let state = harbor.state();
    state
        .robots
        .iter()
        .map(|robot| robot.secret.clone())
        .collect()
}

fn names(harbor: &FakeHarbor) -> Vec<String> {
    let state = harbor.state();
    state
        .robots
        .iter()
        .map(|robot| robot.name.clone())
        .collect()
}

/// Returns how many requests of that method the fake got about robots.
fn count(harbor: &FakeHarbor, method: &str) -> usize {
    let seen = harbor.seen();
    let about = seen
        .iter()
        .filter(|one| one.method == method && one.target.starts_with("/api/v2.0/robots"));
    about.count()
}

/// Fails where a secret is in the standard error, or in any file of the home but `known`.
#[track_caller]
fn is_nowhere(home: &Home, ran: &Ran, secret: &str, known: &[&str]) {
    assert!(!ran.stderr.contains(secret), "{ran:#?}");
    let mut folders = vec![home.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(home.path()).expect("beneath");
            let bytes = fs::read(&path).expect("readable");
            let has = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(
                !has || known.iter().any(|one| Path::new(one) == name),
                "{name:?}"
            );
        }
    }
}

#[test]
fn a_robot_is_made_told_once_and_works() {
    let (home, harbor) = with_apps();
    let line = "harbor robots create ci --project apps --permission push --permission scan \
                --expires 90d -v";
    let ran = asked(&home, &harbor, line).ok();
    let secret = secrets(&harbor).remove(0);
    let shown = ran.snapshot(&home).replace(&secret, "SECRET");
    insta::assert_snapshot!(shown, @r"
    exit code: 0
    ----- stdout -----
    name:     robot$apps+ci
    secret:   SECRET
    expires:  <time>
    ----- stderr -----
    the robot `robot$apps+ci` was created
    hint: the secret is never shown again; `imgdex harbor robots refresh 'robot$apps+ci' --project apps` makes a new one
    ");
    is_nowhere(&home, &ran, &secret, &[]);
    let robot = harbor.state().robots[0].clone();
    assert_eq!(robot.duration, 90);
    assert_eq!(
        robot.permissions,
        json!([{"kind": "project", "namespace": "apps", "access": [
            {"resource": "repository", "action": "pull"},
            {"resource": "repository", "action": "push"},
            {"resource": "scan", "action": "create"},
            {"resource": "scan", "action": "read"},
            {"resource": "artifact", "action": "read"},
            {"resource": "artifact-addition", "action": "read"},
        ]}])
    );
    // The `$` of its name gets through headers and token requests.
    harbor.image("apps/web", "1");
    let host = harbor.host();
    let copy = format!("{host}/apps/web:2");
    let as_robot = (robot.name.as_str(), secret.as_str());
    let from = format!("{host}/apps/web:1");
    call_as(&home, &harbor, as_robot, &["copy", &from, &copy])
        .run()
        .ok();
}

#[test]
fn what_is_printed_has_the_secret_or_says_why_not() {
    let (home, harbor) = with_apps();
    let told = json(asked(
        &home,
        &harbor,
        "harbor robots create a --project apps -o json",
    ));
    assert_eq!(told["name"], "robot$apps+a");
    assert_eq!(told["secret"], secrets(&harbor)[0].as_str());
    let ran = asked(
        &home,
        &harbor,
        "harbor robots create b --project apps -o csv",
    )
    .ok();
    assert!(ran.stdout.contains(&secrets(&harbor)[1]), "{ran:#?}");
    let ran = asked(
        &home,
        &harbor,
        "harbor robots create c --project apps -o name",
    )
    .fails(2);
    assert!(ran.stderr.contains("--secret-file"), "{ran:#?}");
    assert_eq!(names(&harbor).len(), 2);
    let line = "harbor robots create c --project apps -o name --secret-file c.secret";
    assert_eq!(asked(&home, &harbor, line).ok().stdout, "robot$apps+c\n");
}

#[test]
fn a_secret_goes_into_a_new_file_for_its_owner_alone() {
    let (home, harbor) = with_apps();
    let create = |name: &str, more: &str| {
        let line = format!("harbor robots create {name} --project apps {more}");
        asked(&home, &harbor, &line)
    };
    let ran = create("ci", "--secret-file ci.secret -o json").ok();
    let secret = secrets(&harbor).remove(0);
    let path = home.path().join("ci.secret");
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        format!("{secret}\n")
    );
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!ran.stdout.contains(&secret), "{ran:#?}");
    is_nowhere(&home, &ran, &secret, &["ci.secret"]);
    // No robot is made where the file cannot be.
    let ran = create("other", "--secret-file ci.secret").fails(12);
    assert!(ran.stderr.contains("--force"), "{ran:#?}");
    create("other", "--secret-file none/ci.secret").fails(10);
    create("other", "--secret-file . --force").fails(10);
    create("other", "--force").fails(2);
    assert_eq!(count(&harbor, "POST"), 1);
    // Nor is the file left where no robot is made.
    create("ci", "--secret-file new.secret").fails(12);
    create("ci", "--secret-file ci.secret --force").fails(12);
    // The contract does not speak of what is there already.
    harbor.take_violations();
    assert!(!home.path().join("new.secret").exists());
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        format!("{secret}\n")
    );
    let line = "harbor robots refresh ci --project apps --secret-file ci.secret --force";
    asked(&home, &harbor, line).ok();
    let fresh = secrets(&harbor).remove(0);
    assert_ne!(fresh, secret);
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        format!("{fresh}\n")
    );
}

#[test]
fn a_robot_becomes_the_login_of_this_machine() {
    let (home, harbor) = with_apps();
    harbor.robot_prefix("robot-");
    harbor.image("apps/web", "1");
    let line = "harbor robots create ci --project apps --login=own.json";
    let ran = asked(&home, &harbor, line).ok();
    let secret = secrets(&harbor).remove(0);
    assert!(!ran.stdout.contains(&secret), "{ran:#?}");
    assert!(ran.stderr.contains("logged in to"), "{ran:#?}");
    let host = harbor.host();
    home.run(&format!(
        "registry digest {host}/apps/web:1 --authfile own.json"
    ))
    .ok();
    harbor.seen();
    // A file that is none is told before there is a robot.
    home.write("bad.json", "[]");
    let line = "harbor robots create other --project apps --login=bad.json";
    asked(&home, &harbor, line).fails(2);
    assert_eq!(names(&harbor), ["robot-apps+ci"]);
    let ran = asked(
        &home,
        &harbor,
        "harbor robots refresh ci --project apps --login",
    )
    .ok();
    let fresh = secrets(&harbor).remove(0);
    is_nowhere(&home, &ran, &fresh, &[]);
    home.run(&format!("registry digest {host}/apps/web:1")).ok();
    // The login is checked.
    harbor.fail("GET", "/service/token", 401, 9);
    let line = "harbor robots create third --project apps --login=third.json";
    let ran = asked(&home, &harbor, line).fails(5);
    assert!(
        ran.stderr.contains("its secret is lost")
            && ran
                .stderr
                .contains("harbor robots refresh robot-apps+third --project apps"),
        "{ran:#?}"
    );
    assert!(!home.path().join("third.json").exists());
}

#[test]
fn a_secret_becomes_one_of_kubernetes() {
    let (home, harbor) = with_apps();
    let line = "harbor robots create ci --project apps --output-secret pull-apps -o json";
    let ran = asked(&home, &harbor, line);
    let secret = secrets(&harbor).remove(0);
    is_nowhere(&home, &ran, &secret, &[]);
    let told = json(ran);
    assert_eq!(told["metadata"]["name"], "pull-apps");
    assert_eq!(told["type"], "kubernetes.io/dockerconfigjson");
    let line = "harbor robots refresh ci --project apps --output-secret pull-apps \
                --secret-file pull.yaml";
    let ran = asked(&home, &harbor, line).ok();
    let text = fs::read_to_string(home.path().join("pull.yaml")).expect("there");
    assert!(text.contains("kubernetes.io/dockerconfigjson"), "{text}");
    is_nowhere(&home, &ran, &secrets(&harbor)[0], &[]);
    for more in ["--output-secret Bad_Name", "--output-secret a -o csv"] {
        let line = format!("harbor robots create x --project apps {more}");
        asked(&home, &harbor, &line).fails(2);
    }
    assert_eq!(names(&harbor).len(), 1);
}

#[test]
fn what_cannot_be_a_robot_is_told_before_harbor_is_asked() {
    let (home, harbor) = with_apps();
    let check = |more: &str, words: &str| {
        let ran = asked(&home, &harbor, &format!("harbor robots create {more}")).fails(2);
        assert!(ran.stderr.contains(words), "{more}: {ran:#?}");
    };
    check("ci", "--project");
    check("ci --project apps --system", "cannot be used with");
    check("robot$ci --project apps", "the server itself adds");
    check("CI --project apps", "lower-case");
    check("ci --project Apps", "lower-case");
    check("ci --project apps --expires 0d", "1 day");
    check("ci --project apps --expires soon", "30d");
    check("ci --project apps --permission all", "repository:pull");
    check("ci --project apps --in lab", "cannot be used with");
    check("ci --project apps --secret-file -", "no file");
    assert_eq!(count(&harbor, "POST"), 0);
    let ran = asked(
        &home,
        &harbor,
        "harbor robots create ci --project apps --expires never",
    )
    .ok();
    assert!(ran.stderr.contains("never expires"), "{ran:#?}");
    assert_eq!(harbor.state().robots[0].duration, -1);
    harbor.state().robots.clear();
    asked(&home, &harbor, "harbor robots create all --system").ok();
    let line = "harbor robots create some --system --in apps lab --permission artifact:read";
    asked(&home, &harbor, line).ok();
    let state = harbor.state();
    let spaces = |at: usize| {
        let all = state.robots[at]
            .permissions
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.iter()
            .map(|one| one["namespace"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (spaces(0), spaces(1)),
        (vec![json!("*")], vec![json!("apps"), json!("lab")])
    );
}

#[test]
fn who_may_not_is_told_which_role_it_needs() {
    let (home, harbor) = with_apps();
    let run = |account, line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        call_as(&home, &harbor, account, &words).run()
    };
    for line in ["create ci --project apps", "list --project apps"] {
        let ran = run(DEV, &format!("harbor robots {line}")).fails(5);
        assert!(
            ran.stderr.contains("role Project Admin") && ran.stderr.contains("FORBIDDEN"),
            "{ran:#?}"
        );
    }
    run(BOSS, "harbor robots create ci --project apps").ok();
    let ran = run(BOSS, "harbor robots create ci --system").fails(5);
    assert!(ran.stderr.contains("administrator"), "{ran:#?}");
    run(DEV, "harbor robots list").fails(5);
    asked(&home, &harbor, "harbor robots create other --system").ok();
    // Everybody sees their own.
    let list = |account| {
        let all = json(run(account, "harbor robots list -o json"));
        let all = all.as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|one| one["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(BOSS), ["robot$apps+ci"]);
    assert_eq!(list(ADMIN), ["robot$other", "robot$apps+ci"]);
    let ran = run(BOSS, "harbor robots create ci --project apps").fails(12);
    assert!(
        ran.stderr
            .contains("imgdex harbor robots refresh ci --project apps"),
        "{ran:#?}"
    );
    harbor.take_violations();
    let ran = run(ADMIN, "harbor robots create ci --project none").fails(4);
    assert!(ran.stderr.contains("the project `none`"), "{ran:#?}");
}

#[test]
fn robots_are_listed_in_every_form() {
    let (home, harbor) = with_apps();
    let line = "harbor robots create ci --project apps --description builds --expires never";
    asked(&home, &harbor, line).ok();
    let ran = asked(&home, &harbor, "harbor robots list --project apps").ok();
    let id = harbor.state().robots[0].id.to_string();
    insta::assert_snapshot!(ran.stdout.replace(&id, "ID"), @r"
    id  name           permissions             expires  description
    --  -------------  ----------------------  -------  -----------
    ID   robot$apps+ci  apps (repository:pull)  never    builds
    ");
    let told = json(asked(
        &home,
        &harbor,
        "harbor robots list --project apps -o json",
    ));
    assert_eq!(
        told[0]["permissions"][0]["access"],
        json!(["repository:pull"])
    );
    assert_eq!(told[0]["expiresAt"], json!(null));
    assert_eq!(told[0]["level"], "project");
    let ran = asked(&home, &harbor, "harbor robots list --project lab -o json").ok();
    assert_eq!(ran.stdout, "[]\n");
    let ran = asked(&home, &harbor, "harbor robots list -o name").ok();
    assert_eq!(ran.stdout, "robot$apps+ci\n");
    for format in ["yaml", "csv", "wide"] {
        asked(&home, &harbor, &format!("harbor robots list -o {format}")).ok();
    }
}

#[test]
fn robots_of_the_server_are_no_robots_of_projects() {
    let (home, harbor) = with_apps();
    for line in ["ci --project apps", "ci --project lab", "mirror --system"] {
        asked(&home, &harbor, &format!("harbor robots create {line}")).ok();
    }
    let list = |more: &str| {
        let ran = asked(
            &home,
            &harbor,
            &format!("harbor robots list -o name {more}"),
        );
        super::names(ran)
    };
    assert_eq!(list("--system"), "robot$mirror");
    assert_eq!(list(""), "robot$mirror robot$apps+ci robot$lab+ci");
    // A server that tells of more than it was asked for.
    let robot = |id: i64, name: &str, level: &str| json!({"id": id, "name": name, "level": level});
    let all = json!([robot(1, "a", "system"), robot(2, "b", "project")]);
    let more = || Failure::Answer(200, Vec::new(), all.to_string());
    harbor.fail_with("GET", "/robots", 1, more());
    assert_eq!(list("--system"), "a");
    harbor.fail_with("GET", "/robots?", 3, more());
    assert_eq!(list(""), "a b");
    let line = "harbor robots delete robot$apps+ci";
    asked(&home, &harbor, line).ok();
    assert_eq!(names(&harbor), ["robot$lab+ci", "robot$mirror"]);
}

#[test]
fn a_robot_is_known_by_what_the_server_says() {
    for prefix in ["robot$", "robot-", "bot_", ""] {
        let (home, harbor) = with_apps();
        harbor.robot_prefix(prefix);
        for line in [
            "ci --project apps",
            "ci --project lab",
            "my-ci --project apps",
            "ci --system",
        ] {
            asked(&home, &harbor, &format!("harbor robots create {line}")).ok();
        }
        let before = secrets(&harbor);
        let refresh = |word: &str, more: &str| {
            let words = ["harbor", "robots", "refresh", word];
            let words: Vec<&str> = words.into_iter().chain(more.split_whitespace()).collect();
            call_as(&home, &harbor, ADMIN, &words).run()
        };
        let is_fresh = |at: usize| secrets(&harbor)[at] != before[at];
        refresh("ci", "--project apps").ok();
        assert!(
            is_fresh(0) && !is_fresh(1) && !is_fresh(2) && !is_fresh(3),
            "{prefix}"
        );
        refresh(&format!("{prefix}lab+ci"), "").ok();
        assert!(is_fresh(1), "{prefix}");
        let id = harbor.state().robots[2].id.to_string();
        refresh(&id, "").ok();
        assert!(is_fresh(2) && !is_fresh(3), "{prefix}");
        refresh(&format!("{prefix}ci"), "--system").ok();
        assert!(is_fresh(3), "{prefix}");
        if prefix.is_empty() {
            continue;
        }
        let ran = refresh("ci", "").fails(2);
        for name in [format!("`{prefix}apps+ci`"), format!("`{prefix}lab+ci`")] {
            assert!(ran.stderr.contains(&name), "{ran:#?}");
        }
        let ran = refresh("ci", "--system").fails(4);
        assert!(
            ran.stderr.contains(&format!("did you mean `{prefix}ci`?")),
            "{ran:#?}"
        );
        // A shell that took `$apps` for a variable.
        let ran = refresh("robot+ci", "--project apps").fails(4);
        assert!(ran.stderr.contains("did you mean"), "{ran:#?}");
        refresh("none", "--project apps").fails(4);
    }
}

#[test]
fn robots_are_deleted_all_or_none_where_one_is_not_known() {
    let (home, harbor) = with_apps();
    for name in ["a", "b", "c"] {
        asked(
            &home,
            &harbor,
            &format!("harbor robots create {name} --project apps"),
        )
        .ok();
    }
    asked(
        &home,
        &harbor,
        "harbor robots delete a none --project apps --yes",
    )
    .fails(4);
    assert_eq!(names(&harbor).len(), 3);
    let ran = asked(
        &home,
        &harbor,
        "harbor robots delete a robot$apps+b a --project apps",
    )
    .ok();
    assert!(ran.stderr.contains("deleted `robot$apps+b`"), "{ran:#?}");
    assert_eq!(names(&harbor), ["robot$apps+c"]);
    let words = ["harbor", "robots", "delete", "c", "--project", "apps"];
    let ran = call_as(&home, &harbor, DEV, &words).run().fails(5);
    assert!(ran.stderr.contains("role Project Admin"), "{ran:#?}");
    assert_eq!(names(&harbor).len(), 1);
}

#[test]
fn a_robot_is_not_made_twice_where_the_answer_is_lost() {
    let create = "harbor robots create ci --project apps --secret-file ci.secret";
    let check = |harbor: &FakeHarbor, home: &Home, code: i32, made: usize| {
        let ran = asked(home, harbor, create).fails(code);
        for words in [
            "imgdex harbor robots list --project apps",
            "imgdex harbor robots refresh ci --project apps",
        ] {
            assert!(ran.stderr.contains(words), "{ran:#?}");
        }
        assert_eq!((count(harbor, "POST"), names(harbor).len()), (1, made));
        assert!(!home.path().join("ci.secret").exists());
    };
    let (home, harbor) = with_apps();
    harbor.lose_answer("POST", "/robots", 1);
    check(&harbor, &home, 6, 1);
    let (home, harbor) = with_apps();
    harbor.fail("POST", "/robots", 500, 1);
    check(&harbor, &home, 6, 0);
    let (home, harbor) = with_apps();
    harbor.reset("POST", "/robots", 1);
    check(&harbor, &home, 6, 0);
    let (home, harbor) = with_apps();
    let page = Failure::Answer(200, Vec::new(), "<html>".to_owned());
    harbor.fail_with("POST", "/robots", 1, page);
    check(&harbor, &home, 7, 0);
    // One that says that it did nothing is asked again.
    let (home, harbor) = with_apps();
    harbor.too_many("POST", "/robots", 0, 2);
    asked(&home, &harbor, create).ok();
    assert_eq!(count(&harbor, "POST"), 3);
    harbor.lose_answer("PATCH", "/robots", 1);
    let ran = asked(&home, &harbor, "harbor robots refresh ci --project apps").fails(6);
    assert!(ran.stderr.contains("makes another"), "{ran:#?}");
    assert_eq!(count(&harbor, "PATCH"), 1);
}

#[test]
fn a_secret_that_could_not_be_printed_is_said_to_be_lost() {
    let (home, harbor) = with_apps();
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let output = home
        .command(PROGRAM)
        .args(["harbor", "robots", "create", "ci", "--project", "apps"])
        .env("IMGDEX_HARBOR_URL", harbor.url())
        .env("IMGDEX_REGISTRY_HOST", harbor.host())
        .env("IMGDEX_REGISTRY_USERNAME", ADMIN.0)
        .env("IMGDEX_REGISTRY_PASSWORD", ADMIN.1)
        .stdout(full.expect("a device"))
        .output();
    let ran = Ran::of(&output.expect("it runs")).fails(10);
    assert!(
        ran.stderr.contains("its secret is lost")
            && ran
                .stderr
                .contains("refresh 'robot$apps+ci' --project apps"),
        "{ran:#?}"
    );
    is_nowhere(&home, &ran, &secrets(&harbor)[0], &[]);
}

#[test]
fn a_secret_that_is_on_its_way_is_not_lost_by_a_signal() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (home, harbor) = with_apps();
        let signalled = |method: &str, line: &str| {
            harbor.fail_with(method, "/robots", 1, Failure::Late(300));
            let words: Vec<&str> = line.split_whitespace().collect();
            let before = count(&harbor, method);
            let call = call_as(&home, &harbor, ADMIN, &words);
            let ran = call.signalled_when(signal, || count(&harbor, method) > before);
            let ran = ran.fails(code);
            assert!(
                ran.stderr.contains("its secret where it was to go"),
                "{ran:#?}"
            );
            ran
        };
        let is_in_file = || {
            let text = fs::read_to_string(home.path().join("ci.secret")).expect("there");
            assert_eq!(text, format!("{}\n", secrets(&harbor)[0]));
        };
        let line = "harbor robots create ci --project apps --secret-file ci.secret";
        signalled("POST", line);
        is_in_file();
        let line = "harbor robots refresh ci --project apps --secret-file ci.secret --force";
        signalled("PATCH", line);
        is_in_file();
        let ran = signalled("POST", "harbor robots create printed --project apps");
        assert!(ran.stdout.contains(&secrets(&harbor)[1]), "{ran:#?}");
    }
}

#[test]
fn a_cli_secret_is_not_enough() {
    let (home, harbor) = with_apps();
    harbor
        .oidc_user("ann", "CliSecret1")
        .role("ann", "apps", Role::ProjectAdmin);
    let words = ["harbor", "robots", "create", "ci", "--project", "apps"];
    let ran = call_as(&home, &harbor, ("ann", "CliSecret1"), &words).run();
    assert!(
        ran.fails(5)
            .stderr
            .contains("a robot account or a local user")
    );
}

#[test]
fn it_is_asked_on_a_terminal_before_a_robot_or_an_artifact_is_deleted() {
    let (home, harbor) = with_apps();
    asked(&home, &harbor, "harbor robots create ci --project apps").ok();
    let digest = harbor.listed("apps/web", "1");
    let host = harbor.host();
    let login = basic(ADMIN.0, ADMIN.1);
    let login = login.strip_prefix("Basic ").expect("it is one");
    home.write(
        "auth.json",
        format!(r#"{{"auths":{{"{host}":{{"auth":"{login}"}}}}}}"#),
    );
    let typed = |command: &str, answer: &str| {
        let command = format!(
            "harbor {command} --server {} --authfile auth.json",
            harbor.url()
        );
        typed(&home, &command, &[("[y/N] ", answer)])
    };
    let (code, shown) = typed("robots delete ci --project apps", "n\n");
    assert_eq!((code, names(&harbor).len()), (0, 1), "{shown}");
    assert!(
        shown.contains(&format!("Delete `robot$apps+ci` on `{host}`?")),
        "{shown}"
    );
    let (code, shown) = typed("robots delete ci --project apps", "y\n");
    assert_eq!((code, names(&harbor).len()), (0, 0), "{shown}");
    let (code, shown) = typed("delete apps/web:1", "n\n");
    assert_eq!((code, harbor.state().artifacts.len()), (0, 1), "{shown}");
    let question = format!("Delete `apps/web@{digest}`, with the tags `1`, from `{host}`?");
    assert!(shown.contains(&question), "{shown}");
}
