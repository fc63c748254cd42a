//! Resources as bytes, so that questions can be asked of them later and elsewhere. Not a format to exchange: another version of this
//! program may refuse it, and then the account is collected again.
//!
//! One line of JSON with what belongs to the whole, then one line for each resource.

use std::collections::BTreeSet;

use model::Gap;
use serde::{Deserialize, Serialize};

use crate::aws::account::Account;
use crate::error::CloudError;
use crate::resource::Resource;

/// Version of the form. Changes whenever a field does.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    palisade_cloud: u32,
    missing: BTreeSet<Gap>,
}

impl Account {
    /// The resources as bytes, the same for the same resources.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        line(&mut out, &Head { palisade_cloud: VERSION, missing: self.missing.clone() });
        for resource in self.resources() {
            line(&mut out, resource);
        }
        out
    }

    /// Reads [`Account::pack`].
    ///
    /// # Errors
    /// [`CloudError::Packed`] for anything else, and for what another version wrote.
    pub fn unpack(bytes: &[u8]) -> Result<Self, CloudError> {
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let head: Head = serde_json::from_slice(lines.next().unwrap_or_default()).map_err(odd)?;
        if head.palisade_cloud != VERSION {
            return Err(CloudError::Packed(format!("its version is {}", head.palisade_cloud)));
        }
        let resources: Result<Vec<Resource>, CloudError> =
            lines.map(|line| serde_json::from_slice(line).map_err(odd)).collect();
        Ok(Self::of(resources?, head.missing))
    }
}

/// Writing to memory does not fail, and none of these types has keys that JSON cannot hold.
fn line<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    out.extend(serde_json::to_vec(value).unwrap_or_default());
    out.push(b'\n');
}

fn odd(error: serde_json::Error) -> CloudError {
    CloudError::Packed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::Account;
    use crate::aws::fixture::{account, role};

    #[test]
    fn resources_come_back_as_they_were() {
        let small = account([role("one", serde_json::json!([])), role("two", serde_json::json!([]))]);
        let bytes = small.pack();
        let back = Account::unpack(&bytes).unwrap();
        assert_eq!(back, small);
        assert_eq!(back.pack(), bytes);
        assert_eq!(back.graph(), small.graph());
    }

    #[test]
    fn what_is_no_pack_is_refused() {
        for bytes in [&b""[..], b"{}", b"nonsense", br#"{"palisade_cloud":0,"missing":[]}"#, b"\xff"] {
            assert_eq!(Account::unpack(bytes).unwrap_err().code(), "cloud-snapshot-unreadable");
        }
    }
}
