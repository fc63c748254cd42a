//! Every way we know to write an inner address so that a careless guard lets it pass, generated: each address in each notation, asked
//! for directly and by a redirect.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use super::*;
use crate::policy::AllowRule;

/// One of each kind of address that is not public, and those at which clouds hand out credentials.
const INNER: [[u8; 4]; 16] = [
    [0, 0, 0, 0],
    [10, 0, 0, 1],
    [100, 64, 0, 1],
    [100, 100, 100, 200],
    [127, 0, 0, 1],
    [127, 255, 255, 254],
    [168, 63, 129, 16],
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [172, 16, 0, 1],
    [172, 31, 255, 255],
    [192, 0, 0, 192],
    [192, 168, 0, 1],
    [198, 18, 0, 1],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
];

/// Hosts and authorities that mean this address to one parser or another.
fn notations(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let bits = address.to_bits();
    let (high, low) = (bits >> 16, bits & 0xffff);
    let dotted = address.to_string();
    let per_character = |change: fn(char) -> String| dotted.chars().map(change).collect::<String>();
    let wide = |c: char| match c {
        '.' => '。'.to_string(),
        digit => char::from_u32(0xff10 + (digit as u32 - '0' as u32)).unwrap().to_string(),
    };
    vec![
        dotted.clone(),
        format!("{dotted}."),
        format!("{bits}"),
        format!("{bits:#x}"),
        format!("{bits:#X}").replace("0X", "0x"),
        format!("0{bits:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("0000{a:o}.{b}.{c}.{d}"),
        format!("{a:#x}.{b}.0{c:o}.{d}"),
        format!("{a}.{b}.{low}"),
        format!("{a}.{}", bits & 0x00ff_ffff),
        per_character(|c| format!("%{:02x}", c as u32)),
        per_character(wide),
        dotted.replace('.', "．"),
        dotted.replace('.', "｡"),
        format!("{dotted}:8443"),
        format!("[::ffff:{dotted}]"),
        format!("[::ffff:{high:x}:{low:x}]"),
        format!("[0:0:0:0:0:ffff:{high:x}:{low:x}]"),
        format!("[::{dotted}]"),
        format!("[::ffff:0:{dotted}]"),
        format!("[64:ff9b::{dotted}]"),
        format!("[64:ff9b:1::{dotted}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:{high:x}:{low:x}::1]"),
        format!("[2606:4700::5efe:{dotted}]"),
        format!("[fe80::{high:x}:{low:x}]"),
        format!("example.org@{dotted}"),
        format!("example.org:443@{dotted}"),
        format!("example.org\\@{dotted}"),
        format!("{dotted}\\.example.org"),
        format!("{dotted}#@example.org"),
        format!("{dotted}?@example.org"),
        format!("{dotted}\u{0}.example.org"),
        format!("{dotted}%00.example.org"),
        format!("{dotted}%2f.example.org"),
    ]
}

fn all() -> BTreeSet<String> {
    INNER.iter().flat_map(|octets| notations(Ipv4Addr::from(*octets))).collect()
}

/// Refused before anything is sent: by the guard, or as no URL at all.
fn assert_refused(client: &Client, url: &str) {
    let error = match client.send(Request::get(url)) {
        Ok(response) => panic!("{url:?} was answered with {}", response.status),
        Err(error) => error,
    };
    let refusals = ["egress-blocked", "egress-url-invalid", "egress-redirects"];
    assert!(refusals.contains(&error.code()), "{url:?}: {error:?}");
}

#[test]
fn no_notation_of_an_inner_address_is_let_through() {
    let client = Client::new(Policy::default()).unwrap();
    let all = all();
    assert!(all.len() > 500, "{}", all.len());
    for host in &all {
        assert_refused(&client, &format!("https://{host}/latest/meta-data/"));
    }
}

#[test]
fn no_redirect_leads_to_one_either() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // What a header can carry, and this server's own address is the one that the client may see.
    let targets: Vec<String> =
        all().into_iter().filter(|host| host.bytes().all(|byte| (0x21..0x7f).contains(&byte))).collect();
    assert!(targets.len() > 400, "{}", targets.len());
    let answers = targets.clone();
    std::thread::spawn(move || {
        for target in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let answer = format!(
                "HTTP/1.1 302 Found\r\nconnection: close\r\ncontent-length: 0\r\nlocation: https://{target}/\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let allow = vec![AllowRule::parse(&address.to_string()).unwrap()];
    let client = Client::new(Policy { allow, ..Policy::default() }).unwrap();
    for target in targets {
        // An address written as the server itself on another port is inner all the same.
        assert_refused(&client, &format!("http://{address}/{}", target.len()));
    }
}
