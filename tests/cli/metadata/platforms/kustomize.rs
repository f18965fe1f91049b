//! Kustomize: images under the names that manifests use, written only.

use super::*;

const IMAGES: &str = r#"[
  {"name": "lab", "url": "quay.io/example/lab:1.10", "formats": ["kustomize"],
   "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
  {"name": "plain", "displayName": "Plain", "url": "busybox", "formats": ["kustomize"]},
  {"name": "cuda", "urlForGpu": "quay.io/example/lab:4-cuda", "formats": ["kustomize"]}]"#;

#[test]
fn images_are_written_by_tag_by_digest_and_by_both() {
    let home = with_images(IMAGES);
    insta::assert_snapshot!(home.run("metadata export kustomize -d out").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Exported 2 instances (0 of which are invalid)
    ----- stderr -----
    image `plain`: kustomize has no place for displayName
    image `cuda` is left out: it has no `url`, and Kustomize needs a newName
    ");
    insta::assert_snapshot!(files_of(&home, "out", "kustomize")["kustomization.yaml"], @r#"
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    images:
    - name: lab
      newName: quay.io/example/lab
      newTag: "1.10"
    - name: plain
      newName: busybox
    "#);
    for (form, expected) in [
        ("tags", "  newTag: \"1.10\"\n- name: plain"),
        (
            "pinned",
            "  digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n- name: plain",
        ),
        (
            "both",
            "  newTag: \"1.10\"\n  digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n- name: plain",
        ),
    ] {
        home.run(&format!(
            "metadata export kustomize -d out --digests {form}"
        ))
        .fails(3);
        let text = &files_of(&home, "out", "kustomize")["kustomization.yaml"];
        assert!(text.contains(expected), "{form}: {text}");
    }
    home.run("metadata validate kustomize out/kustomize").ok();
}

#[test]
fn it_is_not_imported() {
    let home = with_images(IMAGES);
    home.run("metadata export kustomize -d out").fails(3);
    insta::assert_snapshot!(home.run("metadata import kustomize -d out").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: `kustomize` is written only, and cannot be imported
    hint: import the platform's own list of images, such as `runtime-images`
    ");
}

#[test]
fn faults_are_told_where_they_are() {
    let home = with_file(
        "kustomization.yaml",
        "kind: Kustomization\nimages:\n- {newName: a}\n- {name: b, newTag: 5, digest: x}\n- 7\n",
    );
    insta::assert_snapshot!(home.run("metadata validate kustomize in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 3 faults in 1 of 1 file
    in/kustomization.yaml:3:3: images[0].name: name is required
    in/kustomization.yaml:4:32: images[1].digest: digest `x`: `sha256:` with 64 or `sha512:` with 128 lower-case hexadecimal digits
    in/kustomization.yaml:5:3: images[2]: an entry of images should be an object, but this is a number
    ");
}
