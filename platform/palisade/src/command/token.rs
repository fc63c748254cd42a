//! `palisade token`: the tokens that open the API, managed where the store is.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use api::TokenGrant;
use jiff::Timestamp;
use model::TenantId;
use store::{AuditEvent, Store};

use super::block_on;
use crate::cli::Token;
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::serve;

/// Runs a subcommand.
pub(crate) fn run(what: Token, config: &Config) -> Result<Outcome> {
    let text = block_on(async {
        let url = serve::store_url(config, &DataDir::open(config.data_dir())?)?;
        let store = Store::connect(&url).await.context("cannot open the store")?;
        let text = answer(what, &store).await;
        store.close().await;
        text
    })?;
    write_stdout(&text)?;
    Ok(Outcome::Clean)
}

async fn answer(what: Token, store: &Store) -> Result<String> {
    let tenant = TenantId::default_tenant();
    match what {
        Token::Create { name, roles, expires } => {
            let now = Timestamp::now();
            let expires_at = expires.map(|span| now.checked_add(span)).transpose();
            let expires_at = expires_at.context("cannot tell when the token would end")?;
            let grant = TokenGrant { roles, expires_at, created_by: "command line".to_owned() };
            let secret = api::create_token_with(store, &tenant, &name, &grant, now)
                .await
                .with_context(|| format!("cannot make the token {name:?}"))?;
            let detail = format!("roles: {}", grant_words(&grant));
            note(store, &tenant, "token-created", &name, detail).await?;
            Ok(format!("{}\n", secret.expose()))
        }
        Token::List => list(store, &tenant).await,
        Token::Revoke { name } => match store.revoke_token(&tenant, &name).await? {
            true => {
                note(store, &tenant, "token-revoked", &name, String::new()).await?;
                Ok(format!("the token {} is worthless now\n", visible(&name)))
            }
            false => bail!("no token is called {name:?}; `palisade token list` shows them"),
        },
    }
}

fn grant_words(grant: &TokenGrant) -> String {
    let roles: Vec<&str> = grant.roles.iter().map(|role| role.word()).collect();
    if roles.is_empty() { "admin".to_owned() } else { roles.join(", ") }
}

/// Writes down what was done, for whoever asks later who made which token.
async fn note(store: &Store, tenant: &TenantId, action: &str, name: &str, detail: String) -> Result<()> {
    let event = AuditEvent {
        at: Timestamp::now(),
        actor: "command line".to_owned(),
        action: action.to_owned(),
        subject: format!("token:{name}"),
        detail,
    };
    Ok(store.append_audit(tenant, &[event]).await?)
}

async fn list(store: &Store, tenant: &TenantId) -> Result<String> {
    let mut out = String::new();
    for token in store.tokens(tenant).await? {
        let used = token.last_used_at.map_or("never".to_owned(), |at| at.to_string());
        let ends = token.expires_at.map_or("never".to_owned(), |at| at.to_string());
        let _ = writeln!(
            out,
            "{}  {}  made {}  last used {used}  ends {ends}",
            visible(&token.name),
            visible(&token.scopes.join(",")),
            token.created_at
        );
    }
    Ok(out)
}
