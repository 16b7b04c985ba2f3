//! What a look at one thing came to, and how that is printed.

use crate::command::print;
use crate::exit::Exit;

/// What a look at one thing came to.
pub(crate) enum Found {
    /// As it should be.
    Good(String),
    /// It works; something is weaker or missing that it can do without.
    Weak(String),
    /// It does not work before this is put right.
    Bad(String),
}

/// A thing that was looked at, and what that came to.
pub(crate) type Check = (&'static str, Found);

/// Prints a line for each; refused if one of them is bad.
pub(crate) fn report(checks: impl IntoIterator<Item = Check>) -> anyhow::Result<Exit> {
    let mut usable = true;
    for (name, found) in checks {
        let (word, text) = match &found {
            Found::Good(text) => ("ok", text),
            Found::Weak(text) => ("weak", text),
            Found::Bad(text) => ("FAILED", text),
        };
        usable &= !matches!(found, Found::Bad(_));
        print(&format!("{word:<7} {name:<15} {}\n", certus_model::escape::one_line(text, 400)))?;
    }
    Ok(if usable { Exit::Pass } else { Exit::Fail })
}

/// Good with what it says, or bad with the error as one sentence.
pub(crate) fn sentence(checked: anyhow::Result<String>) -> Found {
    match checked {
        Ok(text) => Found::Good(text),
        Err(error) => Found::Bad(crate::command::chain(&error)),
    }
}
