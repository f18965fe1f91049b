//! Kubeflow: the spawner's config of version 1, the `WorkspaceKind` of version 2.

use super::*;

/// Version 1, with settings of its own, as an export writes it.
const SPAWNER: &str = r#"spawnerFormDefaults:
  image:
    value: quay.io/example/jupyter:2
    options:
      - quay.io/example/jupyter:1
      - quay.io/example/jupyter:2
  imageGroupOne:
    value: quay.io/example/code:1
    options:
      - quay.io/example/code:1
  imageGroupTwo:
    value: ""
    options: []
  imagePullPolicy:
    value: Always
    readOnly: true
  cpu:
    value: "7.5"
"#;

/// Version 2, with settings of its own, as an export writes it.
const KIND: &str = r#"apiVersion: kubeflow.org/v1beta1
kind: WorkspaceKind
metadata:
  name: lab
spec:
  spawner:
    displayName: The lab
  podTemplate:
    serviceAccount:
      name: editor
    options:
      imageConfig:
        spawner:
          default: scipy_190
        values:
          - id: scipy_180
            spawner:
              displayName: SciPy 1.8
              description: Old
              labels:
                - key: python
                  value: "3.11"
              hidden: true
            spec:
              image: quay.io/example/jupyter:1
              imagePullPolicy: Never
              ports:
                - id: lab
                  port: 8888
            redirect:
              to: scipy_190
          - id: scipy_190
            spawner:
              displayName: SciPy 1.9
            spec:
              image: quay.io/example/jupyter:3
              ports:
                - id: lab
                  port: 8888
      podConfig:
        spawner:
          default: tiny
"#;

#[test]
fn version_1_alone_comes_back_with_its_settings() {
    let home = with_file("spawner_ui_config.yaml", SPAWNER);
    assert_eq!(import(&home, "kubeflow"), "Imported 3 instances\n");
    assert_eq!(listed_in(&home), ["code-1", "jupyter-1", "jupyter-2"]);
    assert_eq!(
        import(&home, "kubeflow"),
        "Imported 0 instances\n3 instances are unchanged\n"
    );
    let files = exported(&home, "kubeflow");
    assert_eq!(files["spawner_ui_config.yaml"], SPAWNER);
    insta::assert_snapshot!(files["workspacekind.yaml"], @r#"
    apiVersion: kubeflow.org/v1beta1
    kind: WorkspaceKind
    metadata:
      name: imgdex
    spec:
      spawner:
        displayName: Notebooks
        description: The images of a catalog
        icon:
          url: https://jupyter.org/assets/favicons/apple-touch-icon-152x152.png
        logo:
          url: https://upload.wikimedia.org/wikipedia/commons/3/38/Jupyter_logo.svg
      podTemplate:
        volumeMounts:
          home: "/home/jovyan"
        ports:
          - id: jupyterlab
            protocol: HTTP
            defaultDisplayName: JupyterLab
        extraEnv:
          - name: NB_PREFIX
            value: "{{ httpPathPrefix \"jupyterlab\" }}"
        securityContext:
          fsGroup: 100
        options:
          imageConfig:
            spawner:
              default: jupyter-1
            values:
              - id: jupyter-1
                spawner:
                  displayName: jupyter-1
                spec:
                  image: quay.io/example/jupyter:1
                  ports:
                    - id: jupyterlab
                      port: 8888
              - id: jupyter-2
                spawner:
                  displayName: jupyter-2
                spec:
                  image: quay.io/example/jupyter:2
                  ports:
                    - id: jupyterlab
                      port: 8888
              - id: code-1
                spawner:
                  displayName: code-1
                spec:
                  image: quay.io/example/code:1
                  ports:
                    - id: jupyterlab
                      port: 8888
          podConfig:
            spawner:
              default: small
            values:
              - id: small
                spawner:
                  displayName: Small
                  description: "1 CPU, 2 GiB"
                spec:
                  resources:
                    requests:
                      cpu: "1"
                      memory: "2Gi"
    "#);
}

#[test]
fn version_2_alone_comes_back_with_its_settings() {
    let home = with_file("workspacekind.yaml", KIND);
    assert_eq!(import(&home, "kubeflow"), "Imported 2 instances\n");
    let image = said(&home, "scipy-180");
    assert_eq!(image["displayName"], "SciPy 1.8");
    assert_eq!(image["description"], "Old");
    assert_eq!(image["pullPolicy"], "Never");
    assert_eq!(image["labels"]["python"], "3.11");
    let files = exported(&home, "kubeflow");
    assert_eq!(files["workspacekind.yaml"], KIND);
    insta::assert_snapshot!(files["spawner_ui_config.yaml"], @r#"
    spawnerFormDefaults:
      allowCustomImage: true
      hideRegistry: true
      hideTag: false
      imagePullPolicy:
        readOnly: false
        value: IfNotPresent
      image:
        value: quay.io/example/jupyter:1
        options:
          - quay.io/example/jupyter:1
          - quay.io/example/jupyter:3
      imageGroupOne:
        value: ""
        options: []
      imageGroupTwo:
        value: ""
        options: []
      cpu:
        readOnly: false
        value: "0.5"
        limitFactor: "1.2"
      memory:
        readOnly: false
        value: "1.0Gi"
        limitFactor: "1.2"
      gpus:
        readOnly: false
        value:
          vendor: ""
          vendors:
            - limitsKey: nvidia.com/gpu
              uiName: NVIDIA
          num: none
      workspaceVolume:
        readOnly: false
        value:
          mount: "/home/jovyan"
          newPvc:
            metadata:
              name: "{notebook-name}-workspace"
            spec:
              resources:
                requests:
                  storage: "5Gi"
              accessModes:
                - ReadWriteOnce
      dataVolumes:
        readOnly: false
        value: []
      affinityConfig:
        readOnly: false
        value: ""
        options: []
      tolerationGroup:
        readOnly: false
        value: ""
        options: []
      shm:
        readOnly: false
        value: true
      configurations:
        readOnly: false
        value: []
    "#);
}

#[test]
fn an_image_of_both_is_made_once() {
    let home = with_file("workspacekind.yaml", KIND);
    home.write("in/spawner_ui_config.yaml", SPAWNER);
    assert_eq!(import(&home, "kubeflow"), "Imported 4 instances\n");
    assert_eq!(
        listed_in(&home),
        ["code-1", "jupyter-2", "scipy-180", "scipy-190"]
    );
    assert_eq!(
        import(&home, "kubeflow"),
        "Imported 0 instances\n4 instances are unchanged\n"
    );
    let files = exported(&home, "kubeflow");
    for text in files.values() {
        assert_eq!(text.matches("quay.io/example/jupyter:1\n").count(), 1);
    }
    assert!(files["spawner_ui_config.yaml"].contains("value: \"7.5\""));
    assert!(files["spawner_ui_config.yaml"].contains("    value: quay.io/example/jupyter:2\n"));
    assert!(files["workspacekind.yaml"].contains("default: scipy_190"));
    assert!(files["workspacekind.yaml"].contains("default: tiny"));
}

#[test]
fn a_reference_whose_short_name_is_anothers_gets_a_longer_one() {
    let home = with_images(r#"{"name": "jupyter-1", "url": "quay.io/other/thing:9"}"#);
    home.write("in/spawner_ui_config.yaml", SPAWNER);
    assert_eq!(import(&home, "kubeflow"), "Imported 3 instances\n");
    assert_eq!(
        listed_in(&home),
        ["code-1", "jupyter-2", "quay.io-example-jupyter-1"]
    );
    assert_eq!(field(&home, "jupyter-1", "url"), "quay.io/other/thing:9");
    assert_eq!(
        exported(&home, "kubeflow")["spawner_ui_config.yaml"],
        SPAWNER
    );
    assert_eq!(
        import(&home, "kubeflow"),
        "Imported 0 instances\n3 instances are unchanged\n"
    );
}

#[test]
fn a_reference_whose_names_are_all_anothers_is_left_out() {
    let home = with_images(
        r#"[{"name": "jupyter-1", "url": "quay.io/other/thing:9"},
            {"name": "quay.io-example-jupyter-1", "url": "quay.io/other/thing:8"}]"#,
    );
    home.write("in/spawner_ui_config.yaml", SPAWNER);
    insta::assert_snapshot!(home.run("metadata import kubeflow -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 2 instances
    1 instance could not be imported

    The following files could not be imported:
    File                    Reason
    ----------------------  ----------------------------------------------------------------------------------------------
    spawner_ui_config.yaml  images of other references have its names already, `jupyter-1` and `quay.io-example-jupyter-1`
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    home.run("metadata import kubeflow -d in --strict").fails(2);
}

#[test]
fn two_files_of_references_with_one_short_name_make_two_images() {
    let config =
        |reference: &str| format!("spawnerFormDefaults: {{image: {{options: [{reference}]}}}}\n");
    let home = with_file("a.yaml", &config("'quay.io/one/lab:1'"));
    home.write("in/b.yaml", config("'quay.io/two/lab:1'"));
    assert_eq!(import(&home, "kubeflow"), "Imported 2 instances\n");
    assert_eq!(listed_in(&home), ["lab-1", "quay.io-two-lab-1"]);
}

#[test]
fn options_and_values_that_are_not_valid_go_back_where_they_came_from() {
    let spawner = SPAWNER.replace(
        "      - quay.io/example/jupyter:2\n",
        "      - quay.io/example/jupyter:2\n      - not:a:reference\n",
    );
    let home = with_file("spawner_ui_config.yaml", &spawner);
    insta::assert_snapshot!(home.run("metadata import kubeflow -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 3 instances
    1 instance could not be imported

    The following files could not be imported:
    File                    Reason
    ----------------------  -------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    spawner_ui_config.yaml  7:9: spawnerFormDefaults.image.options[2]: `not:a:reference` is not an image reference: tag `a:reference`: only ASCII letters, digits, `_`, `.` and `-`, not starting with `.` or `-`, at most 128 characters
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    home.run("metadata import kubeflow -d in --include-invalid")
        .ok();
    let all = exported_with(&home, "kubeflow", "--include-invalid");
    assert_eq!(all["spawner_ui_config.yaml"], spawner);
    let valid = exported(&home, "kubeflow");
    assert_eq!(valid["spawner_ui_config.yaml"], SPAWNER);
}

#[test]
fn settings_that_differ_from_those_kept_are_replaced_only_where_asked() {
    let home = with_file("spawner_ui_config.yaml", SPAWNER);
    import(&home, "kubeflow");
    home.write("in/spawner_ui_config.yaml", SPAWNER.replace("7.5", "1.25"));
    insta::assert_snapshot!(home.run("metadata import kubeflow -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 0 instances
    3 instances are unchanged
    1 instance could not be imported

    The following files could not be imported:
    File                    Reason
    ----------------------  --------------------------------------------------------------------------------------------------------
    spawner_ui_config.yaml  1:1: its settings beside the images are not those kept from an earlier file; `--overwrite` replaces them
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    let files = exported(&home, "kubeflow");
    assert_eq!(files["spawner_ui_config.yaml"], SPAWNER);
    home.run("metadata import kubeflow -d in --overwrite").ok();
    let files = exported(&home, "kubeflow");
    assert!(files["spawner_ui_config.yaml"].contains("value: \"1.25\""));
}

#[test]
fn what_is_lost_is_told_and_references_are_pinned() {
    let home = with_images(
        r#"[{"name": "lab", "url": "quay.io/example/lab:4", "pullSecret": "quay", "tags": ["a"],
             "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"name": "cuda", "type": "gpu", "urlForGpu": "quay.io/example/lab:4-cuda"}]"#,
    );
    insta::assert_snapshot!(home.run("metadata export kubeflow --all -d out --digests pinned").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    image `lab`: kubeflow has no place for pullSecret, tags
    image `cuda` is left out: it has no `url`, and Kubeflow needs an image
    ");
    let files = files_of(&home, "out", "kubeflow");
    let pinned = "quay.io/example/lab@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for text in files.values() {
        assert!(text.contains(pinned), "{text}");
    }
}

#[test]
fn thousands_of_images_are_read_in_one_go() {
    let images: String = (0..3000)
        .map(|index| format!("{{\"name\": \"n{index}\", \"url\": \"quay.io/e/n:{index}\"}}\n"))
        .collect();
    let home = with_images(&images);
    let files = exported_with(&home, "kubeflow", "--all");
    for (name, text) in files {
        home.write(&format!("in/{name}"), text);
    }
    let ran = home.run("--catalog other/catalog.db metadata import kubeflow -d in");
    assert_eq!(ran.ok().stdout, "Imported 3000 instances\n");
}

#[track_caller]
fn listed_in(home: &Home) -> Vec<String> {
    lines(home.run("metadata list kubeflow -o name"))
}
