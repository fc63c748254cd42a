//! The server on a real socket: it serves, it drains, and it does not wait for those who send nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{content, options};
use crate::{Api, Scheme, create_token};

/// Longer than anything here takes; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    let read = async {
        while !text.contains(wanted) {
            let count = stream.read(&mut buffer).await.unwrap();
            if count == 0 {
                break;
            }
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
    assert!(text.contains(wanted), "{text}");
    text
}

#[tokio::test]
async fn a_stop_ends_streams_and_idle_connections_and_lets_nobody_new_in() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), vec![], Scheme::Http).await;
    let store = options.store.clone();
    let tenant = model::TenantId::default_tenant();
    let secret = create_token(&store, &tenant, "test", jiff::Timestamp::now()).await.unwrap();
    let scan = content::submit(&store, &tenant, "app:1").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let api = Api::new(options).unwrap();
    let server = tokio::spawn(api.serve(listener, async {
        let _ = stopped.await;
    }));

    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "{\"status\":\"ok\"}").await;

    let mut follower = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /api/v1/scans/{scan}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        secret.expose()
    );
    follower.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut follower, "\"state\":\"queued\"").await;

    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, server).await.unwrap().unwrap().unwrap();
    // The last chunk of a chunked body: the stream was ended, not cut.
    read_until(&mut follower, "0\r\n\r\n").await;
    assert!(TcpStream::connect(address).await.is_err());
}
