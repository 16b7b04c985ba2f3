//! Settings that hold secrets. They reach git through its environment, which only it and its owner can read.

use std::ffi::OsString;

use certus_outbound::{Credential, Pinned};

/// The variables that make settings of the login and of the proxy, if there are any.
pub(super) fn settings(credential: Option<&Credential>, pinned: Option<&Pinned>) -> Vec<(&'static str, OsString)> {
    let mut settings = Vec::new();
    if let Some(credential) = credential {
        settings.push(("http.extraHeader", credential.header()));
    }
    if let Some(proxy) = pinned.and_then(Pinned::proxy) {
        settings.push(("http.proxy", proxy.with_login()));
        // Else git asks without the login first, and the proxy has to refuse it.
        settings.push(("http.proxyAuthMethod", "basic".to_owned()));
    }
    let names = [
        ("GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"),
        ("GIT_CONFIG_KEY_1", "GIT_CONFIG_VALUE_1"),
        ("GIT_CONFIG_KEY_2", "GIT_CONFIG_VALUE_2"),
    ];
    let count = (!settings.is_empty()).then(|| ("GIT_CONFIG_COUNT", OsString::from(settings.len().to_string())));
    let pairs = settings.into_iter().zip(names);
    let pairs = pairs.flat_map(|((key, value), (key_name, value_name))| {
        [(key_name, OsString::from(key)), (value_name, OsString::from(value))]
    });
    count.into_iter().chain(pairs).collect()
}
