//! The services, a file for what belongs together.

pub(crate) mod account;
pub(crate) mod compute;
pub(crate) mod data;
pub(crate) mod ec2;
pub(crate) mod iam;
pub(crate) mod keys;
pub(crate) mod logging;
pub(crate) mod report;
pub(crate) mod s3;
pub(crate) mod web;
