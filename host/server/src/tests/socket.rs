//! What only a socket shows.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), crate::Error>>,
}

async fn serve(fixture: &Fixture) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let (config, services) = (fixture.config.clone(), fixture.services.clone());
    let task = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        crate::serve(listener, config, services, stopped).await
    });
    Served { address, stop, task }
}

impl Served {
    async fn follow(
        &self,
        id: &str,
        headers: &[(&'static str, String)],
    ) -> Result<WebSocketStream<TcpStream>, WsError> {
        let url = format!("ws://{}{SCANS}/{id}/stream", self.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| socket)
    }

    async fn raw(&self, sent: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is as good as an end.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

fn bearer(key: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {key}"))
}

/// Everything until the close, and its code.
async fn drain(mut socket: WebSocketStream<TcpStream>) -> (Vec<Value>, Option<u16>) {
    let mut events = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => events.push(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return (events, frame.map(|frame| frame.code.into())),
            _ => {}
        }
    }
    (events, None)
}

#[tokio::test]
async fn everybody_gets_every_event_once_and_a_normal_end() {
    let fixture = Fixture::new().await;
    let served = serve(&fixture).await;
    let id = fixture.submit(&fixture.acme).await;
    let early = served.follow(&id, &[bearer(&fixture.acme)]).await.unwrap();
    let browser = ("sec-websocket-protocol", format!("certus.events, certus.key.{}", fixture.acme));
    let second = served.follow(&id, &[browser]).await.unwrap();
    let followers = tokio::spawn(async move { tokio::join!(drain(early), drain(second)) });
    let claim = fixture.store.claim("w", Duration::from_secs(30), Lane::Interactive).await.unwrap().unwrap();
    for n in 0..600 {
        fixture.store.append_events(&claim.lease, &[json!({"type": "log", "line": n})]).await.unwrap();
        fixture.services.events.notify_one();
    }
    fixture.end(&claim.lease, ScanStatus::Succeeded, None).await;
    let late = drain(served.follow(&id, &[bearer(&fixture.acme)]).await.unwrap()).await;
    let (early, second) = followers.await.unwrap();
    for (events, code) in [early, second, late] {
        let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
        assert_eq!(seqs, (0..=600).collect::<Vec<_>>());
        assert_eq!((&events[600]["type"], code), (&json!("scan_complete"), Some(1000)));
    }
    served.end().await;
}

#[tokio::test]
async fn sockets_that_may_not_be() {
    let fixture = Fixture::new().await;
    let served = serve(&fixture).await;
    let id = fixture.submit(&fixture.acme).await;
    for (headers, status) in
        [(vec![], 401), (vec![bearer(&fixture.acme), ("origin", "https://evil.example".to_owned())], 403)]
    {
        let Err(WsError::Http(answer)) = served.follow(&id, &headers).await else { panic!("it was opened") };
        assert_eq!(answer.status().as_u16(), status);
    }
    for (key, id) in [(&fixture.acme, "test_000000000000"), (&fixture.other, id.as_str()), (&fixture.acme, "nonsense")]
    {
        let socket = served.follow(id, &[bearer(key)]).await.unwrap();
        assert_eq!(drain(socket).await, (vec![], Some(4404)), "{id}");
    }
    served.end().await;
}

#[tokio::test]
async fn a_service_that_stops_says_so_on_its_streams() {
    let fixture = Fixture::new().await;
    let served = serve(&fixture).await;
    let id = fixture.submit(&fixture.acme).await;
    let socket = served.follow(&id, &[bearer(&fixture.acme)]).await.unwrap();
    let followed = tokio::spawn(drain(socket));
    served.end().await;
    assert_eq!(followed.await.unwrap(), (vec![], Some(1001)));
}

#[tokio::test]
async fn connections_have_limits() {
    let fixture = Fixture::with(|config| config.limits.header_read = Duration::from_millis(100)).await;
    let served = serve(&fixture).await;
    let many = "X: y\r\n".repeat(200);
    let answer = served.raw(&format!("GET /livez HTTP/1.1\r\nHost: x\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(!served.raw("GET /livez HTTP/1.1\r\nHost: x\r\n").await.contains("200 OK"), "its headers never end");
    let whole = served.raw("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(whole.starts_with("HTTP/1.1 200 OK"), "{whole}");
    served.end().await;
}
