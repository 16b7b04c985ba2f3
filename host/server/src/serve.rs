//! The socket: connections, their limits, and how they end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::caller::Peer;
use crate::config::{Authentication, Config, Services};
use crate::error::Error;
use crate::router::{probes, router, transform_alone, trust_alone};
use crate::state::Shared;

mod idle;

/// How long to wait when the system has no socket left to give.
const NO_SOCKET: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is done; then takes no more connections, ends streams, and lets requests finish
/// within the grace time.
///
/// # Errors
/// Keys that are off on a socket that others can reach; a socket that is none.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    services: Services,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    serve_paths(listener, config, services, shutdown, router).await
}

/// Serves Trust's own paths alone, as [`serve`] does.
///
/// # Errors
/// As [`serve`].
pub async fn serve_trust(
    listener: TcpListener,
    config: Config,
    services: Services,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    serve_paths(listener, config, services, shutdown, trust_alone).await
}

/// Serves Transform's own paths alone, as [`serve`] does.
///
/// # Errors
/// As [`serve`].
pub async fn serve_transform(
    listener: TcpListener,
    config: Config,
    services: Services,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    serve_paths(listener, config, services, shutdown, transform_alone).await
}

async fn serve_paths(
    listener: TcpListener,
    config: Config,
    services: Services,
    shutdown: impl Future<Output = ()>,
    router: impl FnOnce(Shared) -> Router,
) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Socket)?;
    if let Authentication::Development { tenant } = &config.authentication {
        if !address.ip().is_loopback() {
            return Err(Error::Exposed { address });
        }
        tracing::warn!(%address, %tenant, "keys are off: whoever is on this machine is the administrator");
    }
    let grace = config.grace;
    let limits = config.limits.clone();
    let places = Arc::new(Semaphore::new(limits.connections));
    let state = Shared::new(config, services);
    let router = router(state.clone());
    let follow = tokio::spawn(crate::stream::watch(state.clone()));
    let accept = async {
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connection = connection(stream, peer, router.clone(), state.clone());
                    // On its own, so that no client waits for another.
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(NO_SOCKET).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = shutdown => {}
    }
    drop(listener);
    state.closing.send_replace(true);
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let ended = async {
        let _ = places.acquire_many(all).await;
        state.hub.until_idle().await;
    };
    if tokio::time::timeout(grace, ended).await.is_err() {
        tracing::warn!("requests were still running at the end of the grace time");
    }
    follow.abort();
    Ok(())
}

/// Serves nothing but `/livez`, `/readyz`, `/health`, `/stats` and `/metrics`, for a process that has no API:
/// what probes and collectors of metrics ask.
///
/// # Errors
/// A socket that is none.
pub async fn serve_probes(
    listener: TcpListener,
    config: Config,
    services: Services,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let router = probes(Shared::new(config, services));
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await.map_err(Error::Socket)
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, state: Shared) {
    // Answers are small, and a stream's events are wanted at once.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &state.config.tls else { return talk(stream, peer, router, &state).await };
    // Who does not say who he is takes no longer than one who sends no headers.
    match tokio::time::timeout(state.config.limits.header_read, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => talk(stream, peer, router, &state).await,
        Ok(Err(error)) => tracing::debug!(%error, %peer, "a connection was not secured"),
        Err(_) => tracing::debug!(%peer, "a connection was not secured in time"),
    }
}

async fn talk<S>(stream: S, peer: SocketAddr, router: Router, state: &Shared)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &state.config.limits;
    let stream = TokioIo::new(idle::Writing::new(stream, limits.write_idle));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request: Request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(Peer(peer));
            Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.header_read).max_headers(limits.headers);
    let mut connection = pin!(builder.serve_connection(stream, service).with_upgrades());
    let mut closing = state.closing.subscribe();
    let told = async {
        // The sender lives as long as the state does.
        let _ = closing.wait_for(|closing| *closing).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
