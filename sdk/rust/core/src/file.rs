/// One file, as the host hands it to a [`FileScanner`](crate::FileScanner).
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Relative, `/`-separated; spell it the same way in findings.
    pub path: &'a str,
    /// The whole content, whatever its encoding.
    pub content: &'a [u8],
    /// Where the manifest's keywords occur: all occurrences of all keywords, overlapping ones too,
    /// in order of `start`.
    pub hits: &'a [Hit],
    /// False when there were more hits than the host passes on (65,536): look at all of `content`.
    pub hits_complete: bool,
}

/// A keyword of the manifest begins here; ASCII case is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Byte offset of the occurrence.
    pub start: usize,
    /// Index of the keyword in the manifest's `[interest] keywords`, from 0.
    pub keyword: u32,
}
