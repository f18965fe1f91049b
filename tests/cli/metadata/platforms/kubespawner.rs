//! JupyterHub's profile list, by itself and in a chart's values.

use super::*;

/// A list as an export writes it.
const LIST: &str = r#"- display_name: Small notebook
  slug: small
  description: Python only
  kubespawner_override:
    image: quay.io/example/small:1.4
    image_pull_policy: IfNotPresent
    cpu_limit: 2
  default: true
- display_name: GPU notebook
  slug: gpu
  kubespawner_override:
    image: quay.io/example/gpu:1.4
    image_pull_secrets:
      - quay
    cmd:
      - start.sh
      - a b
    extra_resource_limits:
      nvidia.com/gpu: "1"
"#;

#[test]
fn a_bare_list_is_taken_and_comes_back() {
    let home = with_file("profile_list.yaml", LIST);
    check_comes_back(&home, "kubespawner", 2);
    let image = said(&home, "small");
    assert_eq!(image["displayName"], "Small notebook");
    assert_eq!(image["url"], "quay.io/example/small:1.4");
    assert_eq!(image["pullPolicy"], "IfNotPresent");
    assert_eq!(image["kubespawner"]["default"], true);
    let image = said(&home, "gpu");
    assert_eq!(image["pullSecret"], "quay");
    assert_eq!(image["command"], "start.sh 'a b'");
}

#[test]
fn nothing_of_a_charts_other_values_is_kept_anywhere() {
    let mut values = "proxy: {secretToken: canary-1}\nhub: {config: {Auth: {password: canary-2}}}\nsingleuser:\n  extraEnv: {TOKEN: canary-3}\n  profileList:\n".to_owned();
    for line in LIST.lines() {
        values += &format!("    {line}\n");
    }
    values += "    - display_name: No image\n";
    values += "extra: canary-4\n";
    let home = with_file("values.yaml", &values);
    // A file of values without any list is wrong as a whole.
    home.write("in/secrets.yaml", "hub: {password: canary-5}\n");
    insta::assert_snapshot!(home.run("metadata import kubespawner -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 2 instances
    2 instances could not be imported

    The following files could not be imported:
    File          Reason
    ------------  ---------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    secrets.yaml  1:1: neither a profile, which has a display_name, nor an object with a list of profiles at one of profile_list, profileList, singleuser.profileList, jupyterhub.singleuser.profileList, hub.config.KubeSpawner.profile_list, jupyterhub.hub.config.KubeSpawner.profile_list
    values.yaml   25:7: singleuser.profileList[2].kubespawner_override.image: an image is required; profiles without one, and those that choose it by `profile_options`, are not kept in the catalog
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    insta::assert_snapshot!(home.run("metadata import kubespawner -d in --include-invalid").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 1 instance
    1 of which is invalid
    2 instances are unchanged
    1 instance could not be imported

    The following files could not be imported:
    File          Reason
    ------------  ---------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    secrets.yaml  1:1: neither a profile, which has a display_name, nor an object with a list of profiles at one of profile_list, profileList, singleuser.profileList, jupyterhub.singleuser.profileList, hub.config.KubeSpawner.profile_list, jupyterhub.hub.config.KubeSpawner.profile_list
    ");
    let bytes = catalog_bytes(&home);
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("No image"));
    assert!(!holds("canary"));
    let all = exported_with(&home, "kubespawner", "--include-invalid");
    let expected = format!("{LIST}- display_name: No image\n");
    assert_eq!(all["profile_list.yaml"], expected);
    assert_eq!(only_file(&home, "kubespawner"), LIST);
}

#[test]
fn entries_without_a_name_are_kept_one_by_one() {
    let text = "- slug: one\n  default: true\n- display_name: \"\"\n  description: two\n- kubespawner_override:\n    image: quay.io/example/three:1\n";
    let home = with_file("profile_list.yaml", text);
    insta::assert_snapshot!(home.run("metadata import kubespawner -d in --include-invalid").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 3 instances
    3 of which are invalid
    ");
    let all = exported_with(&home, "kubespawner", "--include-invalid");
    for entry in [
        "- slug: one\n  default: true\n",
        "description: two",
        "three:1",
    ] {
        assert!(all["profile_list.yaml"].contains(entry), "{all:#?}");
    }
    let again = home
        .run("metadata import kubespawner -d in --include-invalid")
        .ok();
    assert_eq!(
        again.stdout,
        "Imported 0 instances\n3 instances are unchanged\n"
    );
}

#[test]
fn what_is_no_profile_at_all_is_left_out_and_said_to_be() {
    let home = with_file("profile_list.yaml", "- 7\n- [x]\n- {a: 1}\n");
    insta::assert_snapshot!(home.run("metadata import kubespawner -d in --include-invalid").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 0 instances
    3 instances could not be imported

    The following files could not be imported:
    File               Reason
    -----------------  ---------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    profile_list.yaml  1:3: a profile should be an object, but this is a number
    profile_list.yaml  2:3: a profile should be an object, but this is a list
    profile_list.yaml  3:3: neither a profile, which has a display_name, nor an object with a list of profiles at one of profile_list, profileList, singleuser.profileList, jupyterhub.singleuser.profileList, hub.config.KubeSpawner.profile_list, jupyterhub.hub.config.KubeSpawner.profile_list
    ");
    insta::assert_snapshot!(exported_with(&home, "kubespawner", "--include-invalid")["profile_list.yaml"], @r"[]");
}

#[test]
fn an_image_of_the_catalog_is_a_profile_and_what_is_lost_is_told() {
    let home = with_images(
        r#"[{"name": "my_lab", "displayName": "Lab", "url": "quay.io/example/lab:4", "tags": ["a"], "global": true, "formats": ["kubespawner", "runtime-images"],
             "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"name": "cuda", "type": "gpu", "urlForGpu": "quay.io/example/lab:4-cuda"}]"#,
    );
    insta::assert_snapshot!(home.run("metadata export kubespawner -d out").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Exported 0 instances (0 of which are invalid)
    ----- stderr -----
    image `my_lab` is left out: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `my_lab`; the nearest allowed name is `my-lab`, and `--rename` takes it
    ");
    let ran = home.run("metadata export kubespawner -d out --all --rename --digests both");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    image `my_lab` is written as `my-lab`
    image `my_lab`: kubespawner has no place for global, tags
    image `cuda` is left out: it has no `url`, and a profile needs an image
    ");
    insta::assert_snapshot!(files_of(&home, "out", "kubespawner")["profile_list.yaml"], @r#"
    - display_name: Lab
      slug: my-lab
      kubespawner_override:
        image: "quay.io/example/lab:4@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    "#);
}

#[test]
fn faults_are_told_where_they_are() {
    let home = with_file(
        "list.yaml",
        "- display_name: 5\n  kubespawner_override: {image: \"not:a:reference\", image_pull_policy: Sometimes}\n- display_name: No image\n",
    );
    insta::assert_snapshot!(home.run("metadata validate kubespawner in/list.yaml").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 3 faults in 1 of 1 file
    in/list.yaml:2:33: kubespawner_override.image: `not:a:reference` is not an image reference: tag `a:reference`: only ASCII letters, digits, `_`, `.` and `-`, not starting with `.` or `-`, at most 128 characters
    in/list.yaml:2:71: kubespawner_override.image_pull_policy: image_pull_policy should be one of ['Always', 'IfNotPresent', 'Never'], but is `Sometimes`
    in/list.yaml:3:3: kubespawner_override.image: an image is required; profiles without one, and those that choose it by `profile_options`, are not kept in the catalog
    ");
}
