//! Signing in, and what the server says about itself.

use model::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token in exchange for a session cookie.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The token, `pal_…`.
    #[schema(format = Password, min_length = 1, max_length = 256)]
    pub token: String,
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Session {
    /// The tenant whose data is shown.
    pub tenant: TenantId,
    /// Name of the token or the person behind the session.
    pub token_name: String,
    /// Version of the server.
    pub version: String,
    /// What the session may do, such as `findings:read`, sorted.
    pub permissions: Vec<String>,
}

/// How people sign in here, beside a token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SignInWays {
    /// The identity provider; null where there is none.
    #[schema(required)]
    pub provider: Option<SignInProvider>,
}

/// An identity provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SignInProvider {
    /// What the button says.
    #[schema(example = "Company sign-in")]
    pub label: String,
    /// Where the button leads; takes `return_to`.
    #[schema(example = "/api/v1/session/oidc")]
    pub href: String,
}

/// What runs here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Version {
    /// Version of the product.
    pub version: String,
    /// Major version of this API.
    #[schema(example = "v1")]
    pub api: String,
}

/// The server answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// `ok`; anything else is a problem.
    #[schema(example = "ok")]
    pub status: String,
}
