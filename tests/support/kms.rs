//! A stand-in for AWS KMS on this machine, which shows one public key.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_signing::PublicKey;
use serde_json::json;

/// The settings of a process that asks a stand-in whose only key is `key`, whatever it is called.
pub(crate) fn showing(key: &PublicKey) -> Vec<(&'static str, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let key = BASE64.encode(key.spki());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that goes away needs no answer.
            let _ = answer(stream, &key);
        }
    });
    vec![
        ("CERTUS_KMS_ENDPOINT_URL", address),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "tester".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "tester".to_owned()),
    ]
}

/// One question, and the connection ends.
fn answer(stream: TcpStream, key: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut asked, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("x-amz-target", target)) => asked = target.to_owned(),
            Some(("content-length", bytes)) => length = bytes.parse().unwrap_or(0),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    assert_eq!(asked, "trentservice.getpublickey", "it shows a key and does nothing else");
    let body = json!({ "PublicKey": key, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" }).to_string();
    let head = format!("content-type: application/x-amz-json-1.1\r\ncontent-length: {}", body.len());
    write!(reader.get_mut(), "HTTP/1.1 200 OK\r\n{head}\r\nconnection: close\r\n\r\n{body}")
}
