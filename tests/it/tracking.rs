//! The public listener: links of real mails followed, people unsubscribed, and a daemon that stops, dies
//! and comes back.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::support::mail::{self, Mail};
use crate::support::process::{free_port, run, signal, wait};
use crate::support::project::{Backend, TestProject, small_shop, workflow_yaml};
use crate::support::smtp::{Sink, Stalled};

on_both_databases! {
    clicks => links_lead_where_they_should;
    unsubscribing => one_post_and_never_again;
    stopping => it_stops_in_ten_seconds_whatever_hangs;
    alone => one_process_at_a_time_and_a_restart_after_death;
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const PAPER: &str = r#"paper: {directory: data/outbox, from: "Shop <hello@shop.example>", postal_address: "1 Street"}"#;

/// A running `winback serve`.
struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    fn start(shop: &TestProject) -> Daemon {
        let port = free_port();
        let mut daemon = Daemon { child: shop.spawn(&["serve", "--listen", &format!("127.0.0.1:{port}")]), port };
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = daemon.child.try_wait().expect("its state");
            assert!(ended.is_none() && begin.elapsed() < Duration::from_secs(30), "it does not listen: {ended:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        daemon
    }

    /// Stops it by a signal: its exit code and how long it took.
    fn stop(mut self, name: &str) -> (Option<i32>, Duration) {
        signal(&self.child, name);
        wait(&mut self.child)
    }

    /// The path of a link of ours, asked from this daemon.
    fn local(&self, link: &str) -> String {
        let path = link.strip_prefix("https://go.shop.example").expect("a link of ours");
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The head and body of an answer.
    fn ask(&self, link: &str, options: &[&str]) -> (String, String) {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-i", "--max-time", "10"]).args(options).arg(self.local(link));
        let answer = String::from_utf8(run(&mut curl)).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_ascii_lowercase(), body.to_owned())
    }

    fn status(&self, link: &str, options: &[&str]) -> u16 {
        let (head, _) = self.ask(link, options);
        head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).expect("a status")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mails(shop: &TestProject) -> Vec<Mail> {
    mail::parse_folder(&shop.folder().join("data/outbox"))
}

fn link<'a>(mail: &'a Mail, part: &str) -> &'a str {
    mail.links.iter().find(|link| link.contains(part)).expect("the link")
}

fn links_lead_where_they_should(backend: Backend) {
    let shop = small_shop(backend, 3, "paper", PAPER);
    shop.run(&["run", "recall"]).ok();
    let mails = mails(&shop);
    let daemon = Daemon::start(&shop);
    let (new, pay) = (link(&mails[0], "/c/"), mails[0].links[1].as_str());

    let (head, _) = daemon.ask(new, &["-A", BROWSER]);
    assert!(head.starts_with("http/1.1 302 "), "{head}");
    for line in
        ["location: https://shop.example/new?a=1&b=2", "cache-control: no-store", "referrer-policy: no-referrer"]
    {
        assert!(head.lines().any(|each| each == line), "no `{line}` in\n{head}");
    }
    assert_eq!(daemon.status(pay, &["-A", BROWSER]), 302);
    assert_eq!(daemon.status(link(&mails[1], "/c/"), &[]), 302, "curl calls itself curl");
    assert_eq!(daemon.status(link(&mails[1], "/c/"), &["-I", "-A", BROWSER]), 302);
    let hits = "SELECT h.class, h.role, h.url FROM hits h ORDER BY h.id";
    let expected = [
        ["human", "", "https://shop.example/new?a=1&b=2"],
        ["human", "pay", "https://shop.example/checkout"],
        ["bot", "", "https://shop.example/new?a=1&b=2"],
        ["bot", "", "https://shop.example/new?a=1&b=2"],
    ];
    assert_eq!(shop.query(hits), expected);

    // Not one character of a token can be changed, and no destination comes from outside.
    let token = new.rsplit('/').next().expect("a token");
    for at in 0..token.len() {
        let mut other: Vec<char> = token.chars().collect();
        other[at] = if other[at] == 'A' { 'B' } else { 'A' };
        let other: String = other.into_iter().collect();
        if at % 7 == 0 {
            assert_eq!(daemon.status(&new.replace(token, &other), &["-A", BROWSER]), 404, "character {at}");
        }
    }
    let (head, _) = daemon.ask(&format!("{new}?url=https://evil.example&l=https://evil.example"), &["-A", "curl/8"]);
    assert!(head.contains("location: https://shop.example/new?a=1&b=2"), "{head}");
    assert_eq!(daemon.status("https://go.shop.example/c/", &[]), 404);
    assert_eq!(daemon.status("https://go.shop.example/", &[]), 404);
    assert_eq!(daemon.status(new, &["-X", "POST"]), 405);

    let report = shop.run(&["report", "--format", "json"]).ok().json();
    let stage = &report[0]["stages"][0];
    assert_eq!(
        (&stage["sent"], &stage["clicked"], &stage["pay_clicked"]),
        (&3.into(), &1.into(), &1.into()),
        "{stage}"
    );
    assert_eq!(daemon.stop("INT").0, Some(0));
}

fn one_post_and_never_again(backend: Backend) {
    let shop = small_shop(backend, 3, "paper", PAPER);
    shop.file(
        "workflows/recall.yaml",
        workflow_yaml("paper") + "  - id: again\n    after: 3d\n    send: {channel: paper, message: hello}\n",
    );
    shop.run(&["run", "recall"]).ok();
    let mails = mails(&shop);
    let daemon = Daemon::start(&shop);
    let links: Vec<&str> = mails.iter().map(|mail| link(mail, "/u/")).collect();
    let suppressed = |shop: &TestProject| shop.query("SELECT kind, reason FROM suppressions ORDER BY kind");

    // Scanners follow every link, also this one.
    let (head, page) = daemon.ask(links[0], &["-A", BROWSER]);
    assert!(head.starts_with("http/1.1 200 ") && page.contains("<form"), "{head}\n{page}");
    assert_eq!(daemon.status(links[0], &["-I"]), 200);
    assert_eq!(daemon.status(links[0], &["-d", "something=else"]), 400);
    assert_eq!(suppressed(&shop), Vec::<Vec<String>>::new());

    // RFC 8058, section 8.3 with its errata; then the other encoding; each as good twice as once.
    let vector = "---FormBoundaryjWmhtjORrn\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                  One-Click\r\n---FormBoundaryjWmhtjORrn--\r\n";
    let multipart =
        ["-H", "Content-Type: multipart/form-data; boundary=-FormBoundaryjWmhtjORrn", "--data-binary", vector];
    for _ in 0..2 {
        let (head, _) = daemon.ask(links[0], &multipart);
        assert!(head.starts_with("http/1.1 200 ") && !head.contains("set-cookie"), "{head}");
        assert_eq!(suppressed(&shop), [["email", "unsubscribed"], ["user", "unsubscribed"]]);
    }
    for _ in 0..2 {
        assert_eq!(daemon.status(links[1], &["-d", "List-Unsubscribe=One-Click"]), 200);
        assert_eq!(suppressed(&shop).len(), 4);
    }
    let token = links[2].rsplit('/').next().expect("a token");
    let turned: String = token.chars().rev().collect();
    assert_eq!(daemon.status(&links[2].replace(token, &turned), &["-d", "List-Unsubscribe=One-Click"]), 404);
    let states = shop.query("SELECT status, exit_reason FROM enrollments ORDER BY exit_reason DESC, status");
    let left = states.iter().filter(|row| row[0] == "exited" && row[1] == "unsubscribed").count();
    assert_eq!(left, 2, "{states:?}");
    assert_eq!(daemon.stop("TERM").0, Some(0));
    let later = chrono::Utc::now() + chrono::TimeDelta::days(4);
    shop.run(&["run", "recall", "--as-of", &later.to_rfc3339()]).ok();
    let second = shop.query("SELECT status FROM messages WHERE stage = 'again'");
    assert_eq!(second, [["sent"]], "only who stayed");
    let next = shop.run(&["suppress", "list", "--json"]).ok().json();
    assert_eq!(next.as_array().map(Vec::len), Some(4));
}

fn it_stops_in_ten_seconds_whatever_hangs(backend: Backend) {
    let stalled = Stalled::start();
    let mut shop = small_shop(backend, 50, "mail", MAIL);
    shop.file("workflows/recall.yaml", workflow_yaml("mail").replace("0 9 * * *", "0 0 1 1 *"));
    shop.variable("SMTP_URL", format!("smtp://127.0.0.1:{}?tls=none", free_port()));
    shop.run(&["run", "recall"]).ok();
    shop.variable("SMTP_URL", format!("smtp://127.0.0.1:{}?tls=none", stalled.port));
    for name in ["INT", "TERM"] {
        let daemon = Daemon::start(&shop);
        stalled.wait_for_client();
        let (code, took) = daemon.stop(name);
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
    }
    // A command at the terminal heeds Ctrl-C as well.
    let mut child = shop.spawn(&["run", "recall"]);
    stalled.wait_for_client();
    signal(&child, "INT");
    let (code, took) = wait(&mut child);
    assert_eq!(code, Some(1), "it was cut off");
    assert!(took < Duration::from_secs(10), "run: {took:?}");
    // Nothing was said that cannot be taken back: all still wait.
    shop.variable("SMTP_URL", Sink::start(&[]).url());
    assert_eq!(shop.query("SELECT DISTINCT status FROM messages WHERE status NOT IN ('pending', 'claimed')").len(), 0);
}

const MAIL: &str = r#"mail: {smtp: "${SMTP_URL}", from: "Shop <hello@shop.example>", postal_address: "1 Street"}"#;

fn one_process_at_a_time_and_a_restart_after_death(backend: Backend) {
    let shop = small_shop(backend, 2, "paper", PAPER);
    shop.run(&["run", "recall"]).ok();
    let mails = mails(&shop);
    let mut daemon = Daemon::start(&shop);
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["run", "recall"]] {
        let second = shop.run(arguments);
        assert_eq!(second.code, Some(1));
        assert_eq!(second.stderr.trim(), "error: another winback process is working on this database");
    }
    assert_eq!(daemon.status(link(&mails[0], "/c/"), &["-A", BROWSER]), 302);
    daemon.child.kill().expect("ours to kill");
    daemon.child.wait().expect("it ends");
    // What was answered is durable, and the next process takes over.
    let daemon = Daemon::start(&shop);
    assert_eq!(shop.query("SELECT class FROM hits"), [["human"]]);
    assert_eq!(daemon.status(link(&mails[1], "/c/"), &["-A", BROWSER]), 302);
    assert_eq!(daemon.stop("TERM").0, Some(0));
    assert!(Path::new(&shop.folder().join("data/outbox")).is_dir());
}
