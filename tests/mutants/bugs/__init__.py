"""The planted bugs, by what they get wrong: what is held, the orders, the entries."""

from tests.mutants.bugs.entries import ENTRIES
from tests.mutants.bugs.holding import HOLDING
from tests.mutants.bugs.orders import ORDERS

MUTANTS = (*HOLDING, *ORDERS, *ENTRIES)
