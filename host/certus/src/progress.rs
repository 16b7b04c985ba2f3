//! Progress on stderr, when it is a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use certus_pipeline::{Event, Plan};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One line: what is going on, and a bar while files are scanned.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shown only to a terminal that was not asked to be quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        let visible = !quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    pub(crate) fn event(&self, event: &Event) {
        if let Event::Phase { message, .. } = event {
            self.bar.set_message(message.clone());
        }
    }

    pub(crate) fn plan(&self, plan: Plan) {
        match plan {
            Plan::Sealed { files, .. } => {
                self.bar.set_length(files);
                self.bar.set_style(style("{spinner} Scanning [{bar:32}] {pos}/{len} files"));
            }
            Plan::Done { files, .. } => self.bar.inc(files),
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
