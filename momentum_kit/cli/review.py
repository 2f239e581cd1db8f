"""`momentum-kit review`: the trades of a week, looked back at; tags, notes and other exits, and a page of it all."""

import json
from pathlib import Path
from typing import Annotated

import typer

from momentum_kit.cli.common import LOOK, Json, app, done
from momentum_kit.errors import InputError


@app.command(rich_help_panel=LOOK)
def review(
    folder: Annotated[Path, typer.Argument(help="Where sessions leave their records, or one of them.")] = Path("runs"),
    first: Annotated[
        str | None, typer.Option("--from", help="First New York day; without it the first there is.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last New York day; without it the last there is.")] = None,
    by: Annotated[
        str, typer.Option("--by", help="Together by day, hour, catalyst, provider, exit, symbol or tag.")
    ] = "",
    trade: Annotated[str, typer.Option("--trade", help="One of them: its number in the table, or its name.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Tag the trade; may stand several times.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", help="Take a tag away.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="Write a note to the trade; empty takes it away.")] = None,
    picture: Annotated[Path | None, typer.Option("--picture", help="The trade on its tape, as a PNG.")] = None,
    other_exits: Annotated[
        bool, typer.Option("--other-exits", help="HINDSIGHT: 36 other exits, each counted as a trial.")
    ] = False,
    page: Annotated[Path | None, typer.Option("--page", help="All of it with every picture, as one HTML file.")] = None,
    json_: Json = False,
) -> None:
    """Look back at trades: what each went through, what they have in common, your notes, what else was to be had."""
    from momentum_kit.notebook.review import Review
    from momentum_kit.pages import RenderedTable

    noted = bool(tag or untag or note is not None)
    if (noted or picture) and not trade:
        raise InputError("--tag, --untag, --note and --picture want --trade: its number in the table, or its name")
    looked = Review(folder, first, last)
    told: list[str] = []
    if tag:
        looked.tag(trade, *tag)
    if untag:
        looked.untag(trade, *untag)
    if note is not None:
        looked.note(trade, note)
    if trade:
        told += looked.words(trade) if not (noted or picture) else [f"{trade}: {looked.notes(trade)}"] if noted else []
    if picture:
        looked.picture(trade, picture)
        told.append(f"{picture}: written")
    if page:
        told.append(f"{looked.page(page)}: written")
    tables = {f"by_{by}": looked.by(by)} if by else {} if other_exits else {"trades": looked.trades()}
    if other_exits:
        tables["other_exits"] = looked.other_exits()
    result = {"conclusion": looked.conclusion(), "problems": list(looked.problems), "trade": trade, "told": told}
    result |= {name: json.loads(frame.to_json(orient="records", date_format="iso")) for name, frame in tables.items()}
    if not told or by or other_exits:
        told += [looked.conclusion(), *looked.problems]
        for frame in tables.values():
            shown = frame.drop(columns=["headline", "note"], errors="ignore")
            told += [RenderedTable.of(shown).text()] if len(shown) else []
    done(json_, result, "\n".join(told))
