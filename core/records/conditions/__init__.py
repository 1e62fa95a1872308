"""The one filter language: a tree of conditions on records, as SQL, in Python and as a sentence.

A tree is JSON, so that it can stand in an address, a saved view or a rule::

    {"all": [{"field": "status", "op": "eq", "value": "customer"},
             {"not": {"field": "company.city", "op": "in", "value": ["Shiraz", "Yazd"]}},
             {"count": "sales.deal.contact", "op": "ge", "value": 2}]}

    tree  --parse-->  Condition  --to_sql-->   criterion of a query
                                 --matches-->  True or False for one record
                                 --sentence->  words for people

``to_sql`` and ``matches`` agree on every record, empty fields included, because each leaf is either true or false and
never unknown: an empty field equals nothing, is in no list and no period, and ``ne`` is just ``not eq``. Records that
lie in the recycle bin or that the actor may not see count as not there, on the far side of a link too.
"""

from core.errors import ConditionError
from core.records.conditions.context import Context, current_context
from core.records.conditions.parsing import parse, parse_text, problems
from core.records.conditions.python import matches
from core.records.conditions.sentence import sentence
from core.records.conditions.sql import to_sql
from core.records.conditions.tree import Condition

__all__ = [
    "Condition",
    "ConditionError",
    "Context",
    "current_context",
    "matches",
    "parse",
    "parse_text",
    "problems",
    "sentence",
    "to_sql",
]
