//! `pkcs11:` references (RFC 7512): which key in which token, by which module.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::Error;
use crate::key::reference::bad;

/// Which key in which token. What names more than one of either is refused when it is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenUri {
    pub(super) token: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) slot: Option<u64>,
    pub(super) object: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    pub(in crate::key) module: Option<PathBuf>,
    pub(in crate::key) pin_file: Option<PathBuf>,
    text: String,
}

impl FromStr for TokenUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let shown = shown(text);
        if text.contains("pin-value") {
            let why = "holds the PIN itself; write it to a file of mode 0600 and name that with pin-source";
            return Err(bad(shown, why));
        }
        let body = text.strip_prefix("pkcs11:").ok_or_else(|| bad(shown, "does not begin with pkcs11:"))?;
        let (path, query) = body.split_once('?').unwrap_or((body, ""));
        let mut uri = Self { text: text.to_owned(), ..Self::default() };
        for part in path.split(';').chain(query.split('&')).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| bad(shown, "holds a part without `=`"))?;
            uri.set(name, value).map_err(|why| bad(shown, why))?;
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err(bad(shown, "names no key in the token; add object=LABEL or id=%XX"));
        }
        Ok(uri)
    }
}

impl TokenUri {
    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let once = |before: bool| if before { Err("says one thing twice") } else { Ok(()) };
        let text = || text(value).ok_or("holds a value that is not UTF-8");
        match name {
            "token" => once(self.token.replace(text()?).is_some()),
            "serial" => once(self.serial.replace(text()?).is_some()),
            "manufacturer" => once(self.manufacturer.replace(text()?).is_some()),
            "model" => once(self.model.replace(text()?).is_some()),
            "object" => once(self.object.replace(text()?).is_some()),
            "id" => once(self.id.replace(percent_decode_str(value).collect()).is_some()),
            "slot-id" => {
                let slot = value.parse().map_err(|_| "has a slot-id that is no number")?;
                once(self.slot.replace(slot).is_some())
            }
            // The halves of a key pair have one label and one id.
            "type" => match value {
                "private" | "public" => Ok(()),
                _ => Err("is of a type that is no key pair"),
            },
            "module-path" => once(self.module.replace(absolute(&text()?)?).is_some()),
            "pin-source" => {
                let path = text()?;
                let path = path.strip_prefix("file://").or(path.strip_prefix("file:")).unwrap_or(&path);
                once(self.pin_file.replace(absolute(path)?).is_some())
            }
            _ => {
                Err("has an attribute that is not known; use token, serial, manufacturer, model, slot-id, object, id, \
                      module-path and pin-source")
            }
        }
    }
}

fn text(value: &str) -> Option<String> {
    percent_decode_str(value).decode_utf8().ok().map(|text| text.into_owned())
}

/// Modules are loaded as code and PINs are secret: neither is looked for along a search path.
fn absolute(path: &str) -> Result<PathBuf, &'static str> {
    match Path::new(path) {
        path if path.is_absolute() => Ok(path.to_owned()),
        _ => Err("names a file without its absolute path"),
    }
}

/// What of a reference may be repeated: nothing from where a PIN might be.
fn shown(text: &str) -> &str {
    let end = text.find(['?', '&']).unwrap_or(text.len());
    &text[..text.find("pin-").map_or(end, |pin| pin.min(end))]
}

impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
