"""`viva keys` and `viva usage`: who may ask, what was used, what it would have cost.

No logic of its own: each command calls one function of `accounting` and prints what it says.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
DayArgument = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day, in UTC [default: the first of this month].")
]

keys_app = typer.Typer(
    no_args_is_help=True,
    help="API keys: make, list and revoke them.\n\n"
    "Without any key, a server answers this machine only, and everybody on it. Once there is a key, one is asked for.",
)


def _usd(text: str) -> Decimal:
    try:
        usd = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise typer.BadParameter("An amount in US dollars, as 12.50.") from None
    if not usd.is_finite() or usd < 0:
        raise typer.BadParameter("An amount in US dollars, as 12.50.")
    return usd


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for; shown in lists and in `viva usage`.")],
    requests_per_minute: Annotated[
        int | None,
        typer.Option("--requests-per-minute", "--rpm", min=1, help="Requests that it may start in a minute."),
    ] = None,
    tokens_per_minute: Annotated[
        int | None,
        typer.Option("--tokens-per-minute", "--tpm", min=1, help="Tokens, in and out, that it may use in one."),
    ] = None,
    monthly_tokens: Annotated[
        int | None, typer.Option(min=0, help="Tokens that it may use in a calendar month (UTC).")
    ] = None,
    monthly_usd: Annotated[
        Decimal | None,
        typer.Option(parser=_usd, metavar="USD", help="US dollars, by the price book, that it may use in a month."),
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="It also sees /metrics and, by /v1/usage, what every key used.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it: for the only time, since nothing but a hash of it is kept.

    The key itself is all there is on standard output: KEY=$(viva keys create laptop). Where no limit is given, there is
    none.
    """
    from vivavoce.accounting.keys_console import create_key
    from vivavoce.ledger.keys import KeyLimits
    from vivavoce.settings import load_settings

    limits = KeyLimits(requests_per_minute, tokens_per_minute, monthly_tokens, monthly_usd)
    create_key(load_settings().data_dir, name, limits, admin=admin, as_json=as_json)


@keys_app.command("list")
def keys_list(
    revoked: Annotated[bool, typer.Option("--all", help="Revoked ones too.")] = False, as_json: JsonOption = False
) -> None:
    """Every key in force: its limits, and what it used this month. Keys themselves are not shown: nobody has them."""
    from vivavoce.accounting.keys_console import show_keys
    from vivavoce.settings import load_settings

    show_keys(load_settings().data_dir, revoked=revoked, as_json=as_json)


@keys_app.command("revoke")
def keys_revoke(which: Annotated[str, typer.Argument(help="Its name or its id, of `viva keys list`.")]) -> None:
    """Revoke a key. Running servers refuse it within a second; what it used stays in the ledger.

    A server whose last key was revoked lets nobody in: it does not become open again.
    """
    from vivavoce.accounting.keys_console import revoke_key
    from vivavoce.settings import load_settings

    revoke_key(load_settings().data_dir, which)


def usage(
    since: DayArgument = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, in UTC [default: today].")
    ] = None,
    by: Annotated[
        str, typer.Option(help="What to tell apart: day, key and model, joined by commas.")
    ] = "day,key,model",
    compare: Annotated[
        bool, typer.Option("--compare", help="What it cost here (VIVA_COST_PER_HOUR), beside what it would have there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What was used: requests, tokens, seconds of sound, and what the original would have asked for them.

    Reads the ledger of this machine, which a running server writes to a moment after each request.
    """
    from vivavoce.accounting.usage_console import show_usage
    from vivavoce.ledger.usage import BY
    from vivavoce.settings import load_settings

    asked = {name.strip() for name in by.split(",") if name.strip()}
    if unknown := asked - set(BY):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))} is none of {', '.join(BY)}.")
    show_usage(
        load_settings().data_dir,
        since.date() if since else None,
        until.date() if until else None,
        [name for name in BY if name in asked],
        compare=compare,
        as_json=as_json,
    )
