//! PrimeHub: its JSON, and the resources of its cluster.

use serde_json::json;

use super::*;

/// An image as the cluster has it, as an export writes it.
const RESOURCE: &str = r#"apiVersion: primehub.io/v1alpha1
kind: Image
metadata:
  name: base-notebook
  namespace: hub
  annotations:
    example.com/owner: data-platform
spec:
  displayName: Base notebook
  description: For a start
  type: both
  url: quay.io/example/base:1.4
  urlForGpu: quay.io/example/base:1.4-cuda
  pullSecret: quay-pull
  groupName: research
"#;

/// An image that is built from packages.
const BUILT: &str = r#"apiVersion: primehub.io/v1alpha1
kind: Image
metadata:
  name: genomics
spec:
  displayName: Genomics
  type: cpu
  imageSpec:
    baseImage: quay.io/example/base:1.4
    packages:
      apt:
        - samtools
      pip:
        - "jax[cuda]"
"#;

#[test]
fn resources_are_images_and_come_back() {
    let home = with_file("base-notebook.yaml", RESOURCE);
    home.write("in/genomics.yaml", BUILT);
    home.run("groups create research").ok();
    check_comes_back(&home, "primehub", 2);
    let image = said(&home, "base-notebook");
    assert_eq!(image["displayName"], "Base notebook");
    assert_eq!(image["type"], "both");
    assert_eq!(image["url"], "quay.io/example/base:1.4");
    assert_eq!(image["urlForGpu"], "quay.io/example/base:1.4-cuda");
    assert_eq!(image["pullSecret"], "quay-pull");
    assert_eq!(image["groups"][0]["name"], "research");
    assert_eq!(image["primehub"]["metadata"]["namespace"], "hub");
    let spec = &said(&home, "genomics")["imageSpec"];
    assert_eq!(spec["packages"]["pip"][0], "jax[cuda]");
}

#[test]
fn json_is_taken_as_images_create_takes_it_and_goes_out_as_a_resource() {
    let home = with_file(
        "lab.json",
        r#"[{"name": "lab", "url": "quay.io/example/lab:4", "global": true, "x-note": "kept"},
            {"name": "cuda", "type": "gpu", "urlForGpu": "quay.io/example/lab:4-cuda"}]"#,
    );
    assert_eq!(import(&home, "primehub"), "Imported 2 instances\n");
    assert_eq!(
        import(&home, "primehub"),
        "Imported 0 instances\n2 instances are unchanged\n"
    );
    assert_eq!(field(&home, "lab", "x-note"), "kept");
    assert_eq!(field(&home, "lab", "global"), true);
    insta::assert_snapshot!(home.run("metadata export primehub -d out").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 2 instances (0 of which are invalid)
    ----- stderr -----
    image `lab`: primehub has no place for global, x-note
    ");
    insta::assert_snapshot!(files_of(&home, "out", "primehub")["cuda.yaml"], @r"
    apiVersion: primehub.io/v1alpha1
    kind: Image
    metadata:
      name: cuda
    spec:
      displayName: cuda
      type: gpu
      urlForGpu: quay.io/example/lab:4-cuda
    ");
    // What a resource does not say stays.
    home.run("metadata import primehub -d out --overwrite").ok();
    assert_eq!(field(&home, "lab", "global"), true);
    assert_eq!(field(&home, "lab", "x-note"), "kept");
}

#[test]
fn an_image_comes_back_with_its_spec_however_its_last_build_ended() {
    let home = Home::new();
    let mut images = Vec::new();
    for phase in ["Succeeded", "Failed", "Cancelled", "Running", "Pending"] {
        let spec = json!({"baseImage": "b", "packages": {"pip": ["c"]}});
        let name = phase.to_lowercase();
        let url = format!("h/{name}:1");
        images.push(json!({
            "name": format!("{name}-built"), "url": url, "imageSpec": spec,
            "jobStatus": {"phase": phase, "image": url, "key": "k", "baseDigest": "d",
                "jobName": "j", "message": "m"},
        }));
        images.push(json!({
            "name": format!("{name}-never"), "imageSpec": spec,
            "jobStatus": {"phase": phase, "target": url},
        }));
    }
    home.pipe(Value::from(images).to_string(), "images create")
        .ok();
    let list = || home.run("images list -o json").ok().stdout;
    let before = list();
    insta::assert_snapshot!(home.run("metadata export primehub -d out").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 10 instances (0 of which are invalid)
    ");
    insta::assert_snapshot!(files_of(&home, "out", "primehub")["failed-built.yaml"], @r"
    apiVersion: primehub.io/v1alpha1
    kind: Image
    metadata:
      name: failed-built
    spec:
      displayName: failed-built
      type: both
      url: h/failed:1
      imageSpec:
        baseImage: b
        packages:
          pip:
            - c
    status:
      jobCondition:
        phase: Failed
        image: h/failed:1
        key: k
        baseDigest: d
        jobName: j
        message: m
    ");
    home.run("metadata import primehub -d out --overwrite").ok();
    assert_eq!(list(), before);
    home.run("--catalog new.db metadata import primehub -d out")
        .ok();
    let images = json(home.run("images list -o json"));
    for image in images.as_array().expect("a list") {
        let name = image["name"].as_str().expect("a text");
        let get = format!("--catalog new.db images get {name} -o json");
        let again = json(home.run(&get));
        for field in ["url", "imageSpec", "jobStatus"] {
            assert_eq!(again[field], image[field], "{field} of {name}");
        }
    }
}

#[test]
fn a_pull_secret_that_the_catalog_knows_is_linked() {
    let home = with_file("base-notebook.yaml", RESOURCE);
    home.run("groups create research").ok();
    home.pipe(
        "value",
        "secrets create --name quay-pull --registry-host quay.io --password-stdin",
    )
    .ok();
    check_comes_back(&home, "primehub", 1);
    let secret = field(&home, "base-notebook", "useImagePullSecret");
    assert_eq!(secret, "image-quay-pull");
}

#[test]
fn a_group_that_is_not_known_leaves_its_image_out() {
    let home = with_file("base-notebook.yaml", RESOURCE);
    home.write("in/genomics.yaml", BUILT);
    insta::assert_snapshot!(home.run("metadata import primehub -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 1 instance
    1 instance could not be imported

    The following files could not be imported:
    File                Reason
    ------------------  ---------------------------------------------------------------------------------------
    base-notebook.yaml  groups.connect[0]: group `research` does not exist; make it with `imgdex groups create`
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    home.run("metadata import primehub -d in --strict").fails(2);
    // It is kept as it came, and taken once the group is there.
    let ran = home
        .run("metadata import primehub -d in --include-invalid")
        .ok();
    assert_eq!(
        ran.stdout,
        "Imported 1 instance\n1 of which is invalid\n1 instance is unchanged\n"
    );
    let all = exported_with(&home, "primehub", "--include-invalid");
    assert_eq!(all, files_of(&home, "in", ""));
    home.run("groups create research").ok();
    assert_eq!(
        import(&home, "primehub"),
        "Imported 1 instance\n1 instance is unchanged\n"
    );
}

#[test]
fn documents_that_are_not_valid_come_back_into_files_of_their_own_bytes() {
    let home = with_file("base-notebook.yaml", BUILT);
    let bad = "# by hand\napiVersion: primehub.io/v1alpha1\nkind: Image\nmetadata: {name: ../../x}\nspec: {type: tpu, url: []}\n";
    home.write("in/bad.yaml", bad);
    insta::assert_snapshot!(home.run("metadata validate primehub in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 3 faults in 1 of 2 files
    in/bad.yaml:4:18: metadata.name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `../../x`; the nearest allowed name is `x`
    in/bad.yaml:5:14: spec.type: type should be one of ['cpu', 'gpu', 'both'], but is `tpu`
    in/bad.yaml:5:24: spec.url: url should be a string, but is a list
    ");
    home.run("metadata import primehub -d in --include-invalid")
        .ok();
    let all = exported_with(&home, "primehub", "--include-invalid");
    assert_eq!(
        all.keys().collect::<Vec<_>>(),
        ["bad.yaml", "genomics.yaml"]
    );
    assert_eq!(all["bad.yaml"], bad);
    let valid = exported(&home, "primehub");
    assert_eq!(valid.keys().collect::<Vec<_>>(), ["genomics.yaml"]);
}

#[test]
fn names_are_made_fit_and_references_pinned_where_that_is_asked_for() {
    let home = with_images(
        r#"{"name": "my_lab", "url": "quay.io/example/lab:4", "formats": ["primehub", "runtime-images"],
            "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#,
    );
    insta::assert_snapshot!(home.run("metadata export primehub -d out").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Exported 0 instances (0 of which are invalid)
    ----- stderr -----
    image `my_lab` is left out: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `my_lab`; the nearest allowed name is `my-lab`, and `--rename` takes it
    ");
    let ran = home.run("metadata export primehub -d out --rename --digests pinned");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    image `my_lab` is written as `my-lab`
    ");
    insta::assert_snapshot!(files_of(&home, "out", "primehub")["my-lab.yaml"], @r#"
    apiVersion: primehub.io/v1alpha1
    kind: Image
    metadata:
      name: my-lab
    spec:
      displayName: my_lab
      type: both
      url: "quay.io/example/lab@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    "#);
}

#[test]
fn names_in_files_are_made_fit_where_that_is_asked_for() {
    let home = with_file("one.yaml", &BUILT.replace("genomics", "Genomics_1"));
    home.write(
        "in/two.json",
        r#"[{"name": "My_Lab", "url": "quay.io/example/lab:4"},
            {"name": "fine", "url": "quay.io/example/fine:1", "displayName": "Fine_One"}]"#,
    );
    home.write(
        "in/three.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: primehub.io/v1alpha1\n  kind: Image\n  metadata: {name: ../../x}\n  spec: {url: a, name: As_It_Is}\n",
    );
    insta::assert_snapshot!(home.run("metadata import primehub -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 1 instance
    3 instances could not be imported

    The following files could not be imported:
    File        Reason
    ----------  ---------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    one.yaml    4:9: metadata.name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `Genomics_1`; the nearest allowed name is `genomics-1`
    three.yaml  6:20: metadata.name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `../../x`; the nearest allowed name is `x`
    two.json    1:11: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `My_Lab`; the nearest allowed name is `my-lab`
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    insta::assert_snapshot!(home.run("metadata import primehub -d in --rename").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 3 instances
    1 instance is unchanged
    ");
    let names = lines(home.run("metadata list primehub -o name"));
    assert_eq!(names, ["fine", "genomics-1", "my-lab", "x"]);
    assert_eq!(field(&home, "fine", "displayName"), "Fine_One");
    let kept = field(&home, "x", "primehub");
    assert_eq!(kept["spec"]["name"], "As_It_Is");
}

#[test]
fn two_names_that_come_to_one_stop_everything() {
    let home = with_file(
        "two.json",
        r#"[{"name": "My_Lab", "url": "a"}, {"name": "my-lab", "url": "b"}]"#,
    );
    insta::assert_snapshot!(home.run("metadata import primehub -d in --rename").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: one name is in two places; nothing was imported
    in/two.json:1:34: the name `my-lab` is here and at in/two.json:1:2
    ");
}
