//! Engines beside buildah.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{ALL, Place, create};
use crate::builder::{RECORDS, buildah, file_in, installed, left_over};
use crate::docker_registry::DockerRegistry;
use crate::support::Home;
use crate::{field, json};

#[test]
fn a_cluster_is_given_a_job_and_what_it_pushed_is_found() {
    let place = Place::new(&ALL);
    let create = format!(
        "secrets create --name puller --registry-host {} --username me --password-stdin",
        place.host()
    );
    place.home.pipe("hunter2", &create).ok();
    let spec = json!({
        "baseImage": place.base(), "pullSecret": "image-puller",
        "packages": {"pip": ["pandas>=2", "$(touch /pwned)"]},
    });
    let image = json!({"name": "science", "global": true, "imageSpec": spec});
    place.home.pipe(image.to_string(), "images create").ok();
    let build = "images build science --engine kubernetes";
    place
        .run(&format!("{build} --secret id=pip,src=storage.conf"))
        .fails(2);
    let ran = place.run(build).ok();
    assert!(!ran.stdout.contains("hunter2"), "{ran:?}");
    let documents: Vec<Value> = ran
        .stdout
        .split("---\n")
        .skip(1)
        .map(|text| serde_saphyr::from_str(text).expect("YAML"))
        .collect();
    let job_name = text_of(&documents[1]["metadata"]["name"]);
    insta::assert_snapshot!(ran.stderr.replace(&job_name, "<job>"), @r"
    hint: the cluster needs the secret `puller`: `imgdex secrets export puller --format kubernetes --reveal | kubectl apply -f -`
    hint: once the job is done, `imgdex images build science` finds what it pushed, and `kubectl delete job,configmap <job>` removes what built it
    ");
    assert_eq!(
        (documents.len(), &documents[0]["kind"]),
        (2, &json!("ConfigMap"))
    );
    let job = &documents[1];
    assert_eq!(
        (&job["kind"], &job["apiVersion"]),
        (&json!("Job"), &json!("batch/v1"))
    );
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][2]["secret"]["secretName"], "puller");
    assert_eq!(place.status()["phase"], "Pending");
    assert_eq!(place.status()["jobName"], json!(job_name));
    assert_eq!(field(&place.home, "science", "isReady"), false);

    // What the pod does, done here.
    let container = &pod["containers"][0];
    let text = documents[0]["data"]["Containerfile"]
        .as_str()
        .expect("a text");
    place.home.write("pod/build/Containerfile", text);
    place.home.write("pod/pull/config.json", "{}");
    let folder = place.home.path().join("pod").display().to_string();
    let local = |text: &Value| {
        let text = text.as_str().expect("a text");
        let text = text.replace("/tmp/", "/run/imgdex/");
        text.replace("/run/imgdex", &folder)
    };
    let mut pod = std::process::Command::new("/bin/sh");
    pod.arg("-c")
        .arg(local(&container["command"][2]))
        .arg("imgdex-build");
    for argument in container["args"].as_array().expect("a list") {
        pod.arg(argument.as_str().expect("a text"));
    }
    for variable in container["env"].as_array().expect("a list") {
        pod.env(
            variable["name"].as_str().expect("a name"),
            local(&variable["value"]),
        );
    }
    let ended = pod
        .env("HOME", place.home.path())
        .env(
            "CONTAINERS_STORAGE_CONF",
            place.home.path().join("storage.conf"),
        )
        .output()
        .expect("it runs");
    assert!(ended.status.success(), "{ended:?}");

    place.run("images build science").ok();
    let url = format!("{}/custom/science:1", place.host());
    assert_eq!(place.status()["phase"], "Succeeded");
    assert_eq!(field(&place.home, "science", "url"), json!(url));
    let asked = file_in(&place.home, &url, "asked-pip");
    let expected = "0 <install> <--no-cache-dir> <--> <pandas>=2> <$(touch /pwned)>\n";
    assert_eq!(asked.as_deref(), Some(expected));
    let again = json(place.run(&format!("{build} --force -o json")));
    assert_eq!(
        (&again["kind"], &again["items"][1]["kind"]),
        (&json!("List"), &json!("Job"))
    );
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// What docker is asked, done by buildah in its place; `push` may be another script.
fn docker(home: &Home, push: &str) {
    let buildah = installed("buildah").display().to_string();
    let script = "#!/bin/sh\n\
        [ $1 = context ] && { printf 'lab\\n%s/contexts/meta/1\\n' $HOME; exit; }\n\
        echo \"$*\" >> $HOME/asked; echo $DOCKER_CONTEXT $BUILDX_BUILDER >> $HOME/told\n\
        [ $1 = --config ] && readlink $2/contexts >> $HOME/linked\n\
        [ $1 = --config ] && { stat -c %a $2/config.json >> $HOME/seen; shift 2; }\n\
        case $1 in\n\
        pull) exec BUILDAH pull --tls-verify=false -- $3 ;;\n\
        push) PUSH ;;\n\
        build) shift; exec BUILDAH build --tls-verify=false \"$@\" ;;\n\
        *) exec BUILDAH \"$@\" ;;\nesac\n";
    let script = script.replace("PUSH", push).replace("BUILDAH", &buildah);
    home.program("docker", &script);
}

#[test]
fn docker_builds_and_what_somebody_else_pushed_is_not_taken_for_it() {
    let place = Place::new(&[("pip", RECORDS)]);
    place.create(json!({"pip": ["x"]}));
    docker(
        &place.home,
        "exec BUILDAH push --tls-verify=false -- $3 docker://$3",
    );
    place.run("images build science --engine docker").ok();
    let read = |name: &str| fs::read_to_string(place.home.path().join(name)).expect("written");
    let asked = read("asked").replace(&place.host(), "<host>");
    let verbs: Vec<String> = asked
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let verb = usize::from(words[0] == "--config") * 2;
            format!("{} … {}", words[verb], words[words.len() - 1])
        })
        .collect();
    assert_eq!(verbs[0].split('@').next(), Some("pull … <host>/team/base"));
    assert!(
        verbs[1].starts_with("build … ") && verbs[1].ends_with("/context"),
        "{asked}"
    );
    let rest = ["tag", "push"].map(|verb| format!("{verb} … <host>/custom/science:1"));
    assert_eq!(verbs[2..4], rest);
    assert!(verbs[4].starts_with("rmi … sha256:"), "{asked}");
    assert_eq!(verbs.len(), 5);
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    assert_eq!(read("seen"), "600\n600\n");
    // All of them talk to the same daemon, and nobody else builds.
    assert_eq!(read("told"), "lab\nlab lab\nlab\nlab\nlab\n");
    let contexts = place.home.path().join("contexts");
    assert_eq!(read("linked"), format!("{0}\n{0}\n", contexts.display()));
    assert_eq!(place.status()["phase"], "Succeeded");

    // Another image comes to stand where this one was pushed to.
    let theirs = format!("docker://{}", place.base());
    buildah(
        &place.home,
        &["pull", "--quiet", "--tls-verify=false", &theirs],
    );
    let push = format!(
        "exec BUILDAH push --tls-verify=false -- {} docker://$3",
        place.base()
    );
    docker(&place.home, &push);
    let ran = place
        .run("images build science --engine docker --force")
        .fails(7);
    let told = "was pushed, but the registry has another image there";
    assert!(ran.stderr.contains(told), "{ran:?}");
    assert_eq!(place.status()["phase"], "Failed");
    let url = format!("{}/custom/science:1", place.host());
    assert_eq!(field(&place.home, "science", "url"), json!(url));
}

#[test]
fn a_gigabyte_of_output_takes_no_memory_and_the_log_has_an_end() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("team/base", "1", "amd64");
    create(&home, &host, "science");
    home.program(
        "buildah",
        "#!/bin/sh\n[ $1 = build ] || exit 0\n\
         yes 'as long as a line of an output is on the whole' | head -c 1073741824\n\
         grep VmHWM /proc/$PPID/status > $HOME/peak\n\
         echo; echo the end of it; exit 5\n",
    );
    let ran = home
        .run(&format!(
            "images build science --push {host}/x:1 --no-progress"
        ))
        .fails(1);
    assert!(ran.stderr.contains("\nthe end of it\nhint: "), "{ran:?}");
    let peak = fs::read_to_string(home.path().join("peak")).expect("it was looked at");
    let peak = peak.split_whitespace().nth(1).map(str::parse::<u64>);
    assert!(matches!(peak, Some(Ok(kib)) if kib < 64 * 1024), "{peak:?}");
    let log = home
        .catalog()
        .with_extension("db.builds")
        .join("science/log");
    let size = fs::metadata(&log).expect("a log").len();
    assert!((60 << 20..65 << 20).contains(&size), "{size}");
    let log = fs::read_to_string(&log).expect("a log");
    assert!(log.contains(" bytes are left out here]\n"));
    assert!(log.contains("\nthe end of it\n"));
}

#[test]
fn what_engines_put_down_meanwhile_is_removed_wherever_it_is() {
    let (home, registry) = (Home::new(), DockerRegistry::start());
    let host = registry.host();
    registry.image("team/base", "1", "amd64");
    create(&home, &host, "science");
    home.program(
        "buildah",
        "#!/bin/sh\necho $TMPDIR >> $HOME/places; touch $TMPDIR/large; stat -c %a $TMPDIR >> \
         $HOME/modes; [ $1 != build ]\n",
    );
    let build = format!("images build science --push {host}/x:1");
    let placed = |call: crate::support::Call<'_>| {
        call.run().fails(1);
        let read = |name: &str| fs::read_to_string(home.path().join(name)).expect("written");
        assert!(read("modes").lines().all(|mode| mode == "700"));
        let places = read("places");
        let place = places.lines().last().expect("it was asked").to_owned();
        assert!(!Path::new(&place).exists(), "{place}");
        place
    };
    // On many machines, `/tmp` is in memory.
    let place = placed(home.call(&build));
    assert!(place.starts_with("/var/tmp/imgdex-build-"), "{place}");
    home.write("own/kept", "");
    let own = home.path().join("own").display().to_string();
    let place = placed(home.call(&build).env("TMPDIR", &own));
    assert!(place.starts_with(&own), "{place}");
    assert_eq!(fs::read_dir(&own).expect("a folder").count(), 1);
}

#[test]
fn podman_builds_as_buildah_does() {
    let place = Place::new(&ALL);
    place.create(json!({"apt": ["curl"], "pip": ["pandas>=2", "$(touch /pwned)"]}));
    place.run("images build science --engine podman").ok();
    assert_eq!(left_over(&place.home), Vec::<String>::new());
    let url = format!("{}/custom/science:1", place.host());
    assert_eq!(field(&place.home, "science", "url"), json!(url));
    let asked = file_in(&place.home, &url, "asked-pip");
    let expected = "0 <install> <--no-cache-dir> <--> <pandas>=2> <$(touch /pwned)>\n";
    assert_eq!(asked.as_deref(), Some(expected));
    let log = place.run("images build-log science").ok().stdout;
    assert!(log.contains("/podman build "), "{log}");
    // What buildah would do now podman has done.
    let again = place.run("images build science").ok();
    assert!(again.stderr.contains("is built already"), "{again:?}");
}
