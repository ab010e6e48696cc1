//! `exec`: a program under a lease that lives as long as it does.

use std::ffi::OsString;
use std::process::ExitCode;

use credpool_client::{AcquireRequest, Lease, Outcome};
use secrecy::ExposeSecret as _;
use tokio::time::{Duration, timeout};

use super::Session;
use crate::args::{Exec, Global};
use crate::failed::Failed;
use crate::hold::Hold;
use crate::program::{Order, Program};
use crate::secret::{run_out, secret_of};

/// How long the daemon may take to answer that the lease has ended. Without an answer it ends a moment
/// later, with the connection.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) async fn exec(session: Session<'_>, global: &Global, args: Exec) -> Result<ExitCode, Failed> {
    if global.json {
        return Err(Failed::Usage("`exec` prints nothing of its own that could be JSON".to_owned()));
    }
    let Exec { pool, env, base_url_env, terms, program } = args;
    let request = AcquireRequest::new(pool).options(terms.into_options());
    let lease = session.client.acquire(request.clone()).await?;
    if lease.is_expired() {
        session.output.warn(&run_out(lease.credential()));
    }

    let order = Order { command: program, env: environment(&lease, env, base_url_env, global)? };
    let mut program = Program::start(&order).map_err(Failed::Program)?;
    drop(order);
    let mut hold = Hold::new(lease, session.client, request, session.output);
    let ended = {
        let ended = program.ended();
        tokio::pin!(ended);
        tokio::select! {
            ended = &mut ended => ended,
            never = hold.keep() => match never {},
        }
    };
    if let Some(lease) = hold.into_lease() {
        // How the program fared says nothing of how its requests did.
        let _ = timeout(FAREWELL, lease.release(Outcome::Unknown)).await;
    }
    Ok(ended.map_err(Failed::Program)?.follow())
}

/// What the program finds changed in its environment.
fn environment(
    lease: &Lease,
    secret_in: Vec<String>,
    base_url_in: Vec<String>,
    global: &Global,
) -> Result<Vec<(String, Option<OsString>)>, Failed> {
    let secret = secret_of(lease.credential())?;
    let base_url = lease.credential().base_url.as_deref();
    let mut env = Vec::new();
    env.extend(secret_in.into_iter().map(|name| (name, Some(secret.expose_secret().into()))));
    // A base URL that stands there already is that of another key.
    env.extend(base_url_in.into_iter().map(|name| (name, base_url.map(Into::into))));
    env.push(("CREDPOOL_LEASE".to_owned(), Some(lease.id().into())));
    // What the command line says holds for a `credpool` in the program, too.
    env.extend(global.socket.iter().map(|socket| ("CREDPOOL_SOCKET".to_owned(), Some(socket.into()))));
    env.extend(global.server.iter().map(|user| ("CREDPOOL_ACCESS_SERVER".to_owned(), Some(user.to_string().into()))));
    Ok(env)
}
