"""A study of one archive, step by step, and the folder of what was found: the face of research.

    study = Study("data/sample")
    study.counts()                                   who speaks, about what, how late
    study.events()                                   events.parquet: features and outcomes net of costs
    study.event_study(by="catalyst")                 what the tape does, and what a buyer without a rule nets
    study.sweep({"min_z_tod": [2, 4, 6, 8]})         sweep.json, cells.parquet; every trial counted in trials.db
    study.tuning()                                   the dials of both by hand, booked whole; with widgets: tuner()
    study.tear_sheet()                               the fills of one set of thresholds, from every side
    study.validate()                                 verdict.md, verdict.html, evidence.json
    study.export("my_thresholds")                    config/thresholds/my_thresholds.yaml

What a step returns shows itself in a cell, prints in words, draws its pictures and ends in a `conclusion()`. The steps
are those of `momentum-kit research`, in the same folder: a study may go on in the other.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import Thresholds, find_project, load_config, load_thresholds
from momentum_kit.errors import InputError, ResearchError
from momentum_kit.pages import ReadableFrame
from momentum_kit.research.event_study import abnormal_returns, archived_bars, groups, net_by_delay, paths
from momentum_kit.research.events import EventTable, Run, build, exit_rules, read_news, study_assumptions
from momentum_kit.research.funnel import Funnel, ShadowBook, keep_shadow_book, shadow_tables, trace_funnel
from momentum_kit.research.seals import guard_sealed_day, record_folder
from momentum_kit.research.study.event_list import EventList
from momentum_kit.research.study.event_study_view import EventStudy
from momentum_kit.research.study.forward_record import ForwardRecord, forward_record
from momentum_kit.research.study.given import Day, Impute, archive_folder, imputed_latency, looked_up, studied_days
from momentum_kit.research.study.headline_counts import HeadlineCounts, count_headlines
from momentum_kit.research.study.running import running
from momentum_kit.research.study.study_folder import StudyFolder
from momentum_kit.research.study.sweep_view import Sweep
from momentum_kit.research.study.tuner_opening import open_tuning
from momentum_kit.research.study.verdict_page import PICTURE, markdown, to_html
from momentum_kit.research.study.verdict_picture import verdict_svg
from momentum_kit.research.study.verdict_view import Judgement
from momentum_kit.research.sweep import Grid, SweepDefinition, SweepResult, grid_of, read_axes, read_grid
from momentum_kit.research.tear_sheet import TearSheet, exit_table, rank_correlations, study_fills
from momentum_kit.research.tuner import Tuning
from momentum_kit.research.validation import (
    DailyCells,
    best_in_halves,
    examine_candidate,
    export_thresholds,
    judge,
    judged_with,
    load_evidence,
    representatives,
    save_evidence,
    walked_forward,
)
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.quality import examine

if TYPE_CHECKING:
    from momentum_kit.research.plots import Picture

CONFIG = Path("config/sim.yaml")


class StudySteps:
    """One archive, what is assumed about it, and the folder of its study: ARCHIVE.study beside it, unless given.

    What was tried (trials.db) and what was sealed and looked at (seals.db) is remembered for the days themselves, in
    the user's state folder: another folder, a copy or another name of the same days finds it. A path that is not found
    is looked up from the project's folder, so that a notebook finds it too.
    config: whose detection, exits and costs are assumed. exits: a YAML file of exit rules; without one the session's
    own, named live. spread_bps: assumed where the archive has no quotes; nan leaves such events without a decision.
    scheduler: address of a dask scheduler that does the long work, such as tls://10.0.0.5:8786. Raises InputError, one
    line, for what is not there.
    """

    def __init__(
        self,
        archive: str | Path = "data/sample",
        *,
        folder: str | Path | None = None,
        config: str | Path = CONFIG,
        exits: str | Path | None = None,
        spread_bps: float = float("nan"),
        scheduler: str | None = None,
    ) -> None:
        self.project = find_project()
        root = archive_folder(looked_up(Path(archive), self.project))
        self.config = load_config(looked_up(Path(config), self.project))
        rules = exit_rules(Path(exits), self.config) if exits else ()
        self.assumed = study_assumptions(self.config, self.project, rules, spread_bps)
        self.folder = Path(folder) if folder else root.with_name(f"{root.name}.study")
        self.archive = Archive(root)
        self.record = record_folder(self.config)
        self._scheduler = scheduler
        self._files = StudyFolder(self.folder, archive=self.archive, assumed=self.assumed, record=self.record)

    def __repr__(self) -> str:
        kept = "events kept" if self._files.events_file.is_file() else "no events yet"
        return f"Study of {self.archive.root} in {self.folder}: {kept}"

    def counts(self, first: Day = None, last: Day = None, impute: Impute = None) -> HeadlineCounts:
        """Headlines by provider, catalyst and session; what came of none of them; who is missing.

        first, last: New York days, both included (None: all there are). impute: receptions nobody recorded, as seconds
        after publication or `measured` on the others; the result says IMPUTED.
        """
        with running("headlines", self._scheduler) as run:
            latency = imputed_latency(self.archive, impute)
            days = studied_days(self.archive, first, last)
            news = read_news(self.archive, *days, self.config.news, latency, self.assumed.master, run)
        return count_headlines(news, self.config.calendar)

    def quality(self) -> ReadableFrame:
        """What is doubtful in the archive's bars and quotes: one row a check, worst first."""
        found = [asdict(each) for each in examine(self.archive).findings]
        frame = pd.DataFrame(found, columns=["severity", "check", "kind", "symbol", "count"])
        counted = frame.groupby(["severity", "check", "kind"], sort=True).agg(
            series=("symbol", "size"), symbols=("symbol", "nunique"), rows=("count", "sum")
        )
        return ReadableFrame(counted.reset_index())

    def tape_plot(self, headline: Mapping[str, Any]) -> "Picture":
        """One headline on its tape: a row of `counts().items` or of `events().table.events`; none of a sealed day."""
        from momentum_kit.research.plots import tape_plot  # matplotlib: only where something is drawn

        day = pd.Timestamp(str(headline["day"])).date()
        guard_sealed_day(self.archive, day, self.record, symbols=[str(headline["symbol"])])
        return tape_plot(self.archive, headline)

    def build(self, first: Day = None, last: Day = None, impute: Impute = None) -> EventList:
        """Build the events of these days anew and keep them: features at every decision time, outcomes net of costs."""
        with running("events", self._scheduler) as run:
            days, latency = studied_days(self.archive, first, last), imputed_latency(self.archive, impute)
            found = build(self.archive, *days, self.assumed.events, latency, self.assumed.master, run)
            table = self.assumed.with_outcomes(found, self.archive, run=run)
        return self._files.keep(table, impute)

    def events(self) -> EventList:
        """The events that were kept, or all of the archive's, built, where none were."""
        return self._files.kept() if self._files.events_file.is_file() else self.build()

    def event_study(self, by: str = "all", exit_rule: str | None = None, market: str | None = None) -> EventStudy:
        """What the tape does around headlines, and what a buyer nets; sealed days are not looked at.

        by: all, provider, catalyst, session, price or shock (tenths). exit_rule: of the net returns, None for the
        first. market: symbol whose return is taken off.
        """
        with running("study", self._scheduler):
            table = self._files.kept().table
            names = groups(table, by)
            events = table.events.assign(**{by: names})
            bars = archived_bars(self.archive)
            found = abnormal_returns(paths(bars, events, market=market, marks=table.marks), by)
            name = exit_rule or next(iter(table.net_bps))
            net = net_by_delay(table, name, names)
        return EventStudy(returns=found, net=net, exit_rule=name, events=len(table))

    @staticmethod
    def axes(file: Path | None = None, options: Iterable[str] = ()) -> dict[str, tuple[float, ...]]:
        """Axes of a YAML file (threshold to its values), and of options such as min_z_tod=2,4,6, which go over it."""
        return (read_grid(file) if file else {}) | read_axes(options)

    def sweep(self, axes: Mapping[str, Iterable[float]], exits: Sequence[str] = ()) -> Sweep:
        """Try every cell of a grid on the open days, count every trial, and keep the definition and the cells.

        axes: threshold to its values from loose to strict; one value alone is held, and the other thresholds are the
        configuration's. exits: none for all that the events were built with.
        """
        with running("sweep", self._scheduler) as run:
            grid, base = grid_of(axes, self.config.thresholds)
            table = self._files.kept().table
            definition = SweepDefinition(grid, base, tuple(exits) or tuple(table.net_bps))
            result = self._swept(table, definition, run)
        definition.save(self._files.sweep_file)
        frames = [result.frame(name).assign(exit=name) for name in definition.exits]
        pd.concat(frames, ignore_index=True).to_parquet(self.folder / "cells.parquet")
        return self._shown(result, table)

    def swept(self) -> Sweep:
        """The last sweep again: exact, and the ledger knows its trials already."""
        with running("sweep", self._scheduler) as run:
            table = self._files.kept().table
            result = self._swept(table, SweepDefinition.load(self._files.sweep_file), run)
        return self._shown(result, table)

    def tuning(
        self,
        axes: Mapping[str, Iterable[float]] | None = None,
        exits: Mapping[str, Iterable[float]] | None = None,
        *,
        against: str | Path | Thresholds | None = None,
        exit_rule: str | None = None,
    ) -> Tuning:
        """What `tuner` shows, without a widget: dials over the open days, every cell of them priced and booked once.

        axes: threshold to its steps; None for those of the last sweep. exits: number of the exit rule (stop_atr,
        stop_min_pct, target_r, time_stop_s) to its steps; None for the usual ones, {} for none. against: thresholds, or
        their file, that gains and losses are counted from; None for the configured ones. exit_rule: that the exit dials
        start from; None for the first.
        """
        file = against if isinstance(against, Thresholds | None) else looked_up(Path(against), self.project)
        return open_tuning(
            self._files, self.archive, self.assumed, configured=self.config.thresholds, axes=axes, exits=exits,
            against=file, exit_rule=exit_rule, scheduler=self._scheduler,
        )  # fmt: skip

    def validate(
        self,
        *,
        placebos: int = 0,
        later: str | Path | None = None,
        impute: Impute = None,
        open_seal: bool = False,
    ) -> Judgement:
        """Judge the best of the last sweep, write the verdict page, and keep the evidence.

        placebos: studies of headlines at random times. later: an archive of the same days, downloaded afterwards.
        impute: as the events were built with. open_seal: look at the sealed days, once and for ever.
        """
        other = Archive(archive_folder(Path(later))) if later is not None else None
        with running("validate", self._scheduler) as run:
            latency = imputed_latency(self.archive, impute)
            opened = self._files.kept().open_days
            self._files.basis.check_options(self.assumed, impute)
            self._files.check_record(opened.openings)
            result = self._swept(opened.table, SweepDefinition.load(self._files.sweep_file), run)
            evidence = examine_candidate(
                result, opened, self.archive, assumed=self.assumed, latency=latency, placebos=placebos, later=other,
                unseal=open_seal, run=run if self._scheduler else map,
            )  # fmt: skip
        evidence = dataclasses.replace(evidence, rests_on=self._files.rests_on())
        verdict, notional_usd = judge(evidence), self.assumed.fills.notional_usd
        save_evidence(self._files.evidence_file, evidence)
        pages = {kind: self.folder / f"verdict.{kind}" for kind in ("md", "html")}
        (self.folder / PICTURE).write_text(verdict_svg(verdict, evidence), encoding="utf-8")
        pages["md"].write_text(markdown(verdict, evidence, notional_usd), encoding="utf-8")
        pages["html"].write_text(to_html(verdict, evidence, notional_usd), encoding="utf-8")
        return Judgement(verdict=verdict, evidence=evidence, notional_usd=notional_usd, pages=pages)

    def funnel(
        self, thresholds: Thresholds | None = None, exit_rule: str | None = None, impute: Impute = None
    ) -> Funnel:
        """From headlines to fills on the open days, with the rule that stopped each; None: as configured."""
        limits, latency = thresholds or self.config.thresholds, imputed_latency(self.archive, impute)
        with running("funnel", self._scheduler) as run:
            table = self._files.kept().table
            days = table.days.min().item(), table.days.max().item()
            news = read_news(self.archive, *days, self.config.news, latency, self.assumed.master, run)
        name, known = exit_rule or next(iter(table.net_bps)), frozenset(table.events["item_id"])
        return trace_funnel(news, table, limits, name, self.config, known=known)

    def shadow_book(
        self, thresholds: Thresholds | None = None, exit_rule: str | None = None, impute: Impute = None
    ) -> ShadowBook:
        """What each rule that bars events saves or costs on the open days: the net of what it kept from being traded.

        Looking is trying: every rule that is lifted here is a trial. thresholds: None for those of the configuration.
        """
        limits = thresholds or self.config.thresholds
        with running("shadow", self._scheduler) as run:
            table = self._files.kept().table
            name = exit_rule or next(iter(table.net_bps))
            days = table.days.min().item(), table.days.max().item()
            latency = imputed_latency(self.archive, impute)
            news = read_news(self.archive, *days, self.config.news, latency, self.assumed.master, run)
            priced, refused = shadow_tables(table, news, self.archive, assumed=self.assumed, exit_rule=name, run=run)
        with self._files.ledger() as ledger:
            return keep_shadow_book(priced, limits, name, ledger, refused)

    def tear_sheet(self, thresholds: Thresholds | None = None, exit_rule: str | None = None) -> TearSheet:
        """The fills of one set of thresholds on the open days from every side: groups, features, each on its tape.

        Looking is trying: with every exit rule the thresholds are a trial. What a choice brings on days it has not seen
        is the last sweep's. thresholds: None for those of the configuration. exit_rule: None for the first.
        """
        if not isinstance(thresholds, Thresholds | None):
            raise InputError("tear sheet: give Thresholds, such as load_thresholds(FILE), or nothing")
        limits = thresholds or self.config.thresholds
        with running("tear sheet", self._scheduler) as run:
            table = self._files.kept().table
            name, one = exit_rule or next(iter(table.net_bps)), Grid({"min_z_tod": (limits.min_z_tod,)})
            rule = next((each for each in self.assumed.exits if each.name == name and name in table.net_bps), None)
            if rule is None:
                raise ResearchError(f"tear sheet: no exit rule {name}; give the --exits the events were built with")
            swept = self._last_sweep(table, run)
            looked = self._swept(table, SweepDefinition(one, limits, tuple(table.net_bps)), run)  # counted before shown
            fills = study_fills(table, limits, rule, self.archive, self.assumed.fills)
            ranked = rank_correlations(table, name)
        with self._files.ledger() as ledger:
            tried = ledger.sweeps()
        tried = tried[tried["data_set"].eq(tried["data_set"].iloc[-1])].drop(
            columns=["grid", "base", "data_set", "data_key"]
        )
        return TearSheet(
            fills=fills, days=looked.days, thresholds=limits.model_dump(exclude={"export", "name"}),
            exit_rule=name, events=len(table), marks=table.marks, exits=exit_table(looked), ranked=ranked,
            months=walked_forward(swept) if swept else (),
            halves=best_in_halves(_ideas(swept)), trials=looked.trials, tried=tried, tape=self.tape_plot,
        )  # fmt: skip

    def export(self, name: str, despite: str = "", folder: str | Path | None = None) -> Path:
        """Write what `validate` judged to `config/thresholds/NAME.yaml`, or into another folder, under a hash.

        despite: why, although the verdict is not accept; stands in the file, and without it that is refused.
        """
        evidence = load_evidence(self._files.evidence_file)
        self._files.check_as_of_now(evidence)
        target = Path(folder) if folder else self.project / "config" / "thresholds"
        basis = self._files.basis
        rule = basis.options["exits"][evidence.exit_rule]
        judged = judged_with(self.config, rule, self.assumed.costs, basis.archive, evidence.last_day)
        return export_thresholds(target, name, evidence, judge(evidence), despite, judged=judged)

    def forward(self, thresholds: str | Path | Thresholds) -> ForwardRecord:
        """An exported strategy on the open sessions after its date; sealed days are counted and not looked at."""
        known = thresholds if isinstance(thresholds, Thresholds) else load_thresholds(thresholds)
        return forward_record(self._files.kept().open_days, known)

    def renew_seal(self) -> EventList:
        """After an opening: seal the days that came later, so that the opened ones may teach; before it refused."""
        return self._files.kept().renewed()

    def _swept(self, table: EventTable, definition: SweepDefinition, run: Run) -> SweepResult:
        return self._files.swept(table, definition, run, in_parts=self._scheduler is not None)

    def _last_sweep(self, table: EventTable, run: Run) -> SweepResult | None:
        """The last sweep of this folder, where there is one of exit rules that the events have."""
        if not self._files.sweep_file.is_file():
            return None
        definition = SweepDefinition.load(self._files.sweep_file)
        return self._swept(table, definition, run) if set(definition.exits) <= set(table.net_bps) else None

    def _shown(self, result: SweepResult, table: EventTable) -> Sweep:
        file = self.folder / "cells.parquet"
        return Sweep(result, table, config=self.config, archive=self.archive.root, file=file)


def _ideas(swept: SweepResult | None) -> npt.NDArray[np.float64]:
    """Daily results (D, C) of the different ideas of a sweep; none without one."""
    if swept is None:
        return np.empty((0, 0))
    cells = DailyCells.of(swept)
    return cells.sums[:, representatives(cells.sums, cells.fills.sum(axis=0))]
