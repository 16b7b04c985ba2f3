use wasi_preview1_component_adapter_provider as preview1;
use wasm_encoder::{ComponentSection as _, CustomSection};
use wit_component::ComponentEncoder;

use crate::{Error, Target};

/// Wraps a core module into a component, which then is what its embedded world says.
pub(super) fn wrap(module: &[u8], target: Target) -> Result<Vec<u8>, Error> {
    let encode = || {
        let mut encoder = ComponentEncoder::default().validate(true).module(module)?;
        if target == Target::Wasi {
            let (name, adapter) =
                (preview1::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, preview1::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER);
            encoder = encoder.adapter(name, adapter)?;
        }
        encoder.encode()
    };
    encode().map_err(|error| Error::Component(format!("{error:#}")))
}

/// The component with a custom section of its own at the end.
pub(super) fn with_section(component: &[u8], name: &str, data: &str) -> Vec<u8> {
    let mut component = component.to_vec();
    CustomSection { name: name.into(), data: data.as_bytes().into() }.append_to_component(&mut component);
    component
}
