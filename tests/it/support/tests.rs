//! The helpers do what the scenarios take for granted.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;

use super::mail;
use super::postgres;
use super::process::{Process, new_folder, run};
use super::smtp::{Received, Scripted, Security, Sink};
use super::webhook::{Receiver, Request};

const MESSAGE: &str = "From: a@example.com\r\nSubject: Hello\r\nMessage-ID:\r\n <one@example.com>\r\n\r\nText\r\n";

/// One conversation: the code of the answer to each line, 0 where the connection ended instead; then `rest`,
/// after which it breaks off without waiting for an answer.
fn converse(port: u16, lines: &[&str], rest: &str) -> Vec<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    let mut answers = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut answer = || {
        loop {
            let mut line = String::new();
            match answers.read_line(&mut line) {
                Ok(0) | Err(_) => return 0,
                // The last line of an answer has a space behind its code.
                Ok(_) if line.as_bytes().get(3) == Some(&b' ') => return line[..3].parse().expect("a code"),
                Ok(_) => {}
            }
        }
    };
    let mut codes = vec![answer()];
    for line in lines {
        // Where the server has closed, the missing answer says so.
        let _ = write!(stream, "{line}\r\n");
        codes.push(answer());
    }
    let _ = stream.write_all(rest.as_bytes());
    codes
}

fn send(port: u16, recipient: &str) -> Vec<u16> {
    let to = format!("RCPT TO:<{recipient}>");
    let message = format!("{MESSAGE}.");
    converse(port, &["EHLO test", "MAIL FROM:<a@example.com>", &to, "DATA", &message], "")
}

fn recipients(received: &[Received]) -> Vec<&str> {
    received.iter().flat_map(|message| message.recipients.iter().map(String::as_str)).collect()
}

#[test]
fn databases_are_empty_and_apart() {
    let (first, second) = (postgres::database(), postgres::database());
    postgres::query(&first, "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)");
    assert_eq!(postgres::query(&first, "SELECT n, n + 1 FROM t ORDER BY n"), "1|2\n2|3");
    assert_eq!(postgres::query(&second, "SELECT count(*) FROM pg_class WHERE relname = 't'"), "0");
}

#[test]
fn the_sink_keeps_whole_messages_only() {
    let sink = Sink::start(&[]);
    assert_eq!(send(sink.port, "b@example.org"), [220, 250, 250, 250, 354, 250]);
    let envelope = ["EHLO test", "MAIL FROM:<a@example.com>", "RCPT TO:<half@example.org>", "DATA"];
    assert_eq!(converse(sink.port, &envelope, "Subject: Half\r\n\r\nText\r\n"), [220, 250, 250, 250, 354]);
    assert_eq!(send(sink.port, "c@example.org"), [220, 250, 250, 250, 354, 250]);

    let received = sink.messages();
    let mut found = recipients(&received);
    found.sort_unstable();
    assert_eq!(found, ["b@example.org", "c@example.org"]);
    assert_eq!(received[0].sender, "a@example.com");
    assert_eq!(received[0].message_id.as_deref(), Some("<one@example.com>"));
    assert_eq!(String::from_utf8_lossy(&received[0].raw), MESSAGE.replace("\r\n", "\n"));

    let refusing = Sink::start(&["-f", "RCPT"]);
    assert_eq!(send(refusing.port, "b@example.org")[3], 500);
    assert!(refusing.messages().is_empty());
}

#[test]
fn the_scripted_server_answers_by_address() {
    let server = Scripted::start(Security::Plain);
    let table: [(&str, &[u16]); 9] = [
        ("b@example.org", &[250, 354, 250]),
        ("no550.x@example.org", &[550]),
        ("policy550@example.org", &[550]),
        ("later450@example.org", &[450]),
        ("once450@example.org", &[450]),
        ("full552@example.org", &[552]),
        ("dot451@example.org", &[250, 354, 451]),
        ("dot554@example.org", &[250, 354, 554]),
        ("drop@example.org", &[250, 354, 0]),
    ];
    for (recipient, expected) in table {
        let codes = send(server.port, recipient);
        assert_eq!(&codes[3..3 + expected.len()], expected, "{recipient}");
    }
    assert_eq!(send(server.port, "once450@example.org")[3..], [250, 354, 250]);
    assert_eq!(send(server.port, "slow@example.org")[3..], [250, 354, 250]);

    let received = server.messages();
    assert_eq!(recipients(&received), ["b@example.org", "drop@example.org", "once450@example.org", "slow@example.org"]);
    assert_eq!(received[0].message_id.as_deref(), Some("<one@example.com>"));
    assert_eq!(received[0].raw, MESSAGE.as_bytes());
}

#[test]
fn the_scripted_server_demands_tls_and_a_login() {
    let server = Scripted::start(Security::StartTls);
    assert_eq!(send(server.port, "b@example.org")[2], 530);
    let session = format!(
        "import smtplib, ssl\n\
         client = smtplib.SMTP('localhost', {})\n\
         client.starttls(context=ssl.create_default_context(cafile='{}'))\n\
         client.login('winback', 'secret')\n\
         client.sendmail('a@example.com', ['b@example.org'], 'Subject: Secret')\n",
        server.port,
        server.certificate().display()
    );
    run(Command::new("python3").args(["-c", &session]));
    assert_eq!(recipients(&server.messages()), ["b@example.org"]);
}

#[test]
fn the_webhook_receiver_verifies_and_answers_by_path() {
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let receiver = Receiver::start(secret);
    let post = |path: &str, id: &str, secret: &str| {
        let webhook = standardwebhooks::Webhook::new(secret).expect("a good secret");
        let now = run(Command::new("date").arg("+%s"));
        let now: i64 = String::from_utf8_lossy(&now).trim().parse().expect("seconds");
        let signature = webhook.sign(id, now, b"{}").expect("it signs");
        let headers = [
            format!("webhook-id: {id}"),
            format!("webhook-timestamp: {now}"),
            format!("webhook-signature: {signature}"),
            format!("idempotency-key: {id}"),
        ];
        let mut curl = Command::new("curl");
        curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-d", "{}"]).arg(receiver.url(path));
        for header in &headers {
            curl.args(["-H", header]);
        }
        String::from_utf8(run(&mut curl)).expect("a code")
    };
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let table = [
        ("/ok", "one", secret, "200", true),
        ("/ok/further", "two", other, "200", false),
        ("/500", "one", secret, "500", true),
        ("/410", "one", secret, "410", true),
        ("/429", "one", secret, "429", true),
        ("/redirect", "one", secret, "302", true),
        ("/slow", "one", secret, "200", true),
        ("/flaky", "one", secret, "500", true),
        ("/flaky", "two", secret, "500", true),
        ("/flaky", "one", secret, "500", true),
        ("/flaky", "one", secret, "200", true),
    ];
    for (path, id, key, status, _) in table {
        assert_eq!(post(path, id, key), status, "{path}");
    }
    let expected = table.map(|(path, id, _, status, verified)| Request {
        path: path.to_owned(),
        id: Some(id.to_owned()),
        verified,
        status: status.parse().expect("a code"),
        body: "{}".to_owned(),
        idempotency_key: Some(id.to_owned()),
    });
    assert_eq!(receiver.requests(), expected);
}

#[test]
fn python_reads_headers_parts_links_and_complains() {
    let good = "From: a@example.com\r\nX-A: 1\r\nx-a: =?utf-8?Q?gr=C3=BC=C3=9F?=\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/alternative; boundary=b\r\n\r\n\
                --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n\
                --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<a href=\"https://e.com/?a=1&amp;b=2\">x</a>\r\n--b--\r\n";
    let bad = "From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nno parts\r\n";
    let [good, bad] = &mail::parse(&[good, bad])[..] else { panic!("two messages went in") };
    assert_eq!(good.header("X-A"), ["1", "gr\u{fc}\u{df}"]);
    assert_eq!(good.text("text/plain"), "Gr\u{fc}\u{df}e");
    assert_eq!(good.links, ["https://e.com/?a=1&b=2"]);
    assert_eq!(good.defects, [""; 0]);
    assert!(bad.defects.iter().any(|defect| defect.contains("StartBoundaryNotFound")), "{:?}", bad.defects);
    assert_eq!(bad.text("text/html"), "");
}

#[test]
fn processes_and_their_folders_end_with_their_owner() {
    let folder = new_folder("sleeper");
    let process = Process::start(
        folder.clone(),
        "KILL",
        &["sh", "-c", "cd \"$0\" && echo $$ >pid; exec sleep 600", folder.to_str().expect("UTF-8")],
    );
    let pid = process.wait_for("write its id", || {
        let text = std::fs::read_to_string(process.folder().join("pid")).ok()?;
        text.ends_with('\n').then(|| text.trim().to_owned())
    });
    drop(process);
    assert!(!folder.exists());
    assert!(!std::path::Path::new("/proc").join(pid).exists());
}
