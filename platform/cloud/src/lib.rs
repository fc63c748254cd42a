//! Clouds: what collected resources have to do with each other, who can do what, who can become whom, and what the internet gets to.
//!
//! Every answer is a pure function of the resources that a plugin collected. What was not collected is never taken for absent: answers
//! that depend on it say so. [`aws`] is about Amazon Web Services; other clouds get a module of their own.
//!
//! ```
//! use cloud::{Resource, aws};
//!
//! let everything = serde_json::json!({ "Statement": { "Effect": "Allow", "Action": "s3:Get*", "Resource": "*" } });
//! let role = serde_json::json!({ "Account": "123456789012", "RolePolicyList": [{ "PolicyName": "r", "PolicyDocument": everything }] });
//! let role = Resource::new("arn:aws:iam::123456789012:role/reader", "aws:iam:role", role);
//! let account = aws::Account::of([role], Default::default());
//! let access = aws::Access::of(&account);
//! let answer = access.can("arn:aws:iam::123456789012:role/reader", "s3:GetBucketLocation", "*").unwrap();
//! assert_eq!(answer.decision, aws::Decision::Allowed);
//! assert_eq!(answer.proofs[0].inline.as_deref(), Some("r"));
//! ```

pub mod aws;
mod collection;
mod error;
mod problem;
mod resource;

pub use collection::Collection;
pub use error::CloudError;
pub use problem::Problem;
pub use resource::Resource;
