//! The commands and their arguments, and which file does each.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::{check, demo, init, plan, report, run, schema, segments, serve, suppress};

/// Recall campaigns for lapsed users, from YAML, with honest results.
#[derive(Debug, Parser)]
#[command(
    name = "winback",
    version,
    about,
    after_help = "Start with `winback demo`: a sample project on real purchases, end to end.\n\
                  Then `winback init DIR`, edit the YAML, `winback check`, `winback plan WORKFLOW`.\n\n\
                  Exit codes: 0 done, 1 a check or a run failed, 2 wrong usage."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// The project's folder, where winback.yaml is.
    #[arg(long, global = true, default_value = ".", value_name = "DIR")]
    project: PathBuf,

    /// Print data as JSON, with stable keys.
    #[arg(long, global = true)]
    json: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new project that passes `check` and runs.
    Init {
        /// A folder that does not exist yet, or is empty.
        dir: PathBuf,
    },
    /// Find all mistakes of both kinds of file at once, without a network.
    Check,
    /// Print the JSON Schemas of both kinds of file, for editors.
    Schema {
        /// Only this one; both, in one object, when left out.
        #[arg(value_enum)]
        which: Option<Which>,
    },
    /// Count the users per lifecycle state, score and segment.
    Segments {
        #[command(flatten)]
        instant: Instant,
        /// Write one row per user to this CSV file: id, attributes, features, scores, lifecycle, segments.
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
    },
    /// Show whom a workflow would take, whom not and why. Writes nothing, sends nothing.
    Plan {
        /// The workflow's name.
        workflow: String,
        #[command(flatten)]
        instant: Instant,
    },
    /// Run a workflow once now, and deliver what is due.
    ///
    /// With --as-of the clock stands at that instant: the run sees nothing later, and stages are due
    /// as they would have been then. Run again with a later instant to go on. Run again after a crash, it
    /// takes up where it was.
    Run {
        /// The workflow's name.
        workflow: String,
        #[command(flatten)]
        instant: Instant,
    },
    /// The daemon: schedules, stages, delivery, links and unsubscriptions. Ctrl-C stops it.
    Serve {
        /// Where links and unsubscriptions are served; put a reverse proxy with https before it.
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
        listen: std::net::SocketAddr,
    },
    /// What the workflows achieved.
    Report {
        /// The workflow's name; all when left out.
        workflow: Option<String>,
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        instant: Instant,
    },
    /// Addresses and users that must not be written to.
    Suppress {
        #[command(subcommand)]
        action: suppress::Action,
    },
    /// The sample project on real purchases of 1997 and 1998, end to end.
    Demo {
        /// The folder to make; it must not exist yet.
        #[arg(default_value = "winback-demo")]
        dir: PathBuf,
        /// Use this database instead of SQLite in the folder, such as postgres://user@host/name.
        #[arg(long, value_name = "URL")]
        database: Option<String>,
    },
}

/// An instant, and nothing later.
#[derive(Debug, Clone, Args)]
pub struct Instant {
    /// Look at the facts up to then: a date (its end) or an instant such as 2026-11-30T09:00:00Z.
    #[arg(long, value_name = "T")]
    pub as_of: Option<String>,
}

/// The two kinds of file.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Which {
    /// winback.yaml
    Project,
    /// workflows/NAME.yaml
    Workflow,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people; at most 100 columns.
    Table,
    /// For programs; stable keys.
    Json,
    /// For spreadsheets; one figure per row.
    Csv,
}

/// Runs a command to its end; what went wrong is printed to stderr.
pub fn start(cli: Cli) -> ExitCode {
    let daemon = matches!(cli.command, Command::Serve { .. });
    let filter = EnvFilter::try_from_env("WINBACK_LOG")
        .unwrap_or_else(|_| EnvFilter::new(if daemon { "winback=info,warn" } else { "winback=warn,error" }));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let code = match runtime.block_on(dispatch(cli)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => failed(&error),
    };
    // A blocking read that hangs must not keep a finished command from ending.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    code
}

fn failed(error: &anyhow::Error) -> ExitCode {
    // Errors wrap others transparently; the same sentence is not said twice.
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
    }
    eprintln!("error: {}", said.join("\n  because: "));
    ExitCode::from(1)
}

/// `false` when a check failed and has been printed.
async fn dispatch(cli: Cli) -> anyhow::Result<bool> {
    let Cli { command, project, json } = cli;
    match command {
        Command::Init { dir } => init::init(&dir),
        Command::Check => check::check(&project, json).await,
        Command::Schema { which } => schema::schema(which),
        Command::Segments { instant, export: None } => segments::segments(&project, &instant, json).await,
        Command::Segments { instant, export: Some(file) } => segments::export(&project, &instant, &file, json).await,
        Command::Plan { workflow, instant } => plan::plan(&project, &workflow, &instant, json).await,
        Command::Run { workflow, instant } => run::run(&project, &workflow, &instant, json).await,
        Command::Serve { listen } => serve::serve(&project, listen).await,
        Command::Report { workflow, format, instant } => {
            let format = if json { Format::Json } else { format };
            report::report(&project, workflow.as_deref(), format, &instant).await
        }
        Command::Suppress { action } => suppress::suppress(&project, action, json).await,
        Command::Demo { dir, database } => demo::demo(&dir, database.as_deref()).await,
    }
}
