"""Wirings beside each other, measured: the plots say what the numbers say."""

import pytest

from vethlab_sh import Lab, plots
from vethlab_sh.language import speaking
from vethlab_sh.measure.compare import TARGETS, Loss

MEASURED = {
    "question": ["layer", "without default route", "without port"],
    "flannel": ["2: frames", Loss(), Loss(exists=False)],
    "calico": ["3: packets", Loss(TARGETS, every_pod=True), Loss(("pod-c",))],
}


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.live
def test_bars_are_the_bytes_at_each_device():
    with Lab() as lab:
        lab.play("calico")
        walk = lab.walk("pod-a", "pod-c")
    figure = plots.bytes_on_the_way({"calico": walk})
    there = [row for row in walk.rows if row.leg == "there"]
    assert texts(figure) == [str(row.bytes) for row in there]
    assert labels(figure.axes[0].xaxis) == [f"{r.namespace}\n{r.device}\n{r.way}" for r in there]
    assert [bool(bar.get_hatch()) for bar in figure.axes[0].patches] == [row.vni is not None for row in there]


def test_medians_stand_beside_their_dots():
    figure = plots.round_trips({"direct": [0.02, 0.03, 9.0], "bridge": [0.05, 0.04, 0.06]})
    assert texts(figure) == ["30", "50"]
    assert labels(figure.axes[0].yaxis) == ["direct", "bridge"]


def test_losses_are_told_by_text_and_shade():
    import pandas

    table = pandas.DataFrame(MEASURED, index=["layer", "default-route", "port"])
    figure = plots.losses(table)
    assert texts(figure) == ["nothing", "everything (every pod)", "(has none)", "pod-c (only pod-a)"]
    assert labels(figure.axes[0].yaxis) == MEASURED["question"][1:]
    assert len({patch.get_facecolor() for patch in figure.axes[0].patches}) == 3


def test_loss_reads_as_the_language_has_it_that_is_spoken_when_it_is_shown():
    import pandas

    table = pandas.DataFrame(MEASURED)
    with speaking("zh"):
        assert "全部（每个 Pod）" in table.to_html()
    assert "everything (every pod)" in table.to_html()
    assert list(table.index[table.flannel == Loss()]) == [1]
