//! Progress on stderr, when it is a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use certus_pipeline::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How a line looks while there is nothing to count.
const WAITING: &str = "{spinner} {msg}";

/// One line: what is going on, and a bar while files are scanned.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_drawn: bool,
}

impl Progress {
    /// Shown only to a terminal that was not asked to be quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        let visible = !quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(WAITING));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, is_drawn: visible }
    }

    /// Draws what an event says. The events of a service draw the same.
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::Phase { message, .. } => {
                self.bar.set_style(style(WAITING));
                self.bar.set_message(message.clone());
            }
            Event::ToolStart { .. } => self.bar.set_message("Scanning"),
            Event::Progress { files, total_files, .. } => {
                self.bar.set_length(*total_files);
                self.bar.set_position(*files);
                self.bar.set_style(style("{spinner} Scanning [{bar:32}] {pos}/{len} files"));
            }
            _ => {}
        }
    }

    /// Whether anybody sees it.
    pub(crate) const fn is_drawn(&self) -> bool {
        self.is_drawn
    }

    /// Prints while the bar stands aside. The bar is locked meanwhile.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
