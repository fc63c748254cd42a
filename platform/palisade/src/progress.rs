//! A progress bar on a terminal, nothing in a pipe.

use std::time::Duration;

use engine::Step;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows the steps of a scan on standard error.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar that draws itself only where standard error is a terminal.
    pub(crate) fn new(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {bar:24} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(crate::output::visible(what));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Shows a step.
    pub(crate) fn show(&self, step: Step) {
        match step {
            Step::Layers { done, total, known } => {
                self.0.set_length(total as u64);
                self.0.set_position(done as u64);
                self.0.set_message(if known > 0 {
                    format!("layers ({known} known)")
                } else {
                    "layers".to_owned()
                });
            }
            Step::Judging { packages } => self.0.set_message(format!("judging {packages} packages")),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
