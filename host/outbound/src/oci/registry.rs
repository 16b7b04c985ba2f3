use certus_model::Sha256;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;

use super::OciReference;
use super::challenge::Challenge;
use super::document::{DOCUMENT_TYPE, Descriptor, UnverifiedDocument};
use crate::client::client;
use crate::credential::Credential;
use crate::error::Error;
use crate::fetch::{body, silent};
use crate::guard::Guard;
use crate::url::RemoteUrl;

/// Largest document of an artifact that is read, in bytes. Those of ours have three descriptors.
const DOCUMENT: usize = 64 << 10;
/// Largest answer with a token that is read, in bytes.
const TOKEN: usize = 64 << 10;

/// What a token is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    Pull,
    Push,
}

/// A registry, pinned, with what it has been shown so far.
pub(super) struct Registry<'a> {
    guard: &'a Guard,
    reference: &'a OciReference,
    login: Option<&'a Credential>,
    scope: Scope,
    client: Client,
    authorization: Option<HeaderValue>,
}

impl<'a> Registry<'a> {
    pub(super) async fn open(
        guard: &'a Guard,
        reference: &'a OciReference,
        login: Option<&'a Credential>,
        scope: Scope,
    ) -> Result<Self, Error> {
        let client = reach(guard, &reference.document()).await?;
        Ok(Self { guard, reference, login, scope, client, authorization: None })
    }

    /// The artifact's document with its digest.
    pub(super) async fn document(&mut self) -> Result<(UnverifiedDocument, Sha256), Error> {
        let url = self.reference.document();
        let response = self.get(&url).await?;
        let bytes = body(url.as_str(), self.found(&url, response)?, DOCUMENT).await?;
        let digest = Sha256::of(&bytes);
        if self.reference.digest().is_some_and(|wanted| wanted != digest) {
            return Err(self.differs());
        }
        Ok((UnverifiedDocument::parse(&bytes, self.reference)?, digest))
    }

    /// Content of at most `limit` bytes.
    pub(super) async fn blob(&mut self, wanted: Descriptor, limit: usize) -> Result<Vec<u8>, Error> {
        let url = self.reference.blob(wanted.digest);
        if wanted.size > limit as u64 {
            return Err(Error::TooLarge { url: url.to_string(), limit });
        }
        let mut response = self.get(&url).await?;
        if response.status().is_redirection() {
            response = self.elsewhere(&url, &response).await?;
        }
        let bytes = body(url.as_str(), self.found(&url, response)?, limit).await?;
        if Sha256::of(&bytes) == wanted.digest { Ok(bytes) } else { Err(self.differs()) }
    }

    /// Follows a redirect, once, to where the registry keeps its content. The login stays here.
    async fn elsewhere(&self, url: &RemoteUrl, response: &Response) -> Result<Response, Error> {
        let moved = || Error::Status { url: url.to_string(), status: response.status().as_u16() };
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(moved)?;
        let location = match location.starts_with('/') {
            true => format!("https://{}{location}", self.reference.registry()),
            false => location.to_owned(),
        };
        let target = Target::parse(&location)?;
        let request = reach(self.guard, &target.url).await?.get(target.address());
        request.send().await.map_err(|cause| silent(target.url.as_str(), cause))
    }

    async fn get(&mut self, url: &RemoteUrl) -> Result<Response, Error> {
        let accept = format!("{DOCUMENT_TYPE}, */*;q=0.1");
        self.ask(url, |client| Ok(client.get(url.as_str()).header(ACCEPT, &accept))).await
    }

    /// Asks, and asks again with what the registry wants to see. `url` is what errors show.
    pub(super) async fn ask(
        &mut self,
        url: &RemoteUrl,
        request: impl Fn(&Client) -> Result<RequestBuilder, Error>,
    ) -> Result<Response, Error> {
        let response = self.send(url, request(&self.client)?).await?;
        if response.status().as_u16() != 401 || self.authorization.is_some() {
            return Ok(response);
        }
        let Some(challenge) = Challenge::of(response.headers()) else { return Ok(response) };
        let Some(authorization) = self.answer(challenge).await? else { return Ok(response) };
        self.authorization = Some(authorization);
        let again = request(&self.client)?;
        self.send(url, again).await
    }

    async fn send(&self, url: &RemoteUrl, mut request: RequestBuilder) -> Result<Response, Error> {
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.send().await.map_err(|cause| silent(url.as_str(), cause))
    }

    /// What a challenge is answered with; nothing where a login is needed and there is none.
    async fn answer(&self, challenge: Challenge) -> Result<Option<HeaderValue>, Error> {
        let (realm, service) = match challenge {
            Challenge::Basic => return Ok(self.login.map(basic)),
            Challenge::Bearer { realm, service } => (realm, service),
        };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut target = Target::parse(&realm)?;
        // Ours, whatever the registry proposes: this one repository, and no more than is needed.
        let actions = match self.scope {
            Scope::Pull => "pull",
            Scope::Push => "pull,push",
        };
        target.add(&format!("scope={}", encoded(&format!("repository:{}:{actions}", self.reference.repository()))));
        if let Some(service) = service {
            target.add(&format!("service={}", encoded(&service)));
        }
        let mut request = reach(self.guard, &target.url).await?.get(target.address());
        if let Some(login) = self.login {
            request = request.header(AUTHORIZATION, basic(login));
        }
        let response = request.send().await.map_err(|cause| silent(target.url.as_str(), cause))?;
        let bytes = body(target.url.as_str(), self.found(&target.url, response)?, TOKEN).await?;
        let token =
            serde_json::from_slice::<Answer>(&bytes).ok().and_then(|answer| answer.token.or(answer.access_token));
        let token = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        let mut token = token.ok_or_else(|| {
            Error::artifact(self.reference, "lies in a registry that gives out no usable token", "ask its operator")
        })?;
        token.set_sensitive(true);
        Ok(Some(token))
    }

    /// An answer that is content.
    pub(super) fn found(&self, url: &RemoteUrl, response: Response) -> Result<Response, Error> {
        match response.status().as_u16() {
            200 => Ok(response),
            401 | 403 => Err(Error::artifact(
                self.reference,
                "asks for a login, or refuses the one it was given",
                match self.scope {
                    Scope::Pull => "give one that may pull",
                    Scope::Push => "give one that may push",
                },
            )),
            404 => Err(Error::artifact(self.reference, "is not there", "check repository, tag and digest")),
            status => Err(Error::Status { url: url.to_string(), status }),
        }
    }

    pub(super) fn differs(&self) -> Error {
        Error::artifact(self.reference, "is not what its digest says", "ask the registry's operator")
    }
}

/// A token by one of its two names, or by both.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// A client for the host of `url`.
async fn reach(guard: &Guard, url: &RemoteUrl) -> Result<Client, Error> {
    let pinned = guard.pin_async(url).await?;
    client(&pinned).map_err(|cause| Error::Host { url: url.to_string(), cause: cause.into() })
}

fn basic(login: &Credential) -> HeaderValue {
    let mut value = HeaderValue::from_str(&login.basic()).expect("Base64 is printable");
    value.set_sensitive(true);
    value
}

/// An address that a registry has named. Its query may be a signature: it is sent, and shown nowhere.
pub(super) struct Target {
    pub(super) url: RemoteUrl,
    query: String,
}

impl Target {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (url, query) = text.split_once('?').unwrap_or((text, ""));
        let plain = query.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        let url: RemoteUrl = if plain { url.parse()? } else { text.parse()? };
        Ok(Self { url, query: query.to_owned() })
    }

    pub(super) fn add(&mut self, parameter: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(parameter);
    }

    pub(super) fn address(&self) -> String {
        if self.query.is_empty() { self.url.to_string() } else { format!("{}?{}", self.url, self.query) }
    }
}
