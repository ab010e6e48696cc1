//! What Hermes puts into a pool's rows whenever it loads them: the secrets that it keeps elsewhere.
//!
//! After hermes-agent 0.19.0 (agent/credential_pool.py, `_seed_from_singletons`, `_seed_from_env` and `_seed_custom_pool`),
//! with these differences, all of them meant:
//!
//! - Hermes makes a row for whatever it finds. Here that is so only for what stands in the Hermes home; the daemon's own
//!   environment and the logins of other programs fill rows that Hermes has made, and make none. Who set up the daemon
//!   need not have meant to share them.
//! - A reference that Hermes resolves by running a program (`op://…`) or that names a variable which is not set is no
//!   secret. Hermes sends it to the provider as it stands.
//! - A `secret_fingerprint` differs wherever a secret was replaced since Hermes last loaded the pool. Hermes writes it and
//!   never reads it, so whatever stands in a file of the home or of another program is served without a word, as Hermes
//!   serves it. A variable of the daemon's own environment is served, too, but with a warning if it differs: it cannot
//!   change while the daemon runs, and Hermes has another.
//! - Copilot's `gh_cli` needs a program and a network; it is left to Hermes. So is finding out by trial where a key of Z.AI
//!   is good: what Hermes found out is used.

use zeroize::Zeroizing;

use super::dotenv::{Dotenv, Found};
use super::hermes_config::{Endpoint, HermesConfig};
use super::jwt::Claims;
use super::logins::{self, Login};
use super::providers::{PROVIDERS, Provider, provider};
use super::row::StoredRow;
use super::secret::Secret;
use super::store::Store;
use super::token_file::{FileToken, Holder, TokenFiles};
use super::tokens::Tokens;
use super::yaml::Scalar;
use crate::config::AuthType;

/// Where Hermes looks besides a pool's own rows.
pub(super) struct Places<'a> {
    pub(super) dotenv: &'a Dotenv,
    pub(super) config: &'a HermesConfig,
    /// The auth.json of the home.
    pub(super) store: Option<&'a Store>,
    /// The auth.json of the root, if the home is a profile's: its logins count where the home's own has none.
    pub(super) root: Option<&'a Store>,
    /// The logins that stand in files of their own.
    pub(super) files: &'a TokenFiles,
    /// A variable of the daemon's environment.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

/// What Hermes would put into the row with this source.
#[derive(Debug)]
pub(super) struct Seed {
    pub(super) source: String,
    pub(super) label: String,
    pub(super) auth_type: AuthType,
    pub(super) tokens: Tokens,
    /// Whether it makes a row where there is none.
    pub(super) makes_row: bool,
    /// Whether its secret is from the daemon's environment, which does not change while the daemon runs.
    pub(super) is_from_environment: bool,
}

impl Places<'_> {
    /// The pools that a seed could make.
    pub(super) fn pools(&self) -> impl Iterator<Item = String> {
        let known = PROVIDERS.iter().map(|provider| provider.pool.to_owned());
        known.chain(self.config.endpoints.iter().filter_map(|endpoint| endpoint.pool(&|text| self.expand(text))))
    }

    /// Whether the user told Hermes not to use this source.
    pub(super) fn is_suppressed(&self, pool: &str, source: &str) -> bool {
        self.store.is_some_and(|store| store.is_suppressed(pool, source))
    }

    /// The login of `pool`'s provider.
    pub(super) fn login(&self, pool: &str) -> Option<&Login> {
        self.store.and_then(|store| store.logins.of(pool)).or_else(|| self.root?.logins.of(pool))
    }

    /// What Hermes would put into the rows of `pool`, in its order, but for what is suppressed.
    pub(super) fn seeds(&self, pool: &str, rows: &[StoredRow]) -> Vec<Seed> {
        let mut seeds = Vec::new();
        if pool.starts_with("custom:") {
            seeds.extend(self.endpoint_seed(pool));
            seeds.extend(self.model_seed(pool));
        } else {
            seeds.extend(self.login_seed(pool, rows));
            let files = Holder::ALL.into_iter().filter(|holder| holder.pool() == pool);
            seeds.extend(files.filter_map(|holder| self.file_seed(holder, rows)));
            let provider = provider(pool);
            let variables =
                provider.into_iter().flat_map(|provider| provider.variables.iter().map(move |v| (provider, v)));
            seeds.extend(variables.filter_map(|(provider, variable)| self.env_seed(provider, variable)));
        }
        seeds.retain(|seed| !self.is_suppressed(pool, &seed.source));
        seeds
    }

    /// Why Anthropic's rows of this source are not filled, if they are not; Hermes deletes them then.
    ///
    /// It uses logins that it finds only where somebody chose Anthropic, and not where somebody chose an API key of it.
    pub(super) fn why_not(&self, holder: Holder, rows: &[StoredRow]) -> Option<String> {
        if holder.pool() == "anthropic" {
            let is_set = |variable| self.variable(variable).is_some();
            if !self.is_anthropic_chosen(rows) {
                return Some(
                    "Hermes uses this login only where anthropic is its provider or has keys of its own".to_owned(),
                );
            }
            if is_set("ANTHROPIC_API_KEY") && !is_set("ANTHROPIC_TOKEN") && !is_set("CLAUDE_CODE_OAUTH_TOKEN") {
                return Some("Hermes uses no login where ANTHROPIC_API_KEY is set".to_owned());
            }
        }
        self.files.get(holder).is_none().then(|| format!("there is no such login: {}", holder.advice()))
    }

    /// hermes_cli/auth.py of 0.19.0, `is_provider_explicitly_configured`.
    fn is_anthropic_chosen(&self, rows: &[StoredRow]) -> bool {
        let is_anthropic = |name: &str| name.trim().eq_ignore_ascii_case("anthropic");
        let active = self.store.and_then(|store| store.active_provider.as_deref()).is_some_and(is_anthropic);
        let configured = self.config.model.provider.text().is_some_and(is_anthropic);
        // CLAUDE_CODE_OAUTH_TOKEN is Claude Code's own, and says nothing.
        let keyed = ["ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN"].into_iter().any(|name| self.variable(name).is_some());
        let by_row = rows.iter().any(|row| match row.source.split_once(':') {
            Some(("env", variable)) => self.variable(variable.trim()).is_some(),
            Some((kind, _)) => kind == "manual",
            None => matches!(row.source.as_str(), "manual" | "device_code" | "loopback_pkce" | "hermes_pkce"),
        });
        active || configured || keyed || by_row
    }

    fn login_seed(&self, pool: &str, rows: &[StoredRow]) -> Option<Seed> {
        let source = logins::source(pool)?;
        let login = self.login(pool)?;
        let tokens = login.tokens()?.clone();
        // Until 0.18, xAI's login had a row of this name.
        let has = |source: &str| rows.iter().any(|row| row.source == source);
        let old = pool == "xai-oauth" && has("loopback_pkce") && !has(source);
        let source = if old { "loopback_pkce" } else { source };
        let base_url = match pool {
            "openai-codex" | "xai-oauth" => provider(pool).map(|provider| provider.base_url.to_owned()),
            _ => tokens.base_url.clone(),
        };
        Some(Seed {
            label: login.label().unwrap_or_else(|| source.to_owned()),
            source: source.to_owned(),
            auth_type: AuthType::OAuth,
            tokens: Tokens { base_url, ..tokens },
            makes_row: true,
            is_from_environment: false,
        })
    }

    fn file_seed(&self, holder: Holder, rows: &[StoredRow]) -> Option<Seed> {
        if self.why_not(holder, rows).is_some() {
            return None;
        }
        let FileToken { token, expires_at_ms } = self.files.get(holder)?.clone();
        let base_url = (holder == Holder::QwenCli).then(|| self.base_url(provider(holder.pool())?, &token)).flatten();
        Some(Seed {
            source: holder.source().to_owned(),
            label: Claims::read(token.expose()).and_then(|c| c.name).unwrap_or_else(|| holder.source().to_owned()),
            auth_type: AuthType::OAuth,
            tokens: Tokens { access_token: Some(token), expires_at_ms, base_url, ..Tokens::default() },
            makes_row: holder.is_hermes(),
            is_from_environment: false,
        })
    }

    fn env_seed(&self, provider: &Provider, variable: &str) -> Option<Seed> {
        let Found { secret, is_from_environment } = self.dotenv.lookup(variable, self.env).ok()?;
        Some(Seed {
            source: format!("env:{variable}"),
            label: variable.to_owned(),
            auth_type: AuthType::ApiKey,
            tokens: Tokens {
                base_url: self.base_url(provider, &secret),
                access_token: Some(secret),
                ..Tokens::default()
            },
            makes_row: !is_from_environment,
            is_from_environment,
        })
    }

    /// Where requests with a key from a variable go. `None` leaves it to the row.
    fn base_url(&self, provider: &Provider, key: &Secret) -> Option<String> {
        let said =
            Some(provider.base_url_variable).filter(|variable| !variable.is_empty()).and_then(|v| self.variable(v));
        if let Some(url) = said {
            return Some(url.expose().trim_end_matches('/').to_owned());
        }
        let url = match provider.pool {
            "kimi-coding" if key.expose().starts_with("sk-kimi-") => "https://api.kimi.com/coding",
            "zai" => return self.login("zai").and_then(|login| login.endpoint(key)).map(str::to_owned),
            _ => provider.base_url,
        };
        (!url.is_empty()).then(|| url.to_owned())
    }

    fn endpoint_seed(&self, pool: &str) -> Option<Seed> {
        let endpoint = self.config.endpoint(pool, &|text| self.expand(text))?;
        let name = self.expand(endpoint.name.text()?)?;
        let seed = self.config_seed(&format!("config:{}", name.trim()), &endpoint.base_url, &endpoint.api_key)?;
        Some(Seed { label: name.trim().to_owned(), ..seed })
    }

    fn model_seed(&self, pool: &str) -> Option<Seed> {
        let model = &self.config.model;
        let url = |scalar: &Scalar| Some(self.expand(scalar.text()?)?.trim_end_matches('/').to_owned());
        let is_custom = model.provider.text().is_some_and(|name| name.eq_ignore_ascii_case("custom"));
        let base_url = url(&model.base_url).filter(|_| is_custom)?;
        // The first endpoint there, whose pool then has the key.
        let is_there = |endpoint: &&Endpoint| url(&endpoint.base_url).is_some_and(|url| url == base_url);
        let endpoint = self.config.endpoints.iter().find(is_there)?;
        let is_own = endpoint.pool(&|text| self.expand(text)).as_deref() == Some(pool);
        if is_own { self.config_seed("model_config", &model.base_url, &model.api_key) } else { None }
    }

    fn config_seed(&self, source: &str, base_url: &Scalar, api_key: &Scalar) -> Option<Seed> {
        let key = self.expand(api_key.text()?)?;
        let base_url = base_url.text().and_then(|url| self.expand(url));
        Some(Seed {
            source: source.to_owned(),
            label: source.to_owned(),
            auth_type: AuthType::ApiKey,
            tokens: Tokens {
                access_token: Some(Secret::new(key.trim())),
                base_url: base_url.map(|url| url.trim_end_matches('/').to_owned()).filter(|url| !url.is_empty()),
                ..Tokens::default()
            },
            makes_row: true,
            is_from_environment: false,
        })
    }

    /// The value that Hermes would have for a variable.
    pub(super) fn variable(&self, name: &str) -> Option<Secret> {
        self.dotenv.lookup(name, self.env).ok().map(|found| found.secret)
    }

    /// `text` with every `${VARIABLE}` replaced; `None` if one of them has no value.
    pub(super) fn expand(&self, text: &str) -> Option<Zeroizing<String>> {
        let mut expanded = Zeroizing::new(String::with_capacity(text.len()));
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            expanded.push_str(before);
            expanded.push_str(self.variable(name)?.expose());
            rest = after;
        }
        expanded.push_str(rest);
        Some(expanded)
    }
}
