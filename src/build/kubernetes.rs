//! A build as the resources of a cluster: a `ConfigMap` with the Containerfile, and the
//! `Job` whose pod builds it with buildah and pushes it. Pure.

use serde_json::{Value, json};

use crate::domain::manifest::digest_of;
use crate::domain::reference::DigestAlgorithm;

/// The image that builds, as its project publishes it.
const BUILDER: &str = "quay.io/buildah/stable:latest";

/// What is always run. References come as arguments: no shell reads them.
const SCRIPT: &str = "set -e; mkdir -p /tmp/context; \
    buildah pull $PULL_OPTIONS -- \"$1\"; \
    buildah build --layers=false --pull=never --iidfile /tmp/id \
    -f /run/imgdex/build/Containerfile /tmp/context; \
    buildah push $PUSH_OPTIONS -- \"$(cat /tmp/id)\" \"docker://$2\"";

/// Seconds for which a job that has ended can be looked at.
const KEPT: u32 = 24 * 60 * 60;

/// The longest part of a name that is the image's: a label has 63 characters.
const LONGEST: usize = 22;

/// How a pod reaches one of the two registries.
#[derive(Debug, Clone)]
pub struct End {
    /// With a tag, or with a digest.
    pub reference: String,
    /// The name of a secret of type `kubernetes.io/dockerconfigjson`.
    pub secret: Option<String>,
    pub verify_tls: bool,
    /// Certificates in PEM to trust beside the image's own.
    pub certificates: Option<String>,
}

/// A build in a cluster.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// See [`job_name_of`].
    pub name: &'a str,
    /// The name of the catalog's entry.
    pub image: &'a str,
    pub containerfile: &'a str,
    pub base: End,
    pub target: End,
}

/// Returns a name for the build of a revision of an image.
#[must_use]
pub fn job_name(image: &str, revision: u64) -> String {
    let plain = image.replace(['.', '_'], "-");
    if plain == image && image.len() <= LONGEST {
        return format!("imgdex-build-{image}-{revision}");
    }
    // Two names that are shortened alike stay two.
    let digest = digest_of(image.as_bytes(), DigestAlgorithm::Sha256);
    let short: String = plain.chars().take(LONGEST - 9).collect();
    let mark: String = digest.hex().chars().take(8).collect();
    format!(
        "imgdex-build-{}-{mark}-{revision}",
        short.trim_end_matches('-')
    )
}

/// Returns the name of the job that makes a Containerfile of an image: another one makes
/// another job, since a job cannot be changed.
#[must_use]
pub fn job_name_of(image: &str, revision: u64, containerfile: &str) -> String {
    let digest = digest_of(containerfile.as_bytes(), DigestAlgorithm::Sha256);
    let mark: String = digest.hex().chars().take(6).collect();
    format!("{}-{mark}", job_name(image, revision))
}

/// Returns the resources, in the order in which they are to be made.
#[must_use]
pub fn resources(job: &Job<'_>) -> Vec<Value> {
    let name = job.name;
    let labels = json!({
        "app.kubernetes.io/name": "imgdex-build",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/managed-by": "imgdex",
    });
    let metadata = json!({
        "name": name,
        "labels": labels,
        "annotations": { "imgdex/image": job.image },
    });
    let mut files = json!({ "Containerfile": job.containerfile });
    let mut volumes = vec![
        json!({ "name": "build", "configMap": { "name": name } }),
        json!({ "name": "storage", "emptyDir": {} }),
    ];
    let mut mounts = vec![
        json!({ "name": "build", "mountPath": "/run/imgdex/build", "readOnly": true }),
        json!({ "name": "storage", "mountPath": "/home/build/.local/share/containers" }),
    ];
    let mut options = Vec::new();
    for (what, end) in [("pull", &job.base), ("push", &job.target)] {
        let mut words = Vec::new();
        if let Some(secret) = &end.secret {
            let folder = format!("/run/imgdex/{what}");
            volumes.push(json!({
                "name": what,
                "secret": {
                    "secretName": secret,
                    "items": [{ "key": ".dockerconfigjson", "path": "config.json" }],
                },
            }));
            mounts.push(json!({ "name": what, "mountPath": folder, "readOnly": true }));
            words.push(format!("--authfile {folder}/config.json"));
        }
        if let Some(certificates) = &end.certificates {
            // The same ones are there once.
            let file = match job.base.certificates.as_ref() == Some(certificates) {
                true => "pull.crt".to_owned(),
                false => format!("{what}.crt"),
            };
            files[&file] = json!(certificates);
            let name = format!("{what}-certificates");
            let folder = format!("/run/imgdex/{name}");
            volumes.push(json!({
                "name": name,
                "configMap": {
                    "name": job.name,
                    "items": [{ "key": file, "path": "ca.crt" }],
                },
            }));
            mounts.push(json!({ "name": name, "mountPath": folder, "readOnly": true }));
            words.push(format!("--cert-dir {folder}"));
        }
        if !end.verify_tls {
            words.push("--tls-verify=false".to_owned());
        }
        options.push(words.join(" "));
    }
    let mut options = options.into_iter();
    let mut option = || options.next().unwrap_or_default();
    let container = json!({
        "name": "build",
        "image": BUILDER,
        "command": ["/bin/sh", "-c", SCRIPT, "imgdex-build"],
        "args": [job.base.reference, job.target.reference],
        "env": [
            { "name": "PULL_OPTIONS", "value": option() },
            { "name": "PUSH_OPTIONS", "value": option() },
            { "name": "BUILDAH_ISOLATION", "value": "chroot" },
            { "name": "STORAGE_DRIVER", "value": "vfs" },
        ],
        // The user `build` of that image, who needs a user namespace and no privileges.
        "securityContext": {
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "capabilities": { "add": ["SETUID", "SETGID"] },
            "seccompProfile": { "type": "Unconfined" },
        },
        "volumeMounts": mounts,
    });
    vec![
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": files,
        }),
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": {
                "backoffLimit": 0,
                "ttlSecondsAfterFinished": KEPT,
                "template": {
                    "metadata": { "labels": labels },
                    "spec": {
                        "restartPolicy": "Never",
                        "automountServiceAccountToken": false,
                        "securityContext": { "fsGroup": 1000 },
                        "containers": [container],
                        "volumes": volumes,
                    },
                },
            },
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_a_label_and_stay_apart() {
        assert_eq!(job_name("science", 7), "imgdex-build-science-7");
        let long = "a".repeat(253);
        let names = [
            job_name("a.b", 1),
            job_name("a-b", 1),
            job_name("a_b", 1),
            job_name(&long, 9),
        ];
        for (index, name) in names.iter().enumerate() {
            assert!(name.len() <= 63 && !name.contains(['.', '_']), "{name}");
            assert_eq!(names.iter().position(|other| other == name), Some(index));
        }
    }

    #[test]
    fn another_containerfile_is_another_job_whose_name_fits_too() {
        for image in ["science".to_owned(), "a".repeat(22), "a".repeat(253)] {
            let name = job_name_of(&image, u64::MAX, "FROM a\n");
            assert!(name.len() <= 63, "{name}");
            assert_eq!(name, job_name_of(&image, u64::MAX, "FROM a\n"));
            assert_ne!(name, job_name_of(&image, u64::MAX, "FROM b\n"));
        }
    }

    #[test]
    fn secrets_are_mounted_and_references_are_arguments() {
        let end = |reference: &str, secret: Option<&str>, verify_tls| End {
            reference: reference.to_owned(),
            secret: secret.map(str::to_owned),
            verify_tls,
            certificates: secret.map(|name| format!("PEM of {name}")),
        };
        let job = Job {
            name: "imgdex-build-science-7-abcdef",
            image: "science",
            containerfile: "FROM a\n",
            base: end("h/a@sha256:1", Some("base"), true),
            target: end("h/b:7", Some("target"), false),
        };
        let [map, job] = &resources(&job)[..] else {
            panic!("two resources");
        };
        assert_eq!(map["data"]["Containerfile"], "FROM a\n");
        assert_eq!(map["metadata"]["name"], job["metadata"]["name"]);
        let pod = &job["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["args"], json!(["h/a@sha256:1", "h/b:7"]));
        assert_eq!(map["data"]["pull.crt"], "PEM of base");
        assert_eq!(map["data"]["push.crt"], "PEM of target");
        let pull =
            "--authfile /run/imgdex/pull/config.json --cert-dir /run/imgdex/pull-certificates";
        assert_eq!(container["env"][0]["value"], pull);
        let push = "--authfile /run/imgdex/push/config.json --cert-dir \
                    /run/imgdex/push-certificates --tls-verify=false";
        assert_eq!(container["env"][1]["value"], push);
        assert_eq!(pod["volumes"][2]["secret"]["secretName"], "base");
        assert_eq!(
            pod["volumes"][3]["configMap"]["items"][0]["key"],
            "pull.crt"
        );
        assert_eq!(pod["volumes"][4]["secret"]["secretName"], "target");
    }
}
