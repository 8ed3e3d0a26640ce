//! `winback serve`: the daemon.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::open;
use crate::app::daemon;
use crate::app::environment::{Environment, settings};
use crate::domain::clock::Clock;

/// Serves until Ctrl-C or SIGTERM.
pub async fn serve(root: &Path, listen: SocketAddr) -> anyhow::Result<bool> {
    let now = Clock::System.now();
    let Some(opened) = open::open(root, now).await else { return Ok(false) };
    let environment =
        Environment::open(opened.project, opened.templates, Clock::System, &settings(&open::variable)).await?;
    let listener = match &environment.signer {
        Some(_) => Some(TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?),
        None => {
            eprintln!("no `tracking:` in winback.yaml: links and unsubscriptions are not served");
            None
        }
    };
    if let Some(listener) = &listener {
        eprintln!("links and unsubscriptions on http://{}", listener.local_addr()?);
    }
    for workflow in &environment.project.workflows {
        let zone = workflow.schedule.timezone;
        if let Some(next) = workflow.schedule.cron.next_after(now, zone) {
            eprintln!("{}: next run {}", workflow.name, next.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z"));
        }
    }
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        eprintln!("stopping; what is in the air is finished first");
        asked.cancel();
    });
    daemon::serve(Arc::new(environment), listener, stop).await?;
    eprintln!("stopped");
    Ok(true)
}
