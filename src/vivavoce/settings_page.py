"""The page `docs/settings.md`, made from the settings themselves: `python -m vivavoce.settings_page`."""

from __future__ import annotations

import sys

from vivavoce.settings import PROFILES, Settings

_COMPUTED = {
    "threads": "all cores, 8 at most",
    "data_dir": "the platform's data folder",
    "models_dir": "`~/.cache/vivavoce/models`",
}


def settings_page() -> str:
    """Markdown: one row per setting, one per profile."""
    lines = [
        "# Settings",
        "",
        "Each is an environment variable, or the lower-case name in a TOML file (`viva.toml` in the working directory,",
        "or the file that `VIVA_CONFIG` names). Options of the command line beat variables, variables beat the file.",
        "This page is generated from `src/vivavoce/settings.py`.",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = _COMPUTED.get(name) or (
            "by profile" if name in ("listen", "think", "speak", "speakers") else _shown(field.default)
        )
        lines.append(f"| `VIVA_{name.upper()}` | {default} | {field.description} |")
    lines += ["", "## Profiles", "", "| profile | listen | think | speak | speakers |", "|---|---|---|---|---|"]
    for name, engines in PROFILES.items():
        lines.append(f"| {name} | " + " | ".join(f"`{engines[stage]}`" for stage in engines) + " |")
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    return "–" if default is None else f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
