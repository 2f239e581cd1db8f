"""What watches an engine from outside its interpreter: the page that both share, its process, and who starts it."""

from momentum_kit.runtime.watchdog.engine_watch import EngineWatch
from momentum_kit.runtime.watchdog.hand_over import HandOver
from momentum_kit.runtime.watchdog.life_page import LifePage
from momentum_kit.runtime.watchdog.order import WatchOrder

__all__ = ["EngineWatch", "HandOver", "LifePage", "WatchOrder"]
