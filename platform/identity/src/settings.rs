use url::Url;

use crate::IdentityError;

/// An OpenID provider, and who we are to it.
#[derive(Clone)]
pub struct Settings {
    /// Where it is: exactly what its document calls `issuer`, such as `https://id.example/realms/company`.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// What proves that; `None` for a client that is registered without a secret.
    pub client_secret: Option<String>,
    /// Where it sends browsers back to; has to be registered there.
    pub redirect_uri: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Name of the claim that has a person's groups.
    pub groups_claim: String,
    /// Names of claims that may name a person, the best first.
    pub name_claims: Vec<String>,
}

/// The secret stays out of logs.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// # Errors
    ///
    /// [`IdentityError::Settings`] where the provider could not be asked anything with these.
    pub(crate) fn check(&self) -> Result<(), IdentityError> {
        let wrong = |setting, why: &str| Err(IdentityError::Settings { setting, why: why.to_owned() });
        for (setting, text) in
            [("issuer", &self.issuer), ("the address of this installation", &self.redirect_uri)]
        {
            match Url::parse(text) {
                Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => {}
                _ => return wrong(setting, "is no http or https address"),
            }
        }
        if Url::parse(&self.issuer).is_ok_and(|url| url.query().is_some() || url.fragment().is_some()) {
            return wrong("issuer", "has a query or a fragment");
        }
        if self.client_id.is_empty() {
            return wrong("client-id", "is empty");
        }
        Ok(())
    }
}
