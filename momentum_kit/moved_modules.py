"""What an old module path says in a notebook of a user's: one line that names where its names are today.

The finder stands last on sys.meta_path, so that Python asks it only for what nothing else has found: an import that
works costs nothing, and one that never worked fails as it always did.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from types import ModuleType

ROOT = "momentum_kit."
STUDY = "from momentum_kit import Study"

MOVED = {
    "bridge": "convert dispatch router session",
    "bridge.streams": "lines spill subscriptions",
    "bridge.wire": "client connection inbox link wrapper",
    "cli": "bench common data doctor replay research_words session simulate",
    "detection.batch": "baseline_arrays baseline_loops columns compiled day_loops feature_* rule_arrays",
    "detection.live": "bars baseline features rules signal_rate tape",
    "detection.news": "catalysts headlines story_memory symbol_words symbols",
    "external": "ai_reader alerts*",
    "notebook.flight_log": "flight_log_*",
    "notebook.html": "views_card views_status views_style",
    "notebook.kit": "awaitable_kit kit_tables",
    "notebook.panel": "panel_* views_equity views_head views_tables",
    "notebook.timeline": "stories timeline_*",
    "pages": "notebook.views notebook.views_html research.views",
    "research": "code_version",
    "research.event_study": "event_study_net study_groups",
    "research.study": "cluster headline_counts verdict_page",
    "research.events": "assumptions events_* outcomes tables",
    "research.plots": "plots_*",
    "research.sample": "sample_*",
    "research.sweep": "finalist_table finalists grid grid_file ledger sweep_* triggers",
    "research.validation": "bootstraps daily evidence* folds overfitting placebo sealed statistics stress "
    "thresholds_file verdict* worlds",
    "runtime": "beats bench clock gateway project record session",
    "runtime.control": "commands control_events control_kill engine_tuning messages",
    "runtime.demo": "progress",
    "runtime.download": "download_*",
    "runtime.endpoint": "control_hub control_metrics control_server control_socket control_stream",
    "runtime.engine": "engine_leaving engine_process engine_reconnect engine_thread engine_vitals engine_watchman logs "
    "signal_watch snapshot standing until",
    "runtime.ownership": "engine_signs guards state_folder",
    "runtime.parity": "parity_*",
    "runtime.production": "engine_watch interrupts production_* report report_page",
    "runtime.replay": "replay_*",
    "runtime.sim": "archive_day",
    "services": "consuming contract_book price_rules",
    "services.detection": "background detection_engine judging watch watch_list",
    "services.execution": "entry_gate execution_service guardian order_desk order_trace reconciliation recovery",
    "services.news": "news_handler reading_headlines",
    "services.positions": "fill_records position_manager",
    "simgateway": "agenda events hub instrument lock_step order_hours server",
    "simgateway.broker": "account assumptions depth matching order_admission order_book order_changes order_entry "
    "order_fills order_forced order_groups order_ids order_life order_lists order_manual order_preview order_reports "
    "order_rules order_truth switches triggers",
    "simgateway.client": "client_* incoming limits",
    "simgateway.client.handlers": "handlers_*",
    "simgateway.faults": "fault_effects tamper",
    "simgateway.market": "bar_market curve earlier generated_source generator headlines history luld moves past_ticks "
    "plan recorded_market retelling tape universe walk",
    "simgateway.protocol": "fault_names times twins wire",
    "simgateway.protocol.protobuf": "protobuf protobuf_*",
    "simgateway.protocol.text": "messages messages_* request_readers requests_ticks",
    "simgateway.scenario": "fault_specs scenario_docs section",
    "storage.archive": "archive_*",
    "storage.imports": "import_* lean",
    "storage.journal": "digest encoding intents migrations query sqlite summary",
    "storage.quality": "quality_*",
    "storage.recording": "recorded_line recorder",
    "trading": "costs fills prices",
    "trading.account": "ledger lots",
    "trading.orders": "bracket lifecycle protection working",
    "trading.risk": "sizing",
    STUDY: "research.conclusions research.workspace",
}
"""A face, and the modules of 0.1.0 whose names it has now: of the same top package, or in full where there is a dot."""


def successor(module: str) -> str:
    """What took a module's place, in words; '' where it never was one of ours."""
    old = module.removeprefix(ROOT)
    for face, patterns in MOVED.items():
        beside = f"{face.partition('.')[0]}."
        if any(fnmatchcase(old, each if "." in each else beside + each) for each in patterns.split()):
            return face if face == STUDY else f"its names are in {ROOT}{face}"
    return ""


class MovedModules:
    """A finder that finds nothing, and says of what has moved where it is."""

    @staticmethod
    def find_spec(name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None) -> None:
        """Raise ModuleNotFoundError for a module that was ours; pass over every other.

        The error carries no name: with one, `from package import module` would swallow it for a vaguer one.
        """
        if name.startswith(ROOT) and (now := successor(name)):
            raise ModuleNotFoundError(f"{name} is gone: {now}")
