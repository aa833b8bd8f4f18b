"""Snapshots to bytes and back: the same figures, the same objects, no secrets, and little of both."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop.history import KEPT_S
from mcptop.model.flow_reading import FlowReading, PoolReading
from mcptop.model.frame import SourceReport, Status
from mcptop.model.snapshot import Reading, Snapshot, Target
from mcptop.model.value import Kind
from mcptop.monitor import Monitor
from mcptop.playback import Playback
from mcptop.recording import delta
from mcptop.recording.codec import KEY_TICKS, MOST_RAW, Decoder, Encoder, Record, layout_of
from mcptop.recording.delta import NOTHING, Change
from mcptop.recording.errors import Damage
from mcptop.recording.layout import Layout
from mcptop.recording.ring import Ring

from .recorded import API, NOON, WORKER, Script, live, shown, ticks

COUNT = 150
PLAIN = msgspec.json.Encoder()


def recorded(snapshots: list[Snapshot]) -> list[Record]:
    encoder = Encoder()
    records = [encoder.record(snapshot) for snapshot in snapshots]
    assert None not in records
    return [record for record in records if record is not None]


def replayed(records: list[Record]) -> list[Snapshot]:
    decoder = Decoder()
    return [decoder.snapshot(record.data, record.is_key) for record in records]


def kept(snapshot: Snapshot) -> bytes:
    """What a recording promises to keep."""
    targets = tuple(replace(target, environment=(), metrics_url=None) for target in snapshot.targets)
    return PLAIN.encode(replace(snapshot, targets=targets))


def test_every_snapshot_comes_back_as_it_was() -> None:
    before = list(ticks(COUNT))
    assert [kept(each) for each in replayed(recorded(before))] == [kept(each) for each in before]


def test_what_was_the_same_object_is_the_same_object_again_across_key_records_too() -> None:
    before = list(ticks(COUNT))
    after = replayed(recorded(before))
    assert COUNT > 2 * KEY_TICKS
    for at in range(1, COUNT):
        old, new, was, now = before[at - 1], before[at], after[at - 1], after[at]
        assert (now.readings[API] is was.readings[API]) == (new.readings[API] is old.readings[API])
        assert now.readings[WORKER] is not was.readings[WORKER]
        assert (now.readings[WORKER].disk is was.readings[WORKER].disk) == (
            new.readings[WORKER].disk is old.readings[WORKER].disk
        )
        assert (now.sockets[API] is was.sockets[API]) == (new.sockets[API] is old.sockets[API])
        assert [a is b for a, b in zip(now.flows[WORKER], was.flows[WORKER], strict=True)] == [
            a is b for a, b in zip(new.flows[WORKER], old.flows[WORKER], strict=True)
        ]
        known = {target.id: target for target in was.targets}
        assert [known.get(t.id) is t for t in now.targets] == [
            {target.id: target for target in old.targets}.get(t.id) is t for t in new.targets
        ]


def test_replayed_frames_are_the_ones_that_were_shown() -> None:
    ring = Ring(1.0, KEPT_S)
    for snapshot in ticks(COUNT):
        ring.add(snapshot)
    playback = Playback(ring.log())
    frames = [playback.frame(index) for index in range(playback.count)]
    assert [shown(frame) for frame in frames if frame] == live(ticks(COUNT), COUNT)


def test_no_value_of_an_environment_and_no_password_is_in_a_record() -> None:
    secret = Target("x" * 64, "api", Kind.CONTAINER, "shop", "api", environment=(("DB_POOL_SIZE", 4711),),
                    metrics_url="http://admin:hunter2@:9000/metrics")  # fmt: skip
    secret = replace(secret, health_output="curl: cannot reach postgres://app:hunter2@db/app")
    says = SourceReport("metrics", Status.ERROR, "http://x/?token=hunter2 does not answer", 0.1)
    endpoint = "http://admin:hunter2@host:9000/metrics?api_key=hunter2"
    first = replace(next(ticks(1)), targets=(secret,), endpoints={secret.id: endpoint}, sources=(says,))
    (record,) = recorded([first])
    raw = zlib.decompressobj(-15).decompress(record.data)
    assert b"hunter2" not in raw
    assert b"DB_POOL_SIZE" not in raw
    assert msgspec.msgpack.encode(4711) not in raw
    (back,) = replayed([record])
    assert back.endpoints[secret.id].startswith("http://host:9000/metrics?api_key=")
    assert str(back.targets[0].health_output).startswith("curl: cannot reach postgres://app:")


def test_of_an_environment_the_number_of_worker_processes_is_kept_for_the_budget_depends_on_it() -> None:
    (worker, *_), *_ = [snapshot.targets for snapshot in replayed(recorded(list(ticks(1))))]
    assert worker.environment == (("WEB_CONCURRENCY", 3),)


def test_a_tick_in_which_little_changed_is_small() -> None:
    records = recorded(list(ticks(COUNT)))
    changes = [len(record.data) for record in records if not record.is_key]
    assert sum(changes) / len(changes) < 300
    assert [at for at, record in enumerate(records) if record.is_key] == [0, 60, 120]


class Walked(tuple[Any, ...]):
    """Counts how often somebody goes through it."""

    walks = 0

    def __iter__(self) -> Any:
        Walked.walks += 1
        return super().__iter__()


def test_nobody_goes_through_what_is_the_same_object_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(delta, "masked", lambda text: asked.append(text) or text)
    first = next(ticks(1))
    flows = {key: Walked(readings) for key, readings in first.flows.items()}
    first = replace(first, targets=Walked(first.targets), flows=flows)
    differ = delta.Differ()
    differ.change(first)
    Walked.walks = 0
    asked.clear()
    for at in range(3):
        says = SourceReport("docker", Status.ERROR, "does not answer, as this test says", at / 10)
        change = differ.change(replace(first, flows={**flows}, sources=(says,)))
        assert (change.order, change.targets, change.flows) == ([], {}, {})
    assert Walked.walks == 0
    assert asked == ["does not answer, as this test says"]


def test_a_figure_nobody_means_is_left_out_and_the_rest_is_told_for_as_long_as_it_lasts() -> None:
    odd = FlowReading(1.0, "metrics", (PoolReading("db", in_use=10**30),))
    endless = FlowReading(1.0, "metrics", (PoolReading("db", waits_total=float("nan")),))
    before = list(ticks(30))
    for at in range(5, 20):
        # The odd one stays the same object, while the other source looks again.
        flows = {WORKER: (odd, *before[at].flows[WORKER]), API: (endless,)}
        before[at] = replace(before[at], flows=flows)
    back = replayed(recorded(before))
    assert [tuple(each.flows) for each in back] == [(WORKER,)] * 5 + [()] * 15 + [(WORKER,)] * 10
    told = [replace(each, flows={}) if 5 <= at < 20 else each for at, each in enumerate(before)]
    assert [kept(each) for each in back] == [kept(each) for each in told]


def test_a_tick_nothing_can_be_told_of_is_left_out() -> None:
    first, second, third = ticks(3)
    assert first.host is not None
    odd = replace(second, host=replace(first.host, load_1m=float("inf")))
    unspeakable = replace(second, engine="docker \udcff")
    encoder = Encoder()
    records = [encoder.record(each) for each in (first, odd, unspeakable, third)]
    assert [record and record.is_key for record in records] == [True, None, None, True]
    assert [kept(each) for each in replayed([each for each in records if each])] == [kept(first), kept(third)]


def test_ticks_at_which_something_happened_or_an_alert_began_are_marked() -> None:
    ring = Ring(1.0, KEPT_S)
    monitor = Monitor(Script(ticks(COUNT)), 1.0, ring)
    frames = [monitor.step() for _ in range(COUNT)]
    said = {at: {event.says for event in frame.events if event.at == frame.at} for at, frame in enumerate(frames)}
    fires = [{(alert.rule, alert.subject) for alert in frame.alerts} for frame in frames]
    began = {at for at in range(COUNT) if fires[at] - (fires[at - 1] if at else set())}
    marked = list(ring.log().events)
    assert marked == sorted({at for at, says in said.items() if says} | began)
    assert {40, 70, 81, 90} <= set(marked)
    assert said[40] == {"healthy → unhealthy"}
    assert began - {at for at, says in said.items() if says}, "some alert began while nothing happened"


# A recording names its fields, so other versions read it.


def test_fields_that_other_versions_do_not_have_are_left_out_or_filled_in() -> None:
    now = Layout(Change)
    older = {**now.fields, "Reading": tuple(name for name in now.fields["Reading"] if name != "pids"),
             "Target": (*now.fields["Target"][:1], "colour", *now.fields["Target"][1:])}  # fmt: skip
    (record,) = recorded([next(ticks(1))])
    rows = msgspec.msgpack.decode(zlib.decompressobj(-15).decompress(record.data))
    fields = now.fields["Change"]
    pids = now.fields["Reading"].index("pids")
    for row in rows[fields.index("readings")].values():
        del row[pids]
    for row in rows[fields.index("targets")].values():
        row.insert(1, ["some", {"thing": "else"}])
    found: Change = layout_of(older).read(msgspec.msgpack.encode(rows))
    assert [reading and reading.pids for reading in found.readings.values()] == [None, None]
    assert [each.name for each in found.targets.values()] == ["worker-1", "api-1"]


@pytest.mark.parametrize("fields", [{}, {"Change": ("at", "at")}, {"Change": ("at",)}])
def test_fields_nothing_can_be_made_of_are_refused(fields: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(Damage):
        layout_of(fields)


# Whoever wrote the bytes may mean harm.


def test_a_record_that_would_fill_the_memory_is_refused() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = stream.compress(bytes(MOST_RAW + 10)) + stream.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(Damage, match="more in it than a tick can be"):
        Decoder().snapshot(bomb, is_key=True)


def test_what_a_screen_must_not_see_is_taken_out_of_texts() -> None:
    hostile = replace(next(ticks(1)), engine="docker\x1b]0;gone\x07", banner="a\u202eb")
    worker = replace(hostile.targets[0], name="x\x1b[2J", service="y" * 5000)
    (back,) = replayed(recorded([replace(hostile, targets=(worker,))]))
    assert (back.engine, back.banner) == ("docker ]0;gone ", "a b")
    assert back.targets[0].name == "x [2J"
    assert len(back.targets[0].service) == 1000


@given(st.binary(max_size=200))
def test_any_bytes_are_a_snapshot_or_damage(data: bytes) -> None:
    stream = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)
    for each in (data, packed):
        try:
            Decoder().snapshot(each, is_key=True)
        except Damage:
            continue


NUMBERS = st.one_of(st.none(), st.integers(0, 2**62))
READINGS = st.builds(
    Reading, read_at=st.floats(0, 1e9), cpu_usage_s=st.one_of(st.none(), st.floats(0, 1e12)),
    memory_usage_bytes=NUMBERS, pids=NUMBERS, oom_kills=NUMBERS,
)  # fmt: skip
NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
TARGETS = st.builds(
    Target, id=NAMES, name=NAMES, kind=st.sampled_from(Kind), project=st.one_of(st.none(), NAMES), service=NAMES,
    exit_code=st.one_of(st.none(), st.integers(-300, 300)), addresses=st.tuples(NAMES),
    published=st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=2).map(tuple),
)  # fmt: skip


@st.composite
def series(draw: st.DrawFn) -> list[Snapshot]:
    """Some ticks; parts of one are often the very objects of the one before."""
    found: list[Snapshot] = []
    old: dict[str, Any] = {"targets": (), "readings": {}}
    for number in range(draw(st.integers(1, 6))):
        if draw(st.booleans()):
            old["targets"] = tuple(draw(st.lists(TARGETS, max_size=4, unique_by=lambda target: target.id)))
        if draw(st.booleans()):
            fresh = draw(st.dictionaries(NAMES, READINGS, max_size=4))
            some = {key: value for key, value in old["readings"].items() if draw(st.booleans())}
            old["readings"] = {**some, **fresh}
        at = NOON + timedelta(seconds=number)
        found.append(replace(NOTHING, at=at, monotonic=float(number), **old))
    return found


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(series())
def test_any_series_comes_back(snapshots: list[Snapshot]) -> None:
    back = replayed(recorded(snapshots))
    order = msgspec.json.Encoder(order="deterministic").encode
    assert [order(each) for each in back] == [order(each) for each in snapshots]


# In memory.


def test_the_ring_keeps_a_quarter_of_an_hour_and_says_so() -> None:
    ring = Ring(1.0, 120.0)
    assert ring.reach_s == 0.0
    for snapshot in ticks(400):
        ring.add(snapshot)
    assert 120 <= ring.reach_s < 120 + KEY_TICKS
    log = ring.log()
    assert log.at(log.count - 1) - log.at(0) == timedelta(seconds=ring.reach_s)
    assert [each.at for each in log.snapshots(0)] == [log.at(index) for index in range(log.count)]
    assert log.header.host == "box"


def test_the_ring_is_bounded_by_bytes_as_well() -> None:
    ring = Ring(1.0, KEPT_S, most_bytes=50_000)
    for snapshot in ticks(500):
        ring.add(snapshot)
        assert ring.size < 50_000 + KEY_TICKS * 700
    assert ring.reach_s < 400


def test_a_copy_of_the_ring_stays_as_it_is() -> None:
    ring = Ring(1.0, 60.0)
    for snapshot in ticks(100):
        ring.add(snapshot)
    log = ring.log()
    first, count = log.at(0), log.count
    for snapshot in ticks(200):
        ring.add(snapshot)
    assert (log.at(0), log.count) == (first, count)
    assert len(list(log.snapshots(0))) == count
