use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::record::{Click, How, Known, Record, RecordError};
use super::routes::router;
use super::server::{Limits, serve};
use crate::domain::clock::Clock;
use crate::domain::token::Signer;
use crate::domain::vocabulary::HitClass;

const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n";

/// A ledger in memory, which knows message 1 and fails for message 13.
#[derive(Default)]
struct Memory {
    clicks: Mutex<Vec<Click>>,
    left: Mutex<Vec<(i64, How)>>,
}

impl Record for Memory {
    async fn click(&self, hit: Click) -> Result<(), RecordError> {
        if hit.message_id == 13 {
            return Err(RecordError("disk full".into()));
        }
        self.clicks.lock().expect("lock").push(hit);
        Ok(())
    }

    async fn unsubscribe(&self, message_id: i64, _: DateTime<Utc>, how: How) -> Result<Known, RecordError> {
        match message_id {
            13 => Err(RecordError("disk full".into())),
            1 => {
                self.left.lock().expect("lock").push((message_id, how));
                Ok(Known::Yes)
            }
            _ => Ok(Known::No),
        }
    }
}

struct Service {
    address: SocketAddr,
    memory: Arc<Memory>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn signer() -> Signer {
    Signer::new(b"secret")
}

async fn start(limits: Limits) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (memory, shutdown) = (Arc::new(Memory::default()), CancellationToken::new());
    let clock = Clock::virtual_at(DateTime::from_timestamp(1_800_000_000, 0).expect("a time"));
    let app = router(Arc::clone(&memory), signer(), clock);
    let task = tokio::spawn(serve(listener, app, shutdown.clone(), limits));
    Service { address, memory, shutdown, task }
}

impl Service {
    /// Sends bytes and reads until the other side closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("read");
        String::from_utf8(answer).expect("UTF-8")
    }

    async fn get(&self, method: &str, path: &str, headers: &str) -> String {
        self.raw(format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n").as_bytes()).await
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> String {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        self.raw(format!("{head}{body}").as_bytes()).await
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn clicks_are_recorded_and_redirected_to_the_token_alone() {
    let service = start(Limits::default()).await;
    let token = signer().click(1, Some("pay"), "https://shop.example/?a=1&b=2");
    let answer = service.get("GET", &format!("/c/{token}?url=https://evil.example&l=//evil.example"), BROWSER).await;
    assert_eq!(status(&answer), "302", "{answer}");
    for header in [
        "location: https://shop.example/?a=1&b=2\r\n",
        "cache-control: no-store\r\n",
        "referrer-policy: no-referrer\r\n",
    ] {
        assert!(answer.contains(header), "{answer}");
    }
    assert_eq!(status(&service.get("HEAD", &format!("/c/{token}"), BROWSER).await), "302");
    let clicks = service.memory.clicks.lock().expect("lock").clone();
    assert_eq!(clicks.iter().map(|c| c.class).collect::<Vec<_>>(), [HitClass::Human, HitClass::Bot]);
    assert_eq!(
        (clicks[0].message_id, clicks[0].role.as_deref(), clicks[0].at.timestamp()),
        (1, Some("pay"), 1_800_000_000)
    );

    for bad in [
        format!("{token}A"),
        token.replace('A', "B"),
        signer().unsubscribe(1),
        "x".into(),
        "%00%ff".into(),
        "a".repeat(9000),
    ] {
        let answer = service.get("GET", &format!("/c/{bad}"), BROWSER).await;
        assert!(matches!(status(&answer), "404" | "400"), "{answer}");
        assert!(!answer.contains("location"), "{answer}");
    }
    assert_eq!(status(&service.get("POST", &format!("/c/{token}"), BROWSER).await), "405");
    let failing = signer().click(13, None, "https://shop.example/");
    let answer = service.get("GET", &format!("/c/{failing}"), BROWSER).await;
    assert!(status(&answer) == "503" && answer.contains("retry-after: ") && !answer.contains("location"), "{answer}");
    assert_eq!(service.memory.clicks.lock().expect("lock").len(), 2);
}

#[tokio::test]
async fn only_a_post_unsubscribes_in_either_encoding_and_as_often_as_it_comes() {
    let service = start(Limits::default()).await;
    let path = format!("/u/{}", signer().unsubscribe(1));
    let page = service.get("GET", &path, "Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n").await;
    assert!(status(&page) == "200" && page.contains("确认退订") && page.contains("<html lang=\"zh-CN\">"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'") && !page.contains("set-cookie"), "{page}");
    assert!(service.get("GET", &path, "Accept-Language: fr\r\n").await.contains("<html lang=\"en\">"));
    assert_eq!(status(&service.get("HEAD", &path, "").await), "200");
    assert!(service.memory.left.lock().expect("lock").is_empty());

    let vector = "---FormBoundaryjWmhtjORrn\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n---FormBoundaryjWmhtjORrn--\r\n";
    let multipart = "multipart/form-data; boundary=-FormBoundaryjWmhtjORrn";
    let form = "application/x-www-form-urlencoded";
    for (kind, body) in [
        (multipart, vector),
        (form, "List-Unsubscribe=One-Click"),
        (form, "List-Unsubscribe=One-Click&from=page"),
        (form, "List-Unsubscribe=One-Click"),
    ] {
        let answer = service.post(&path, kind, body).await;
        assert!(status(&answer) == "200" && !answer.contains("location"), "{answer}");
    }
    let left = service.memory.left.lock().expect("lock").clone();
    assert_eq!(left, [(1, How::OneClick), (1, How::OneClick), (1, How::Page), (1, How::OneClick)]);

    assert_eq!(status(&service.post(&path, form, "x=y").await), "400");
    assert_eq!(status(&service.post(&path.replace("/u/A", "/u/B"), form, "List-Unsubscribe=One-Click").await), "404");
    let gone = format!("/u/{}", signer().unsubscribe(2));
    assert_eq!(status(&service.post(&gone, form, "List-Unsubscribe=One-Click").await), "200");
    let failing = format!("/u/{}", signer().unsubscribe(13));
    assert_eq!(status(&service.post(&failing, form, "List-Unsubscribe=One-Click").await), "503");
    assert_eq!(service.memory.left.lock().expect("lock").len(), 4);
}

#[tokio::test]
async fn slow_or_large_requests_are_cut_off() {
    let limits =
        Limits { header: Duration::from_millis(200), request: Duration::from_millis(200), ..Limits::default() };
    let service = start(limits).await;
    let path = format!("/u/{}", signer().unsubscribe(1));
    // Each of these never ends by itself: the answer, or its end, proves that the listener ended it.
    let silent = service.raw(b"").await;
    assert!(matches!(status(&silent), "" | "408"), "{silent}");
    let unfinished = service.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ").await;
    assert!(matches!(status(&unfinished), "" | "408"), "{unfinished}");
    let idle = service.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(status(&idle), "404", "an idle connection is closed after its answer");
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    let body = service.raw(format!("{head}Content-Length: 9\r\n\r\nList").as_bytes()).await;
    assert_eq!(status(&body), "408", "{body}");
    let large = service.raw(format!("{head}Content-Length: 70000\r\n\r\nList").as_bytes()).await;
    assert_eq!(status(&large), "413", "{large}");
    assert!(service.memory.left.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn connections_are_capped_and_shutdown_ends() {
    let limits = Limits {
        connections: 1,
        header: Duration::from_secs(3600),
        drain: Duration::from_millis(200),
        ..Limits::default()
    };
    let service = start(limits).await;
    let mut first = TcpStream::connect(service.address).await.expect("a connection");
    first.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut start_of_answer = [0u8; 12];
    first.read_exact(&mut start_of_answer).await.expect("an answer");
    let mut second = TcpStream::connect(service.address).await.expect("the system's queue takes it");
    second.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut byte = [0u8; 1];
    let waiting = tokio::time::timeout(Duration::from_millis(100), second.read_exact(&mut byte)).await;
    assert!(waiting.is_err(), "the second connection is served only after the first");
    drop(first);
    second.read_exact(&mut byte).await.expect("an answer");

    let mut stuck = TcpStream::connect(service.address).await.expect("a connection");
    stuck.write_all(b"GET / HTTP/1.1\r\nX-A: ").await.expect("sent");
    service.shutdown.cancel();
    service.task.await.expect("the listener ends although a request never does");
}
