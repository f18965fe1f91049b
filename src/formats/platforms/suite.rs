//! What every platform's reader and writer keep, shown for each by the same tests.
//! To enrol one is a call of `enrol!` with a few samples.

mod checks;
mod images;
mod trees;

use super::super::document::Syntax;
use crate::domain::platform::Platform;
use checks::Enrolled;

/// Enrols a platform: its files' syntax, and files that say all that it can say.
/// Each entry of a sample should be what `document` writes of it (in any order), so
/// without nulls and with what is always written. Where the document of an image is
/// no file by itself, there follows, as JSON, the file around it with `$ENTRY` in its
/// place; and whether what is kept of one of several entries is such a file, too.
macro_rules! enrol {
    ($name:ident, $platform:ident, $syntax:ident, [$($sample:expr),+ $(,)?]) => {
        enrol!($name, $platform, $syntax, [$($sample),+], r#""$ENTRY""#);
    };
    ($name:ident, $platform:ident, $syntax:ident, [$($sample:expr),+ $(,)?], $frame:expr) => {
        enrol!($name, $platform, $syntax, [$($sample),+], $frame, false);
    };
    (
        $name:ident, $platform:ident, $syntax:ident, [$($sample:expr),+ $(,)?], $frame:expr,
        $is_part_framed:expr
    ) => {
        mod $name {
            use super::*;

            const ENROLLED: Enrolled = Enrolled {
                platform: Platform::$platform,
                syntax: Syntax::$syntax,
                samples: &[$($sample),+],
                frame: $frame,
                is_part_framed: $is_part_framed,
            };

            #[test]
            fn each_sample_comes_back_as_it_was() {
                ENROLLED.check_samples();
            }

            #[test]
            fn what_is_written_of_an_image_changes_nothing_of_it() {
                ENROLLED.check_images();
            }

            #[test]
            fn unknown_fields_come_back_in_their_places() {
                ENROLLED.check_unknown_fields();
            }

            #[test]
            fn any_tree_is_read_or_refused_with_places() {
                ENROLLED.check_any_trees();
            }
        }
    };
}

enrol!(
    runtime_images,
    RuntimeImages,
    Json,
    [
        r#"{"display_name": "Forecasting", "schema_name": "runtime-image",
            "metadata": {"image_name": "quay.io/example/forecasting:2.1"}}"#,
        r#"{"display_name": "Forecasting on GPUs — 予報", "schema_name": "runtime-image",
            "version": 1,
            "metadata": {"image_name": "localhost:5000/forecasting@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "description": "Two lines,\nthe second of them short",
                "tags": ["gpu", "time series"], "pull_policy": "IfNotPresent",
                "pull_secret": "quay-pull", "owner": {"team": "energy"}}}"#,
    ]
);

enrol!(
    primehub,
    Primehub,
    Yaml,
    [
        "\
apiVersion: primehub.io/v1alpha1
kind: Image
metadata:
  name: base-notebook
  namespace: hub
  labels:
    team: science
spec:
  displayName: Base notebook
  description: |-
    For a start.
    No GPU.
  type: both
  url: registry.example.com/notebooks/base:1.4
  urlForGpu: registry.example.com/notebooks/base:1.4-cuda
  pullSecret: registry-pull
  groupName: science
",
        "\
apiVersion: primehub.io/v1alpha1
kind: Image
metadata:
  name: with-pandas
spec:
  displayName: with pandas
  type: cpu
  imageSpec:
    baseImage: jupyter/base-notebook
    pullSecret: hub-pull
    packages:
      apt: [curl]
      conda: [numpy=2.1]
      pip: ['pandas==2.3.2', 'jax[cuda]']
    cancel: false
    updateTime: \"2026-02-03T04:05:06Z\"
status:
  jobCondition:
    phase: Running
    jobName: with-pandas-x7x2p
    image: registry.example.com/custom/with-pandas:a1b2c3
",
        "\
apiVersion: primehub.io/v1alpha1
kind: ImageList
items:
- apiVersion: primehub.io/v1alpha1
  kind: Image
  metadata:
    name: one
  spec:
    displayName: One
    type: gpu
    urlForGpu: nvcr.io/example/one:24.01
- apiVersion: primehub.io/v1alpha1
  kind: Image
  metadata:
    name: two
  spec:
    displayName: Two
    type: both
    url: registry.example.com/custom/two:9f8e
    imageSpec:
      baseImage: debian:13
      packages:
        apt: [graphviz]
  status:
    jobCondition:
      phase: Succeeded
      jobName: two-1
      image: registry.example.com/custom/two:9f8e
",
    ]
);

enrol!(
    adalab,
    Adalab,
    Json,
    [
        r#"{"metadata_id": 41, "run_id": null, "type": "kernel", "name": "Kernel (Python)",
            "sha256": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "oci_image_name": {"project": "kernels", "repository": "team/python", "tag": "3.13",
                "host": "harbor.example.com:8443"},
            "description": "What the lab runs", "startup_cmd": "start --port 80",
            "image_id": 7, "user_id": "ada", "archived": false, "ready": true}"#,
        r#"{"metadata_id": 42, "name": "Being copied", "sha256": "sha256:00000",
            "oci_image_name": {"project": "library", "repository": "alpine", "tag": "3",
                "host": "docker.io", "pushed": [1.50]},
            "image_id": "flask", "user_id": 12, "archived": true}"#,
    ]
);

enrol!(
    kustomize,
    Kustomize,
    Yaml,
    [
        "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml]
images:
- name: notebook
  newName: registry.example.com:5000/notebooks/base
  newTag: \"1.10\"
- name: trainer
  newName: alpine
  newTag: \"3\"
  digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
- name: plain
  newName: busybox
",
        "{name: single, newName: quay.io/example/single, tagSuffix: -rc1}",
    ],
    r#"{"kind": "Kustomization", "images": ["$ENTRY"]}"#
);

enrol!(
    opendatahub,
    Opendatahub,
    Yaml,
    ["\
apiVersion: image.openshift.io/v1
kind: ImageStream
metadata:
  name: forecasting
  labels:
    opendatahub.io/notebook-image: \"true\"
  annotations:
    opendatahub.io/notebook-image-name: Forecasting
    opendatahub.io/notebook-image-desc: Time series, on CPUs
spec:
  tags:
  - name: \"2.1\"
    annotations:
      opendatahub.io/workbench-image-recommended: \"true\"
    from:
      kind: DockerImage
      name: quay.io/example/forecasting:2.1
    referencePolicy:
      type: Source
"]
);

enrol!(
    kubespawner,
    Kubespawner,
    Yaml,
    ["\
- display_name: Forecasting
  slug: forecasting
  description: Time series, on CPUs
  kubespawner_override:
    image: quay.io/example/forecasting:2.1
    image_pull_policy: IfNotPresent
    image_pull_secrets: [quay-pull]
    cpu_limit: 2
"],
    r#"["$ENTRY"]"#
);

enrol!(
    kubeflow,
    Kubeflow,
    Yaml,
    ["\
apiVersion: kubeflow.org/v1beta1
kind: WorkspaceKind
spec:
  podTemplate:
    options:
      imageConfig:
        values:
        - id: forecasting
          spawner:
            displayName: Forecasting
            description: Time series, on CPUs
            labels:
            - {key: team, value: energy}
            hidden: false
          spec:
            image: quay.io/example/forecasting:2.1
            imagePullPolicy: IfNotPresent
            ports:
            - {id: lab, port: 8888}
"],
    r#"{"apiVersion": "kubeflow.org/v1beta1", "kind": "WorkspaceKind", "spec": {"podTemplate":
        {"options": {"imageConfig": {"values": ["$ENTRY"]}}}}}"#,
    true
);
