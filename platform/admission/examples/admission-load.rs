//! Asks two webhooks in turn at the same steady rate, and prints what the second adds to the time of the first:
//! `admission-load CA SERVER-NAME REVIEWS RATE SECONDS ROUNDS CONTROL-PORT PORT`. `REVIEWS` holds one AdmissionReview a line.
//!
//! The load is open: a request is due at its time whether or not earlier ones were answered, and its latency counts from then, so
//! that a webhook that stalls cannot slow its own measurement down. Each connection has one request under way.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use pki_types::pem::PemObject as _;
use pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Connections, as an API server keeps several.
const CONNECTIONS: u32 = 16;
/// The first part of a run, which is not counted.
const WARM_UP: Duration = Duration::from_secs(1);

struct Load {
    connector: TlsConnector,
    name: ServerName<'static>,
    reviews: Vec<String>,
    rate: u32,
    length: Duration,
}

/// Latencies at one webhook, in milliseconds.
struct Measured {
    requests: usize,
    p50: f64,
    p99: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ca, name, reviews, rate, seconds, rounds, control, port] = arguments.as_slice() else {
        return Err("usage: admission-load CA NAME REVIEWS RATE SECONDS ROUNDS CONTROL-PORT PORT".into());
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let load = Arc::new(Load {
        connector: TlsConnector::from(Arc::new(config)),
        name: ServerName::try_from(name.clone())?,
        reviews: std::fs::read_to_string(reviews)?.lines().map(str::to_owned).collect(),
        rate: rate.parse()?,
        length: Duration::from_secs(seconds.parse()?),
    });
    let (control, port) = (control.parse()?, port.parse()?);
    for _ in 0..rounds.parse::<u32>()? {
        let without = measure(&load, control).await?;
        let with = measure(&load, port).await?;
        println!(
            "without policies: {} requests, p50 {:.2} ms, p99 {:.2} ms; with: {}, {:.2}, {:.2}; added: p50 {:.2} ms, p99 {:.2} ms",
            without.requests,
            without.p50,
            without.p99,
            with.requests,
            with.p50,
            with.p99,
            with.p50 - without.p50,
            with.p99 - without.p99
        );
    }
    Ok(())
}

async fn measure(load: &Arc<Load>, port: u16) -> Result<Measured> {
    let start = Instant::now() + Duration::from_millis(200);
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|number| tokio::spawn(connection(Arc::clone(load), port, number, start)))
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    all.sort();
    let at = |share: f64| -> f64 {
        let place = (all.len() as f64 * share) as usize;
        all.get(place.min(all.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    Ok(Measured { requests: all.len(), p50: at(0.5), p99: at(0.99) })
}

async fn connection(load: Arc<Load>, port: u16, number: u32, start: Instant) -> Result<Vec<Duration>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(load.connector.connect(load.name.clone(), stream).await?);
    let mut all = Vec::new();
    for turn in 0.. {
        let place = turn * CONNECTIONS + number;
        let after = Duration::from_secs(1) * place / load.rate;
        if after > load.length + WARM_UP {
            break;
        }
        let due = start + after;
        tokio::time::sleep_until(due).await;
        let review = load.reviews.get(place as usize % load.reviews.len()).ok_or("no reviews")?;
        ask(&mut stream, review).await?;
        if after > WARM_UP {
            all.push(due.elapsed());
        }
    }
    Ok(all)
}

/// One request and its whole answer.
async fn ask(stream: &mut BufReader<TlsStream<TcpStream>>, review: &str) -> Result<()> {
    let head = format!(
        "POST /validate?timeout=5s HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        review.len()
    );
    stream.write_all(&[head.as_bytes(), review.as_bytes()].concat()).await?;
    stream.flush().await?;
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(format!("the webhook answered {line:?}").into());
    }
    loop {
        line.clear();
        if stream.read_line(&mut line).await? <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    if !body.windows(9).any(|word| word == b"\"allowed\"") {
        return Err("the webhook's answer holds no verdict".into());
    }
    Ok(())
}
