"""The life of one stack by a seed: runs in a bad world, and what must hold when it is over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from turns import Died, Turns
from wanted import COLOURS, Wanted
from world import OURS, Broken, Entity, Faults, World
from world_aws import WorldAws

from batchctl.aws.tags import STACK_TAG
from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import Emit, ignore
from batchctl.engine.lock import Locked, locked
from batchctl.engine.plan import Plan, make_plan
from batchctl.engine.state import StateError, StateFile, StateIdentity, backup_of
from batchctl.engine.walk import WalkOutcome
from batchctl.resource import NotOwned

IDENTITY = StateIdentity("app", "123456789012", "us-east-1")
# Long enough for AWS to show everywhere whatever was done.
QUIET_S = 900.0


@dataclass
class Life:
    """One stack from its first `up` to its last `down`."""

    seed: int
    folder: Path
    counted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Make the world, with what others have in it."""
        self.random = Random(self.seed)  # noqa: S311 - lives, not keys
        self.turns = Turns(self.random)
        self.world = World(self.turns)
        self.wanted = Wanted.first(self.random)
        self.path = self.folder / f"seed-{self.seed}.state.json"
        # What no record knows of, since a state was lost.
        self.lost: set[str] = set()
        self._running = False
        self.world.on_call = self._try_a_second_run
        self._theirs("river", "app-river")
        if self.random.random() < 0.5:
            self._theirs("road", "app-road")
        self._theirs("block", "app-a-other")
        self._theirs("card", "app-ace")

    def live(self) -> None:
        """Live it; Broken when something doesn't hold that must."""
        for _ in range(self.random.randint(1, 5)):
            self._between_runs()
            self.world.faults = Faults(
                rate=self.random.choice((0.0, 0.02, 0.1, 0.3)),
                stale=self.random.choice((0.0, 0.05, 0.3)),
                unseen=self.random.choice((0.0, 0.3)),
            )
            run = self.random.choice((self._up, self._up, self._up, self._up, self._down))
            self._say(f"{run.__name__} with {self.world.faults}")
            self._faulty(run)
            self.world.pass_time(self.random.choice((2.0, 30.0, QUIET_S)))
        self._end()

    # Between runs

    def _between_runs(self) -> None:
        for _ in range(self.random.randint(0, 4)):
            self._say(f"edit: {self.wanted.edit()}")
        for _ in range(self.random.choice((0, 0, 1, 2))):
            self._drift()
        if self.path.exists() and self.random.random() < 0.2:
            self._lose_state()

    def _drift(self) -> None:
        ours = [each for each in self.world.entities.values() if each.of == OURS]
        if not ours:
            return
        entity = self.random.choice(ours)
        how = self.random.choice(("paint", "untag", "delete", "remake", "squat", "put out"))
        self.counted[f"drift: {how}"] += 1
        self._say(f"drift: {how} {entity.id}")
        if how == "paint" and "Colour" in entity.properties:
            entity.properties["Colour"] = self.random.choice(COLOURS)
        elif how == "untag":
            entity.tags.pop("team", None)
        elif how == "delete":
            self.world.take_away(entity.id)
        elif how == "remake" and entity.parent is None:
            self.world.take_away(entity.id)
            self._theirs(entity.kind, entity.name)
        elif how == "squat" and entity.parent is None:
            self._theirs(entity.kind, re.sub(r"-\d+$", "", entity.name) + "-2")
        elif how == "put out" and "Enabled" in entity.properties:
            entity.properties["Enabled"] = False
        self.world.remember()

    def _theirs(self, kind: str, name: str) -> None:
        """Have others make something, under such a name as the stack's own things have."""
        numbered = kind == "card"
        id_ = f"{kind}/{name}"
        if not numbered and id_ in self.world.entities:
            return
        properties = {"Name": name, "Colour": "grey", "Shape": "odd", "Needs": [], "Enabled": True}
        tags = self.random.choice(({}, {STACK_TAG: "other"}))
        self.world.make(Entity(id_, kind, name, "others", properties, tags, numbered=numbered))

    def _lose_state(self) -> None:
        how = self.random.choice(("lost", "restored", "damaged"))
        self.counted[f"state: {how}"] += 1
        self._say(f"state: {how}")
        self.lost |= {each.id for each in self.world.entities.values() if each.of == OURS}
        backup = backup_of(self.path)
        if how == "restored" and backup.exists():
            backup.replace(self.path)
        elif how == "damaged":
            self.path.write_text(self.path.read_text()[:-20])
        else:
            self.path.unlink()
            backup.unlink(missing_ok=True)

    # Runs

    def _faulty(self, run: Callable[[], bool]) -> None:
        try:
            self.counted["completed runs" if run() else "failed runs"] += 1
        except Died:
            self.counted["killed runs"] += 1
            self._say("the process has died")
            self.turns.forget()
        finally:
            self._running = False
            self.world.faults = Faults()

    def _up(self, emit: Emit = ignore) -> bool:
        with self._state() as state:
            aws = self._account()
            plan = make_plan(self.wanted.stack(), state.state, aws)
            self._note_failures(plan.outcome)
            if not plan.outcome.complete:
                return False
            self._say("plan: " + ", ".join(f"{s.action.sign} {s.address}" for s in plan.changes))
            self.turns.now += self.random.choice((1.0, 60.0))
            outcome = apply(self.wanted.stack(), plan, state, aws, emit).outcome
            self._note_failures(outcome)
            return outcome.complete

    def _down(self, *, delete_data: bool = True) -> bool:
        with self._state() as state:
            aws = self._account()
            plan = plan_destroy(state, aws, delete_data=delete_data)
            self._note_failures(plan.outcome)
            if not plan.outcome.complete:
                return False
            self._say("plan: " + ", ".join(f"{s.action.sign} {s.address}" for s in plan.steps))
            self.turns.now += self.random.choice((1.0, 60.0))
            outcome = destroy(plan, state, aws, ignore)
            self._note_failures(outcome)
            return outcome.complete

    def _plan(self) -> Plan:
        with self._state() as state:
            return make_plan(self.wanted.stack(), state.state, self._account())

    def _account(self) -> WorldAws:
        clock = self.turns.clock()
        self.world.interrupt = clock.stop.set
        return WorldAws(self.world, clock, self.wanted.tags)

    @contextmanager
    def _state(self) -> Iterator[StateFile]:
        """Hold the lock and have the state; a damaged one is moved away, as its error says."""
        with locked(self.path):
            self._running = True
            try:
                state = StateFile.load(self.path, IDENTITY)
            except StateError:
                self.path.unlink()
                backup_of(self.path).unlink(missing_ok=True)
                state = StateFile.load(self.path, IDENTITY)
            try:
                yield state
            finally:
                self._running = False
                self.lost -= self._recorded()

    @property
    def _has_lost_a_state(self) -> bool:
        """Whether it may not be recorded any more what needs what."""
        return any(each.startswith("state: ") for each in self.counted)

    def _recorded(self) -> set[str]:
        """Return the ids in the state, as it is on disk."""
        try:
            state = StateFile.load(self.path, IDENTITY).state
        except StateError:
            return set()
        records = (*state.resources.values(), *state.deposed)
        return {str(each.outputs["id"]) for each in records if each.outputs}

    def _try_a_second_run(self) -> None:
        if not self._running or self.random.random() > 0.003:
            return
        self.counted["second runs"] += 1
        try:
            with locked(self.path):
                raise Broken("two runs hold the lock")
        except Locked:
            return

    def _note_failures(self, outcome: WalkOutcome) -> None:
        for address, error in outcome.failed.items():
            self._say(f"failed: {address}: {error!r}")
            if isinstance(error, Broken):
                raise error
        self._failed = dict(outcome.failed)

    def _say(self, what: str) -> None:
        self.world.log.append(f"{self.turns.now:8.1f} -- {what}")

    # The end

    def _end(self) -> None:
        self.world.pass_time(QUIET_S)
        self._say("the end: no fault any more")
        if self.random.random() < 0.25:
            self._delete_by_hand(self.lost)
            self._require_down()
            return
        self._delete_by_hand(self.lost - self._found_by_name())
        if not self._up():
            self._remove_what_is_in_the_way()
            if not self._up():
                raise Broken(f"`up` fails without a fault: {self._failed}")
        plan = self._plan()
        if plan.changes or not plan.outcome.complete:
            changes = [(step.action.value, step.address, step.changes) for step in plan.changes]
            raise Broken(f"the plan after `up` isn't empty: {changes} {plan.outcome.failed}")
        self._require_one_of_each()
        self._require_down()

    def _found_by_name(self) -> set[str]:
        """Return the ids of ours that `up` finds without a record: what has a wanted name."""
        wanted = {(each.kind, each.name) for each in self.wanted.stack()}
        return {
            each.id
            for each in self.world.entities.values()
            if (each.kind, re.sub(r"-\d+$", "", each.name)) in wanted
        }

    def _delete_by_hand(self, ids: set[str]) -> None:
        """Have the user delete what no record knows of and no name finds, since a state was lost.

        It could be in use by what is to be deleted, and so in its way.
        """
        for id_ in sorted(ids - self._recorded()):
            self._say(f"the user deletes {id_}")
            self.world.take_away(id_)

    def _remove_what_is_in_the_way(self) -> None:
        """Have others take theirs away where `up` has refused to touch it."""
        wrong = [each for each in self._failed.values() if not isinstance(each, NotOwned)]
        if wrong:
            raise Broken(f"`up` fails without a fault: {wrong}")
        wanted = {f"{each.kind}/{each.name}" for each in self.wanted.stack()}
        for entity in list(self.world.entities.values()):
            is_in_the_way = entity.of != OURS and re.sub(r"-\d+$", "", entity.id) in wanted
            if is_in_the_way and entity.kind not in {"river", "road"}:
                self._say(f"others take {entity.id} away")
                self.world.take_away(entity.id)

    def _require_one_of_each(self) -> None:
        for resource in self.wanted.stack():
            if resource.lookup or resource.shared:
                continue
            pattern = re.compile(rf"{re.escape(resource.name)}(-\d+)?")
            found = [
                each.id
                for each in self.world.entities.values()
                if each.of == OURS and each.kind == resource.kind and pattern.fullmatch(each.name)
            ]
            if len(found) != 1:
                raise Broken(f"of {resource.address} there are {found}")
        self._require_nothing_but(self._recorded())

    def _require_nothing_but(self, allowed: set[str]) -> None:
        left = {each.id for each in self.world.entities.values() if each.of == OURS}
        orphans = {each for each in left - allowed - self.lost if not each.startswith("road/")}
        if orphans:
            raise Broken(f"nobody knows of {sorted(orphans)} any more")

    def _require_down(self) -> None:
        before = self.world.refused_in_use
        if not self._down():
            raise Broken(f"`down` fails without a fault: {self._failed}")
        if self.world.refused_in_use > before and not self._has_lost_a_state:
            raise Broken("`down` deletes in a wrong order what it has a record of")
        self._require_nothing_but(set())
        if self.path.exists() or backup_of(self.path).exists():
            raise Broken("a state is left after `down`")
