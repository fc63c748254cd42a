//! An OpenID provider to test the sign-in with: the npm package `oidc-provider`, driven by `tests/browser/provider.mjs`.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// A running provider; dropping it ends it.
pub(crate) struct Provider {
    child: Child,
    issuer: String,
}

/// A port that nobody listens on now. The provider and the server have to know each other's address before either starts.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener.local_addr().context("cannot find a free port")?.port())
}

impl Provider {
    /// Starts it for a server that will listen on this port.
    pub(crate) fn start(folder: &Path, port: u16) -> Result<Self> {
        let back = format!("http://127.0.0.1:{port}/api/v1/session/oidc/callback");
        let mut child = Command::new("node")
            .current_dir(folder)
            .args(["provider.mjs", "--redirect", &back])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the identity provider")?;
        let output = child.stdout.take().context("the identity provider has no output")?;
        let mut issuer = String::new();
        let mut output = BufReader::new(output);
        output.read_line(&mut issuer).context("the identity provider does not say its address")?;
        // It says more later; with nobody to read it, the provider would end.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(Self { child, issuer: issuer.trim().to_owned() })
    }

    /// The server's configuration for it.
    pub(crate) fn sign_in(&self, data: &Path, port: u16) -> Result<String> {
        std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
        let secret = data.join("oidc-secret");
        std::fs::write(&secret, "a secret: with + signs\n")
            .with_context(|| format!("cannot write {}", secret.display()))?;
        Ok(format!(
            "[sign-in]\nissuer = {:?}\nclient-id = \"palisade\"\nsecret-file = {:?}\npublic-url = \"http://127.0.0.1:{port}\"\n\
             scopes = [\"email\", \"groups\"]\nroles = [{{ group = \"security\", role = \"analyst\" }}, \
             {{ group = \"platform-ops\", role = \"operator\" }}]\n",
            self.issuer, secret
        ))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // Already gone, or there is nobody left who would stop it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
