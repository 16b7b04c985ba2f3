//! Closed sets of words: an enum whose every variant is one word in JSON, in messages and in the database. Behind `|`
//! stand older words that are read and never written.

/// The text is none of the words of its set.
#[derive(Debug, thiserror::Error)]
#[error("`{value}` is no {what}; it is one of {words}")]
pub struct BadWord {
    pub(crate) what: &'static str,
    pub(crate) words: String,
    pub(crate) value: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal $(| $older:literal)*,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word $(, alias = $older)*)] $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::BadWord;

            fn from_str(text: &str) -> Result<Self, $crate::words::BadWord> {
                match text {
                    $($word $(| $older)* => Ok(Self::$variant),)+
                    other => Err($crate::words::BadWord {
                        what: $what,
                        words: Self::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", "),
                        value: crate::escape::one_line(other, 60),
                    }),
                }
            }
        }
    };
}

pub(crate) use words;
