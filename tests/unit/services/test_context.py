import inspect
from typing import Any, get_type_hints

import pytest

from momentum_kit.runtime.session import EngineContext
from momentum_kit.services import SessionContext
from momentum_kit.services.detection import DetectionEngine
from momentum_kit.services.execution import ExecutionService
from momentum_kit.services.news import NewsHandler
from momentum_kit.services.positions import PositionManager
from tests.helpers.contexts import Told, context_of
from tests.helpers.journal_rows import Rows

SERVICES = [NewsHandler, DetectionEngine, ExecutionService, PositionManager]


@pytest.mark.parametrize("service", SERVICES)
def test_no_two_arguments_of_a_service_can_be_swapped(service: Any):
    """The context comes first and alone; whatever else a service needs is given by its name, or the call refuses."""
    first, *others = list(inspect.signature(service).parameters.values())
    assert get_type_hints(service.__init__)[first.name] is SessionContext
    assert {each.kind for each in others} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError, match="positional"):
        service(context_of(), *[object() for _ in others])


@pytest.mark.parametrize("context", [SessionContext, EngineContext])
def test_a_context_takes_names_only(context: Any):
    """What many share cannot be mixed up where it is put together either."""
    kinds = {each.kind for each in inspect.signature(context).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_an_incident_is_journaled_and_alarms_nobody():
    """Kind and text with the market's time; who must know at once is told by alerts besides."""
    journal, alerts = Rows(), Told()
    context = context_of(journal=journal, alerts=alerts)
    context.incident("history", "no bars")
    assert journal["incidents"] == [{"at": context.clock.now(), "kind": "history", "text": "no bars"}]
    assert alerts.texts == []
