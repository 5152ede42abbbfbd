//! Mutual TLS: those with a certificate of the authority work together, and nobody else is let in.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::processes::{Running, assert_agree, binary, complaint, estimates, of, rows, scheduler, train};

/// Writes an authority `NAME-ca.pem`, and of it `NAME.pem` and `NAME.key` for this machine.
fn certificates(dir: &Path, name: &str) -> [String; 6] {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, format!("the authority {name}"));
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_string(), "localhost".to_string()];
    let own = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let path = |end: &str| dir.join(format!("{name}{end}")).display().to_string();
    std::fs::write(path("-ca.pem"), authority.pem()).unwrap();
    std::fs::write(path(".pem"), own.pem()).unwrap();
    std::fs::write(path(".key"), key.serialize_pem()).unwrap();
    let flags = ["--tls-cert", "--tls-key", "--tls-ca"].map(String::from);
    let [cert_flag, key_flag, ca_flag] = flags;
    [cert_flag, path(".pem"), key_flag, path(".key"), ca_flag, path("-ca.pem")]
}

#[test]
fn whoever_has_no_certificate_of_the_authority_is_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let (data, model) = (rows(dir.path()), dir.path().join("model.json"));
    let expected = estimates(train(&of(&data, &[]), &model), &model);
    std::fs::remove_file(&model).unwrap();
    let (ours, others) = (certificates(dir.path(), "ours"), certificates(dir.path(), "others"));
    let ours = ours.each_ref().map(String::as_str);
    let (_head, address) = scheduler(&[&["--port", "0"], &ours[..]].concat());
    let executor = || {
        let args = ["executor", "--scheduler", &address, "--cores", "1", "--memory", "500MB"];
        Running::start(binary().args(args).args(ours))
    };
    let _executors = [executor(), executor()];
    let engine = format!("df://{address}");
    let engine = ["--engine", &engine, "--partitions", "6", "--patience", "20"];

    let refused = ["--engine", engine[1], "--patience", "1"];
    let without = complaint(train(&of(&data, &refused), &model));
    assert!(without.contains("\"kind\": \"engine\""), "{without}");
    let others = others.each_ref().map(String::as_str);
    let foreign = complaint(train(&of(&data, &[&refused[..], &others[..]].concat()), &model));
    assert!(foreign.contains("\"kind\": \"engine\""), "{foreign}");
    assert!(!model.exists());

    let fit = train(&of(&data, &[&engine[..], &ours[..]].concat()), &model);
    assert_agree(&estimates(fit, &model), &expected);
}
