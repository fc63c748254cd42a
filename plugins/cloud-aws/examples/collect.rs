//! Collects natively from an imitation of AWS that speaks plain HTTP, such as PyPI `moto`, which does not look at signatures:
//!
//! ```text
//! cargo run -p cloud-aws --example collect -- 127.0.0.1:5000 [REGION,..] [--record FILE]
//! ```
//!
//! Prints one line of JSON for every resource, what is missing, and how many requests it took. `--record` writes what was asked and
//! answered to a file that the tests read.

use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::rc::Rc;

use cloud_aws::Aws;
use palisade_sdk::http::Request;
use palisade_sdk::testing::{Fakes, Reply};
use palisade_sdk::{Error, collect};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: collect HOST:PORT [REGION,..] [--record FILE]")?;
    let rest: Vec<String> = arguments.collect();
    let regions = rest.first().filter(|first| !first.starts_with("--")).map_or("eu-west-1", String::as_str);
    let record = rest.iter().position(|one| one == "--record").and_then(|place| rest.get(place + 1));
    let config = json!({
        "endpoint": format!("http://{address}"),
        "regions": regions.split(',').collect::<Vec<_>>(),
    });
    let sent = Rc::new(Cell::new(0_u32));
    let records = Rc::new(RefCell::new(Vec::new()));
    let (mut cursor, mut now, mut calls, mut paused) = (None::<String>, 1_767_323_045_000_000_000_u64, 0, 0);
    loop {
        let (own_sent, own_records, own_address) = (Rc::clone(&sent), Rc::clone(&records), address.clone());
        let server = move |request: &Request| {
            own_sent.set(own_sent.get() + 1);
            let (status, kind, body) = exchange(&own_address, request).ok()?;
            own_records.borrow_mut().push(recorded(request, status, &kind, &body));
            let reply = Reply::status(status).body(body);
            Some(if kind.is_empty() { reply } else { reply.header("x-amzn-errortype", kind) })
        };
        let _fakes = Fakes::new().now(now).server(server).install();
        calls += 1;
        let page = match collect::<Aws>(&config.to_string(), cursor.as_deref()) {
            Ok(page) => page,
            Err(Error::RetryAfter(pause)) => {
                paused += pause;
                now += pause * 1_000_000;
                continue;
            }
            Err(error) => return Err(format!("{error:?}").into()),
        };
        for resource in &page.resources {
            let body: Value = serde_json::from_slice(&resource.body)?;
            println!("{}", json!({ "asset": resource.asset, "kind": resource.kind, "body": body }));
        }
        for missing in &page.missing {
            eprintln!("missing {}: {}", missing.subject, missing.message);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    eprintln!("{} requests in {calls} calls, {paused} ms of pauses", sent.get());
    if let Some(file) = record {
        let lines: Vec<String> = records.borrow().iter().map(Value::to_string).collect();
        std::fs::write(file, format!("[\n{}\n]\n", lines.join(",\n")))?;
    }
    Ok(())
}

/// What the tests compare a request with, and its answer.
fn recorded(request: &Request, status: u16, kind: &str, body: &[u8]) -> Value {
    let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
    let header =
        |name: &str| request.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    json!({
        "ask": format!("{} {} /{path} {} {}", header("palisade-aws-scope").unwrap_or_default(), request.method,
            header("x-amz-target").unwrap_or("-"), String::from_utf8_lossy(&request.body)),
        "status": status,
        "error": kind,
        "body": String::from_utf8_lossy(body),
    })
}

/// One request on a connection of its own: status, the header that names the error, and body.
fn exchange(address: &str, request: &Request) -> Result<(u16, String, Vec<u8>), Failure> {
    let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
    let mut head = format!("{} /{path} HTTP/1.0\r\nhost: {address}\r\n", request.method);
    for (name, value) in &request.headers {
        if name == "palisade-aws-scope" {
            // The imitation finds the service in the scope, and takes any signature.
            head.push_str(&format!(
                "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/{value}/aws4_request, \
                 SignedHeaders=host, Signature=00\r\n"
            ));
        } else {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", request.body.len()));
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(&request.body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no end of the headers")?;
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-amzn-errortype").then(|| value.trim().to_owned())
    });
    Ok((status, kind.unwrap_or_default(), answer.split_off(end + 4)))
}
