use crate::{ChangeSet, File, Finding, Problem, Report, Settings, Workspace};

/// Judges one file at a time; the host walks, reads and prefilters.
pub trait FileScanner {
    /// Builds the scanner. Compile expressions and tables here: this call has a budget of its own,
    /// and the memory it leaves under the default settings is what every scan starts from.
    ///
    /// # Errors
    /// A [`Problem`] where a setting makes no sense.
    fn configure(settings: &Settings) -> Result<Self, Problem>
    where
        Self: Sized;

    /// Judges one file. The answer may depend on `file` and on the settings alone, not on files
    /// seen before.
    ///
    /// # Errors
    /// A [`Problem`] where the file could not be analysed; that is not the same as no finding.
    fn scan(&self, file: &File<'_>) -> Result<Vec<Finding>, Problem>;
}

/// Looks at the workspace as a whole, pulling what it needs.
pub trait TreeScanner {
    /// Builds the scanner; see [`FileScanner::configure`].
    ///
    /// # Errors
    /// A [`Problem`] where a setting makes no sense.
    fn configure(settings: &Settings) -> Result<Self, Problem>
    where
        Self: Sized;

    /// Looks at everything that the manifest's globs grant.
    ///
    /// # Errors
    /// A [`Problem`] where the run as a whole failed. A file that could not be read belongs into
    /// [`Report::problems`].
    fn scan(&self, workspace: &dyn Workspace) -> Result<Report, Problem>;
}

/// A tree scanner that does not ask the host for files: one that reads them with `std::fs` through
/// WASI. Its component never imports `workspace`.
pub trait StandaloneTreeScanner {
    /// Builds the scanner; see [`FileScanner::configure`].
    ///
    /// # Errors
    /// A [`Problem`] where a setting makes no sense.
    fn configure(settings: &Settings) -> Result<Self, Problem>
    where
        Self: Sized;

    /// Looks at everything that WASI shows.
    ///
    /// # Errors
    /// A [`Problem`] where the run as a whole failed.
    fn scan(&self) -> Result<Report, Problem>;
}

/// Judges the difference between two revisions and may read whole files of either side.
pub trait ChangeScanner {
    /// Builds the scanner; see [`FileScanner::configure`].
    ///
    /// # Errors
    /// A [`Problem`] where a setting makes no sense.
    fn configure(settings: &Settings) -> Result<Self, Problem>
    where
        Self: Sized;

    /// Judges one change.
    ///
    /// # Errors
    /// A [`Problem`] where the run as a whole failed.
    fn scan(&self, change: &ChangeSet, workspace: &dyn Workspace) -> Result<Report, Problem>;
}

/// A change scanner to which the hunks are enough. Its component never imports `workspace`.
pub trait StandaloneChangeScanner {
    /// Builds the scanner; see [`FileScanner::configure`].
    ///
    /// # Errors
    /// A [`Problem`] where a setting makes no sense.
    fn configure(settings: &Settings) -> Result<Self, Problem>
    where
        Self: Sized;

    /// Judges one change.
    ///
    /// # Errors
    /// A [`Problem`] where the run as a whole failed.
    fn scan(&self, change: &ChangeSet) -> Result<Report, Problem>;
}
