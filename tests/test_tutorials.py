"""Networks of a dozen tutorials: played, drawn, walked, checked, saved, rebuilt and compared.

Those whose devices this kernel may lack are played by `make test-kinds`, in one that has them.
"""

import pytest
from conftest import ROOT
from test_diagram import assert_tidy, assert_true_to
from test_save import assert_rebuilt
from tutorials import TUTORIALS

from vethlab_sh.terminal import script
from vethlab_sh.wiring.characters import as_mermaid, as_text
from vethlab_sh.wiring.layout import layout

pytestmark = pytest.mark.live
HERE = [name for name, tutorial in TUTORIALS.items() if not tutorial.needs]


@pytest.fixture(params=HERE)
def tutorial(request):
    return TUTORIALS[request.param]


def assert_drawn(snapshot):
    picture = layout(snapshot)
    assert_tidy(picture)
    assert_true_to(picture, snapshot)
    assert as_text(snapshot)
    assert as_mermaid(snapshot)


def assert_walked(lab, tutorial):
    for src, dst, cause in tutorial.walks:
        walk = lab.walk(src, dst)
        assert walk.ok == (cause is None), walk.verdict
        assert walk.cause == cause, walk.verdict


def test_network_of_a_tutorial_is_told_rightly(lab, tutorial, tmp_path):
    lab.run(tutorial.lines)
    assert_drawn(lab.snapshot())
    assert_walked(lab, tutorial)
    for claim in tutorial.claims:
        assert lab.check(claim), claim
    assert assert_rebuilt(lab, tmp_path) == ()


# As people type them: pasted from a terminal, with sudo, variables, functions, shells in namespaces, the background.
# By file: a sentence that holds afterwards, and what is shown.
TYPED = {
    "pasted": ("red can reach blue", "[root@red ~]# ip -br addr"),
    "macros": ("NS1 can reach NS2", "2 received, 0% packet loss"),
    "cni": ("pod-a can reach pod-b", "pod-b is at 10.22.0.3"),
    "shells": ("left can reach right through 1 router", "[root@right ~]# ping"),
    "listen": ("h1 can reach h2", "(From line 13, in the background:)"),
    "overlay": ("hostA can reach 10.20.0.2", "+ ip netns add hostB"),
}


@pytest.mark.parametrize("name", TYPED)
def test_lines_run_as_people_type_them(lab, name, capsys):
    claim, shown = TYPED[name]
    assert script.play(lab, ROOT / "tests" / "fixtures" / "typed" / f"{name}.sh") == 0
    assert lab.check(claim)
    assert shown in capsys.readouterr().out
