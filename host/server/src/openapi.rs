//! The description of the API, made from the handlers.

use std::collections::BTreeMap;

use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{self, Content, Ref, RefOr, Response};
use utoipa::{IntoResponses, Modify, OpenApi};

use crate::findings::SeverityWord;
use crate::problem::ProblemBody;

/// The description of the API, as `/openapi.json` serves it.
pub fn openapi() -> openapi::OpenApi {
    crate::router::described().1
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Certus Assurance",
        description = "Submit scans, follow them, fetch signed bundles. Errors are problem details (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "scans", description = "Submit, follow, list, fetch"),
        (name = "access", description = "Tenants, users and keys"),
        (name = "trust", description = "What may be published, and what was ever signed"),
        (name = "transform", description = "What lies in the stores that scans are published to"),
        (name = "service", description = "The service itself; none of these needs a key"),
    ),
    // What no handler's body or answer holds as such, and references name.
    components(schemas(ProblemBody, SeverityWord)),
    modifiers(&Keys),
    security(("bearer" = []), ("apiKey" = []))
)]
pub(crate) struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key: `certus_ID_SECRET`"))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let header = ApiKeyValue::with_description("X-API-Key", "The same key");
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident = $($status:literal)+;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_string(), problem($status))),+])
            }
        }
    )+};
}

answers! {
    /// Of what needs no key.
    OpenAnswers = 500 503;
    /// Of every list.
    ListAnswers = 400 401 403 500 503;
    /// Of one object.
    ObjectAnswers = 400 401 403 404 500 503;
    /// Of what changes an object, without a body.
    ChangeAnswers = 401 403 404 409 500 503;
    /// Of what takes a body.
    BodyAnswers = 400 401 403 408 409 413 415 422 500 503;
    /// Of what takes a body and changes an object.
    BodyObjectAnswers = 400 401 403 404 408 413 415 422 500 503;
}

fn problem(status: u16) -> RefOr<Response> {
    let description = match status {
        400 => "It cannot be read",
        401 => "No valid key",
        403 => "The key does not permit it",
        404 => "There is no such thing, or it is another tenant's",
        408 => "It took too long to arrive",
        409 => "It does not go with the state that there is; `type` says what",
        413 => "It is too large",
        415 => "The body is of another kind",
        422 => "Fields are not valid; `errors` names them",
        503 => "The service cannot answer now; `Retry-After` says when to try again",
        _ => "The service failed; the request id finds it in the log",
    };
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))));
    RefOr::T(response.build())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn what_the_description_names_is_there() {
        let document = serde_json::to_value(super::openapi()).unwrap();
        let mut unseen = vec![&document];
        while let Some(value) = unseen.pop() {
            if let Some(Value::String(reference)) = value.get("$ref") {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            if let Some(Value::Object(content)) = value.get("content") {
                assert!(content.values().all(|form| form.get("schema").is_some()), "{content:?}");
            }
            match value {
                Value::Object(map) => unseen.extend(map.values()),
                Value::Array(list) => unseen.extend(list),
                _ => {}
            }
        }
    }

    #[test]
    fn the_committed_description_is_this_one() {
        let committed = include_str!("../../../docs/openapi.json");
        let now = super::openapi().to_pretty_json().unwrap();
        assert_eq!(
            committed.trim_end(),
            now,
            "write it anew: `cargo run -p certus-server --example openapi > docs/openapi.json`"
        );
    }
}
