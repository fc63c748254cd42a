//! Kubernetes admission webhooks: requests of an API server in over TLS, answers out in time.
//!
//! This crate speaks the protocol and keeps its promises: an answer before the deadline whatever happens, open or closed as each
//! policy says; nothing in the webhook's own namespace is ever refused, so that it cannot keep itself from being repaired;
//! certificates are taken up when they change. What speaks for or against a request is a [`Judge`]'s to say.
//!
//! Format: `AdmissionReview` of `admission.k8s.io/v1`.

mod certificate;
mod error;
mod figures;
mod judge;
mod review;
mod server;
mod tls;

pub use certificate::{Issued, Names, issue, webhook_configurations};
pub use error::AdmissionError;
pub use figures::Figures;
pub use judge::{Failure, Judge, Judgement, Mode, Said};
pub use review::{BODY_BYTES_MAX, Request, Settings, answer};
pub use server::{Options, serve};
pub use tls::{Certificates, Files};
