"""`keys new`."""

from __future__ import annotations

from pathlib import Path

import click

from embodied_kit.cli.options import example, path_option, verb, verbs
from embodied_kit.cli.texts import Texts

ROLES = ("lab", "verifier", "centre")


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    return verbs("keys", texts("Signing keys.", "签名密钥。"), [_new(texts)])


def _new(texts: Texts) -> click.Command:
    def run(name: str, directory: Path, roles: tuple[str, ...], passphrase: bool) -> int:
        from embodied_validators.attest.keys import new_key  # noqa: PLC0415  # arrows

        secret = None
        if passphrase:
            secret = click.prompt(texts("Passphrase", "口令"), hide_input=True, confirmation_prompt=True)
        made = new_key(directory, name, secret, roles=tuple(roles) or ("lab",))  # type: ignore[arg-type]  # click.Choice
        click.echo(texts(f"private key, keep it: {made.private}", f"私钥（请妥善保管）：{made.private}"))
        click.echo(texts(f"trust file, give it to verifiers: {made.trust}", f"信任文件（交给核验方）：{made.trust}"))
        return 0

    return verb(
        "new",
        run,
        params=[
            click.Argument(["name"]),
            path_option(
                "--dir",
                "directory",
                default="keys",
                help_text=texts("Folder for the files.", "存放文件夹。"),
            ),
            click.Option(["--role", "roles"], multiple=True, type=click.Choice(ROLES), help=texts("Role.", "角色。")),
            click.Option(["--passphrase"], is_flag=True, help=texts("Encrypt it; asks.", "加密私钥（会询问口令）。")),
        ],
        help_text=example(
            texts,
            "Make an Ed25519 key and its trust file.",
            "生成 Ed25519 密钥与信任文件。",
            "embodied-kit keys new my_lab",
        ),
    )
