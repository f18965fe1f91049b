//! Another client of registries sees what ours sees: `oci-client`, formerly
//! `oci-distribution`.

use oci_distribution::client::{Client, ClientConfig, ClientProtocol};
use oci_distribution::secrets::RegistryAuth;
use oci_distribution::{Reference, RegistryOperation};

use crate::docker_registry::{DockerRegistry, IMAGE, INDEX};
use crate::support::Home;
use crate::token_server::{PASSWORD, TokenServer};

/// What a client sees of an image.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    digest: String,
    manifest: String,
    tags: Vec<String>,
}

fn theirs(image: &str, auth: &RegistryAuth) -> Sight {
    // A provider is needed even where nothing is sent by TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let client = Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        ..ClientConfig::default()
    });
    let image: Reference = image.parse().expect("a reference");
    runtime.block_on(async {
        let pull = RegistryOperation::Pull;
        client
            .auth(&image, auth, pull)
            .await
            .expect("it lets us in");
        let digest = client.fetch_manifest_digest(&image, auth).await;
        let manifest = client
            .pull_manifest_raw(&image, auth, &[IMAGE, INDEX])
            .await;
        let (manifest, hashed) = manifest.expect("a manifest");
        let digest = digest.expect("a digest");
        assert_eq!(digest, hashed);
        let tags = client.list_tags(&image, auth, None, None).await;
        let mut tags = tags.expect("tags").tags;
        tags.sort();
        Sight {
            digest,
            manifest: String::from_utf8(manifest.to_vec()).expect("text"),
            tags,
        }
    })
}

fn ours(image: &str, repository: &str) -> Sight {
    let home = Home::new();
    let (host, _) = image.split_once('/').expect("a host");
    let ask = |command: &str| {
        let call = home.call(command);
        let call = call
            .env("IMGDEX_REGISTRY_HOST", host)
            .env("IMGDEX_REGISTRY_USERNAME", "me");
        let ran = call.env("IMGDEX_REGISTRY_PASSWORD", PASSWORD).run().ok();
        ran.stdout
    };
    let tags = ask(&format!("registry tags {repository} -o name"));
    Sight {
        digest: ask(&format!("registry digest {image}")).trim().to_owned(),
        manifest: ask(&format!("registry manifest {image} --raw")),
        tags: tags.lines().map(str::to_owned).collect(),
    }
}

#[test]
fn both_clients_see_the_same_of_every_kind_of_registry() {
    let tokens = TokenServer::start();
    let me = RegistryAuth::Basic("me".to_owned(), PASSWORD.to_owned());
    for (registry, auth) in [
        (DockerRegistry::start(), RegistryAuth::Anonymous),
        (DockerRegistry::with_password(), me.clone()),
        (tokens.registry(), me),
    ] {
        registry.index("team/app", "many", &["amd64", "arm64"]);
        registry.image("team/app", "one", "s390x");
        let repository = format!("{}/team/app", registry.host());
        for tag in ["one", "many"] {
            let image = format!("{repository}:{tag}");
            let sight = ours(&image, &repository);
            assert_eq!(sight, theirs(&image, &auth));
            assert_eq!(sight.tags, ["many", "many-amd64", "many-arm64", "one"]);
        }
    }
}
