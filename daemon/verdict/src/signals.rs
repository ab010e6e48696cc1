//! What the rules look at: the status, and every structured code that the facts hold.

use serde_json::Value;

use crate::facts::Facts;

/// A structured error code and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) source: &'static str,
    /// Trimmed, lower case.
    pub(crate) value: String,
}

/// The facts in the form that rules are written for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    pub(crate) status: Option<u16>,
    /// The most telling first: what the client dug out, then `code` before `type`, as vendors put the precise reason
    /// in the former and its family in the latter.
    pub(crate) codes: Vec<Code>,
}

impl Signals {
    pub(crate) fn read(facts: &Facts<'_>) -> Self {
        let mut codes = Vec::new();
        if let Some(code) = facts.code {
            push(&mut codes, "field:code", code);
        }
        if let Some(body) = facts.body.and_then(parse) {
            read_body(&mut codes, &body);
        }
        Self { status: facts.status, codes }
    }
}

/// A body is JSON, or a JSON string that holds JSON, or of no interest.
fn parse(body: &str) -> Option<Value> {
    match serde_json::from_str(body).ok()? {
        Value::String(inner) => serde_json::from_str(&inner).ok(),
        value => Some(value),
    }
}

/// OpenAI, Anthropic and those who follow them nest an `error` object; OAuth endpoints (RFC 6749, section 5.2) put the
/// code itself into `error`; others put their fields at the top.
fn read_body(codes: &mut Vec<Code>, body: &Value) {
    match body.get("error") {
        Some(Value::String(error)) => push(codes, "body:error", error),
        Some(error) => {
            push_value(codes, "body:error.code", error.get("code"));
            push_value(codes, "body:error.type", error.get("type"));
        }
        None => {}
    }
    push_value(codes, "body:code", body.get("code"));
    push_value(codes, "body:type", body.get("type"));
}

fn push_value(codes: &mut Vec<Code>, source: &'static str, value: Option<&Value>) {
    if let Some(Value::String(code)) = value {
        push(codes, source, code);
    }
}

fn push(codes: &mut Vec<Code>, source: &'static str, code: &str) {
    let value = code.trim().to_ascii_lowercase();
    if !value.is_empty() {
        codes.push(Code { source, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(code: Option<&str>, body: Option<&str>) -> Vec<(&'static str, String)> {
        let facts = Facts { code, body, ..Facts::default() };
        Signals::read(&facts).codes.into_iter().map(|code| (code.source, code.value)).collect()
    }

    #[test]
    fn codes_are_found_where_vendors_put_them() {
        let openai = r#"{"error":{"message":"…","type":"insufficient_quota","code":"Insufficient_Quota "}}"#;
        assert_eq!(
            codes(Some("x"), Some(openai)),
            [
                ("field:code", "x".to_owned()),
                ("body:error.code", "insufficient_quota".to_owned()),
                ("body:error.type", "insufficient_quota".to_owned()),
            ]
        );
        assert_eq!(codes(None, Some(r#"{"error":"invalid_grant"}"#)), [("body:error", "invalid_grant".to_owned())]);
        assert_eq!(codes(None, Some(r#""{\"code\":\"a\"}""#)), [("body:code", "a".to_owned())]);
    }

    #[test]
    fn other_bodies_have_no_codes() {
        for body in ["", "<html>", "[1]", "null", "3", r#"{"error":{"code":429}}"#, r#"{"error":null}"#, "\"x\""] {
            assert_eq!(codes(None, Some(body)), [], "{body}");
        }
    }
}
