//! Kubeconfigs, credentials that change, and TLS.

use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use tempfile::TempDir;

use super::kubernetes::{ApiServer, TOKEN};
use super::{options, wanted};
use crate::api::{ConnectOptions, Connection, collect};
use crate::error::ClusterError;
use crate::fixture::small;

async fn open(options: &ConnectOptions) -> Result<usize, ClusterError> {
    let connection = Connection::open(options).await?;
    collect(&connection, &wanted()).await.map(|collected| collected.snapshot.objects().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_run_out_is_read_again() {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let server = ApiServer::start(&small());
    let kubeconfig = server.kubeconfig("http", &json!({}), &json!({ "tokenFile": token }));
    let connection = Connection::open(&options(&folder, &kubeconfig)).await.unwrap();
    collect(&connection, &wanted()).await.unwrap();
    server.accept("rotated-not-a-secret");
    std::fs::write(&token, "rotated-not-a-secret").unwrap();
    let collected = collect(&connection, &wanted()).await.unwrap();
    assert!(collected.snapshot.gaps().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_get_credentials_and_get_them_again() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("credential");
    let credential = |token: &str| {
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": { "token": token, "expirationTimestamp": "2099-01-01T00:00:00Z" },
        });
        std::fs::write(&file, credential.to_string()).unwrap();
    };
    credential(TOKEN);
    let server = ApiServer::start(&small());
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "cat", "args": [file], "interactiveMode": "Never",
    });
    let kubeconfig = server.kubeconfig("http", &json!({}), &json!({ "exec": exec }));
    let connection = Connection::open(&options(&folder, &kubeconfig)).await.unwrap();
    collect(&connection, &wanted()).await.unwrap();
    server.accept("rotated-not-a-secret");
    credential("rotated-not-a-secret");
    assert!(collect(&connection, &wanted()).await.unwrap().snapshot.gaps().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_says_so_without_what_it_was_given_and_printed() {
    let folder = TempDir::new().unwrap();
    let server = ApiServer::start(&[]);
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "Never",
        "args": ["-c", "echo hunter2; exit 3"],
    });
    let kubeconfig = server.kubeconfig("http", &json!({}), &json!({ "exec": exec }));
    let error = open(&options(&folder, &kubeconfig)).await.unwrap_err();
    assert_eq!(error.code(), "cluster-unauthorized");
    assert!(
        error.to_string().contains("exit status: 3") && !error.to_string().contains("hunter2"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_say_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let server = ApiServer::start(&[]);
    let good = server.kubeconfig("http", &json!({}), &json!({ "token": TOKEN }));
    let mut cases = vec![
        (options(&folder, &good), "another"),
        (
            ConnectOptions { kubeconfig: Some(folder.path().join("none")), ..ConnectOptions::default() },
            "none",
        ),
    ];
    cases[0].0.context = Some("another".to_owned());
    for (options, said) in cases {
        let error = Connection::open(&options).await.unwrap_err();
        assert_eq!(error.code(), "kubeconfig-invalid");
        assert!(error.to_string().contains(said), "{error}");
    }
    for broken in ["{", "7", &good.replace("http://", "http://[")] {
        let error = Connection::open(&options(&folder, broken)).await.unwrap_err();
        assert_eq!(error.code(), "kubeconfig-invalid", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_with_the_address() {
    let folder = TempDir::new().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let server = ApiServer::start(&[]);
    let kubeconfig = server.kubeconfig("http", &json!({}), &json!({ "token": TOKEN }));
    let error = open(&options(&folder, &kubeconfig.replace(&server.address, &address))).await.unwrap_err();
    assert_eq!(error.code(), "cluster-unreachable");
    assert!(error.to_string().contains(&address), "{error}");
}

/// A server behind TLS, and the PEM of its certificate.
fn with_tls() -> (ApiServer, String) {
    with_tls_over(&small())
}

/// The same with these objects.
pub(super) fn with_tls_over(objects: &[serde_json::Value]) -> (ApiServer, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![cert.der().clone()], key).unwrap());
    let wrap = move |stream: TcpStream| -> Box<dyn super::kubernetes::Stream> {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        Box::new(StreamOwned::new(connection, stream))
    };
    (ApiServer::start_with(objects, wrap), cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_known_by_the_authority_of_the_kubeconfig_and_by_no_other() {
    let folder = TempDir::new().unwrap();
    let (server, pem) = with_tls();
    let authority = folder.path().join("ca.crt");
    let kubeconfig = |file: &std::path::Path| {
        server.kubeconfig("https", &json!({ "certificate-authority": file }), &json!({ "token": TOKEN }))
    };
    std::fs::write(&authority, pem).unwrap();
    assert_eq!(open(&options(&folder, &kubeconfig(&authority))).await.unwrap(), small().len());
    let (_other, pem) = with_tls();
    std::fs::write(&authority, pem).unwrap();
    let error = open(&options(&folder, &kubeconfig(&authority))).await.unwrap_err();
    assert_eq!(error.code(), "cluster-unreachable");
    assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
}
