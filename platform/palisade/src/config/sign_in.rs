//! How people sign in, beside tokens.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use api::{Role, SignInWith};
use egress::AllowRule;
use serde::Deserialize;

use super::Egress;

/// Where the provider sends browsers back to, below the address of this installation.
const CALLBACK: &str = "/api/v1/session/oidc/callback";

/// An OpenID provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SignIn {
    /// Where it is: what its document calls `issuer`, such as `https://id.example/realms/company`.
    issuer: String,
    /// Who this installation is there.
    client_id: String,
    /// File with the client's secret, if it was registered with one.
    secret_file: Option<PathBuf>,
    /// Address of this installation as browsers see it, such as `https://palisade.example`. The address with
    /// `/api/v1/session/oidc/callback` behind it is to be registered at the provider.
    public_url: String,
    /// What the button says.
    #[serde(default = "usual_label")]
    label: String,
    /// What is asked for beside `openid`.
    #[serde(default = "usual_scopes")]
    scopes: Vec<String>,
    /// Name of the claim with a person's groups.
    #[serde(default = "usual_groups")]
    groups_claim: String,
    /// Names of claims that may name a person, the best first.
    #[serde(default = "usual_names")]
    name_claims: Vec<String>,
    /// The role of everybody whom the provider knows. Without it, only members of a group of `roles` may in.
    everybody: Option<String>,
    /// Which groups give which roles.
    #[serde(default)]
    roles: Vec<GroupRole>,
}

/// A group of the provider, and the role that it gives here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct GroupRole {
    /// The group, as the provider calls it.
    group: String,
    /// The role.
    role: String,
}

fn usual_label() -> String {
    "Company sign-in".to_owned()
}

fn usual_scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).into()
}

fn usual_groups() -> String {
    "groups".to_owned()
}

fn usual_names() -> Vec<String> {
    ["email", "preferred_username", "name"].map(str::to_owned).into()
}

impl SignIn {
    /// # Errors
    /// A role that there is not, an address that is none, a secret that cannot be read.
    pub(crate) fn open(&self, egress: &Egress) -> Result<SignInWith> {
        let roles =
            self.roles.iter().map(|one| Ok((one.group.clone(), role(&one.role)?))).collect::<Result<_>>()?;
        let everybody = self.everybody.as_deref().map(role).transpose()?;
        let secret = match &self.secret_file {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read sign-in.secret-file {}", path.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        let settings = identity::Settings {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: secret,
            redirect_uri: format!("{}{CALLBACK}", self.public_url.trim_end_matches('/')),
            scopes: self.scopes.clone(),
            groups_claim: self.groups_claim.clone(),
            name_claims: self.name_claims.clone(),
        };
        let mut policy = egress.policy()?;
        policy.allow.push(own_rule(&self.issuer)?);
        let client = egress::Client::new(policy).context("cannot prepare the HTTP client")?;
        let provider =
            identity::Provider::new(settings, client).context("cannot use sign-in of the configuration")?;
        Ok(SignInWith { label: self.label.clone(), provider: Arc::new(provider), roles, everybody })
    }
}

/// The operator has named the issuer, so that it may be a private address.
fn own_rule(issuer: &str) -> Result<AllowRule> {
    let (scheme, rest) = issuer.split_once("://").context("sign-in.issuer is no address")?;
    let place = rest.split('/').next().unwrap_or_default();
    ensure!(!place.is_empty() && !place.contains('@'), "sign-in.issuer is no address");
    let port = if scheme == "http" { 80 } else { 443 };
    let has_port =
        place.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let rule = if has_port { place.to_owned() } else { format!("{place}:{port}") };
    AllowRule::parse(&rule).context("sign-in.issuer is no address")
}

fn role(word: &str) -> Result<Role> {
    let known = || Role::ALL.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
    Role::parse(word).ok_or_else(|| anyhow!("sign-in names the role {word:?}; there are {}", known()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SignInWith> {
        let base = "issuer = \"https://id.example\"\nclient-id = \"p\"\npublic-url = \"https://p.example\"\n";
        toml::from_str::<SignIn>(&format!("{base}{text}"))?.open(&Egress::default())
    }

    #[test]
    fn roles_are_those_that_there_are_and_addresses_addresses() {
        let with = read("everybody = \"viewer\"\n[[roles]]\ngroup = \"sec\"\nrole = \"analyst\"").unwrap();
        assert_eq!(
            (with.roles, with.everybody),
            (vec![("sec".to_owned(), Role::Analyst)], Some(Role::Viewer))
        );
        let said = |text| format!("{:#}", read(text).unwrap_err());
        assert!(said("everybody = \"root\"").contains("viewer, analyst"));
        assert!(said("secret-file = \"/not/there\"").contains("/not/there"));
        for (issuer, rule) in [
            ("https://id.example/realms/x", "id.example:443"),
            ("http://127.0.0.1:4000", "127.0.0.1:4000"),
            ("http://id.internal", "id.internal:80"),
        ] {
            assert_eq!(own_rule(issuer).unwrap(), AllowRule::parse(rule).unwrap());
        }
        assert!(own_rule("id.example").is_err() && own_rule("https://user@id.example").is_err());
    }
}
