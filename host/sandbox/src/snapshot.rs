//! A component with the memory that `configure` leaves: expressions compiled, tables built, once, at
//! build time instead of once an instance.

use certus_model::PluginManifest;
use certus_model::limits::Limits;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, Lift, Linker, WasmList};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::bindings::plugin;
use crate::engine::new_engine;
use crate::instance::new_store;
use crate::lift;
use crate::state::{SharedLog, State};

/// Runs `configure` with the manifest's defaults and returns `component` with the memory it leaves. The component must import nothing but types: whatever
/// it imports traps when it is called.
///
/// # Errors
/// One sentence: the component is invalid, or its `configure` failed, trapped or called an import.
pub fn snapshot(component: &[u8], manifest: &PluginManifest) -> Result<Vec<u8>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|e| e.to_string())?;
    runtime.block_on(configured(component, manifest)).map_err(|error| format!("{error:#}"))
}

async fn configured(component: &[u8], manifest: &PluginManifest) -> wasmtime::Result<Vec<u8>> {
    let limits = manifest.limits.within(&Limits::default());
    let engine = new_engine(limits.stack).map_err(|e| wasmtime::format_err!("{e}"))?;
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(component)?;
    let compiled = Component::new(&engine, &instrumented)?;
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&compiled)?;
    let mut store =
        new_store(&engine, &limits, None, None, &SharedLog::default()).map_err(|e| wasmtime::format_err!("{e}"))?;
    store.set_fuel(limits.fuel.configure)?;
    let pre = linker.instantiate_pre(&compiled)?;
    let indices = plugin::GuestIndices::new(&pre)?;
    let instance = pre.instantiate_async(&mut store).await?;
    let guest = indices.load(&mut store, &instance)?;
    let settings = lift::settings(&manifest.default_settings());
    let configure = guest.call_configure(&mut store, &settings);
    let answer = tokio::time::timeout(limits.call_deadline, configure).await;
    match answer {
        Err(_) => wasmtime::bail!("`configure` gave no answer within {:?}", limits.call_deadline),
        Ok(answer) => {
            answer?.map_err(|problem| wasmtime::format_err!("`configure` refused its defaults: {}", problem.note))?
        }
    }
    // Reading the memory out costs fuel too, and is not the guest's to pay.
    store.set_fuel(u64::MAX)?;
    store.set_hostcall_fuel(usize::MAX);
    wizer.snapshot_component(&context, &mut Snapshot { store: &mut store, instance }).await
}

/// Reads globals and memories through the accessors that the instrumentation has added.
struct Snapshot<'a> {
    store: &'a mut Store<State>,
    instance: Instance,
}

impl Snapshot<'_> {
    async fn get<R: Lift + 'static>(&mut self, instance: &str, func: &str) -> R {
        const OURS: &str = "the instrumentation exports this function and it cannot trap";
        let (_, outer) = self.instance.get_export(&mut *self.store, None, instance).expect(OURS);
        let (_, inner) = self.instance.get_export(&mut *self.store, Some(&outer), func).expect(OURS);
        let func = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, inner).expect(OURS);
        func.call_async(&mut *self.store, ()).await.expect(OURS).0
    }
}

impl ComponentInstanceState for Snapshot<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, func: &str, contents: impl FnOnce(&[u8]) + Send) {
        let list: WasmList<u8> = self.get(instance, func).await;
        contents(list.as_le_slice(&self.store));
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.get(instance, func).await
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.get(instance, func).await
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.get::<f32>(instance, func).await.to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.get::<f64>(instance, func).await.to_bits()
    }
}
