"""Cases are asked in whole work units, and answered, judged and recorded one by one."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count

from fakebench_suite.backends.base import (
    Backend,
    NotAsked,
    Request,
)
from fakebench_suite.backends.gpu_detection import is_on_gpu
from fakebench_suite.errors import (
    CaseError,
    EngineError,
    ImageError,
    JudgeError,
    MachineError,
    ModelError,
    RunStoppedError,
    UserError,
)
from fakebench_suite.execution.budget import Spending
from fakebench_suite.execution.engine import (
    STRAYS,
    CaseTimeoutError,
    Engine,
    LocalEngine,
    WorkUnit,
    check_reply,
)
from fakebench_suite.execution.grading import BatchGrader
from fakebench_suite.execution.plan import RunPlan
from fakebench_suite.execution.prefetch import PrefetchedImages, decoder_pool
from fakebench_suite.execution.run_stop import RunStop
from fakebench_suite.execution.work_units import assign_work_units, choose_gpu_unit_size
from fakebench_suite.grading.judges.base import TextJudge
from fakebench_suite.types import Answer, Case, PixelDigest, Record, Verdict

MAX_UNITS_AHEAD = 64
"""Work units after the asked one that may be answered already; a stopped run asks them anew. They
are more where an engine has more in flight, such as many replicas: twice as many as that."""
RUN_ENDS = (EngineError, UserError)
"""Errors of a whole unit that no other case would be spared."""
Wait = Callable[[int], AbstractContextManager[None]]
"""Watches the wait for so many prompts."""


def execute(
    plan: RunPlan, backend: Backend, judge: TextJudge | None = None, *, rounds: int = 0
) -> Iterator[Record]:
    """The record of every case of a plan, in order: asked, judged, and errors kept as errors.

    ``judge`` rates texts in ``rounds`` rounds each; without it texts are compared exactly where
    the data set allows that. Raises UserError where no case can be asked, MachineError where this
    machine has no memory left to ask one, and RunStoppedError, after the last answer that came
    before, where the plan's budget or time is over or the backend cannot go on.
    """
    grader = None
    if judge is not None:
        grader = BatchGrader(lambda: judge, rounds=rounds, name=judge.name)
    size = choose_gpu_unit_size(len(plan.cases)) if is_on_gpu(plan.card) else None
    units = group_cases(plan.cases, least=size)
    runner = CaseRunner(plan, LocalEngine(backend), units, grader=grader)
    with closing(runner.run_stop):
        limit = plan.request.run_timeout
        runner.run_stop.request_after(limit, limit=limit)
        yield from _run_cases(runner, plan)
    if runner.run_stop.reason is not None:
        raise RunStoppedError(runner.run_stop.reason)


def _run_cases(runner: "CaseRunner", plan: RunPlan) -> Iterator[Record]:
    """The record of every case that a runner asks before it is stopped."""
    for case in plan.cases:
        answer = None
        stopped = runner.run_stop.reason is not None
        if stopped and case.id not in plan.known and not runner.is_answered(case):
            continue
        try:
            answer = runner.ask(case)
            yield runner.record(case, answer, runner.judge(case, answer))
        except CaseError as error:
            yield runner.record_error(case, answer, error)
        except RunStoppedError:
            continue


def group_cases(cases: Sequence[Case], *, least: int | None = None) -> Mapping[int, Sequence[Case]]:
    """The cases of each work unit by its number; ``least`` as in ``assign_work_units``."""
    units: dict[int, list[Case]] = {}
    numbers = assign_work_units((case.image for case in cases), least=least)
    for case, number in zip(cases, numbers, strict=True):
        units.setdefault(number, []).append(case)
    return units


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunUnit:
    """A unit that the engine has."""

    asked: Sequence[tuple[Case, Request]]
    prompts: int
    """How many it takes, at most: a search takes many."""


class CaseRunner:
    """Asks whole work units at the first case of each, and hands the replies out one by one.

    ``units`` holds the cases of each work unit by its number, in the order of the run; a case that
    is in none is asked alone. With ``ahead`` it is known that units follow in this order: images
    of the next unit are opened while one is answered, and further units begun where the engine has
    room. Once the plan's budget is spent, or after ``stop``, nothing is begun any more. Without
    ``grader`` no judge is asked. ``wait`` watches each wait for the engine. Errors of the classes
    ``fatal`` end the run, and any other costs one case.
    """

    def __init__(
        self,
        plan: RunPlan,
        engine: Engine,
        units: Mapping[int, Sequence[Case]],
        *,
        grader: BatchGrader | None = None,
        ahead: bool = True,
        wait: Wait = lambda _: nullcontext(),
        fatal: tuple[type[BaseException], ...] = (KeyboardInterrupt,),
    ) -> None:
        self._plan, self._engine, self._grader = plan, engine, grader
        budget = plan.request.budget
        self._spending = None if budget is None else Spending(budget)
        self.run_stop = RunStop(engine, lambda: (self.in_flight, self.requests_in_flight))
        self._wait = wait
        self._fatal = fatal
        self._raised: tuple[type[BaseException], ...] = (Exception, *fatal)
        """What an engine raises of its own; all else broke the wait for it off."""
        self._worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.pixels: dict[str, PixelDigest] = dict(plan.shown)
        """The images shown so far, by name; of answers given again, those shown then."""
        self._ready: dict[str, Answer | ModelError | ImageError | MachineError] = {}
        self._known = plan.known
        unknown = {
            number: [case for case in cases if case.id not in self._known]
            for number, cases in units.items()
        }
        self._units: dict[str, int] = {
            case.id: number for number, cases in unknown.items() for case in cases
        }
        """The unit of each case that has not been asked for."""
        self._waiting = {number: cases for number, cases in unknown.items() if cases}
        """Units not begun, in order."""
        self._opening: dict[int, PrefetchedImages] = {}
        """Images of a waiting unit that are being opened; of one unit at most."""
        self._begun: dict[int, BegunUnit] = {}
        """Units the engine has."""
        self._prompts: dict[str, str] = {}
        """The prompts of cases that were asked and are not recorded, by case id."""
        self._reused: set[str] = set()
        """Ids of the cases whose answers were taken over from an earlier run."""
        self._asked, self._end = -1, max(units, default=-1) + 1
        self._alone = count(self._end)
        self._looks_ahead = ahead
        self._is_grading_imported = False
        """Whether its import has begun, in a thread."""

    def ask(self, case: Case) -> Answer:
        """The model's answer; raises ModelError, ImageError or MachineError where there is none.

        A time-out, or whatever else breaks off the wait for the unit, costs this case alone: what
        the engine still has is waited for by the next case, and the others are asked one by one.
        An answer that is known already is given without asking.
        """
        self._report_stop()
        known = self._known.get(case.id)
        if known is not None and known.answer is not None:
            return known.answer
        try:
            self._ask(case)
        except CaseTimeoutError as error:
            self._ask_after_timeout(case, error)
        except self._raised:
            self._drop_lost()
            raise
        except BaseException as error:
            self._drop_lost()
            if case.id not in self._ready:
                raise ModelError(describe_error(error)) from error
            if self._grader is not None:  # It was answered, and a text of its unit was graded.
                self._grader.fail(case, describe_error(error))
        finally:
            self._report_stop()
        reply = self._ready.pop(case.id)
        if isinstance(reply, Answer):
            return reply
        raise reply

    def judge(self, case: Case, answer: Answer) -> Verdict:
        """The verdict on an answer; raises JudgeError where judging fails."""
        from fakebench_suite.grading.verdict import judge

        known = self._known.get(case.id)
        if known is not None and known.answer is answer and not known.verdict.outcome.is_error:
            return known.verdict
        try:
            return judge(
                case,
                answer,
                self._plan.request.reply_parser,
                None if self._grader is None else self._grader.take(case, answer),
                "exact" if self._grader is None else self._grader.name,
                boxes=self._plan.boxes,
                pixels=self.pixels.get(case.image),
            )
        except JudgeError:
            raise
        except self._fatal:
            raise
        except BaseException as error:  # Whatever it is, the answer must not count as wrong.
            raise JudgeError(describe_error(error)) from error

    def record(self, case: Case, answer: Answer | None, verdict: Verdict) -> Record:
        """The record of a case and the image it was shown, signed with this worker's name."""
        known = self._known.get(case.id)
        if known is not None and known.verdict is verdict:
            return known
        prompt = self._prompts.pop(case.id, None)
        return Record(
            case=case,
            prompt=self._plan.build_prompt(case).text if prompt is None else prompt,
            answer=answer,
            verdict=verdict,
            worker=self._worker,
            pixels=self.pixels.get(case.image),
            second_pixels=self.pixels.get(case.second_image or ""),
            reused=case.id in self._reused or (known is not None and known.reused),
        )

    def record_error(self, case: Case, answer: Answer | None, error: CaseError) -> Record:
        """The record of a case that ended in an error."""
        failed = error.failed_rounds if isinstance(error, JudgeError) else 0
        verdict = Verdict(outcome=error.outcome, reason=str(error), failed_rounds=failed)
        return self.record(case, answer, verdict)

    def _ask(self, case: Case) -> None:
        number = self._units.pop(case.id, -1)
        if case.id not in self._ready and number not in self._begun:
            self._check_going()
        if case.id not in self._ready and (number in self._waiting or number in self._begun):
            self._asked = max(self._asked, number)
            self._answer(number)
        if case.id not in self._ready:  # It runs twice, or its unit failed, here or elsewhere.
            self._check_going()
            number = next(self._alone)
            self._waiting[number] = [case]
            self._answer(number)
        if case.id not in self._ready:
            self._check_going()

    def _ask_after_timeout(self, case: Case, error: CaseTimeoutError) -> None:
        """Ask a case by itself that was waited for among others; raises ModelError if it was alone.

        Which prompt of a work unit takes too long is not known until each is asked alone.
        """
        others = self.in_flight > 1
        self._drop_lost()
        if case.id in self._ready:
            return
        if not others:
            raise ModelError(str(error)) from error
        try:
            self._ask(case)
        except CaseTimeoutError as again:
            self._drop_lost()
            raise ModelError(str(again)) from again

    def stop(self, reason: str, *, judge: bool = False) -> None:
        """Stop the run for this reason; with ``judge``, no judge is asked any more either."""
        if judge and self._grader is not None:
            self._grader.stop()
        self.run_stop.request(reason)

    def is_answered(self, case: Case) -> bool:
        """Whether a stopped run has a reply for this case; waits for all that is in flight."""
        while self._begun:
            begun = len(self._begun)
            try:
                self._collect(-1)
            except (Exception, CaseTimeoutError):  # What is lost is asked when the run goes on.
                self._drop_lost()
                if len(self._begun) == begun:
                    self._begun.clear()
        return case.id in self._ready

    @property
    def has_answers(self) -> bool:
        """Whether some replies have not been taken yet."""
        return bool(self._ready)

    @property
    def in_flight(self) -> int:
        """Prompts that the engine has, at most: a search takes many."""
        # Other threads ask, too: a list is made in one step.
        return sum([unit.prompts for unit in list(self._begun.values())])

    @property
    def requests_in_flight(self) -> int | None:
        """Requests that a server has; None where there is no server."""
        return self._engine.requests_in_flight

    def _check_going(self) -> None:
        """Raise RunStoppedError if no case is asked any more."""
        if self._spending is not None and self._spending.is_over:
            self.stop(str(self._spending))
        if self.run_stop.reason is not None:
            raise RunStoppedError(self.run_stop.reason)

    def _report_stop(self) -> None:
        """Call ``run_stop.on_stop`` in this thread, once the run is stopped."""
        if self.run_stop.reason is not None:
            self.run_stop.report()

    def _drop_lost(self) -> None:
        """Forget what was begun and will not be finished: units, and images of the next one."""
        self._opening.clear()
        for number in [number for number in self._begun if not self._engine.holds(number)]:
            del self._begun[number]

    def _answer(self, number: int) -> None:
        """Have this unit answered, whatever else is begun beside it."""
        with decoder_pool() as pool:
            if number in self._waiting:
                self._begin(number, pool)
            while number in self._begun:
                while self._engine.has_room and (following := self._find_next()) is not None:
                    self._begin(following, pool)
                following = self._find_next()
                if following is not None and following not in self._opening:
                    self._opening = {following: self._open(self._waiting[following], pool)}
                self._collect(number)

    def _find_next(self) -> int | None:
        """The next unit that is not begun; None where there is none or it is not known."""
        is_spent = self._spending is not None and self._spending.is_over
        if is_spent or self.run_stop.reason is not None:
            return None
        ahead = max(MAX_UNITS_AHEAD, 2 * len(self._begun)) if self._looks_ahead else 0
        following = range(self._asked + 1, min(self._end, self._asked + 1 + ahead))
        return next((number for number in following if number in self._waiting), None)

    def _open(self, cases: Sequence[Case], pool: ThreadPoolExecutor) -> PrefetchedImages:
        return PrefetchedImages(pool, cases, self._plan.dataset.open_image)

    def _begin(self, number: int, pool: ThreadPoolExecutor) -> None:
        """Give a unit to the engine, less the cases whose images are broken.

        Images that the machine could not open beside others are opened again, for one case alone.
        """
        cases = self._waiting.pop(number)
        images, broken = (self._opening.pop(number, None) or self._open(cases, pool)).finish()
        if self._plan.request.answers is not None:
            broken = {}  # A recorded answer stands, whether its image is still here or not.
        else:
            self._check_unchanged(images.digests)
            self.pixels |= images.digests
        asked, reused, searches = [], [], {}
        for case in cases:
            if broken and (error := find_error(case, broken)) is not None:
                if number >= self._end or isinstance(error, ImageError):
                    self._ready[case.id] = error
                continue
            request = self._plan.build_request(case, images)
            answer = self._plan.find_reusable(case, request, images.digests)
            if answer is not None:
                self._ready[case.id], self._prompts[case.id] = answer, request.prompt.text
                reused.append((case, answer))
                continue
            asked.append((case, request))
            search = self._plan.find_search(case)
            if search is not None:
                searches[case.id] = search
        self._reused.update([case.id for case, _ in reused])
        if self._grader is not None:
            self._grader.grade(reused)
        if not asked:
            return
        self._begun[number] = BegunUnit(
            # The engine may not need the images as long as this process knows of the unit.
            asked=[(case, replace(request, images={})) for case, request in asked],
            prompts=len(asked) + sum([search.prompts - 1 for search in searches.values()]),
        )
        requests = [request for _, request in asked]
        self._engine.submit(
            WorkUnit(
                number=number,
                requests=requests,
                images=images,
                sizes=images.sizes,
                searches=searches,
            )
        )
        if not self._is_grading_imported:
            self._is_grading_imported = True
            _import_grading()

    def _check_unchanged(self, digests: Mapping[str, PixelDigest]) -> None:
        """Raise UserError if an image is not the one that was shown before a run broke off."""
        if self._plan.request.resume is None:
            return
        for name, digest in digests.items():
            if self.pixels.get(name, digest) != digest:
                raise UserError(
                    f"{name} has other pixels than when the run began, so the run cannot be "
                    "resumed. Put the image back, or start a new run without --resume."
                )

    def _collect(self, number: int) -> None:
        """Take the next answered unit; raises what the model raised over this one, a case alone.

        The cases of a unit that failed as a whole are asked alone when their turn comes.
        """
        with self._wait(self.in_flight):
            answered = self._engine.wait()
        unit = self._begun.pop(answered.number, None)
        asked = () if unit is None else unit.asked
        if isinstance(answered.replies, BaseException):
            error = answered.replies
            if answered.number == number and (isinstance(error, RUN_ENDS) or len(asked) == 1):
                raise error if isinstance(error, RUN_ENDS) else as_model_error(error)
            return
        texts = []
        for case, request in asked:
            reply = answered.replies[case.id]
            if isinstance(reply, NotAsked):
                self.stop(reply.reason)
                continue
            reply = check_reply(reply, want=request.want)
            self._ready[case.id] = reply
            self._prompts[case.id] = request.prompt.text
            if isinstance(reply, Answer):
                longest = max(self.run_stop.longest_reply, reply.seconds)
                self.run_stop.longest_reply = longest
                if self._spending is not None:
                    self._spending.add(reply)
                texts.append((case, reply))
        if self._grader is not None:
            self._grader.grade(texts)


def _import_grading() -> None:
    """Compile the grammar of replies, a quarter of a second, while the first ones are awaited."""
    arguments = ("fakebench_suite.grading.verdict",)
    thread = threading.Thread(
        target=import_module, args=arguments, name="fakebench-grammar", daemon=True
    )
    with suppress(RuntimeError):  # No thread can be started: the first verdict imports it.
        thread.start()


def find_error(
    case: Case, broken: Mapping[str, ImageError | MachineError]
) -> ImageError | MachineError | None:
    """The error of the first image of a case that could not be opened; None if all were."""
    return next((broken[name] for name in case.image_names if name in broken), None)


def as_model_error(error: BaseException) -> ModelError:
    """Whatever a model raised, as its error."""
    return error if isinstance(error, ModelError) else ModelError(describe_error(error))


def describe_error(error: BaseException) -> str:
    """An error in words; one that broke a wait off, such as a time-out, speaks for itself."""
    words = str(error)
    if words and not isinstance(error, (Exception, KeyboardInterrupt, *STRAYS)):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
