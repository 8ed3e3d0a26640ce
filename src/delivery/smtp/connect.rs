//! One connection, opened as far as the first MAIL: TCP, greeting, TLS, login.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::settings::{Login, Security, SmtpSettings, Timeouts};
use crate::delivery::excerpt::excerpt;

/// What every certificate in PEM form begins with (RFC 7468).
const PEM_MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Why no transport can be made from the settings.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of the private root certificate cannot be read.
    #[error("cannot read the root certificate {path}")]
    RootFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no certificate.
    #[error("{path} is not a certificate in PEM form")]
    RootFormat {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be configured.
    #[error("TLS cannot be configured: {0}")]
    Tls(String),
}

/// Why there is no connection. Never any message's fault.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing came within the time limit.
    #[error("{0}: no answer in time")]
    Silent(Phase),
    /// It was refused or broke.
    #[error("{phase}: {reason}")]
    Failed {
        /// What was being done.
        phase: Phase,
        /// What was said, without addresses.
        reason: String,
    },
    /// `tls=required`, and the server has none.
    #[error("the server offers no STARTTLS")]
    NoTls,
    /// `tls=opportunistic` with a login, and the server has no TLS.
    #[error("the server offers no STARTTLS, and a password does not go out in the clear unless `tls=none` says so")]
    Unprotected,
    /// No mechanism that we know.
    #[error("the server offers neither AUTH PLAIN nor AUTH LOGIN")]
    NoAuth,
}

/// What was being done when a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Name and TCP.
    Connect,
    /// The greeting and EHLO, with `smtps` also the handshake.
    Greeting,
    /// STARTTLS, the handshake, and EHLO again.
    Tls,
    /// AUTH.
    Login,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Connect => "connecting",
            Phase::Greeting => "greeting",
            Phase::Tls => "STARTTLS",
            Phase::Login => "login",
        })
    }
}

/// Opens connections to one relay.
pub(super) struct Connector {
    settings: SmtpSettings,
    hello: ClientId,
    tls: Option<TlsParameters>,
    /// How long each step may take.
    pub(super) timeouts: Timeouts,
}

impl Connector {
    /// Reads the private root certificate, if there is one, and prepares TLS once for all connections.
    pub(super) fn new(settings: SmtpSettings, timeouts: Timeouts) -> Result<Connector, SetupError> {
        let tls = match settings.security {
            Security::None => None,
            Security::Implicit | Security::Required | Security::Opportunistic => Some(tls_parameters(&settings)?),
        };
        let hello = settings.hello.clone().map_or_else(ClientId::default, ClientId::Domain);
        Ok(Connector { settings, hello, tls, timeouts })
    }

    /// Connects, encrypts and logs in as the settings say.
    pub(super) async fn open(&self) -> Result<AsyncSmtpConnection, ConnectError> {
        let mut connection = match (self.settings.security, &self.tls) {
            (Security::Implicit, Some(tls)) => self.greet_encrypted(tls).await?,
            (Security::Implicit | Security::Required | Security::Opportunistic | Security::None, _) => {
                self.greet().await?
            }
        };
        self.encrypt(&mut connection).await?;
        if let Some(login) = &self.settings.login {
            self.log_in(&mut connection, login).await?;
        }
        Ok(connection)
    }

    async fn greet(&self) -> Result<AsyncSmtpConnection, ConnectError> {
        let phase = Phase::Connect;
        let address = (self.settings.host.as_str(), self.settings.port);
        let failed = |error: std::io::Error| ConnectError::Failed { phase, reason: excerpt(&error.to_string()) };
        let stream = timeout(self.timeouts.connect, TcpStream::connect(address))
            .await
            .map_err(|_| ConnectError::Silent(phase))?
            .map_err(failed)?;
        // The final dot is a small write after the message's last block. With Nagle's algorithm it
        // would wait for the server's delayed acknowledgement: 40 ms per mail.
        stream.set_nodelay(true).map_err(failed)?;
        let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello);
        guarded(Phase::Greeting, self.timeouts.greeting + self.timeouts.command, greeting).await
    }

    /// With `smtps`, lettre connects by itself: it takes no foreign stream that is encrypted already.
    /// Nagle's algorithm stays on then, which a server that delays its acknowledgements turns into
    /// some 40 ms per mail and connection; twenty connections still carry hundreds of mails a second.
    async fn greet_encrypted(&self, tls: &TlsParameters) -> Result<AsyncSmtpConnection, ConnectError> {
        let limit = self.timeouts.connect + self.timeouts.greeting + self.timeouts.command;
        let greeting = AsyncSmtpConnection::connect_tokio1(
            (self.settings.host.as_str(), self.settings.port),
            Some(self.timeouts.connect),
            &self.hello,
            Some(tls.clone()),
            None,
        );
        guarded(Phase::Greeting, limit, greeting).await
    }

    async fn encrypt(&self, connection: &mut AsyncSmtpConnection) -> Result<(), ConnectError> {
        let (Some(tls), false) = (&self.tls, connection.is_encrypted()) else { return Ok(()) };
        if connection.can_starttls() {
            let limit = self.timeouts.greeting + self.timeouts.command;
            return guarded(Phase::Tls, limit, connection.starttls(tls.clone(), &self.hello)).await;
        }
        match (self.settings.security, &self.settings.login) {
            (Security::Opportunistic, None) => Ok(()),
            (Security::Opportunistic, Some(_)) => Err(ConnectError::Unprotected),
            (Security::Implicit | Security::Required | Security::None, _) => Err(ConnectError::NoTls),
        }
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection, login: &Login) -> Result<(), ConnectError> {
        if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
            return Err(ConnectError::NoAuth);
        }
        let credentials = Credentials::new(login.user.0.clone(), login.password.0.clone());
        let answer =
            guarded(Phase::Login, self.timeouts.command, connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
        if answer.has_code(235) {
            return Ok(());
        }
        Err(ConnectError::Failed { phase: Phase::Login, reason: format!("unexpected reply {}", answer.code()) })
    }
}

/// Runs one step within its time limit. A panic inside counts as a failed step: lettre 0.11.23 unwraps
/// the first word of every EHLO line, and a server may well send a line without words.
async fn guarded<T>(
    phase: Phase,
    limit: Duration,
    step: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, ConnectError> {
    match timeout(limit, AssertUnwindSafe(step).catch_unwind()).await {
        Err(_) => Err(ConnectError::Silent(phase)),
        Ok(Err(_)) => Err(ConnectError::Failed { phase, reason: "the server's reply cannot be read".to_owned() }),
        Ok(Ok(Err(error))) => Err(ConnectError::Failed { phase, reason: describe(&error) }),
        Ok(Ok(Ok(value))) => Ok(value),
    }
}

/// An error of lettre in words for an operator, without addresses.
pub(super) fn describe(error: &lettre::transport::smtp::Error) -> String {
    // lettre wraps causes several times over; the innermost one says most.
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error.status() {
        Some(code) => format!("{code} {}", excerpt(&innermost.to_string())).trim_end().to_owned(),
        None if error.is_response() => "the server hung up or sent something that is no reply".to_owned(),
        None => excerpt(&innermost.to_string()),
    }
}

fn tls_parameters(settings: &SmtpSettings) -> Result<TlsParameters, SetupError> {
    let mut builder = TlsParameters::builder(settings.host.clone()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(path) = &settings.extra_root {
        let pem = std::fs::read(path).map_err(|source| SetupError::RootFile { path: path.clone(), source })?;
        // A file without any certificate reads as an empty list, without an error.
        let root = Certificate::from_pem(&pem)
            .ok()
            .filter(|_| pem.windows(PEM_MARK.len()).any(|part| part == PEM_MARK))
            .ok_or_else(|| SetupError::RootFormat { path: path.clone() })?;
        builder = builder.add_root_certificate(root);
    }
    // Opportunistic TLS (RFC 7435) is better than none even with a certificate nobody can verify,
    // which is what local relays have; whoever intercepts it could as well have hidden STARTTLS.
    // A password is another matter: it never goes to an unverified server.
    if settings.security == Security::Opportunistic && settings.login.is_none() {
        builder = builder.dangerous_accept_invalid_certs(true).dangerous_accept_invalid_hostnames(true);
    }
    builder.build_rustls().map_err(|error| SetupError::Tls(error.to_string()))
}
