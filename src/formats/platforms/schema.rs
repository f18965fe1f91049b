//! The JSON Schema of what a file of each platform holds, for editors and for other
//! programs that check files. What we read ourselves is decided by the readers; the
//! tests hold both to each other.

use crate::domain::platform::Platform;

/// Returns the JSON Schema (draft 2020-12) of one file of a platform.
#[must_use]
pub fn schema(platform: Platform) -> &'static str {
    match platform {
        Platform::Primehub => include_str!("schemas/primehub.json"),
        Platform::RuntimeImages => include_str!("schemas/runtime-images.json"),
        Platform::Opendatahub => include_str!("schemas/opendatahub.json"),
        Platform::Kubespawner => include_str!("schemas/kubespawner.json"),
        Platform::Kubeflow => include_str!("schemas/kubeflow.json"),
        Platform::Adalab => include_str!("schemas/adalab.json"),
        Platform::Kustomize => include_str!("schemas/kustomize.json"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::super::document::{Position, json};
    use super::super::{Part, read};
    use super::*;

    fn parsed(platform: Platform) -> Value {
        serde_json::from_str(schema(platform)).expect("JSON")
    }

    fn check(platform: Platform, good: &[&str], bad: &[&str]) {
        let validator = jsonschema::validator_for(&parsed(platform)).expect("a schema");
        let documents = good.iter().map(|text| (*text, true));
        for (text, is_good) in documents.chain(bad.iter().map(|text| (*text, false))) {
            let value: Value = serde_json::from_str(text).expect("JSON");
            let faults: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(faults.is_empty(), is_good, "schema: {text}: {faults:?}");
            let faults = faults_of_reader(platform, text);
            assert_eq!(faults.is_empty(), is_good, "reader: {text}: {faults:?}");
        }
    }

    fn faults_of_reader(platform: Platform, text: &str) -> Vec<String> {
        let whole = json::parse(text.as_bytes(), Position::START).expect("JSON");
        // A list is read element by element.
        let nodes = whole.as_list().unwrap_or(std::slice::from_ref(&whole));
        nodes
            .iter()
            .flat_map(|node| read(platform, Part { stem: "a", node }))
            .flat_map(|entry| entry.image.err().unwrap_or_default())
            .map(|fault| fault.to_string())
            .collect()
    }

    #[test]
    fn each_schema_is_one_and_needs_no_other() {
        for platform in Platform::ALL {
            let schema = parsed(platform);
            jsonschema::meta::validate(&schema).expect("a schema");
            for field in ["title", "description"] {
                let text = schema[field].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{platform:?} has no {field}");
            }
            assert!(schema.get("$id").is_none());
            let is_remote = |text: &str| !text.starts_with('#');
            assert!(!references(&schema).into_iter().any(is_remote));
        }
    }

    /// Returns the values of every `$ref`.
    fn references(value: &Value) -> Vec<&str> {
        match value {
            Value::Array(values) => values.iter().flat_map(references).collect(),
            Value::Object(fields) => {
                let own = fields.get("$ref").and_then(Value::as_str);
                own.into_iter()
                    .chain(fields.values().flat_map(references))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn runtime_images() {
        let with = |metadata: &str| {
            format!(
                r#"{{"schema_name":"runtime-image","display_name":"A","metadata":{metadata},"x":1}}"#
            )
        };
        let good = [
            r#"{"image_name":"alpine"}"#,
            r#"{"image_name":"r.io:5000/a/b:1","description":"","tags":[],"y":{}}"#,
            r#"{"image_name":"a","tags":["x y","z"],"pull_policy":"Never","pull_secret":"a.b-c"}"#,
        ]
        .map(with);
        let bad = [
            "5",
            "{}",
            r#"{"image_name":""}"#,
            r#"{"image_name":"a b"}"#,
            r#"{"image_name":5}"#,
            r#"{"image_name":"a","description":5}"#,
            r#"{"image_name":"a","tags":"x"}"#,
            r#"{"image_name":"a","tags":["x","x"]}"#,
            r#"{"image_name":"a","tags":[""]}"#,
            r#"{"image_name":"a","tags":[" x"]}"#,
            r#"{"image_name":"a","pull_policy":"never"}"#,
            r#"{"image_name":"a","pull_secret":"a"}"#,
            r#"{"image_name":"a","pull_secret":"A_b"}"#,
        ]
        .map(with);
        let mut bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        bad.extend([
            r#"{"schema_name":"x","display_name":"A","metadata":{"image_name":"a"}}"#,
            r#"{"schema_name":"runtime-image","display_name":"","metadata":{"image_name":"a"}}"#,
            r#"{"schema_name":"runtime-image","metadata":{"image_name":"a"}}"#,
            r#"{"schema_name":"runtime-image","display_name":"A"}"#,
            "[5]",
        ]);
        let good: Vec<&str> = good.iter().map(String::as_str).collect();
        check(Platform::RuntimeImages, &good, &bad);
    }

    #[test]
    fn primehub_json() {
        check(
            Platform::Primehub,
            &[
                r#"{"name":"a"}"#,
                r#"{"name":"a.b-c","url":null,"x":[1],"type":"gpu","urlForGpu":"r.io/a:1"}"#,
                r#"[{"name":"a","groups":["g",{"id":"g"}]},{"name":"b","groups":{"connect":["g"]}}]"#,
                r#"{"name":"a_b","formats":["runtime-images"]}"#,
                r#"{"name":"a","imageSpec":{"baseImage":"b","packages":{"pip":["c"],"apt":null}}}"#,
                r#"{"name":"a","imageSpec":{"baseImage":"b","packages":{"apt":["c"]}},"url":"d",
                    "jobStatus":{"phase":"Succeeded","jobName":"j"}}"#,
                r#"{"name":"a","tags":["x"],"labels":{"k":"v"},"kind":"base_image","archived":true,
                    "global":false,"pullPolicy":"Always","size":5,"isReady":null,"jobStatus":{}}"#,
                "[]",
            ],
            &[
                "{}",
                r#"{"name":""}"#,
                r#"{"name":"A"}"#,
                r#"{"name":"a_b"}"#,
                r#"{"name":"a","type":"tpu"}"#,
                r#"{"name":"a","url":"b c"}"#,
                r#"{"name":"a","url":""}"#,
                r#"{"name":"a","global":"yes"}"#,
                r#"{"name":"a","groups":[{}]}"#,
                r#"{"name":"a","groups":{"add":[]}}"#,
                r#"{"name":"a","tags":["x","x"]}"#,
                r#"{"name":"a","labels":{"k":1}}"#,
                r#"{"name":"a","kind":"Image"}"#,
                r#"{"name":"a","kind":"B"}"#,
                r#"{"name":"a","formats":["x"]}"#,
                r#"{"name":"a","digest":"sha256:00"}"#,
                r#"{"name":"a","author":""}"#,
                r#"{"name":"a","size":-1}"#,
                r#"{"name":"a","jobStatus":{"jobName":"j"}}"#,
                r#"{"name":"a","imageSpec":{"baseImage":"b"}}"#,
                r#"{"name":"a","imageSpec":{"packages":{"pip":["c"]}}}"#,
                r#"{"name":"a","imageSpec":{"baseImage":"b","packages":{"npm":["c"]}}}"#,
                r#"{"name":"a","imageSpec":{"baseImage":"b","packages":{"pip":[]}}}"#,
                r#"{"name":"a","imageSpec":{"baseImage":"b","packages":{"pip":["c"]}},"url":"d"}"#,
                r#"[{"name":"a"},{"name":5}]"#,
            ],
        );
    }

    #[test]
    fn primehub_resources() {
        let with = |below: &str| {
            let above = r#""apiVersion":"primehub.io/v1alpha1","kind":"Image""#;
            format!(r#"{{{above},"metadata":{{"name":"a","labels":{{}}}},{below}}}"#)
        };
        let spec = r#""imageSpec":{"baseImage":"b","cancel":true,"packages":{"pip":["c"]}}"#;
        let built = r#""status":{"jobCondition":{"phase":"Succeeded","jobName":"j","image":"i"}}"#;
        let once = r#""status":{"jobCondition":{"phase":"Failed","jobName":"","image":"i",
            "key":"k","baseDigest":"d"}}"#;
        let good = [
            with(r#""spec":{}"#),
            with(r#""x":1"#),
            with(r#""spec":{"url":"","urlForGpu":"r.io/a:1","type":"gpu","groupName":null,"y":1}"#),
            with(&format!(r#""spec":{{{spec}}}"#)),
            with(&format!(r#""spec":{{{spec},"url":"d"}},{built}"#)),
            with(&format!(r#""spec":{{{spec}}},{built}"#)),
            with(&format!(r#""spec":{{{spec},"url":"d"}},{once}"#)),
            with(r#""status":{"jobCondition":{"phase":"","jobName":"","image":""}}"#),
            format!(
                r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#,
                with(r#""x":1"#)
            ),
            r#"{"apiVersion":"primehub.io/v1alpha1","kind":"ImageList",
                "items":[{"metadata":{"name":"a"}}]}"#
                .to_owned(),
        ];
        let bad = [
            with(r#""spec":5"#),
            with(r#""spec":{"type":"tpu"}"#),
            with(r#""spec":{"url":"b c"}"#),
            with(r#""spec":{"groupName":5}"#),
            with(&format!(r#""spec":{{{spec},"url":"d"}}"#)),
            with(&format!(
                r#""spec":{{{spec},"url":"d"}},{}"#,
                once.replace(r#":"i""#, r#":"" "#)
            )),
            with(r#""spec":{"imageSpec":{"baseImage":"b"}}"#),
            with(r#""status":{"jobCondition":{"phase":"Done"}}"#),
            r#"{"apiVersion":"v1","kind":"Image","metadata":{"name":"a"}}"#.to_owned(),
            r#"{"apiVersion":"primehub.io/v1alpha1","kind":"Secret","metadata":{"name":"a"}}"#
                .to_owned(),
            r#"{"apiVersion":"primehub.io/v1alpha1","kind":"Image","metadata":{}}"#.to_owned(),
            r#"{"apiVersion":"primehub.io/v1alpha1","kind":"Image","metadata":{"name":"A"}}"#
                .to_owned(),
            r#"{"kind":"Image","metadata":{"name":"a"}}"#.to_owned(),
            r#"{"apiVersion":"v1","kind":"List"}"#.to_owned(),
            r#"{"apiVersion":"v1","kind":"List","items":[{"metadata":{"name":"a"}}]}"#.to_owned(),
            r#"{"apiVersion":"v1","kind":"ImageList","items":[]}"#.to_owned(),
        ];
        let good: Vec<&str> = good.iter().map(String::as_str).collect();
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        check(Platform::Primehub, &good, &bad);
    }

    #[test]
    fn adalab() {
        let with = |host: &str, more: &str| {
            format!(
                r#"{{"name":"A","oci_image_name":{{"host":{host},"project":"p","repository":"r/s",
                    "tag":"1"}},"metadata_id":5{more}}}"#
            )
        };
        let host = r#""h.example.com""#;
        let good = [
            with(host, ""),
            with(r#""localhost""#, ""),
            with(r#""harbor:80""#, ""),
            with(r#""[::1]:80""#, ""),
            with(
                host,
                r#","type":"base_image","image_id":5,"user_id":"x","x":1"#,
            ),
            with(host, r#","type":null,"image_id":null,"ready":null"#),
            with(host, r#","sha256":"sha256:00000","archived":true"#),
        ];
        let bad = [
            with(r#""harbor""#, ""),
            with(r#""""#, ""),
            with("5", ""),
            with(r#""https://h.example.com""#, ""),
            with(host, r#","type":"web""#),
            with(host, r#","image_id":"""#),
            with(host, r#","image_id":-1"#),
            with(host, r#","user_id":1.5"#),
            with(host, r#","ready":"yes""#),
            with(host, r#","sha256":5"#),
            with(host, r#","description":[]"#),
            r#"{"name":"A"}"#.to_owned(),
            r#"{"oci_image_name":{}}"#.to_owned(),
            with(host, "").replace(r#""p""#, r#""p/q""#),
            with(host, "").replace(r#""p""#, r#""P""#),
            with(host, "").replace(r#""r/s""#, r#""r/""#),
            with(host, "").replace(r#""1""#, r#"".1""#),
            with(host, "").replace(r#""A""#, r#""""#),
            "5".to_owned(),
        ];
        let good: Vec<&str> = good.iter().map(String::as_str).collect();
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        check(Platform::Adalab, &good, &bad);
    }

    #[test]
    fn kustomize() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let good = format!(
            r#"{{"kind":"Kustomization","apiVersion":"kustomize.config.k8s.io/v1beta1","images":[
                {{"name":"a"}},{{"name":"A","newName":"r.io:5000/a/b","newTag":"1.0","x":1}},
                {{"name":"a","digest":"{digest}","newTag":""}}]}}"#
        );
        check(
            Platform::Kustomize,
            &[
                &good,
                r#"{"images":[]}"#,
                r#"{"images":null,"resources":[]}"#,
            ],
            &[
                "5",
                r#"{"kind":"Pod"}"#,
                r#"{"apiVersion":"v1"}"#,
                r#"{"images":{}}"#,
                r#"{"images":[5]}"#,
                r#"{"images":[{}]}"#,
                r#"{"images":[{"name":""}]}"#,
                r#"{"images":[{"name":"A"}]}"#,
                r#"{"images":[{"name":"a","newName":"b:1"}]}"#,
                r#"{"images":[{"name":"a","newTag":5}]}"#,
                r#"{"images":[{"name":"a","newTag":"b c"}]}"#,
                r#"{"images":[{"name":"a","digest":"sha256:00"}]}"#,
            ],
        );
    }

    #[test]
    fn opendatahub() {
        let with = |labels: &str, tag: &str| {
            format!(
                r#"{{"apiVersion":"image.openshift.io/v1","kind":"ImageStream","metadata":
                    {{"name":"a","labels":{labels}}},"spec":{{"tags":[{tag}],"x":1}}}}"#
            )
        };
        let notebook = r#"{"opendatahub.io/notebook-image":"true"}"#;
        let tag = r#"{"name":"1","from":{"kind":"DockerImage","name":"r.io/a:1"}}"#;
        let annotated = tag.replacen('{', r#"{"annotations":{"a":"b"},"#, 1);
        let good = with(notebook, tag);
        let bad = [
            with(r#"{"opendatahub.io/notebook-image":true}"#, tag),
            with(r#"{"opendatahub.io/notebook-image":"false"}"#, tag),
            with(r#"{"opendatahub.io/notebook-image":"true","team":1}"#, tag),
            with(
                r#"{"opendatahub.io/notebook-image":"true","team":null}"#,
                tag,
            ),
            with("null", tag),
            with(notebook, ""),
            with(
                notebook,
                &tag.replacen(
                    '{',
                    r#"{"annotations":{"opendatahub.io/notebook-software":[]},"#,
                    1,
                ),
            ),
            with(notebook, &annotated.replace(r#""b""#, "true")),
            good.replace(
                r#""labels""#,
                r#""annotations":{"opendatahub.io/notebook-image-order":1},"labels""#,
            ),
            with(notebook, r#"{"name":"1"}"#),
            with(notebook, &tag.replace("r.io/a:1", "a b")),
            with(notebook, &tag.replace("DockerImage", "ImageStreamTag")),
            with(notebook, &tag.replace(r#""1""#, "1")),
            good.replace("ImageStream", "Image"),
            good.replace(r#""a""#, r#""A""#),
            "5".to_owned(),
        ];
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        let runtime = with(
            r#"{"opendatahub.io/runtime-image":"true","opendatahub.io/notebook-image":"no"}"#,
            &annotated,
        );
        check(Platform::Opendatahub, &[&good, &runtime], &bad);
    }

    #[test]
    fn kubespawner() {
        check(
            Platform::Kubespawner,
            &[
                "[]",
                r#"[{"display_name":"A","slug":"a","default":true,"x":1,"kubespawner_override":
                    {"image":"r.io/a:1","image_pull_policy":"Always","image_pull_secrets":["s"],
                     "cmd":["start","x"],"default_url":"/lab","cpu_limit":2}}]"#,
            ],
            &[
                r#"[{}]"#,
                r#"[{"display_name":5}]"#,
                r#"[{"display_name":"A","default":"yes"}]"#,
                r#"[{"display_name":"A","kubespawner_override":{"image":"a b"}}]"#,
                r#"[{"display_name":"A","kubespawner_override":{"image_pull_policy":"x"}}]"#,
                r#"[{"display_name":"A","kubespawner_override":{"cmd":[1]}}]"#,
            ],
        );
    }

    #[test]
    fn kubeflow() {
        let kind = |values: &str| {
            format!(
                r#"{{"apiVersion":"kubeflow.org/v1beta1","kind":"WorkspaceKind","metadata":
                    {{"name":"a"}},"spec":{{"podTemplate":{{"options":{{"imageConfig":
                    {{"spawner":{{"default":"x"}},"values":[{values}]}}}}}}}}}}"#
            )
        };
        let value = r#"{"id":"x","spec":{"image":"a:1","ports":[{"port":8888}]},
            "spawner":{"displayName":"X","hidden":false,"labels":[{"key":"k","value":"v"}]}}"#;
        let good = kind(value);
        let bad = [
            good.replace("WorkspaceKind", "Workspace"),
            kind(r#"{"id":"x"}"#),
            kind(&value.replace(r#""v""#, "1")),
            kind(&value.replace("a:1", "a b")),
            r#"{"spawnerFormDefaults":5}"#.to_owned(),
            r#"{"spawnerFormDefaults":{"image":{"options":["a b"]}}}"#.to_owned(),
            r#"{"spawnerFormDefaults":{"image":{"value":5}}}"#.to_owned(),
            r#"{"spawnerFormDefaults":{"imagePullPolicy":{"value":"x"}}}"#.to_owned(),
            "{}".to_owned(),
        ];
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        check(
            Platform::Kubeflow,
            &[
                &good,
                r#"{"spawnerFormDefaults":{"image":{"value":"a:1","options":["a:1","b:2"]},
                    "imageGroupOne":{"value":"c:1"},"imagePullPolicy":{"value":"Always"},
                    "cpu":{"value":"0.5"}}}"#,
            ],
            &bad,
        );
    }
}
