"""Known answers of kubernetes/kubernetes, pkg/controller/podautoscaler/replica_calculator_test.go, by its names."""

from __future__ import annotations

import pytest

from mcptop.analysis.hpa_metrics import Pod, Tolerance, average, is_ready, share, total, utilization

T, F = True, False


def pods(levels: list[float | None], ready: list[bool] | None = None, requests: list[float] | None = None) -> list[Pod]:
    """Levels in thousandths of a core; a core requested each."""
    return [
        Pod(
            None if level is None else level / 1000,
            requests[number] if requests else 1.0,
            ready[number] if ready else True,
        )
        for number, level in enumerate(levels)
    ]


# name, current, levels, ready, target in percent, expected
CPU = [
    ("ScaleUp", 3, [300, 500, 700], None, 30, 5),
    ("ScaleUpUnreadyLessScale", 3, [300, 500, 700], [F, T, T], 30, 4),
    ("ScaleUpUnreadyNoScale", 3, [400, 500, 700], [T, F, F], 30, 3),
    ("ScaleUpIgnoresFailedPods", 2, [500, 700], None, 30, 4),
    ("ScaleDown", 5, [100, 300, 500, 250, 250], None, 50, 3),
    ("ScaleDownIncludeUnreadyPods", 5, [100, 300, 500, 250, 250], [T, T, T, F, F], 50, 2),
    ("ScaleDownExcludeUnscheduledPods", 5, [100, 0, 0, 0, 0], [T, F, F, F, F], 50, 1),
    ("SuperfluousMetrics", 4, [4000, 9500, 3000, 7000], None, 100, 24),
    ("MissingMetrics", 4, [400, 95, None, None], None, 100, 3),
    ("MissingMetricsNoChangeEq", 2, [1000, None], None, 100, 2),
    ("MissingMetricsNoChangeGt", 2, [1900, None], None, 100, 2),
    ("MissingMetricsNoChangeLt", 2, [600, None], None, 100, 2),
    ("MissingMetricsUnreadyChange", 3, [100, 450, None], [F, T, T], 50, 3),
    ("MissingMetricsUnreadyScaleUp", 3, [100, 2000, None], [F, T, T], 50, 4),
    ("MissingMetricsUnreadyScaleDown", 4, [100, 100, 100, None], [F, T, T, T], 50, 3),
]


@pytest.mark.parametrize("case", CPU, ids=[case[0] for case in CPU])
def test_cpu_against_the_reservation(case: tuple) -> None:  # type: ignore[type-arg]
    _, current, levels, ready, target, expected = case
    assert utilization(current, pods(levels, ready), target).replicas == expected


def test_tolerance() -> None:
    levels = pods([1010, 1030, 1020], requests=[0.9, 1.0, 1.1])
    assert utilization(3, levels, 100).replicas == 3
    # HPAConfigurableTolerance: each direction has its own.
    assert utilization(3, levels, 100, Tolerance(up=0.01)).replicas == 4
    assert utilization(3, pods([950, 950, 950]), 100, Tolerance(up=0.01)).replicas == 3


def test_computed_tolerance() -> None:
    """TestReplicaCalcComputedToleranceAlgImplementation: 150m each of 300m; 56 % scales, 55 % does not."""
    requests = [0.4, 0.2, 0.31, 0.29, 0.302, 0.298, 0.301, 0.299, 0.3, 0.3]
    assert utilization(10, pods([150] * 10, requests=requests), 56).replicas == 9
    assert utilization(10, pods([150] * 10, requests=requests), 55).replicas == 10


def test_without_a_reservation_or_a_metric_there_is_no_answer() -> None:
    """TestReplicaCalcEmptyCPURequest, TestReplicaCalcEmptyMetrics."""
    assert utilization(1, [Pod(0.2, None)], 100).replicas is None
    assert utilization(4, pods([None, None, None]), 100).replicas is None


def test_the_documentation_doubles_and_halves() -> None:
    """200m against a target of 100m doubles, 50m halves (algorithm details of the documentation)."""
    assert average(2, [Pod(0.2), Pod(0.2)], 0.1).replicas == 4
    assert average(2, [Pod(0.05), Pod(0.05)], 0.1).replicas == 1


# name, current, levels in thousandths, target, expected
PODS = [
    ("ScaleUpCM", 3, [20000, 10000, 30000], 15000, 4),
    ("ScaleUpCMUnreadyHotCpuNoLessScale", 3, [50000, 10000, 30000], 15000, 6),
    ("ScaleUpCMUnreadyHotCpuScaleWouldScaleDown", 3, [50000, 15000, 30000], 15000, 7),
    ("ScaleDownCM", 5, [12000] * 5, 20000, 3),
    ("ToleranceCM", 3, [20000, 21000, 21000], 20000, 3),
]


@pytest.mark.parametrize("case", PODS, ids=[case[0] for case in PODS])
def test_a_metric_of_each_pod(case: tuple) -> None:  # type: ignore[type-arg]
    _, current, levels, target, expected = case
    assert average(current, pods(levels), target / 1000).replicas == expected


def test_one_figure_of_the_whole() -> None:
    assert total(3, 20, 15, ready=3).replicas == 4  # ScaleUpCMObject
    assert total(3, 50, 10, ready=1).replicas == 5  # ScaleUpCMObjectIgnoresUnreadyPods
    assert total(3, 8.6, 4.4, ready=1).replicas == 2  # ScaleUpCMExternalIgnoresUnreadyPods
    assert total(5, 12, 20, ready=5).replicas == 3  # ScaleDownCMObject
    assert total(5, 8.6, 14.334, ready=5).replicas == 3  # ScaleDownCMExternal
    assert total(3, 20.666, 20, ready=3).replicas == 3  # ToleranceCMObject


def test_one_figure_divided_among_the_replicas() -> None:
    assert share(3, 20, 5).replicas == 4  # ScaleUpCMPerPodObject
    assert share(3, 8.6, 2.15).replicas == 4  # ScaleUpPerPodCMExternal
    assert share(5, 6, 2).replicas == 3  # ScaleDownPerPodCMObject
    assert share(5, 8.6, 2.867).replicas == 3  # ScaleDownPerPodCMExternal
    assert share(4, 20.166, 5).replicas == 4  # TolerancePerPodCMObject
    assert share(3, 8.6, 2.9).replicas == 3  # TolerancePerPodCMExternal


def test_readiness_of_a_replica() -> None:
    """TestGroupPods: CPU counts after one whole window since it became ready; after five minutes, if it ever was."""
    assert is_ready(True, 60, since_change_s=30, window_s=30)
    assert not is_ready(True, 60, since_change_s=30, window_s=60)
    assert not is_ready(False, 60, since_change_s=50)
    assert is_ready(False, 600, since_change_s=300)  # it was ready once
    assert not is_ready(False, 600, since_change_s=590)  # it never was
    assert is_ready(None, 100)
    assert not is_ready(None, 20)
    assert not is_ready(True, None)
