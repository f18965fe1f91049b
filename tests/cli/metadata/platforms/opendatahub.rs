//! Open Data Hub: ImageStreams of workbenches and of runtimes.

use super::*;

/// A workbench with two tags and fields of its own, as an export writes it.
const WORKBENCH: &str = r#"apiVersion: image.openshift.io/v1
kind: ImageStream
metadata:
  labels:
    opendatahub.io/notebook-image: "true"
    app: notebooks
  annotations:
    opendatahub.io/notebook-image-name: Jupyter example
    opendatahub.io/notebook-image-desc: To begin with
    opendatahub.io/notebook-image-order: "7"
  name: jupyter-example
spec:
  lookupPolicy:
    local: true
  tags:
    - annotations:
        opendatahub.io/notebook-software: |
          [
            {"name": "Python", "version": "v3.12"}
          ]
        opendatahub.io/workbench-image-recommended: "true"
        openshift.io/imported-from: quay.io/example/jupyter
      from:
        kind: DockerImage
        name: quay.io/example/jupyter:2026.2
      name: "2026.2"
      referencePolicy:
        type: Source
    - annotations:
        opendatahub.io/image-tag-outdated: "true"
      from:
        kind: DockerImage
        name: quay.io/example/jupyter:2026.1
      name: "2026.1"
      referencePolicy:
        type: Local
"#;

/// A runtime, whose tag holds Elyra's description of it.
const RUNTIME: &str = r#"apiVersion: image.openshift.io/v1
kind: ImageStream
metadata:
  labels:
    opendatahub.io/runtime-image: "true"
  annotations:
    opendatahub.io/runtime-image-name: Runtime example
    opendatahub.io/runtime-image-desc: For pipelines
  name: runtime-example
spec:
  tags:
    - annotations:
        opendatahub.io/runtime-image-metadata: |
          [
            {
              "display_name": "Runtime example",
              "metadata": {
                "tags": [
                  "pipelines"
                ],
                "pull_policy": "IfNotPresent"
              },
              "schema_name": "runtime-image"
            }
          ]
      from:
        kind: DockerImage
        name: quay.io/example/runtime:3
      name: pipelines
      referencePolicy:
        type: Source
"#;

#[test]
fn each_tag_of_a_workbench_is_an_image_and_the_stream_comes_back() {
    let home = with_file("jupyter-example.yaml", WORKBENCH);
    home.write("in/runtime-example.yaml", RUNTIME);
    check_comes_back(&home, "opendatahub", 3);
    assert_eq!(
        lines(home.run("images list --format opendatahub -o name")),
        [
            "jupyter-example-2026.2",
            "jupyter-example-2026.1",
            "runtime-example-pipelines"
        ]
    );
    let image = said(&home, "jupyter-example-2026.1");
    assert_eq!(image["displayName"], "Jupyter example");
    assert_eq!(image["description"], "To begin with");
    assert_eq!(image["url"], "quay.io/example/jupyter:2026.1");
    assert_eq!(image["kind"], "notebook");
    let runtime = said(&home, "runtime-example-pipelines");
    assert_eq!(runtime["kind"], "runtime");
    assert_eq!(runtime["tags"], serde_json::json!(["pipelines"]));
    assert_eq!(runtime["pullPolicy"], "IfNotPresent");
}

#[test]
fn a_new_tag_at_the_front_is_all_that_is_new() {
    let home = with_file("jupyter-example.yaml", WORKBENCH);
    import(&home, "opendatahub");
    let new = "  tags:\n    - from:\n        kind: DockerImage\n        name: quay.io/example/jupyter:2026.3\n      name: \"2026.3\"\n      referencePolicy:\n        type: Source\n";
    let text = WORKBENCH.replace("  tags:\n", new);
    home.write("in/jupyter-example.yaml", &text);
    insta::assert_snapshot!(home.run("metadata import opendatahub -d in").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 3 instances
    ");
    insta::assert_snapshot!(home.run("metadata import opendatahub -d in").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 0 instances
    3 instances are unchanged
    ");
    let exported = only_file(&home, "opendatahub");
    let tags: Vec<&str> = (exported.lines().map(str::trim))
        .filter(|line| line.starts_with("name: \"2026"))
        .collect();
    assert_eq!(
        tags,
        ["name: \"2026.3\"", "name: \"2026.2\"", "name: \"2026.1\""]
    );
}

#[test]
fn a_tag_that_is_not_valid_goes_back_into_its_stream() {
    let bad =
        "    - from:\n        kind: ImageStreamTag\n        name: other:1\n      name: alias\n";
    let home = with_file("jupyter-example.yaml", &format!("{WORKBENCH}{bad}"));
    insta::assert_snapshot!(home.run("metadata import opendatahub -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 2 instances
    1 instance could not be imported

    The following files could not be imported:
    File                  Reason
    --------------------  ------------------------------------------------------------------------------------------------------------------------
    jupyter-example.yaml  38:15: spec.tags[2].from.kind: kind should be `DockerImage`, but is `ImageStreamTag`, which only the cluster can resolve
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    insta::assert_snapshot!(home.run("metadata import opendatahub -d in --include-invalid").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 1 instance
    1 of which is invalid
    2 instances are unchanged
    ");
    let all = exported_with(&home, "opendatahub", "--include-invalid");
    assert_eq!(all, files_of(&home, "in", ""));
    assert_eq!(only_file(&home, "opendatahub"), WORKBENCH);
}

#[test]
fn one_tag_twice_stops_everything() {
    let again = "    - from:\n        kind: DockerImage\n        name: quay.io/example/jupyter:other\n      name: \"2026.2\"\n";
    let home = with_file("jupyter-example.yaml", &format!("{WORKBENCH}{again}"));
    insta::assert_snapshot!(home.run("metadata import opendatahub -d in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: one name is in two places; nothing was imported
    in/jupyter-example.yaml:37:7: the name `jupyter-example-2026.2` is here and at in/jupyter-example.yaml:16:7
    ");
    assert!(!home.catalog().exists() || lines(home.run("images list -o name")).is_empty());
}

#[test]
fn an_image_of_the_catalog_is_a_workbench_or_a_runtime_and_what_is_lost_is_told() {
    let home = with_images(
        r#"[{"name": "lab", "url": "quay.io/example/lab:4", "urlForGpu": "quay.io/example/lab:4-cuda", "global": true},
            {"name": "run", "url": "quay.io/example/run:1", "kind": "runtime", "tags": ["r"]},
            {"name": "cuda", "type": "gpu", "urlForGpu": "quay.io/example/lab:4-cuda"}]"#,
    );
    insta::assert_snapshot!(home.run("metadata export opendatahub --all -d out").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 2 instances (0 of which are invalid)
    ----- stderr -----
    image `cuda` is left out: it has no `url`, and a tag of an ImageStream needs an image
    image `lab`: opendatahub has no place for urlForGpu, global
    ");
    let files = files_of(&home, "out", "opendatahub");
    insta::assert_snapshot!(files["lab.yaml"], @r#"
    apiVersion: image.openshift.io/v1
    kind: ImageStream
    metadata:
      labels:
        opendatahub.io/notebook-image: "true"
      annotations:
        opendatahub.io/notebook-image-creator: tester
      name: lab
    spec:
      lookupPolicy:
        local: true
      tags:
        - annotations:
            imgdex/name: lab
          from:
            kind: DockerImage
            name: quay.io/example/lab:4
          name: "4"
          referencePolicy:
            type: Source
    "#);
    insta::assert_snapshot!(files["run.yaml"], @r#"
    apiVersion: image.openshift.io/v1
    kind: ImageStream
    metadata:
      labels:
        opendatahub.io/runtime-image: "true"
      annotations:
        opendatahub.io/notebook-image-creator: tester
      name: run
    spec:
      lookupPolicy:
        local: true
      tags:
        - annotations:
            imgdex/name: run
            opendatahub.io/runtime-image-metadata: |
              [
                {
                  "display_name": "run",
                  "metadata": {
                    "tags": [
                      "r"
                    ]
                  },
                  "schema_name": "runtime-image"
                }
              ]
          from:
            kind: DockerImage
            name: quay.io/example/run:1
          name: "1"
          referencePolicy:
            type: Source
    "#);
    home.run("metadata validate opendatahub out/opendatahub")
        .ok();
}

#[test]
fn hostile_extras_of_an_image_write_no_bad_file() {
    let hostile = [
        r#"5"#,
        r#"{"imageStream": "../../x", "tag": "a/b", "order": "z"}"#,
        r#"{"imageStream": "s", "tag": "t", "stream": 5, "fields": [1]}"#,
        r#"{"imageStream": "s", "tag": "t", "stream": {"metadata": {"name": "z", "labels": []}, "spec": {"tags": "x"}}, "fields": {"annotations": 7, "from": "q", "name": "u"}}"#,
    ];
    for extra in hostile {
        let home = with_images(&format!(
            r#"{{"name": "a", "url": "x/y:1", "formats": ["opendatahub"], "opendatahub": {extra}}}"#
        ));
        let files = exported(&home, "opendatahub");
        assert_eq!(files.len(), 1, "{extra}");
        home.run("metadata validate opendatahub out-opendatahub/opendatahub")
            .ok();
        assert!(!home.path().join("x.yaml").exists());
    }
}
