"""What was promised, what was measured, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

SIZES = frozenset({"", "KB"})  # queries and weights are the same on every database


@dataclass(frozen=True)
class Verdict:
    """One goal: what was measured against the most it may be, in ``unit``, such as ``× Django``."""

    work: str
    measured: float
    most: float
    unit: str

    @property
    def met(self) -> bool:
        return self.measured <= self.most

    def line(self) -> str:
        """The verdict as a line of the table."""
        mark = "met   " if self.met else "MISSED"
        return f"{mark} {self.work:44} {self.measured:9.3f} (goal ≤ {self.most:g} {self.unit})".replace(" )", ")")


@dataclass
class Report:
    """Lines of figures and the verdicts of one run.

    ``slack`` is by how much every time and ratio may exceed its goal: on SQLite twice what it may be on PostgreSQL.
    """

    slack: float = 1
    verdicts: list[Verdict] = field(default_factory=list)

    def say(self, line: str = "") -> None:
        """Print a line at once: a run takes long, and whoever waits wants to see it move."""
        print(line, flush=True)

    def judge(self, work: str, measured: float, most: float, unit: str) -> None:
        """Hold a figure against the most it may be."""
        verdict = Verdict(work, measured, most if unit in SIZES else most * self.slack, unit)
        self.verdicts.append(verdict)
        self.say(verdict.line())

    @property
    def met(self) -> int:
        return sum(verdict.met for verdict in self.verdicts)

    @property
    def missed(self) -> int:
        return len(self.verdicts) - self.met
