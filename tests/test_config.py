"""Settings: which source wins, that all mistakes come at once with their line, and that secrets stay hidden."""

from __future__ import annotations

import pickle
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from shopify_sync.config import EntitySettings, Flags, Secret, Settings, load, shown
from shopify_sync.errors import ConfigError

CANARY = "shpat_CANARY_7f3a"
EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str, *, flags: dict[str, str] | None = None, **environment: str) -> Settings:
    path = Path("config.yaml")
    path.write_text(text, encoding="utf-8")
    return load(Flags(**({"config": str(path)} | (flags or {}))), {"XDG_CONFIG_HOME": "/nowhere"} | environment)


def bare(**environment: str) -> Settings:
    return load(Flags(), {"XDG_CONFIG_HOME": "/nowhere"} | environment)


def problems(text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, flags=None, **environment)
    assert caught.value.exit_code == 2
    return caught.value.problems


def test_without_anything_the_defaults_hold() -> None:
    settings = bare(XDG_DATA_HOME="/data")
    assert settings.database_url == "sqlite:////data/shopify-sync/shopify-sync.db"
    assert (settings.limiter.requests_per_s, settings.limiter.burst) == (40, 80)
    assert (settings.retry.retries, settings.breaker.threshold) == (3, 5)
    assert settings.shop.api_version == "2026-10"
    assert settings.path is None


def test_flags_win_over_environment_over_file() -> None:
    text = "database_url: sqlite:///file.db\nshop: {domain: file.myshopify.com}\nlog_format: json\n"
    assert read(text).database_url == "sqlite:///file.db"
    env = {"SHOPIFY_SYNC_DATABASE_URL": "sqlite:///env.db", "SHOPIFY_SHOP_DOMAIN": "env.myshopify.com"}
    assert read(text, flags=None, **env).database_url == "sqlite:///env.db"
    assert read(text, flags=None, **env).shop.domain == "env.myshopify.com"
    flags = {"database": "sqlite:///flag.db", "shop": "flag.myshopify.com", "log_format": "text"}
    chosen = read(text, flags=flags, **env)
    assert (chosen.database_url, chosen.shop.domain) == ("sqlite:///flag.db", "flag.myshopify.com")
    assert chosen.log_format == "text"


def test_the_file_is_sought_in_the_order_of_the_contract(tmp_path: Path) -> None:
    def write(path: Path, name: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"shop: {{domain: {name}.myshopify.com}}\n", encoding="utf-8")
        return path

    env = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    write(tmp_path / "home" / "shopify-sync" / "config.yaml", "user")
    assert load(Flags(), env).shop.domain == "user.myshopify.com"
    write(tmp_path / "config.yaml", "here")
    assert load(Flags(), env).shop.domain == "here.myshopify.com"
    env["SHOPIFY_SYNC_CONFIG"] = str(write(tmp_path / "named.yaml", "named"))
    assert load(Flags(), env).shop.domain == "named.myshopify.com"
    flag = write(tmp_path / "flag.yaml", "flag")
    assert load(Flags(config=str(flag)), env).shop.domain == "flag.myshopify.com"


def test_a_key_that_nothing_comes_near_gets_the_whole_list() -> None:
    """`cap_s` is no answer to `attemps`."""
    (told,) = problems("retry: {attemps: 3}\n")
    assert "did you mean" not in told
    assert "retries" in told


def test_all_mistakes_come_at_once_with_their_line_and_the_nearest_key() -> None:
    found = problems(
        "shop:\n"
        "  domian: a.myshopify.com\n"  # 2
        "  domain: https://My-Store.myshopify.com/admin\n"
        "  access_token: ${NOT_SET_ANYWHERE}\n"  # 4
        "retry:\n"
        "  retries: many\n"  # 6
        "limitter: {}\n"  # 7
        "entities:\n"
        "  prodcts: {enabled: yes}\n"  # 9
        "  products: {enabled: 1}\n"  # 10
    )
    told = "\n".join(found)
    assert "config.yaml:2: unknown key `shop.domian`; did you mean `domain`?" in found
    assert re.search(r":4: `shop.access_token` refers to the environment variable NOT_SET_ANYWHERE", told)
    assert "config.yaml:6: `retry.retries` must be a whole number, not str" in found
    assert "config.yaml:7: unknown key `limitter`; did you mean `limiter`?" in found
    assert re.search(r":9: unknown key `entities.prodcts`; did you mean `products`", told)
    assert "config.yaml:10: `entities.products.enabled` must be true or false, not int" in found
    assert "did you mean `my-store.myshopify.com`?" in told
    assert len(found) == 7


@pytest.mark.parametrize(
    "text",
    [
        "shop: [a, b]",
        "- one\n- two",
        "shop: {domain: 5}",
        "retry: {deadline_s: -1}",
        "retry: {deadline_s: .nan}",
        "retry: {deadline_s: .inf}",
        "http: {timeout_s: 0}",
        "limiter: {requests_per_s: 0}",
        "limiter: {burst: 0}",
        "breaker: {threshold: 0}",
        "breaker: {threshold: true}",
        "log_format: xml",
        "database_url: [1]",
        "shop: {access_token: !python/name:os.system x}",
        "shop: {api_version: !unknown x}",
        "http: {timeout_s: 2026-13-45}",
        "http: {timeout_s: &a [*a]}",
        "shop: {domain: 'a.myshopify.com'}\nshop: {domain: 'b.myshopify.com'}",
        "shop: {domain: 'a.myshopify.com", "%",
        "{a: b}: c",
        "a: b\n---\nc: d",
        "shops: {one: 5}",
        "shops: {one: {domain: nonsense}}",
    ],
)  # fmt: skip
def test_bad_yaml_is_a_problem_with_its_line_and_never_a_crash(text: str) -> None:
    found = problems(text)
    assert found
    assert all(re.match(r"config\.yaml:\d+: ", problem) for problem in found), found


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mistakes") as caught:
        load(Flags(config=str(tmp_path / "absent.yaml")), {})
    assert "can't be read" in caught.value.problems[0]
    Path("latin.yaml").write_bytes(b"shop: {domain: caf\xe9}")
    with pytest.raises(ConfigError) as caught:
        load(Flags(config="latin.yaml"), {})
    assert "UTF-8" in caught.value.problems[0]


def test_an_empty_file_and_empty_values_are_the_defaults() -> None:
    assert read("").limiter.burst == 80
    assert read("# only a comment\n").limiter.burst == 80
    settings = read("shop:\nlimiter:\n  burst:\ndatabase_url:\nlog_format:\nentities:\nshops:\n", XDG_DATA_HOME="/d")
    assert (settings.limiter.burst, settings.log_format) == (80, "text")
    assert settings.database_url.startswith("sqlite:////d/")


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.evil.com", "http://localhost.evil.com", "http://127.0.0.1@evil.com",
            "ftp://127.0.0.1", "127.0.0.1:80", "http://user:pw@127.0.0.1", "https://a.example/?x=1"]
)  # fmt: skip
def test_a_token_never_goes_to_a_strange_address_in_clear(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bare(SHOPIFY_API_URL=url, SHOPIFY_ACCESS_TOKEN=CANARY)
    assert "SHOPIFY_API_URL" in caught.value.problems[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8765", "http://localhost:1/", "http://[::1]:80"])
def test_a_loopback_address_without_a_domain_is_the_sandbox(url: str) -> None:
    assert bare(SHOPIFY_API_URL=url).shop.domain == "sandbox.myshopify.com"
    assert bare(SHOPIFY_API_URL=url, SHOPIFY_SHOP_DOMAIN="a.myshopify.com").shop.domain == "a.myshopify.com"
    assert bare(SHOPIFY_API_URL="https://proxy.example").shop.domain == ""


@pytest.mark.parametrize("domain", ["my-store", "my-store.com", "a.myshopify.com.evil.com", "-a.myshopify.com", "a b"])
def test_a_malformed_domain_is_refused(domain: str) -> None:
    with pytest.raises(ConfigError, match="mistakes") as caught:
        bare(SHOPIFY_SHOP_DOMAIN=domain)
    assert "must be like my-store.myshopify.com" in caught.value.problems[0]


def test_a_named_shop_brings_its_own_credentials() -> None:
    text = (
        "shop: {domain: main.myshopify.com, access_token: main-token}\n"
        "shops:\n  outlet: {domain: outlet.myshopify.com, access_token: outlet-token}\n"
    )
    for name in ("outlet", "outlet.myshopify.com"):
        chosen = read(text, flags={"shop": name}, SHOPIFY_ACCESS_TOKEN="from-environment")
        assert chosen.shop.domain == "outlet.myshopify.com"
        assert chosen.shop.access_token == Secret("outlet-token")
    assert read(text).shop.access_token == Secret("main-token")
    with pytest.raises(ConfigError) as caught:
        read(text, flags={"shop": "outlett"})
    assert "`outlet`" in caught.value.problems[0]


def test_a_missing_shop_stops_only_those_who_need_one() -> None:
    with pytest.raises(ConfigError) as caught:
        bare().require_shop()
    assert len(caught.value.problems) == 2
    both = {"SHOPIFY_CLIENT_ID": "id", "SHOPIFY_CLIENT_SECRET": "secret", "SHOPIFY_SHOP_DOMAIN": "a.myshopify.com"}
    assert bare(**both).require_shop().client_id == "id"
    with pytest.raises(ConfigError):
        bare(SHOPIFY_CLIENT_SECRET="x", SHOPIFY_SHOP_DOMAIN="a.myshopify.com")


def test_a_bad_log_format_flag_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Flags(log_format="xml"), {})
    assert "text or json" in caught.value.problems[0]


def test_secrets_come_from_the_environment_or_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text(f"{CANARY}\n", encoding="utf-8")
    assert read("shop: {access_token: '${MY_TOKEN}'}", MY_TOKEN=CANARY).shop.access_token == Secret(CANARY)
    assert read("shop: {access_token: file:token.txt}").shop.access_token == Secret(CANARY)
    assert "can't be read" in problems("shop: {access_token: file:absent.txt}")[0]
    assert read("database_url: ${DB}", DB="sqlite:///x.db").database_url == "sqlite:///x.db"


def test_a_keyring_is_asked_by_service_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    class Keyring:
        @staticmethod
        def get_password(service: str, user: str) -> str | None:
            return CANARY if (service, user) == ("shop", "me") else None

    monkeypatch.setitem(__import__("sys").modules, "keyring", Keyring)
    assert read("shop: {access_token: keyring:shop/me}").shop.access_token == Secret(CANARY)
    assert "has nothing" in problems("shop: {access_token: keyring:shop/you}")[0]


def test_a_secret_shows_itself_to_nobody_but_reveal() -> None:
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    settings = bare(
        SHOPIFY_ACCESS_TOKEN=CANARY, SHOPIFY_CLIENT_ID="id", SHOPIFY_CLIENT_SECRET=CANARY, SHOPIFY_WEBHOOK_SECRET=CANARY
    )
    every = [repr(secret), str(secret), f"{secret:>20}", f"{secret!r}", repr(settings), str(settings.shop)]
    assert not any(CANARY in text for text in every)
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "url",
    [f"postgresql://sync:{CANARY}@localhost/shop", f"postgresql://localhost/shop?user=a&password={CANARY}",
     f"postgresql://sync:{CANARY}@p@localhost/shop"],
)  # fmt: skip
def test_a_database_password_is_not_shown(url: str) -> None:
    assert CANARY not in str(shown(bare(SHOPIFY_SYNC_DATABASE_URL=url)))


def test_no_problem_repeats_a_value_that_may_be_a_secret() -> None:
    texts = (
        f"shop: {{domain: {CANARY}}}",
        f"retry: {{retries: {CANARY}}}",
        f"log_format: {CANARY}",
        f"shop: {CANARY}",
        f"shop: {{access_token: [{CANARY}]}}",
        f"{CANARY}: [",
    )
    for text in texts:
        assert CANARY not in str(problems(text)), text


def test_the_example_is_safe_to_copy() -> None:
    settings = read(EXAMPLE.read_text(encoding="utf-8"), XDG_DATA_HOME="/data")
    default = bare(XDG_DATA_HOME="/data")
    for name in ("shop", "limiter", "breaker", "retry", "http", "sync", "log_format", "database_url"):
        assert getattr(settings, name) == getattr(default, name), name


def test_the_example_names_every_key_with_a_comment() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    names: list[Any] = [f.name for f in fields(Settings) if f.name not in ("path", "state_dir")]
    for section in (Settings().shop, Settings().limiter, Settings().breaker, Settings().retry, Settings().http):
        names += [f.name for f in fields(section)]
    names += [f.name for kind in (Settings().sync, EntitySettings()) for f in fields(kind)]
    for name in [*names, "shops"]:
        assert re.search(rf"^\s*(# *)?{name}:", text, re.MULTILINE), name


def test_the_example_holds_when_every_commented_line_is_put_in_force() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(re.sub(r"^(\s*)# ?(?=\s*[a-z_.]+:(\s|$))", r"\1", line) for line in lines)
    env = dict.fromkeys(("SHOPIFY_CLIENT_ID", "SHOPIFY_CLIENT_SECRET", "SHOPIFY_ACCESS_TOKEN", "OUTLET_TOKEN"), "x")
    Path("webhook-secret.txt").write_text("hush", encoding="utf-8")
    settings = read(text, flags=None, **env)
    assert settings.shop.domain == "my-store.myshopify.com"
    assert settings.shop.webhook_secret == Secret("hush")
    assert settings.entities["products"].fields == {"variants.price": "local", "description_html": "shopify"}
