use crate::check::{contains, prefer};
use crate::detector::Detector;

pub(super) const ROWS: &[Detector] = &[
    // https://platform.openai.com/docs/api-reference/authentication: keys hold "OpenAI" in base64.
    Detector::token(
        "openai-api-key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-"],
        r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{40,}",
    )
    .checks(&[|candidate| prefer(contains(candidate.secret(), "t3blbkfj"))]),
    Detector::token("openai-api-key", &["t3blbkfj"], "T3BlbkFJ[A-Za-z0-9]{20}")
        .lead(is_key, 23..24)
        .checks(&[|candidate| prefer(candidate.secret().starts_with(b"sk-"))]),
    // https://docs.anthropic.com/en/api/admin-api/apikeys/get-api-key
    Detector::token("anthropic-api-key", &["sk-ant-"], r"sk-ant-(?:api|admin|oat|ort)[0-9]{2}-[A-Za-z0-9_\-]{80,}"),
    // https://huggingface.co/docs/hub/security-tokens
    Detector::token("huggingface-token", &["hf_"], "hf_[A-Za-z]{34}"),
    Detector::token("huggingface-token", &["api_org_"], "api_org_[A-Za-z]{34}"),
    // https://console.groq.com/docs/api-keys
    Detector::token("groq-api-key", &["gsk_"], "gsk_[A-Za-z0-9]{52}"),
    // https://docs.perplexity.ai/guides/api-key-management
    Detector::token("perplexity-api-key", &["pplx-"], "pplx-[A-Za-z0-9]{48}"),
    // https://docs.x.ai/docs/overview
    Detector::token("xai-api-key", &["xai-"], "xai-[A-Za-z0-9]{80}"),
    // https://openrouter.ai/docs/api-reference/authentication
    Detector::token("openrouter-api-key", &["sk-or-v1-"], "sk-or-v1-[a-f0-9]{64}"),
    // https://replicate.com/docs/topics/security/api-tokens
    Detector::token("replicate-token", &["r8_"], "r8_[A-Za-z0-9]{37}"),
    // https://docs.smith.langchain.com/administration/concepts#api-keys
    Detector::token("langsmith-api-key", &["lsv2_"], "lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
];

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}
