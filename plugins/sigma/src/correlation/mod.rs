//! Correlations: what happened how often, or in which order, in one group.

mod codec;
pub(crate) mod rule;
pub(crate) mod run;
pub(crate) mod window;

#[cfg(test)]
mod tests;
