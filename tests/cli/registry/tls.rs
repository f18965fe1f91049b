//! Registries with TLS, and proxies on the way to them.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::docker_registry::{Certified, DockerRegistry};
use crate::fault_server::{FaultServer, Reply};
use crate::support::Home;

/// Returns a certificate for a name, and the authority that signed it.
fn certified(name: &str, until: i32) -> Certified {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let authority_pem = authority
        .self_signed(&authority_key)
        .expect("a certificate");
    let issuer = Issuer::new(authority, authority_key);
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.signed_by(&key, &issuer).expect("a certificate");
    Certified {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        authority: authority_pem.pem(),
    }
}

#[test]
fn a_registry_of_an_own_authority_is_asked_where_that_is_named() {
    let certified = certified("127.0.0.1", 2090);
    let registry = DockerRegistry::with_tls(&certified);
    let pushed = registry.image("app", "1", "amd64");
    let host = registry.host();
    let digest = format!("registry digest {host}/app:1");
    let home = Home::new();
    home.write("ca.pem", &certified.authority);
    let ran = home.run(&format!("{digest} --ca-file ca.pem")).ok();
    assert_eq!(
        (ran.stdout, ran.stderr),
        (format!("{}\n", pushed.digest), String::new())
    );

    // There is no falling back from TLS, and not from its certificate either.
    let ran = home.run(&digest);
    insta::assert_snapshot!(ran.snapshot(&home).replace(&host, "HOST"), @r#"
    exit code: 7
    ----- stderr -----
    error: cannot look `HOST/app:1` up: the certificate of `HOST` is not valid: no authority that is trusted signed it
    hint: where it is your own, name its authority with `--ca-file`, or in the config file: `[registry."HOST"]`, `ca-file = "/path/to/ca.pem"`
    "#);
    home.run(&format!("{digest} --plain-http")).fails(7);

    let ran = home.run(&format!("{digest} --insecure")).ok();
    let aloud = format!("warning: the certificate of `{host}` is not verified (`insecure`)\n");
    assert_eq!(ran.stderr, aloud);
    let config = ".config/imgdex/config.toml";
    home.write(config, format!("[registry.\"{host}\"]\ninsecure = true\n"));
    assert_eq!(home.run(&digest).ok().stderr, aloud);
    let named = home.path().join("ca.pem").display().to_string();
    home.write(
        config,
        format!("[registry.\"{host}\"]\nca-file = \"{named}\"\n"),
    );
    assert_eq!(home.run(&digest).ok().stderr, "");
    home.call("login")
        .env("IMGDEX_REGISTRY", &host)
        .run()
        .fails(2);
    let login = format!("login {host} -u me --password-stdin");
    home.pipe("hunter2", &login).ok();
}

#[test]
fn a_certificate_of_another_name_or_one_that_ran_out_is_refused() {
    let check = |certified: Certified, rule: &str| {
        let registry = DockerRegistry::with_tls(&certified);
        let home = Home::new();
        home.write("ca.pem", &certified.authority);
        let tags = format!("registry tags {}/app --ca-file ca.pem", registry.host());
        let ran = home.run(&tags).fails(7);
        assert!(ran.stderr.contains(rule), "{ran:#?}");
        assert_eq!(ran.stdout, "");
    };
    check(certified("other.example", 2090), "not valid for name");
    check(certified("127.0.0.1", 2021), "expired");
}

#[test]
fn a_proxy_is_asked_but_for_excepted_hosts_and_its_password_is_not_shown() {
    let proxy = FaultServer::start(|seen| match seen.method.as_str() {
        "CONNECT" => Reply::new(407, ""),
        _ => Reply::new(200, r#"{"name":"app","tags":["1"]}"#),
    });
    let home = Home::new();
    let address = format!("http://me:hunter2@{}", proxy.host());
    let ask = |more: &str, variable: &str, none_for: &str| {
        let ran = home
            .call(&format!("registry tags registry.invalid/app -v {more}"))
            .env(variable, &address)
            .env("NO_PROXY", none_for)
            .run();
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:#?}");
        assert!(!format!("{ran:?}").contains("bWU6aHVudGVyMg"), "{ran:#?}");
        ran
    };
    let ran = ask("--plain-http -o name", "HTTP_PROXY", "other.invalid").ok();
    assert_eq!(ran.stdout, "1\n");
    let seen = proxy.seen();
    let target = "http://registry.invalid/v2/app/tags/list?n=1000";
    assert_eq!(seen[0].target, target);
    assert_eq!(
        seen[0].header("proxy-authorization"),
        "Basic bWU6aHVudGVyMg=="
    );
    // Neither is that password for the registry.
    assert_eq!(seen[0].header("authorization"), "");
    // Each is asked for again and again, so all of them at once.
    let (excepted, denied) = std::thread::scope(|scope| {
        let hosts = "other.invalid,registry.invalid";
        let excepted = [
            scope.spawn(|| ask("--plain-http", "HTTP_PROXY", hosts)),
            scope.spawn(|| ask("", "HTTPS_PROXY", ".invalid")),
        ];
        let denied = scope.spawn(|| ask("", "HTTPS_PROXY", "other.invalid"));
        let ended = excepted.map(|run| run.join().expect("it ends"));
        (ended, denied.join().expect("it ends"))
    });
    for ran in excepted {
        let ran = ran.fails(6);
        assert!(ran.stderr.contains("cannot be looked up"), "{ran:#?}");
    }
    denied.fails(6);
    let seen = proxy.seen();
    assert!(seen.len() > 1);
    for seen in &seen[1..] {
        assert_eq!(
            (&*seen.method, &*seen.target),
            ("CONNECT", "registry.invalid:443")
        );
        assert_eq!(seen.header("proxy-authorization"), "Basic bWU6aHVudGVyMg==");
    }
}
