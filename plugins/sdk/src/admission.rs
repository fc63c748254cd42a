//! The kind `admission`: one request in, a decision out.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::text::cut;
use crate::{Config, Decision, Error, Violation, host};

/// Decides about admission requests.
///
/// ```
/// use palisade_sdk::{Admission, AdmissionRequest, Config, Decision, Error, Patch};
///
/// struct Owners;
///
/// #[palisade_sdk::admission]
/// impl Admission for Owners {
///     fn new(_config: &Config) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn review(&self, request: &AdmissionRequest<'_>) -> Result<Decision, Error> {
///         let request: serde_json::Value = request.json()?;
///         Ok(match request.pointer("/object/metadata/labels/owner") {
///             Some(_) => Decision::allow(),
///             None => Decision::allow().violation("owner", "Say whose this is with the label `owner`."),
///         })
///     }
/// }
///
/// let request = serde_json::json!({ "object": { "metadata": {} } }).to_string();
/// let decision = palisade_sdk::review::<Owners>("{}", request.as_bytes())?;
/// assert_eq!(decision.violations[0].rule, "owner");
/// # Ok::<(), Error>(())
/// ```
pub trait Admission: Sized {
    /// Made once a call, from the operator's configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &Config) -> Result<Self, Error>;

    /// Decides about one request.
    ///
    /// # Errors
    /// The call fails; what becomes of the request then is the operator's choice.
    fn review(&self, request: &AdmissionRequest<'_>) -> Result<Decision, Error>;
}

/// The `request` of a Kubernetes AdmissionReview v1, as JSON.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionRequest<'a>(&'a [u8]);

impl AdmissionRequest<'_> {
    /// The request as a type of the plugin's own, or as `serde_json::Value`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a request that is not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.0)
            .map_err(|error| Error::InvalidInput(format!("the request is not as expected: {error}")))
    }

    /// The JSON text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0
    }
}

impl Decision {
    /// Nothing speaks against it, yet.
    #[must_use]
    pub fn allow() -> Self {
        Self { violations: Vec::new(), warnings: Vec::new(), patch: None }
    }

    /// What speaks against it, by a rule that the manifest declares, and what to do. One is enough to refuse it.
    #[must_use]
    pub fn violation(mut self, rule: impl Into<String>, message: impl Into<String>) -> Self {
        self.violations.push(Violation { rule: rule.into(), message: cut(message) });
        self
    }

    /// What is told to the user although the request passes.
    #[must_use]
    pub fn warning(mut self, rule: impl Into<String>, message: impl Into<String>) -> Self {
        self.warnings.push(Violation { rule: rule.into(), message: cut(message) });
        self
    }

    /// Changes to the object; one without any operation leaves it as it is.
    #[must_use]
    pub fn patch(mut self, patch: Patch) -> Self {
        self.patch = (!patch.0.is_empty()).then(|| Value::Array(patch.0).to_string().into_bytes());
        self
    }
}

/// A JSON Patch (RFC 6902) in the making. Places are JSON Pointers (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "a patch does nothing until a decision has it"]
pub struct Patch(Vec<Value>);

impl Patch {
    /// A patch without operations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; in an array at this place, `-` for its end.
    pub fn add<T: Serialize>(self, path: &str, value: &T) -> Self {
        self.operation("add", path, value)
    }

    /// Replaces a value that is there.
    pub fn replace<T: Serialize>(self, path: &str, value: &T) -> Self {
        self.operation("replace", path, value)
    }

    /// Goes on only if this value is there.
    pub fn test<T: Serialize>(self, path: &str, value: &T) -> Self {
        self.operation("test", path, value)
    }

    /// Removes a value that is there.
    pub fn remove(mut self, path: &str) -> Self {
        self.0.push(json!({ "op": "remove", "path": path }));
        self
    }

    fn operation<T: Serialize>(mut self, operation: &str, path: &str, value: &T) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.0.push(json!({ "op": operation, "path": path, "value": value }));
        self
    }
}

/// A part of a JSON Pointer, with the characters that mean something in one escaped (RFC 6901, section 3).
#[must_use]
pub fn pointer_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Decides about one request: what the component's export does, callable from native tests.
///
/// # Errors
/// The plugin's own.
pub fn review<A: Admission>(config: &str, request: &[u8]) -> Result<Decision, Error> {
    host::settled(|| A::new(&Config::new(config))?.review(&AdmissionRequest(request)))
}

#[cfg(test)]
mod tests {
    use super::{Decision, Patch, pointer_part};

    #[test]
    fn a_patch_is_json_and_an_empty_one_is_none() {
        assert_eq!(Decision::allow().patch(Patch::new()).patch, None);
        let place = format!("/metadata/labels/{}", pointer_part("a.example/b~c"));
        let patch = Patch::new().test("/a", &1).add(&place, &"x").replace("/b", &[true]).remove("/c");
        assert_eq!(
            String::from_utf8(Decision::allow().patch(patch).patch.unwrap()).unwrap(),
            r#"[{"op":"test","path":"/a","value":1},{"op":"add","path":"/metadata/labels/a.example~1b~0c","value":"x"},{"op":"replace","path":"/b","value":[true]},{"op":"remove","path":"/c"}]"#
        );
    }
}
