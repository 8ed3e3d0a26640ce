//! A project in a folder of its own, the real program run on it, and its ledger on either database.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::{postgres, process};

/// Which database a scenario runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file in the project's folder.
    Sqlite,
    /// A new database of the server that the tests started.
    Postgres,
}

/// Declares a scenario as two tests: `name::sqlite` and `name::postgres`. The function takes a [`Backend`].
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident => $scenario:ident;)+) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                super::$scenario($crate::support::project::Backend::Sqlite);
            }

            #[test]
            fn postgres() {
                super::$scenario($crate::support::project::Backend::Postgres);
            }
        }
    )+};
}

/// A project's folder; removed when dropped.
#[derive(Debug)]
pub struct TestProject {
    folder: PathBuf,
    database: Option<String>,
    environment: Vec<(String, String)>,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The output of a command that must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Ran {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }
}

impl TestProject {
    /// An empty folder and an empty ledger.
    pub fn empty(backend: Backend) -> TestProject {
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(postgres::database()),
        };
        TestProject { folder: process::new_folder("project"), database, environment: Vec::new() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file of the project.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> &TestProject {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folder");
        std::fs::write(path, text).expect("file");
        self
    }

    /// Sets a variable for every command from here on.
    pub fn variable(&mut self, name: &str, value: impl Into<String>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    /// A command of the real program on this project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_winback"));
        command.args(arguments).arg("--project").arg(&self.folder).env_remove("WINBACK_DATABASE").env_remove("CARGO");
        if let Some(url) = &self.database {
            command.env("WINBACK_DATABASE", url);
        }
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).stdin(Stdio::null()).output().expect("the program starts");
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Starts a command that goes on; the caller ends it.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// The ledger's URL.
    pub fn database(&self) -> String {
        match &self.database {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.folder.join("data/winback.db").display()),
        }
    }

    /// Rows of a query on the ledger; every column must be text (`CAST(… AS TEXT)`), NULL is empty.
    pub fn query(&self, sql: &str) -> Vec<Vec<String>> {
        use sea_orm::{ConnectionTrait, Statement};
        block_on(async {
            let store = winback::store::Store::open(&self.database()).await.expect("the ledger opens");
            let statement = Statement::from_string(store.backend(), sql);
            let rows = store.read().query_all_raw(statement).await.expect("the query");
            rows.iter()
                .map(|row| {
                    (0..row.column_names().len())
                        .map(|index| row.try_get_by_index::<Option<String>>(index).expect("text").unwrap_or_default())
                        .collect()
                })
                .collect()
        })
    }

    /// Messages per state, such as `[("sent", 12), ("withheld", 3)]`, in order of the state's name.
    pub fn messages(&self) -> Vec<(String, u64)> {
        self.query("SELECT status, CAST(count(*) AS TEXT) FROM messages GROUP BY status ORDER BY status")
            .into_iter()
            .map(|row| (row[0].clone(), row[1].parse().expect("a count")))
            .collect()
    }
}

impl Drop for TestProject {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Runs a future to its end, for the few places where a scenario asks the library itself.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().expect("a runtime")).block_on(future)
}

/// A small shop: `users` customers with one old order each, one workflow of one stage through `channel`.
///
/// The YAML of the channel is given without indentation beyond its own lines, such as
/// `mail: {smtp: "smtp://…", from: "Shop <hello@shop.example>"}`. As of 1998-06-30 every customer is churned.
pub fn small_shop(backend: Backend, users: usize, channel_name: &str, channel: &str) -> TestProject {
    let project = TestProject::empty(backend);
    project
        .file("winback.yaml", winback_yaml(channel))
        .file("workflows/recall.yaml", workflow_yaml(channel_name))
        .file("workflows/templates/hello/subject.txt", "We miss you, {{ user.name }}\n")
        .file(
            "workflows/templates/hello/body.html",
            "<p>Hello {{ user.name }}, your last order was {{ user.last_order }}.</p>\n\
             <p><a href=\"https://shop.example/new?a=1&amp;b=2\">New</a> \
             <a data-role=\"pay\" href=\"https://shop.example/checkout\">Pay</a></p>\n\
             <p>{{ postal_address }} <a href=\"{{ unsubscribe_url }}\">Unsubscribe</a></p>\n",
        )
        .file(
            "workflows/templates/hello/body.json",
            "{\"to\": {{ user.phone | tojson }}, \"text\": {{ (\"Hello \" ~ user.name) | tojson }}}\n",
        );
    let mut customers = String::from("customer_id,email,name,phone,consent\n");
    let mut orders = String::from("order_id,customer_id,ordered_at,amount\n");
    for number in 0..users {
        customers += &format!("u{number:05},u{number:05}@example.com,User {number},+1 555 {number:07},yes\n");
        orders += &format!("o{number:05},u{number:05},1998-01-{:02},{}.50\n", number % 28 + 1, number % 90 + 1);
    }
    project.file("data/customers.csv", customers).file("data/orders.csv", orders);
    project
}

/// `winback.yaml` of [`small_shop`].
pub fn winback_yaml(channel: &str) -> String {
    format!(
        r#"timezone: UTC
sources:
  users: {{file: data/customers.csv, id: customer_id, email: email, name: name, phone: phone, consent: consent}}
  events:
    - {{file: data/orders.csv, event: purchase, user: customer_id, time: ordered_at, value: amount, id: order_id}}
features:
  orders: {{count: purchase}}
  spend: {{sum: purchase.value}}
  last_order: {{last: purchase}}
lifecycle:
  churned: days_since(last_order) >= 60
  active: otherwise
channels:
  {channel}
tracking: {{url: "https://go.shop.example", secret: "a secret of the tests, long enough to be one"}}
"#
    )
}

/// `workflows/recall.yaml` of [`small_shop`]: everybody churned, no holdout, one stage.
pub fn workflow_yaml(channel_name: &str) -> String {
    format!(
        r#"name: recall
schedule: {{cron: "0 9 * * *"}}
audience: {{where: lifecycle = 'churned'}}
holdout: 0%
goal: {{event: purchase, within: 28d, value: value}}
stages:
  - id: hello
    send: {{channel: {channel_name}, message: hello}}
"#
    )
}
